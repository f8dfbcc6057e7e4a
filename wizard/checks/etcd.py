"""The disk under etcd, and the tuning it calls for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wizard.checks.case import Case, Found, size
from wizard.errors import Level, Problem
from wizard.facts.model import DiskKind, Facts
from wizard.profile.model import EtcdTuning, Role

GUIDE = "etcd writes every change to disk before it answers; with a p99 of fsync above 10 ms it loses its leader"


def recommend(members: Iterable[Facts], wanted: EtcdTuning = EtcdTuning.AUTO) -> EtcdTuning:
    """Return the tuning for all members: it must be equal on all of them, so one slow disk decides.

    `wanted` other than ``auto`` is taken as it is. Otherwise:

    - NVMe and SSD: default (100 ms heartbeat, 1000 ms election), which makes a failover quick.
    - a hypervisor's disk: default. It can't be told what lies beneath, and most lie on flash; the check says so.
    - rotational and network: slow-disk (250/5000 ms). Their fsync takes tens of milliseconds and, under load, more
      than a heartbeat; a leader that is voted out for that costs more than a slower failover.
    - unknown: slow-disk on a real machine, for nothing says that it is fast; default in a container (a practice host),
      whose disk is hidden behind an overlay more often than it is slow.
    """
    if wanted is not EtcdTuning.AUTO:
        return wanted
    return EtcdTuning.SLOW_DISK if any(map(_slow, members)) else EtcdTuning.DEFAULT


def _slow(facts: Facts) -> bool:
    kind = kind_of(facts)
    if kind is DiskKind.UNKNOWN:
        return not facts.system.container
    return kind in (DiskKind.ROTATIONAL, DiskKind.NETWORK)


def kind_of(facts: Facts) -> DiskKind:
    """Return what kind of disk etcd's data would lie on."""
    return facts.etcd_filesystem.kind if facts.etcd_filesystem else DiskKind.UNKNOWN


def disk_words(facts: Facts) -> str:
    """Return which disk that is, for a person: ``sda (ST4000NM0035, 3.6 TiB), mounted at /var``."""
    filesystem, disk = facts.etcd_filesystem, facts.etcd_disk
    if filesystem is None:
        return "a filesystem that can't be told"
    if disk is None:
        what = filesystem.disk or f"{filesystem.source} ({filesystem.type})"
    else:
        what = f"{disk.name} ({f'{disk.model}, ' if disk.model else ''}{size(disk.size)})"
    return f"{what}, mounted at {filesystem.mount}"


def judge(case: Case) -> Iterator[Problem]:
    """Yield what to know of the disk under each member's data."""
    for found in case.found():
        if Role.ETCD in found.host.roles:
            yield from _disk(found, case.profile.etcd.data_dir)


def _disk(found: Found, data_dir: str) -> Iterator[Problem]:
    where = f"{data_dir} lies on {disk_words(found.facts)}"
    field = "etcd.data_dir"
    match kind_of(found.facts):
        case DiskKind.ROTATIONAL:
            yield found.problem(
                "etcd.disk-rotational",
                Level.WARNING,
                f"{where}, a rotational disk. {GUIDE}",
                "Put etcd.data_dir on a local SSD. A RAID controller may hide SSDs behind a rotational disk: "
                "if it does, go on and set etcd.tuning to default.",
                field,
            )
        case DiskKind.NETWORK:
            yield found.problem(
                "etcd.disk-network",
                Level.WARNING,
                f"{where}, which is reached over a network. {GUIDE}, and one fault of the storage can stop all members",
                "Put etcd.data_dir on a local SSD.",
                field,
            )
        case DiskKind.MEMORY:
            yield found.problem(
                "etcd.disk-memory",
                Level.WARNING if found.facts.system.container else Level.ERROR,
                f"{where}, which is memory: with the power goes the cluster's whole state",
                "Put etcd.data_dir on a disk. A machine booted from a live medium has to be installed first.",
                field,
            )
        case DiskKind.VIRTUAL:
            yield found.problem(
                "etcd.disk-virtual",
                Level.INFO,
                f"{where}, a virtual machine's disk: what is beneath can't be seen from here",
                "Ask whoever runs the hypervisor for SSD or NVMe beneath it.",
                field,
            )
        case DiskKind.UNKNOWN:
            yield found.problem(
                "etcd.disk-unknown",
                Level.INFO,
                f"{where}; what kind of disk that is can't be told",
                "A local SSD is what etcd wants. Set etcd.tuning yourself if you know the disk.",
                field,
            )
