"""The machine a measurement runs on: what it is, how quiet it is, and what work it has done."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from wizard.practice import cgroups
from wizard.practice.host import Host

IDLE = 0.75
"""A measurement begins when the processors were idle for so much of `WATCH` seconds …"""
WATCH = 3.0
PATIENCE = float(os.environ.get("BENCH_PATIENCE", "600"))
"""… or when this many seconds have gone by without it; how idle they were then is written down."""
TICK = os.sysconf("SC_CLK_TCK")


def description() -> dict[str, str]:
    """Return what a reader has to know to judge the figures."""
    cpu = next((line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "")
    memory = int(next(line.split()[1] for line in _lines("/proc/meminfo") if line.startswith("MemTotal")))
    return {
        "processors": f"{os.cpu_count()} x {cpu or platform.machine()}",
        "memory": f"{memory / 1024 / 1024:.0f} GiB",
        "system": f"{platform.freedesktop_os_release()['PRETTY_NAME']}, Linux {platform.release()}",
        "Python": platform.python_version(),
    }


def wait_for_quiet() -> float:
    """Wait until the processors are idle, and return how idle they were (0 to 1)."""
    os.sync()
    deadline = time.monotonic() + PATIENCE
    while True:
        busy, total = _busy()
        time.sleep(WATCH)
        later_busy, later_total = _busy()
        idle = 1 - (later_busy - busy) / max(1, later_total - total)
        if idle >= IDLE or time.monotonic() > deadline:
            return idle


def _busy() -> tuple[int, int]:
    words = [int(word) for word in _lines("/proc/stat")[0].split()[1:9]]
    return sum(words) - words[3] - words[4], sum(words)


@dataclass(frozen=True, slots=True)
class Work:
    """Processor time in seconds: of the whole machine, and of a datacenter's hosts."""

    machine: float
    hosts: float

    def since(self, before: Work) -> Work:
        return Work(self.machine - before.machine, self.hosts - before.hosts)


def work_of(hosts: Iterable[Host]) -> Work:
    """Return the processor time used so far."""
    groups = cgroups.detect()
    used = 0.0
    for host in hosts:
        for folder in groups.folders(host.number, host.name):
            if (folder / "cpuacct.usage").exists():
                used += int((folder / "cpuacct.usage").read_text()) / 1e9
                break
            if (folder / "cpu.stat").exists() and groups.version == 2:
                used += int(_lines(str(folder / "cpu.stat"))[0].split()[1]) / 1e6
                break
    return Work(_busy()[0] / TICK, used)


def warm(files: Iterable[Path]) -> None:
    """Read files once, so that neither side pays for a disk that the other has read before it."""
    for path in files:
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 22):
                pass


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()
