"""Free space, and mounts that don't allow what slipway does there."""

from __future__ import annotations

from collections.abc import Iterator

from wizard.checks.case import GIB, MIB, Case, Found, size, spoken
from wizard.errors import Level, Problem
from wizard.facts.model import Filesystem
from wizard.profile.model import Role

INODES = 20_000
"""Files that images, logs and packages come to, generously."""

EVICTION = 0.15
"""The kubelet removes images and evicts Pods below that share of free space (imagefs.available, its default)."""

_KEPT = 256 * MIB
"""What a host that is set up already must have left to write its files and go on."""


def needs(case: Case, found: Found) -> dict[str, tuple[int, int]]:
    """Return folder → (bytes an install needs at least, bytes that are comfortable), by the host's roles.

    etcd's comfort is its quota of 8 GiB with its log and a snapshot beside it.
    """
    wanted = {"/": (512 * MIB, 2 * GIB), "/usr/local/bin": (512 * MIB, GIB), "/tmp": (64 * MIB, 256 * MIB)}  # noqa: S108
    if Role.MASTER in found.host.roles or Role.WORKER in found.host.roles:
        wanted["/var/lib/containerd"] = (2 * GIB, 10 * GIB)
        wanted["/var/lib/kubelet"] = (256 * MIB, 2 * GIB)
        wanted["/opt"] = (128 * MIB, 256 * MIB)
    if Role.ETCD in found.host.roles:
        wanted[case.profile.etcd.data_dir] = (GIB, 10 * GIB)
    return wanted


def judge(case: Case) -> Iterator[Problem]:
    """Yield filesystems that are full, nearly full, read-only or closed to programs."""
    for found in case.found():
        wanted = needs(case, found)
        for filesystem in found.facts.filesystems:
            paths = tuple(path for path in filesystem.paths if path in wanted)
            if paths:
                yield from _space(found, filesystem, paths, wanted)
                yield from _options(found, filesystem, paths)


def _space(
    found: Found, filesystem: Filesystem, paths: tuple[str, ...], wanted: dict[str, tuple[int, int]]
) -> Iterator[Problem]:
    if not filesystem.size:
        return
    least = _KEPT if found.ours else sum(wanted[path][0] for path in paths)
    comfort = _KEPT if found.ours else sum(wanted[path][1] for path in paths)
    where = f"{filesystem.mount} ({filesystem.source}) has {size(filesystem.free)} free of {size(filesystem.size)}"
    purpose = f"for {spoken(paths)}"
    if filesystem.free < least:
        yield found.problem(
            "disk.full",
            Level.ERROR,
            f"{where}; slipway needs {size(least)} there {purpose}",
            f"Free some space on {found.name}, or mount a larger filesystem there.",
        )
    elif filesystem.inodes_free is not None and filesystem.inodes_free < INODES and not found.ours:
        yield found.problem(
            "disk.inodes",
            Level.ERROR,
            f"{filesystem.mount} ({filesystem.source}) can hold {filesystem.inodes_free} more files; "
            f"images and packages need {INODES}",
            "Remove small files there, or make a filesystem with more inodes.",
        )
    elif filesystem.free < comfort:
        yield found.problem(
            "disk.small",
            Level.WARNING,
            f"{where}: enough to install, and soon full; {size(comfort)} is comfortable {purpose}",
            "Mount a larger filesystem there before the cluster has work to do.",
        )
    elif filesystem.free < filesystem.size * EVICTION and {"/var/lib/kubelet", "/var/lib/containerd"} & set(paths):
        yield found.problem(
            "disk.nearly-full",
            Level.WARNING,
            f"{where}; below {EVICTION:.0%} the kubelet starts to remove images and to evict Pods",
            f"Free some space on {found.name}.",
        )


def _options(found: Found, filesystem: Filesystem, paths: tuple[str, ...]) -> Iterator[Problem]:
    if "ro" in filesystem.options:
        yield found.problem(
            "disk.read-only",
            Level.ERROR,
            f"{filesystem.mount} ({filesystem.source}) is mounted read-only; slipway writes to {spoken(paths)}",
            "Mount it writable. A filesystem that turned read-only by itself has had errors: look at `dmesg`.",
        )
    programs = tuple(path for path in paths if path in ("/usr/local/bin", "/opt", "/var/lib/containerd"))
    if "noexec" in filesystem.options and programs:
        yield found.problem(
            "disk.noexec",
            Level.ERROR,
            f"{filesystem.mount} is mounted noexec, and programs are run from {spoken(programs)}",
            f"Remount it with exec (`mount -o remount,exec {filesystem.mount}`) and change /etc/fstab.",
        )
