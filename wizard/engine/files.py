"""Looking at files on a host: one shell fragment for many files, and a pure judgement of what it printed.

What the fragment prints, a line each (paths have no blanks, see `check_path`):

    stat RAW_MODE OWNER:GROUP UID:GID SIZE PATH    for what is there (RAW_MODE: hexadecimal st_mode)
    sha SHA256 PATH                                for regular files
    text PATH BASE64                               for a small text that isn't as expected: the exact diff

Hashing hundreds of megabytes at every look would cost seconds, so a large file that slipway wrote is noted in
`STAT_CACHE` with its size, times and inode number; while they are the same, so is the file (as git's index does it).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import shlex
import stat
from collections.abc import Iterable, Sequence

from wizard.engine.mask import fingerprint
from wizard.engine.step import Diff, Drifted, File, Probe, Satisfied, Verdict
from wizard.remote.base import Blob

STAT_CACHE = "/var/lib/slipway/stat"
"""A line a large file: size, mtime, ctime, inode, path, sha256."""
LARGE = 1 << 20
"""Files from this size on are noted in the stat cache, in bytes."""
TEXT_LIMIT = 16 * 1024
"""Up to this size a text is shown in diffs as it is, in bytes."""

_SAFE_PATH = re.compile(r"^/[A-Za-z0-9._/@:+=,%~-]+$")


def check_path(path: str) -> str:
    """Return `path` if it is absolute and plain enough for shell lists. Raises ValueError for any other."""
    if not _SAFE_PATH.match(path) or path.endswith("/") or "//" in path or "/../" in f"{path}/":
        raise ValueError(f"not a path slipway writes: {path!r}")
    return path


def sha256_of(file: File) -> str:
    """Return the sha256 (hexadecimal) of `file` as it shall lie on the host. Raises ValueError where it isn't known."""
    if file.sha256:
        return file.sha256
    if isinstance(file.content, bytes) and not file.unpack:
        return hashlib.sha256(file.content).hexdigest()
    if isinstance(file.content, Blob) and not file.unpack:
        return file.content.sha256
    raise ValueError(f"{file.path}: an unpacked file needs its sha256")


def file_probe_fragment(files: Sequence[File], root: str = "") -> str:
    """Return the shell fragment that looks at `files`; it writes nothing. `root` is a prefix of all paths (tests)."""
    if not files:
        return ":"
    paths = " ".join(f'"$r"{check_path(file.path)}' for file in files)
    # Only what is large is noted there.
    large = any(isinstance(file.content, Blob) for file in files)
    noted = f'$(cat "$r{STAT_CACHE}" 2>/dev/null)' if large else ""
    texts = "\n".join(f"{file.path} {sha256_of(file)}" for file in files if _text_of(file) is not None)
    return f"""(
r={shlex.quote(root)}
c="
{noted}"
w='
{texts}
'
stat -c '%f %U:%G %u:%g %s %.9Y %.9Z %i %n' -- {paths} 2>/dev/null | {{
h=
while read -r m o u s y z i p; do
p="${{p#"$r"}}"
echo "stat $m $o $u $s $p"
case "$m" in 8???) ;; *) continue;; esac
k="
$s $y $z $i $p "
case "$c" in
*"$k"*) k="${{c#*"$k"}}"; echo "sha ${{k%%
*}} $p";;
*) h="$h $r$p";;
esac
done
[ -n "$h" ] && sha256sum $h | while read -r h p; do
p="${{p#"$r"}}"
echo "sha $h $p"
case "$w" in
*"
$p $h
"*) ;;
*"
$p "*) printf 'text %s ' "$p"; head -c {TEXT_LIMIT + 1} "$r$p" | base64 -w0; echo;;
esac
done
}}
)"""


def file_probe(files: Sequence[File]) -> Probe:
    """Return the probe of a step that holds `files` and nothing else."""
    wanted = tuple(files)

    def judge(output: str, _status: int) -> Verdict:
        diff = judge_files(output, wanted)
        return Drifted(diff) if diff else Satisfied(f"{len(wanted)} files as wanted")

    return Probe(file_probe_fragment(wanted), judge)


def judge_files(output: str, wanted: Iterable[File]) -> tuple[Diff, ...]:
    """Return what of `wanted` isn't so, from what the fragment printed. Lines of others in `output` are passed over."""
    stats: dict[str, list[str]] = {}
    hashes: dict[str, str] = {}
    texts: dict[str, str] = {}
    for line in output.splitlines():
        match line.split(" "):
            case ["stat", *rest, path] if len(rest) == 4:
                stats[path] = rest
            case ["sha", sha, path]:
                hashes[path] = sha
            case ["text", path, encoded]:
                texts[path] = encoded
            case _:
                pass
    diffs = (_judge(file, stats.get(file.path), hashes.get(file.path, ""), texts.get(file.path, "")) for file in wanted)
    return tuple(diff for diff in diffs if diff)


def _judge(file: File, seen: list[str] | None, sha: str, encoded: str) -> Diff | None:
    wanted_sha = sha256_of(file)
    after = _shown(file, wanted_sha)
    if seen is None:
        return Diff(file.path, "", after, file.secret)
    raw, owner, numeric_owner, size = seen
    try:
        mode = int(raw, 16)
    except ValueError:
        mode = 0
    if not stat.S_ISREG(mode):
        return Diff(file.path, _kind(mode), after, file.secret)
    if sha != wanted_sha:
        before = _decoded(encoded) if not file.secret and _text_of(file) is not None else None
        if before is None:
            return Diff(file.path, _digest(file, sha, size), _digest(file, wanted_sha, _size(file)), file.secret)
        return Diff(file.path, before or "(empty file)", after)
    wanted_owner = file.owner if file.owner in (owner, numeric_owner) else ""
    if stat.S_IMODE(mode) != file.mode or not wanted_owner:
        return Diff(file.path, f"mode {stat.S_IMODE(mode):04o} {owner}", f"mode {file.mode:04o} {file.owner}")
    return None


def _text_of(file: File) -> str | None:
    """Return the content of a small text that is no secret, else None."""
    if file.secret or file.unpack or isinstance(file.content, Blob) or len(file.content) > TEXT_LIMIT:
        return None
    return _as_text(file.content)


def _decoded(encoded: str) -> str | None:
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    return _as_text(data) if len(data) <= TEXT_LIMIT else None


def _as_text(data: bytes) -> str | None:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _shown(file: File, sha: str) -> str:
    text = _text_of(file)
    return _digest(file, sha, _size(file)) if text is None else text or "(empty file)"


def _digest(file: File, sha: str, size: str) -> str:
    if file.secret:
        return fingerprint(sha)
    return f"sha256:{sha[:16] or 'unreadable'}" + (f" ({size} bytes)" if size else "")


def _size(file: File) -> str:
    if isinstance(file.content, bytes):
        return str(len(file.content))
    return "" if file.unpack else str(file.content.size)


def _kind(mode: int) -> str:
    names = {stat.S_IFDIR: "a directory", stat.S_IFLNK: "a symbolic link"}
    return f"({names.get(stat.S_IFMT(mode), 'no regular file')})"
