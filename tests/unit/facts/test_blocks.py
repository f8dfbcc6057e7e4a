"""What kind of disk a device is, and what lies beneath a mapped one."""

from __future__ import annotations

import pytest

from wizard.facts import storage
from wizard.facts.blocks import read_blocks
from wizard.facts.model import DiskKind

PCI = "../devices/pci0000:00/0000:00:1f.2"


def kind(name: str, path: str = "", model: str = "", rotational: str = "1", more: str = "") -> DiskKind:
    files = f"/sys/block/{name}/size:1000\n/sys/block/{name}/queue/rotational:{rotational}\n"
    files += f"/sys/block/{name}/device/model:{model}\n{more}"
    blocks = read_blocks(files, f"lrwxrwxrwx 1 root root 0 Oct  2 09:14 {name} -> {path}", "")
    return blocks.whole[name].kind


@pytest.mark.parametrize(
    ("name", "path", "model", "rotational", "expected"),
    [
        ("sda", f"{PCI}/ata1/host0/target0:0:0/0:0:0:0/block/sda", "Samsung SSD 870", "0", DiskKind.SSD),
        ("sda", f"{PCI}/ata1/host0/target0:0:0/0:0:0:0/block/sda", "ST4000NM0035", "1", DiskKind.ROTATIONAL),
        ("sda", f"{PCI}/ata1/host0/target0:0:0/0:0:0:0/block/sda", "", "", DiskKind.UNKNOWN),
        ("vda", "../devices/pci0000:00/0000:00:02.0/virtio1/block/vda", "", "1", DiskKind.VIRTUAL),
        ("sda", "../devices/pci0000:00/0000:00:05.0/virtio2/host2/block/sda", "QEMU HARDDISK", "1", DiskKind.VIRTUAL),
        ("sda", f"{PCI}/ata1/host0/block/sda", "VBOX HARDDISK", "1", DiskKind.VIRTUAL),
        ("sda", f"{PCI}/host2/block/sda", "Virtual disk", "1", DiskKind.VIRTUAL),
        ("xvda", "../devices/vbd-51712/block/xvda", "", "0", DiskKind.VIRTUAL),
        ("nvme0n1", f"{PCI}/nvme/nvme0/nvme0n1", "INTEL SSDPE2KX010T8", "0", DiskKind.NVME),
        ("nvme0n1", f"{PCI}/nvme/nvme0/nvme0n1", "Amazon Elastic Block Store", "0", DiskKind.NETWORK),
        ("sdb", "../devices/platform/host9/session1/target9:0:0/9:0:0:0/block/sdb", "LUN", "0", DiskKind.NETWORK),
        ("sdc", f"{PCI}/host1/rport-1:0-2/target1:0:0/1:0:0:0/block/sdc", "DF600F", "1", DiskKind.NETWORK),
        ("nbd0", "../devices/virtual/block/nbd0", "", "0", DiskKind.NETWORK),
        ("rbd0", "../devices/rbd/0/block/rbd0", "", "0", DiskKind.NETWORK),
        ("drbd1", "../devices/virtual/block/drbd1", "", "0", DiskKind.NETWORK),
        ("zram0", "../devices/virtual/block/zram0", "", "0", DiskKind.MEMORY),
        ("mmcblk0", "../devices/platform/soc/mmc0/block/mmcblk0", "", "0", DiskKind.UNKNOWN),
    ],
)
def test_kinds(name: str, path: str, model: str, rotational: str, expected: DiskKind) -> None:
    assert kind(name, path, model, rotational) is expected


@pytest.mark.parametrize(
    ("transports", "expected"),
    [(("pcie",), DiskKind.NVME), (("tcp",), DiskKind.NETWORK), (("rdma", "rdma"), DiskKind.NETWORK)],
)
def test_nvme_with_multipath_is_judged_by_its_subsystem(transports: tuple[str, ...], expected: DiskKind) -> None:
    more = "".join(
        f"/sys/class/nvme-subsystem/nvme-subsys0/nvme{index}/transport:{transport}\n"
        for index, transport in enumerate(transports, 3)
    )
    assert kind("nvme0n1", "../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1", "", "0", more) is expected


