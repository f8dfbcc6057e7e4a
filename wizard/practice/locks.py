"""Locks between processes: a file that one of them holds; the kernel lets go of it when that process ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from wizard.errors import SlipwayError


@contextmanager
def locked(
    path: Path,
    what: str,
    *,
    patience: float = 0,
    shared: bool = False,
    waiting: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Hold the lock at `path` for the block; `shared` holders bear each other, and nobody who holds it alone.

    `waiting` is called once when another has it.

    Raises `SlipwayError`, naming that process, when it still has it after `patience` seconds.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    deadline = time.monotonic() + patience
    told = False
    while (handle := _try(path, shared)) is None:
        if time.monotonic() >= deadline:
            raise SlipwayError(
                f"another slipway is at work on {what}",
                why=f"process {_holder(path)} holds the lock",
                hint="wait until it is done, then run the command again",
            )
        if not told:
            waiting()
            told = True
        time.sleep(0.1)
    try:
        yield
    finally:
        os.close(handle)


def _try(path: Path, shared: bool) -> int | None:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        # Whoever held it may have removed the file when done: then this is a lock on nothing.
        if os.fstat(handle).st_ino == path.stat().st_ino:
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
            return handle
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(handle)
    return None


def _holder(path: Path) -> str:
    try:
        return path.read_text().strip() or "unknown"
    except OSError:
        return "unknown"
