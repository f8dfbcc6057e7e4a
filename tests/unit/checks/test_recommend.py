"""etcd's tuning by the disks of its members."""

from __future__ import annotations

import pytest

from wizard.checks import recommend
from wizard.facts.model import DiskKind, Facts
from wizard.profile.model import EtcdTuning

from . import sites as site

DEFAULT, SLOW = EtcdTuning.DEFAULT, EtcdTuning.SLOW_DISK


def member(kind: DiskKind, container: str = "") -> Facts:
    return site.both(site.disk(kind=kind), site.system(container=container))(site.healthy("m1", 1))


@pytest.mark.parametrize(
    ("kind", "container", "expected"),
    [
        (DiskKind.NVME, "", DEFAULT),
        (DiskKind.SSD, "", DEFAULT),
        (DiskKind.VIRTUAL, "", DEFAULT),
        (DiskKind.MEMORY, "", DEFAULT),
        (DiskKind.ROTATIONAL, "", SLOW),
        (DiskKind.NETWORK, "", SLOW),
        (DiskKind.UNKNOWN, "", SLOW),
        (DiskKind.UNKNOWN, "slipway", DEFAULT),
        (DiskKind.VIRTUAL, "slipway", DEFAULT),
        (DiskKind.ROTATIONAL, "slipway", SLOW),
    ],
)
def test_by_kind(kind: DiskKind, container: str, expected: EtcdTuning) -> None:
    assert recommend([member(kind, container)]) is expected


def test_one_slow_disk_decides_for_all() -> None:
    assert recommend([member(DiskKind.NVME), member(DiskKind.ROTATIONAL), member(DiskKind.NVME)]) is SLOW


def test_what_the_profile_says_goes_before() -> None:
    assert recommend([member(DiskKind.ROTATIONAL)], DEFAULT) is DEFAULT
    assert recommend([member(DiskKind.NVME)], SLOW) is SLOW


def test_without_members_nothing_is_slow() -> None:
    assert recommend([]) is DEFAULT
