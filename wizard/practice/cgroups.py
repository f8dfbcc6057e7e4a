"""Control groups: one subtree a practice host, in every hierarchy this machine has.

Version 1: a folder in each controller's hierarchy. Version 2: one folder, made by systemd as a delegated scope where
systemd runs this machine (it alone may write the tree, see systemd's CGROUP_DELEGATION), and by hand elsewhere.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from wizard.errors import SlipwayError
from wizard.practice.shell import run

TOP = "slipway"
"""Folder of all practice hosts in each hierarchy."""

FLAGS = frozenset({"rw", "ro", "xattr", "clone_children", "noprefix", "cpuset_v2_mode", "favordynmods", "nodev"})
"""Mount options of a version 1 hierarchy that name no controller."""


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """One mounted hierarchy: where, and the options that mount it again (``cpu,cpuacct``, ``name=systemd``).

    The options of a version 2 hierarchy beside version 1 are ``unified``: systemd watches its services there.
    """

    mount: Path
    options: str = ""


@dataclass(frozen=True, slots=True)
class Cgroups:
    """What this machine has: the version, its hierarchies, and whether systemd owns the tree (version 2 only)."""

    version: int
    hierarchies: tuple[Hierarchy, ...]
    by_systemd: bool = False

    def subtree(self, number: int, host: str) -> str:
        """Return the path of a host's subtree below each hierarchy's mount."""
        return f"{TOP}.slice/{scope(number, host)}" if self.by_systemd else f"{TOP}/slip{number}/{host}"

    def folders(self, number: int, host: str) -> tuple[Path, ...]:
        """Return a host's subtree in each hierarchy."""
        return tuple(each.mount / self.subtree(number, host) for each in self.hierarchies)

    def homes(self, number: int, host: str) -> tuple[Path, ...]:
        """Return the groups that the host's PID 1 joins: the roots of what the host sees.

        In version 2 that is a group below the subtree, since a group with processes may not hand controllers on.
        """
        folders = self.folders(number, host)
        return folders if self.version == 1 else tuple(folder / "host" for folder in folders)


def scope(number: int, host: str) -> str:
    """Return the name of the systemd unit that holds a host in version 2."""
    return f"{TOP}-practice-slip{number}-{host}.scope"


def parse_mounts(mountinfo: str, by_systemd: bool) -> Cgroups:
    """Return what ``/proc/self/mountinfo`` (proc_pid_mountinfo(5)) says of control groups.

    A machine with version 1 controllers counts as version 1, also when it has a version 2 hierarchy beside them.
    Raises `SlipwayError` when there are none, or version 1 has no hierarchy for systemd.
    """
    first: dict[str, Hierarchy] = {}
    second: Path | None = None
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        kind, _, options = right.split(" ", 2) if right.count(" ") >= 2 else ("", "", "")
        mount = Path(left.split(" ")[4]) if left else Path("/")
        if kind == "cgroup":
            names = [word for word in options.split(",") if word not in FLAGS and not word.startswith("release_agent=")]
            first.setdefault(",".join(names), Hierarchy(mount, ",".join(names)))
        elif kind == "cgroup2" and second is None:
            second = mount
    if first and "name=systemd" not in first:
        raise SlipwayError(
            "this machine's control groups have no hierarchy for systemd",
            why="practice hosts run systemd, and version 1 needs the hierarchy name=systemd for it",
            hint="d=/sys/fs/cgroup/systemd; mkdir -p $d && mount -t cgroup -o none,name=systemd cgroup $d",
        )
    if first:
        beside = (Hierarchy(second, "unified"),) if second is not None else ()
        return Cgroups(1, (*first.values(), *beside))
    if second is not None:
        return Cgroups(2, (Hierarchy(second),), by_systemd)
    raise SlipwayError(
        "this machine has no control groups mounted",
        hint="mount -t cgroup2 cgroup2 /sys/fs/cgroup",
    )