def mounted(root: str, blocks: str, tree: str = "", devices: str = "", extra: str = "") -> tuple[DiskKind, str]:
    """Return kind and disk of / for a line of mountinfo and the files of sysfs."""
    text = f"""
==slipway== storage/mounts
{extra}
{root}

==slipway== storage/paths
/var/lib/etcd\t/

==slipway== storage/blocks
{blocks}

==slipway== storage/devices
{devices}

==slipway== storage/tree
{tree}
"""
    etcd = storage.parse(text).etcd
    assert etcd is not None
    return etcd.kind, etcd.disk


TWO = """/sys/class/block/sda/dev:8:0
/sys/class/block/sda1/dev:8:1
/sys/class/block/sdb/dev:8:16
/sys/class/block/dm-0/dev:253:0
/sys/block/sda/size:1000
/sys/block/sdb/size:1000
/sys/block/dm-0/size:2000
/sys/block/sda/queue/rotational:0
/sys/block/sdb/queue/rotational:1
/sys/block/dm-0/queue/rotational:0
/sys/block/dm-0/dm/name:vg-data"""


def test_of_two_disks_the_slower_one_counts() -> None:
    tree = "/sys/block/dm-0/slaves/sda1\n/sys/block/dm-0/slaves/sdb\n/sys/block/sda/sda1/partition"
    assert mounted("1 0 253:0 / / rw - ext4 /dev/mapper/vg-data rw", TWO, tree) == (DiskKind.ROTATIONAL, "sdb")


def test_a_partition_is_its_disk() -> None:
    tree = "/sys/block/sda/sda1/partition"
    assert mounted("1 0 8:1 / / rw - xfs /dev/sda1 rw", TWO, tree) == (DiskKind.SSD, "sda")


def test_btrfs_is_found_by_its_source() -> None:
    tree = "/sys/block/sda/sda1/partition"
    assert mounted("1 0 0:30 /@ / rw - btrfs /dev/sda1 rw", TWO, tree) == (DiskKind.SSD, "sda")
    mapped = "1 0 0:30 /@ / rw - btrfs /dev/mapper/vg-data rw"
    assert mounted(mapped, TWO, "/sys/block/dm-0/slaves/sdb") == (DiskKind.ROTATIONAL, "sdb")


@pytest.mark.parametrize("kind_of_mount", ["nfs4", "ceph", "cifs", "fuse.glusterfs"])
def test_network_filesystems(kind_of_mount: str) -> None:
    assert mounted(f"1 0 0:40 / / rw - {kind_of_mount} nas:/export rw", TWO) == (DiskKind.NETWORK, "")


def test_a_live_system_keeps_all_in_memory() -> None:
    over = "1 0 0:41 / / rw - overlay overlay rw,lowerdir=/sysroot,upperdir=/cow/upper,workdir=/cow/work"
    assert mounted(over, TWO, extra="2 1 0:42 / /cow rw - tmpfs tmpfs rw") == (DiskKind.MEMORY, "")


def test_a_loop_device_is_what_its_file_lies_on() -> None:
    loop = TWO + "\n/sys/class/block/loop0/dev:7:0\n/sys/block/loop0/size:90\n"
    loop += "/sys/block/loop0/loop/backing_file:/images/etcd.img"
    extra = "2 1 8:16 / /images rw - ext4 /dev/sdb rw"
    assert mounted("1 0 7:0 / / rw - ext4 /dev/loop0 rw", loop, extra=extra) == (DiskKind.ROTATIONAL, "loop0")


def test_the_last_of_several_mounts_on_one_place_counts() -> None:
    extra = "2 1 8:16 / / rw - ext4 /dev/sdb rw"
    assert mounted("1 0 8:1 / / rw - ext4 /dev/sda1 rw", TWO, "/sys/block/sda/sda1/partition", extra=extra)[1] == "sda"


def test_rings_of_slaves_end() -> None:
    tree = "/sys/block/dm-0/slaves/dm-0"
    assert mounted("1 0 253:0 / / rw - ext4 /dev/mapper/vg-data rw", TWO, tree)[1] == "dm-0"


def test_escaped_mount_points_are_read() -> None:
    line = r"1 0 8:1 / /srv/my\040disk rw - ext4 /dev/sda1 rw"
    text = f"\n==slipway== storage/mounts\n{line}\n\n==slipway== storage/paths\n/var/lib/etcd\t/srv/my disk/etcd\n"
    etcd = storage.parse(text).etcd
    assert etcd is not None
    assert etcd.mount == "/srv/my disk"
