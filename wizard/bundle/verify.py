"""Whether a bundle is what its lock says: in full, or quickly by what changed since the last look."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from wizard.bundle.lock import FILES, LOCK_NAME, Artifact, unique_files
from wizard.bundle.opened import Bundle
from wizard.bundle.pack import sha256_of
from wizard.errors import Level, Problem
from wizard.paths import cache_dir

HINT = "Copy the bundle again from where it is whole, or run `slipway bundle build`: it mends what differs."
SETTLED = 50_000_000
"""Nanoseconds after a change before a file's times are trusted: a second change in the same clock tick shows none."""

Stat = tuple[int, int, int, int]
"""Size, modification and change time (ns), inode: what git looks at too before it trusts a file unread."""


def verify(bundle: Bundle) -> tuple[Problem, ...]:
    """Return a problem for every missing, extra or altered file, having read them all."""
    return (*_differing(bundle, trusted={}), *_extra(bundle))


def verify_quick(bundle: Bundle) -> tuple[Problem, ...]:
    """Return a problem for every missing or altered file, reading only those whose size, times or inode changed.

    An editor, a copy or a flipped byte on this machine is found; what a failing disk alters by itself is found by
    `verify`, and by the host that gets the file.
    """
    return tuple(_differing(bundle, _load_stats(bundle)))


def stats_of(bundle: Bundle) -> dict[str, Stat]:
    """Return the stat of every stored file that is there, by its SHA-256; to be taken before contents are read."""
    names = {artifact.sha256 for artifact in bundle.lock.artifacts}
    return {sha256: stat for sha256 in names if (stat := _stat(bundle.folder / FILES / sha256)) is not None}


def remember(bundle: Bundle, stats: Mapping[str, Stat]) -> None:
    """Keep the stats of files found good, for the next quick look.

    A cache that can't be written costs time later and nothing else.
    """
    now = time.time_ns()
    settled = {sha256: stat for sha256, stat in stats.items() if max(stat[1], stat[2]) < now - SETTLED}
    path = _stats_path(bundle)
    temporary = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(settled), encoding="utf-8")
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)


def _differing(bundle: Bundle, trusted: Mapping[str, Stat]) -> list[Problem]:
    files = unique_files(bundle.lock.artifacts)
    stats = stats_of(bundle)
    unread = [sha256 for sha256 in files if sha256 not in stats or trusted.get(sha256) != stats[sha256]]
    with ThreadPoolExecutor(max_workers=4) as pool:
        looks = pool.map(lambda sha256: _look(bundle, files[sha256]), unread)
        problems = {sha256: problem for sha256, problem in zip(unread, looks, strict=True) if problem is not None}
    if unread:
        remember(bundle, {sha256: stat for sha256, stat in stats.items() if sha256 not in problems})
    return [problems[sha256] for sha256 in files if sha256 in problems]


def _look(bundle: Bundle, artifacts: Sequence[Artifact]) -> Problem | None:
    """Read one stored file and say what is wrong with it."""
    artifact = artifacts[0]
    names = ", ".join(each.name for each in artifacts)
    path = bundle.path(artifact)
    try:
        size = path.stat().st_size
        if not path.is_file():
            return _problem("bundle.altered", names, path, "it is no plain file")
        if size != artifact.size:
            return _problem("bundle.altered", names, path, f"it has {size} bytes instead of {artifact.size}")
        if sha256_of(path) != artifact.sha256:
            return _problem("bundle.altered", names, path, "its content does not have the recorded SHA-256")
    except FileNotFoundError:
        return _problem("bundle.missing", names, path, "it is not there")
    except OSError as error:
        return _problem("bundle.unreadable", names, path, error.strerror or str(error))
    return None


def _problem(code: str, names: str, path: Path, why: str) -> Problem:
    word = code.partition(".")[2]
    return Problem(code, Level.ERROR, f"{names} is {word}: {path}: {why}", HINT, field=names)


def _extra(bundle: Bundle) -> list[Problem]:
    known = {bundle.folder / LOCK_NAME, bundle.folder / FILES}
    known |= {bundle.path(artifact) for artifact in bundle.lock.artifacts}
    return [
        Problem(
            "bundle.extra", Level.ERROR, f"The lock does not name {path}", "Move it away: it is not part of the bundle."
        )
        for path in sorted(bundle.folder.rglob("*"))
        if path not in known
    ]


def _stat(path: Path) -> Stat | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)


def _stats_path(bundle: Bundle) -> Path:
    name = hashlib.sha256(f"{bundle.folder.resolve()}\n{bundle.digest}".encode()).hexdigest()
    return cache_dir() / "stats" / f"{name[:32]}.json"


def _load_stats(bundle: Bundle) -> dict[str, Stat]:
    try:
        plain = json.loads(_stats_path(bundle).read_bytes())
        return {sha256: (int(a), int(b), int(c), int(d)) for sha256, (a, b, c, d) in plain.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