def detect() -> Cgroups:
    """Return what this machine has. Raises `SlipwayError` as `parse_mounts` does."""
    by_systemd = Path("/run/systemd/system").is_dir()
    return parse_mounts(Path("/proc/self/mountinfo").read_text(), by_systemd)


def create(cgroups: Cgroups, number: int, host: str) -> None:
    """Make a host's subtree; with systemd in charge its scope is made at launch instead."""
    if cgroups.by_systemd:
        return
    for hierarchy in cgroups.hierarchies:
        parts = Path(cgroups.subtree(number, host)).parts
        for attempt in range(100):
            try:
                _descend(cgroups.version, hierarchy.mount, parts)
                break
            except FileNotFoundError:  # another datacenter went down and took the empty top along
                if attempt == 99:
                    raise


def _descend(version: int, folder: Path, parts: tuple[str, ...]) -> None:
    for part in parts:
        if version == 2:
            hand_on(folder)
        folder /= part
        folder.mkdir(exist_ok=True)
        # In version 1 a new group may use no CPU and no memory node until it is told which.
        for name in ("cpuset.cpus", "cpuset.mems") if version == 1 else ():
            if (folder / name).exists() and not (folder / name).read_text().strip():
                (folder / name).write_text((folder.parent / name).read_text())


def hand_on(folder: Path) -> None:
    """Let the groups below `folder` use every controller it has (version 2)."""
    for controller in (folder / "cgroup.controllers").read_text().split():
        # A controller that can't be handed on (busy, real-time processes) is one the hosts do without.
        with suppress(OSError):
            (folder / "cgroup.subtree_control").write_text(f"+{controller}")


def pids(folders: Iterable[Path]) -> set[int]:
    """Return the processes in the subtrees `folders`; those of folders that are gone are none."""
    found: set[int] = set()
    for top in folders:
        for folder, _, files in os.walk(top):
            if "cgroup.procs" in files:
                with suppress(OSError):
                    found.update(int(word) for word in Path(folder, "cgroup.procs").read_text().split())
    return found - {0}


def hosts(cgroups: Cgroups, number: int) -> set[str]:
    """Return the names of the hosts of datacenter `number` that have a subtree now."""
    found = set()
    for pattern in cgroups.folders(number, "*"):
        prefix, _, suffix = pattern.name.partition("*")
        for path in pattern.parent.glob(pattern.name):
            if path.is_dir():
                found.add(path.name.removeprefix(prefix).removesuffix(suffix))
    return found


def remove(cgroups: Cgroups, number: int, host: str, patience: float = 20.0) -> None:
    """End what still runs in a host's subtree and remove it. Raises `SlipwayError` after `patience` seconds."""
    folders = cgroups.folders(number, host)
    deadline = time.monotonic() + patience
    while True:
        for pid in pids(folders):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if cgroups.by_systemd:  # or the next start would find the unit's name taken
            run("systemctl", "stop", scope(number, host), check=False)
        if all(_removed(folder) for folder in folders):
            break
        if time.monotonic() > deadline:
            left = ", ".join(str(pid) for pid in sorted(pids(folders))) or "none"
            raise SlipwayError(
                "control groups of a practice host can't be removed",
                where=host,
                why=f"processes left in them: {left}",
                hint="run the command again; if it stays, look at these processes with ps",
            )
        time.sleep(0.05)


def prune(cgroups: Cgroups, number: int) -> None:
    """Remove the datacenter's own group, and the top one after the last datacenter; one still in use stays."""
    if not cgroups.by_systemd:
        for folder in cgroups.folders(number, "host"):
            for parent in folder.parents[:2]:
                with suppress(OSError):
                    parent.rmdir()


def _removed(top: Path) -> bool:
    for folder, _, _ in os.walk(top, topdown=False):
        with suppress(OSError):
            Path(folder).rmdir()
    return not top.exists()
