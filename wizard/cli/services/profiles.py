"""Profiles as the wizard meets them: the files opened and saved last, and the ready ones."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from wizard.errors import SlipwayError
from wizard.paths import assets_dir, state_dir
from wizard.profile.load import load

KEPT = 12
"""How many paths are remembered."""
LOOKED_AT = 40
"""How many YAML files of the current folder are looked at: it may hold thousands."""
LARGEST = 256 * 1024
"""Size of the largest file that is looked at without having been named (bytes)."""


def recent_file() -> Path:
    """Return where the paths are remembered: one a line, the newest first. No cluster's name begins with a dot."""
    return state_dir() / ".recent"


def remember(path: Path) -> None:
    """Put `path` on top of what is remembered. That this can't be written is no reason to fail."""
    path = path.absolute()
    kept = [path, *(item for item in _remembered() if item != path)][:KEPT]
    file = recent_file()
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh.write_text("".join(f"{item}\n" for item in kept), encoding="utf-8")
        fresh.replace(file)


def recent() -> tuple[Path, ...]:
    """Return the profiles worth offering: those used last, then those of the current folder, then the ready ones."""
    used = [path for path in _remembered() if path.is_file()]
    found = (*used, *_profiles_in(Path.cwd()), *_profiles_in(assets_dir().parent / "profiles"))
    return tuple(dict.fromkeys(found))


def named(cluster: str) -> Path | None:
    """Return the first of the `recent` profiles whose cluster has that name; None where there is none."""
    for path in recent():
        with contextlib.suppress(OSError, SlipwayError):
            if load(path).profile.name == cluster:
                return path
    return None


def _remembered() -> list[Path]:
    try:
        return [Path(line) for line in recent_file().read_text(encoding="utf-8").splitlines() if line.startswith("/")]
    except (OSError, ValueError):
        return []


def _profiles_in(folder: Path) -> Iterator[Path]:
    """Yield the profiles in `folder`, the newest first; YAML that is no profile is passed over."""
    try:
        files = [path for path in folder.iterdir() if path.suffix in (".yaml", ".yml") and path.is_file()]
        files = sorted(files, key=lambda path: -path.stat().st_mtime)[:LOOKED_AT]
    except OSError:
        return
    for path in files:
        with contextlib.suppress(OSError, SlipwayError):
            if path.stat().st_size <= LARGEST:
                load(path)
                yield path.absolute()
