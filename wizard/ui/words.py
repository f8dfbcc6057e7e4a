"""How values are said on the screen: marks, durations, sizes, and a host in one line."""

from __future__ import annotations

from wizard.errors import Level
from wizard.facts.model import DiskKind, Facts

OK, WARN, BAD, BUSY, IDLE = "✓", "!", "✗", "▸", "·"
"""Marks. A colour never says anything that the mark and the word beside it don't."""

LEVEL_MARK = {Level.ERROR: BAD, Level.WARNING: WARN, Level.INFO: "i"}
LEVEL_STYLE = {Level.ERROR: "$error", Level.WARNING: "$warning", Level.INFO: "$quiet"}

DISK_WORDS = {
    DiskKind.NVME: "NVMe",
    DiskKind.SSD: "SSD",
    DiskKind.ROTATIONAL: "spinning disk",
    DiskKind.NETWORK: "network disk",
    DiskKind.VIRTUAL: "virtual disk",
    DiskKind.MEMORY: "memory disk",
}

SLOW_DISKS = (DiskKind.ROTATIONAL, DiskKind.NETWORK)
"""Disks that are likely to slow etcd down."""


def duration(seconds: float) -> str:
    """Return a time as ``0:07``, ``1:12`` or ``1:02:03``."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}"


def ago(seconds: float) -> str:
    """Return how long ago something was, coarsely."""
    if seconds < 60:
        return "just now"
    for size, one in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            return f"{count(int(seconds // size), one)} ago"
    return ""


def about(seconds: float | None) -> str:
    """Return what is left of a run, honestly coarse; nothing known is said so."""
    if seconds is None:
        return "time left not known yet"
    if seconds < 10:
        return "a few seconds left"
    if seconds < 90:
        return f"about {round(seconds / 5) * 5} s left"
    return f"about {round(seconds / 60)} min left"


def memory(size: int) -> str:
    """Return bytes as whole gigabytes (2^30, rounded as memory is sold) or megabytes."""
    gigabytes = size / 2**30
    return f"{round(gigabytes)} GB" if gigabytes >= 0.95 else f"{round(size / 2**20)} MB"


def count(number: int, one: str, many: str = "") -> str:
    """Return ``1 host``, ``3 hosts``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def cut(text: str, room: int, *, front: bool = False) -> str:
    """Return `text` in at most `room` columns; an ellipsis stands for what is left out: the end, or the `front`."""
    if len(text) <= room:
        return text
    return f"…{text[len(text) - room + 1 :]}" if front else f"{text[: max(0, room - 1)]}…"


def cut_name(name: str, room: int) -> str:
    """Return a host's name in at most `room` columns: begin and end stay, as sites tell hosts apart by either."""
    if len(name) <= room:
        return name
    tail = max(1, room // 2)
    return f"{name[: max(0, room - 1 - tail)]}…{name[-tail:]}"


def etcd_disk(facts: Facts) -> str:
    """Return what kind of disk would hold etcd's data, or nothing where that isn't known."""
    return DISK_WORDS.get(facts.etcd_filesystem.kind, "") if facts.etcd_filesystem else ""


def host_line(facts: Facts) -> str:
    """Return a host in a few words: ``Debian 12, 2 CPU, 8 GB, SSD``."""
    system, hardware = facts.system, facts.hardware
    name = {"debian": "Debian", "ubuntu": "Ubuntu", "rocky": "Rocky", "rhel": "RHEL"}.get(system.os_id, system.os_id)
    parts = [f"{name} {system.os_version}".strip()]
    if hardware.cpus:
        parts.append(f"{hardware.cpus} CPU")
    if hardware.memory:
        parts.append(memory(hardware.memory))
    disk = etcd_disk(facts)
    if disk:
        parts.append(disk)
    return ", ".join(part for part in parts if part)


def host_details(facts: Facts) -> str:
    """Return what else a person wants to know of a host that answered."""
    system, filesystem = facts.system, facts.etcd_filesystem
    parts = [system.os_name or host_line(facts), f"Linux {system.kernel}" if system.kernel else ""]
    parts += [f"{item.name} {item.addresses[0]}" for item in facts.interfaces if item.addresses and item.name != "lo"][
        :3
    ]
    if filesystem is not None:
        disk = f" on {filesystem.disk}" if filesystem.disk else ""
        parts.append(f"etcd's data in {filesystem.mount}{disk}, {filesystem.free / 1e9:.0f} GB free")
    return ", ".join(part for part in parts if part) + "."
