"""A change, and the looks to take after it, as ONE command: a POSIX shell script and what it reads from stdin.

Short texts that are no secrets are words of the script; each other piece it reads with ``head -c SIZE``, which never
reads further. Files land beside their place, are checked, flushed, and only then renamed, all of a change together; so
whatever fails before leaves the old files. What it reports goes to stdout as lines that begin with a random token,
between whatever the change's own commands print.
"""

from __future__ import annotations

import hashlib
import secrets
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from wizard.engine.files import (
    LARGE,
    check_path,
    file_probe,
    file_probe_fragment,
    judge_files,
    sha256_of,
)
from wizard.engine.step import Change, File, Pipe
from wizard.remote.base import Blob, Command, Stdin

__all__ = ["Encoded", "encode", "file_probe", "file_probe_fragment", "judge_files", "looks"]

LONGEST_TEXT = 32 * 1024
"""Up to this size a text is a word of the script, in bytes: the shell writes it by itself."""
_UMASKS = {0o644: "022", 0o600: "077"}
"""Modes that files are created with by a umask: no chmod to wait for, and never open for a moment."""
FAILED = 97
"""Exit status of a script that said why it failed."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A command, and the `token` that its report's lines begin with."""

    command: Command
    token: str


@cache
def _prelude() -> str:
    """Return the functions that every change's script begins with, without their comments."""
    text = files("wizard.engine").joinpath("change.sh").read_text(encoding="utf-8")
    return "\n".join(line for line in text.splitlines() if not line.startswith("#"))


def new_token() -> str:
    """Return a token that no output contains by chance."""
    return f"@slipway-{secrets.token_hex(8)}"


def looks(fragments: Sequence[str], *, timeout: float = 60.0, first: str = "", secret: bool = False) -> Encoded:
    """Return one command that runs all `fragments`, each in a subshell with its own exit status, after `first`."""
    token = new_token()
    script = "\n".join([f"M={token}", first, _looks(fragments)])
    return Encoded(Command(script, timeout=timeout, secret=secret, looks=True), token)


def _looks(fragments: Sequence[str]) -> str:
    lines = ["set +eu", "umask 022"]
    for number, fragment in enumerate(fragments):
        # eval keeps a fragment that isn't valid shell from taking the others down with it.
        lines.append(f"""printf '%s look {number}\\n' "$M"
( eval {shlex.quote(fragment)} ) </dev/null
printf '\\n%s end {number} %s\\n' "$M" "$?\"""")
    return "\n".join(lines)


def encode(
    change: Change,
    *,
    fragments: Sequence[str] = (),
    known: Iterable[str] = (),
    marker: str = "",
    revision: int = 0,
    first: str = "",
    timeout: float = 300.0,
    root: str = "",
    secret: bool = False,
) -> Encoded:
    """Return `change` and the looks to take after it as one command.

    `known` are paths that slipway put there (the marker's): whatever else is overwritten or removed is kept first.
    `marker` is the marker's new text (empty: leave it) and `revision` its number: an older one never replaces a newer.
    `first` is a fragment to run before anything else, ``exit``ing to refuse (the host's lock). `root` is a prefix of
    every path, for tests. `secret` keeps the script out of logs. Raises ValueError for a path that can't be written.
    """
    token = new_token()
    known = frozenset(known)
    gone = [check_path(path) for path in change.absent]
    if any(path.count("/") < 2 for path in gone):
        raise ValueError(f"refuses to remove a directory of the root: {gone}")
    script = [f"M={token}\nR={shlex.quote(root)}", _prelude(), first]
    stdin: list[Stdin] = []
    if change.files or marker or any(pipe.into for pipe in change.pipes):
        script.append("began")
    for number, file in enumerate(change.files):
        line, content = _get(file, number, change.files)
        script.append(line)
        stdin += content
    if marker:
        script.append(f"get_marker {shlex.quote(marker)}")
    modes = [f"{file.mode:o}" if file.mode not in _UMASKS else "" for file in change.files]
    owners = [file.owner if file.owner != "root:root" else "" for file in change.files]
    script += [*_together("modes", modes, change.files), *_together("owners", owners, change.files)]
    if change.files:
        script.append("verify")
    unknown = [path for path in (*(file.path for file in change.files), *change.ours) if path not in known]
    script += [f"keep {check_path(path)}" for path in unknown]
    script.append("flush")
    if marker:
        script.append(f"put_marker {revision}")
    script += [f"put {number} {file.path} {file.mode:o} {file.owner}" for number, file in enumerate(change.files)]
    if any(_size(file.content) >= LARGE or file.unpack for file in change.files):
        large = [file for file in change.files if _size(file.content) >= LARGE or file.unpack]
        script.append("note " + " ".join(f"{sha256_of(file)} {file.path}" for file in large))
    if change.files or marker:
        script.append("settle")
    for pipe in change.pipes:
        script.append(_feed(pipe))
        stdin.append(pipe.content)
    if any(pipe.into for pipe in change.pipes):
        script.append("verify")
    script += [f"gone {path} {'ours' if path in known else 'found'}" for path in gone]
    if change.script.strip():
        script.append(f'CHANGED="$C"\nexport CHANGED\nrun {shlex.quote(change.script)}')
    script.append("ended")
    script.append(_looks(fragments))
    return Encoded(Command("\n".join(script), tuple(stdin), timeout=timeout, secret=secret), token)


def _get(file: File, number: int, files: Sequence[File]) -> tuple[str, list[Stdin]]:
    """Return the line that takes a file in, and what it reads from stdin."""
    path = check_path(file.path)
    parent = path.rpartition("/")[0]
    inside = [other for other in files if other.path.startswith(f"{parent}/")]
    parents = "077" if all(other.secret for other in inside) else "022"
    unpack = file.unpack or "none"
    if unpack not in ("none", "zstd"):
        raise ValueError(f"{path}: can't unpack {unpack!r}")
    words = f"{number} {path} {parents} {_UMASKS.get(file.mode, '077')} {sha256_of(file)}"
    text = "" if file.unpack or file.secret else _text(file.content)
    if text:
        return f"text {words} {shlex.quote(text)}", []
    return f"get {words} {_size(file.content)} {unpack}", [file.content]


def _text(content: bytes | Blob) -> str:
    """Return a short text as one; empty for what isn't one, or is too long to be a word of the script."""
    if isinstance(content, Blob) or len(content) > LONGEST_TEXT or b"\0" in content:
        return ""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return ""


def _together(name: str, values: Sequence[str], files: Sequence[File]) -> list[str]:
    """Return a line for each value that gives it to all the `files` that have it; those with an empty one need none."""
    named = [(value, f"{number}:{files[number].path}") for number, value in enumerate(values) if value]
    return [
        f"{name} {shlex.quote(value)} {' '.join(file for one, file in named if one == value)}"
        for value in dict.fromkeys(value for value, _ in named)
    ]


def _feed(pipe: Pipe) -> str:
    blob = pipe.content
    sha = blob.sha256 if isinstance(blob, Blob) else hashlib.sha256(blob).hexdigest()
    if pipe.into:
        return f"spool {check_path(pipe.into)} {_size(blob)} {sha} {shlex.quote(pipe.subject)}"
    return f"feed {_size(blob)} {sha} {shlex.quote(pipe.subject)} {shlex.quote(pipe.command)}"


def _size(content: bytes | Blob) -> int:
    return len(content) if isinstance(content, bytes) else content.size
