from __future__ import annotations

from pathlib import Path

import pytest

from wizard.errors import SlipwayError
from wizard.practice import cgroups
from wizard.practice.cgroups import Cgroups, Hierarchy, parse_mounts

# Recorded on Debian 12 with version 1 controllers.
FIRST = """\
24 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 24 0:25 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
31 30 0:26 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
32 30 0:27 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
33 30 0:28 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
34 30 0:29 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""

# Written from systemd's documentation of the hybrid layout (v232 to v257); never run here.
HYBRID = """\
31 30 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:11 - cgroup cgroup rw,cpu,cpuacct
33 30 0:28 / /sys/fs/cgroup/systemd rw,nosuid shared:9 - cgroup cgroup rw,xattr,release_agent=/lib/x,name=systemd
"""

# Written from cgroups(7); what Debian 12 and Ubuntu 24.04 have from their installers.
SECOND = "30 24 0:25 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"


def test_version_1_has_a_hierarchy_a_controller_and_version_2_beside() -> None:
    found = parse_mounts(FIRST, by_systemd=False)
    assert found.version == 1
    assert [each.options for each in found.hierarchies] == ["cpu", "memory", "name=systemd", "unified"]
    assert found.folders(0, "m1")[0] == Path("/sys/fs/cgroup/cpu/slipway/slip0/m1")
    assert found.homes(0, "m1") == found.folders(0, "m1")


def test_flags_are_no_controllers_and_joined_controllers_stay_together() -> None:
    assert [each.options for each in parse_mounts(HYBRID, by_systemd=True).hierarchies] == [
        "cpu,cpuacct",
        "name=systemd",
    ]


def test_version_2_gives_the_host_a_group_below_its_own() -> None:
    found = parse_mounts(SECOND, by_systemd=False)
    assert (found.version, found.by_systemd) == (2, False)
    assert found.homes(3, "m1") == (Path("/sys/fs/cgroup/slipway/slip3/m1/host"),)


def test_version_2_under_systemd_is_a_delegated_scope() -> None:
    found = parse_mounts(SECOND, by_systemd=True)
    assert found.folders(3, "m1") == (Path("/sys/fs/cgroup/slipway.slice/slipway-practice-slip3-m1.scope"),)


def test_a_machine_that_can_not_hold_systemd_says_so() -> None:
    for text in ("", "31 30 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"):
        with pytest.raises(SlipwayError) as refused:
            parse_mounts(text, by_systemd=False)
        assert refused.value.hint


@pytest.mark.parametrize("by_systemd", [False, True])
def test_hosts_are_found_by_their_groups(tmp_path: Path, by_systemd: bool) -> None:
    groups = Cgroups(2, (Hierarchy(tmp_path),), by_systemd)
    assert cgroups.hosts(groups, 1) == set()
    for number, name in ((1, "m1"), (1, "e2"), (2, "w1"), (11, "m7")):
        (groups.folders(number, name)[0] / "host").mkdir(parents=True)
    (groups.folders(1, "m1")[0].parent / "cgroup.procs").write_text("")
    assert cgroups.hosts(groups, 1) == {"m1", "e2"}


def test_version_2_hands_controllers_down_to_the_host_s_group(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "slipway", tmp_path / "slipway/slip0"):
        folder.mkdir(exist_ok=True)
        (folder / "cgroup.controllers").write_text("cpu memory\n")
    cgroups.create(Cgroups(2, (Hierarchy(tmp_path),)), 0, "m1")
    assert (tmp_path / "slipway/slip0/m1").is_dir()
    for folder in (tmp_path, tmp_path / "slipway", tmp_path / "slipway/slip0"):
        assert (folder / "cgroup.subtree_control").read_text() == "+memory"  # the last write to a plain file


def test_new_cpusets_take_what_their_parent_has(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "slipway", tmp_path / "slipway/slip0"):
        folder.mkdir(exist_ok=True)
        (folder / "cpuset.cpus").write_text("0-1\n" if folder == tmp_path else "\n")
        (folder / "cpuset.mems").write_text("0\n" if folder == tmp_path else "\n")
    cgroups.create(Cgroups(1, (Hierarchy(tmp_path, "cpuset"),)), 0, "m1")
    assert (tmp_path / "slipway/slip0/cpuset.cpus").read_text() == "0-1\n"


def test_removing_what_is_gone_is_no_failure_and_neighbours_stay(tmp_path: Path) -> None:
    groups = Cgroups(1, (Hierarchy(tmp_path, "cpu"),))
    cgroups.create(groups, 0, "m1")
    cgroups.create(groups, 0, "m2")
    cgroups.remove(groups, 0, "m1")
    cgroups.remove(groups, 0, "m1")
    cgroups.prune(groups, 0)
    assert cgroups.hosts(groups, 0) == {"m2"}
    cgroups.remove(groups, 0, "m2")
    cgroups.prune(groups, 0)
    assert list(tmp_path.iterdir()) == []
