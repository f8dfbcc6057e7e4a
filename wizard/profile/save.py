"""Write a profile to its file: atomically, keeping the file that was there, and showing what changes."""

from __future__ import annotations

import contextlib
import difflib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from wizard.errors import SlipwayError, UsageError
from wizard.profile.dump import dump
from wizard.profile.load import parse, read
from wizard.profile.model import Profile
from wizard.profile.text import masked


@dataclass(frozen=True, slots=True)
class Saved:
    """What saving did: the file, the copy of the previous one, and the unified diff (empty where nothing changed)."""

    path: Path
    backup: Path | None
    diff: str

    @property
    def changed(self) -> bool:
        """Tell whether the file was written."""
        return bool(self.diff)


def backup_of(path: Path) -> Path:
    """Return where the previous file is kept: ``site.yaml`` → ``site.yaml.bak``."""
    return path.with_name(path.name + ".bak")


def difference(profile: Profile, path: Path) -> str:
    """Return the unified diff that saving `profile` to `path` would make; empty where nothing would change.

    Values of keys that name a secret are masked: an older file may hold one. Raises `UsageError` where the file that is
    there can't be read.
    """
    before = read(path) if path.exists() else ""
    return _diff(before, dump(profile), path.name)


def save(profile: Profile, path: Path) -> Saved:
    """Write `profile` to `path` in its canonical form and return what changed.

    The file that is there is kept as ``<name>.bak``; nothing is written where nothing changes. The new file appears
    whole or not at all, even through a power cut, and keeps the mode of the old one. A symbolic link is followed.
    Raises `SlipwayError` where it can't be written; then the old file is as it was.
    """
    target = path.resolve()
    before = read(target) if target.exists() else None
    after = dump(profile)
    if parse(after, str(path)) != profile:
        raise SlipwayError("The profile would not read back as it is", where=str(path), hint="Nothing was written.")
    diff = _diff(before or "", after, path.name)
    if not diff:
        return Saved(path, None, "")
    try:
        kept = None
        if before is not None:
            kept = backup_of(target)
            _replace(kept, target.read_bytes(), target)
        _replace(target, after.encode(), target)
    except OSError as error:
        raise _unwritable(path, error) from error
    return Saved(path, kept, diff)


def _replace(target: Path, content: bytes, like: Path) -> None:
    """Put `content` at `target` by way of a synced file beside it, so that it is whole or not there.

    Mode and owner are those of `like`, where it exists.
    """
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            if like.exists():
                state = like.stat()
                os.fchmod(file.fileno(), state.st_mode & 0o7777)
                with contextlib.suppress(PermissionError):
                    os.fchown(file.fileno(), state.st_uid, state.st_gid)
            else:
                os.fchmod(file.fileno(), 0o644)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _diff(before: str, after: str, name: str) -> str:
    """Return a unified diff of two texts, a secret's value masked."""
    if before == after:
        return ""
    old, new = ([masked(line) for line in text.splitlines()] for text in (before, after))
    lines = difflib.unified_diff(old, new, f"{name} (saved)" if before else "no file yet", f"{name} (new)", lineterm="")
    # Texts that differ in line ends or in a masked value alone still differ.
    return "".join(f"{line}\n" for line in lines) or "(only line ends or masked values differ)\n"


def _unwritable(path: Path, error: OSError) -> UsageError:
    hints = {
        FileNotFoundError: "Make the folder first.",
        NotADirectoryError: "Choose a path inside a folder.",
        PermissionError: "Choose another path, or change the folder's rights.",
        IsADirectoryError: "Name a file inside the folder.",
    }
    hint = hints.get(type(error), "Nothing was changed; make room or choose another path.")
    return UsageError("The profile can't be saved", where=str(path), why=error.strerror or str(error), hint=hint)
