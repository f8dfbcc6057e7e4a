"""The tree of block devices in sysfs: partitions, device-mapper, RAID and loop devices down to whole disks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from wizard.facts.model import Disk, DiskKind
from wizard.facts.text import by_file, integer

SPEED = (
    DiskKind.MEMORY,
    DiskKind.NVME,
    DiskKind.SSD,
    DiskKind.VIRTUAL,
    DiskKind.UNKNOWN,
    DiskKind.ROTATIONAL,
    DiskKind.NETWORK,
)
"""From the fastest to the slowest: of several disks under a filesystem the slowest sets the pace."""

NETWORK_NAMES = ("nbd", "rbd", "drbd", "etherd")
"""Names that only network block devices have."""

NETWORK_PATHS = re.compile(r"/session\d+/|/rport-|/nvme-fabrics/|/rbd/|/aoe")
"""Parts of a device's path in sysfs: iSCSI session, Fibre Channel remote port, NVMe over fabrics."""

NETWORK_MODELS = ("amazon elastic block store", "persistentdisk", "nvme_card-pd")
"""Clouds' network disks that show themselves as NVMe or SCSI."""

VIRTUAL_PATHS = re.compile(r"/virtio\d+/|/vbd-\d|/vmbus|/VMBUS|/xen/")
VIRTUAL_MODELS = ("qemu", "vbox", "virtual disk", "vmware", "bhyve")
"""What hypervisors call their emulated disks; their rotational flag is a default, not a fact."""

HIDDEN = ("loop", "ram", "zram", "sr", "fd")
"""Devices that are no disks to a person."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """Block devices by name. `by_number` maps ``major:minor`` to a name, `parents` a partition to its disk,
    `slaves` a mapped device to those beneath it, `mapped` device-mapper's own names to kernel names.
    """

    by_number: dict[str, str] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    slaves: dict[str, list[str]] = field(default_factory=dict)
    mapped: dict[str, str] = field(default_factory=dict)
    backing: dict[str, str] = field(default_factory=dict)
    whole: dict[str, Disk] = field(default_factory=dict)

    def by_source(self, source: str) -> str | None:
        """Return the device that a mount's source (``/dev/sda2``, ``/dev/mapper/vg-root``) names, or None."""
        if not source.startswith("/dev/"):
            return None
        name = source.rpartition("/")[2]
        name = self.mapped.get(name, name)
        return name if name in self.whole or name in self.parents else None

    def backing_file(self, name: str) -> str:
        """Return the file behind a loop device, or an empty text."""
        return self.backing.get(self.parents.get(name, name), "")

    def leaves(self, name: str, depth: int = 0) -> tuple[Disk, ...]:
        """Return the whole disks beneath a device."""
        name = self.parents.get(name, name)
        beneath = self.slaves.get(name, [])
        if beneath and depth < 8:
            return tuple(disk for slave in beneath for disk in self.leaves(slave, depth + 1))
        return (self.whole[name],) if name in self.whole else ()

    def slowest(self, name: str) -> Disk | None:
        """Return the slowest disk beneath a device, the first of equals, or None where none is known."""
        return max(self.leaves(name), key=lambda disk: SPEED.index(disk.kind), default=None)

    def disks(self) -> tuple[Disk, ...]:
        """Return the disks a person would name: whole, with a size, not made of others."""
        return tuple(
            disk
            for name, disk in sorted(self.whole.items())
            if disk.size and not self.slaves.get(name) and not name.startswith(HIDDEN)
        )


def read_blocks(files: str, devices: str, tree: str) -> Blocks:
    """Read ``grep -H`` of sysfs attributes, ``ls -l /sys/block`` and the list of slaves and partitions."""
    by_path = by_file(files)
    paths = _paths(devices)
    blocks = Blocks()
    attributes: dict[str, dict[str, str]] = {}
    for path, lines in by_path.items():
        words, value = path.split("/"), lines[0].strip()
        match words:
            case ["", "sys", "class", "block", name, "dev"]:
                blocks.by_number[value] = name
            case ["", "sys", "block", name, *rest]:
                attributes.setdefault(name, {})["/".join(rest)] = value
    for line in tree.splitlines():
        match line.strip().split("/"):
            case ["", "sys", "block", name, "slaves", slave] if slave != "*":
                blocks.slaves.setdefault(name, []).append(slave)
            case ["", "sys", "block", name, partition, "partition"] if partition != "*":
                blocks.parents[partition] = name
    for name, known in attributes.items():
        if mapped := known.get("dm/name"):
            blocks.mapped[mapped] = name
        if backing := known.get("loop/backing_file"):
            blocks.backing[name] = backing
        model = known.get("device/model", "")
        kind = _kind(name, paths.get(name, ""), model, known.get("queue/rotational", ""), by_path)
        # sysfs counts in sectors of 512 bytes whatever the disk's own are (Documentation/ABI/stable/sysfs-block).
        blocks.whole[name] = Disk(name, integer(known.get("size", "")) * 512, kind, model)
    return blocks


def _paths(listing: str) -> dict[str, str]:
    """Return device → its path in sysfs, of what ``ls -l /sys/block`` printed."""
    found = {}
    for line in listing.splitlines():
        link, arrow, target = line.partition(" -> ")
        if arrow:
            found[link.rpartition(" ")[2]] = target.strip() + "/"
    return found


def _kind(name: str, path: str, model: str, rotational: str, files: dict[str, list[str]]) -> DiskKind:
    """Judge a whole device by its name, its place in sysfs, its model and its rotational flag, in that order."""
    model = model.lower()
    if name.startswith(NETWORK_NAMES) or NETWORK_PATHS.search(path) or model.startswith(NETWORK_MODELS):
        return DiskKind.NETWORK
    if name.startswith(("ram", "zram")):
        return DiskKind.MEMORY
    if name.startswith("nvme"):
        return DiskKind.NVME if _transports(name, files) <= {"pcie"} else DiskKind.NETWORK
    if VIRTUAL_PATHS.search(path) or any(maker in model for maker in VIRTUAL_MODELS):
        return DiskKind.VIRTUAL
    if name.startswith(("loop", "mmcblk")):
        return DiskKind.UNKNOWN
    return {"0": DiskKind.SSD, "1": DiskKind.ROTATIONAL}.get(rotational, DiskKind.UNKNOWN)


def _transports(name: str, files: dict[str, list[str]]) -> set[str]:
    """Return how the controllers of an NVMe disk are attached: ``pcie``, ``tcp``, ``rdma``, ``fc``.

    With native multipath ``nvme0n1`` counts subsystems, without it controllers: the subsystem's are asked first.
    """
    number = name.removeprefix("nvme").partition("n")[0]
    subsystem = f"/sys/class/nvme-subsystem/nvme-subsys{number}/"
    controller = f"/sys/class/nvme/nvme{number}/transport"
    found = {lines[0].strip() for path, lines in files.items() if path.startswith(subsystem)}
    return found or {lines[0].strip() for path, lines in files.items() if path == controller}
