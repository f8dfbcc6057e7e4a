"""Is that process still the one it was? A PID alone is used again; PID, start and boot together are not."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """A process: its PID, when it started (clock ticks since boot, proc_pid_stat(5) field 22), and in which boot."""

    pid: int
    started: int
    boot: str


def this_process() -> Process:
    """Return the process that calls."""
    return Process(os.getpid(), _started(os.getpid()), _boot())


def alive(process: Process) -> bool:
    """Tell whether `process` still runs; a zombie doesn't."""
    started = _started(process.pid)
    return started != 0 and started == process.started and _boot() == process.boot


def _started(pid: int) -> int:
    """Return when the process with that PID started, 0 where there is none, or a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    fields = text.rpartition(")")[2].split()
    return 0 if len(fields) < 20 or fields[0] in "ZX" else int(fields[19])


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
