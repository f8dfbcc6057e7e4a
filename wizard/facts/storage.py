"""Disks of a host, and the filesystems slipway writes to with what is free on them."""

from __future__ import annotations

from dataclasses import dataclass

from wizard.facts.blocks import Blocks, read_blocks
from wizard.facts.model import Disk, DiskKind, Filesystem
from wizard.facts.text import integer, parts, unescaped

SCRIPT = r"""
part storage/mounts
cat /proc/self/mountinfo
part storage/paths
set --
for path in / /usr/local/bin /var/lib/containerd "$ETCD_DIR" /var/lib/kubelet /opt /tmp; do
  at=$path
  case $at in /*) ;; *) at=/ ;; esac
  while [ ! -d "$at" ]; do at=${at%/*}; [ -n "$at" ] || at=/; done
  cd -P "$at" || cd /
  printf '%s\t%s\n' "$path" "$PWD"
  set -- "$@" "$PWD"
done
cd /
part storage/free
limit=; command -v timeout >/dev/null && limit='timeout 5'
$limit stat -f -c '%S %b %a %c %d %n' "$@"
part storage/blocks
grep -sH '' /sys/class/block/*/dev /sys/block/*/size /sys/block/*/queue/rotational /sys/block/*/device/model \
  /sys/block/*/dm/name /sys/block/*/loop/backing_file /sys/class/nvme-subsystem/*/nvme*/transport \
  /sys/class/nvme/*/transport
part storage/devices
ls -l /sys/block
part storage/tree
printf '%s\n' /sys/block/*/slaves/* /sys/block/*/*/partition
"""

NETWORK_TYPES = frozenset(
    (
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "glusterfs", "fuse.glusterfs", "fuse.sshfs"),
        *("9p", "lustre", "beegfs", "gfs2", "ocfs2", "afs", "pvfs2"),
    )
)
"""Filesystem types whose data is on other machines, or on a disk shared with them."""

MEMORY_TYPES = frozenset(("tmpfs", "ramfs", "rootfs"))


@dataclass(frozen=True, slots=True)
class Storage:
    """Disks and filesystems of a host; `etcd` is the filesystem that would hold etcd's data."""

    disks: tuple[Disk, ...] = ()
    filesystems: tuple[Filesystem, ...] = ()
    etcd: Filesystem | None = None


@dataclass(frozen=True, slots=True)
class _Mount:
    device: str
    mount: str
    type: str
    source: str
    options: tuple[str, ...]
    special: str
    """The filesystem's own options, in which an overlay names its upper folder."""


def parse(text: str, etcd_data_dir: str = "/var/lib/etcd") -> Storage:
    """Return disks and filesystems; of mounts on top of each other the last one counts."""
    part = parts(text)
    blocks = read_blocks(part.get("storage/blocks", ""), part.get("storage/devices", ""), part.get("storage/tree", ""))
    mounts = [mount for mount in map(_mount, part.get("storage/mounts", "").splitlines()) if mount]
    free = _free(part.get("storage/free", ""))
    found: dict[str, Filesystem] = {}
    for line in part.get("storage/paths", "").splitlines():
        path, _, folder = line.partition("\t")
        mount = _holding(mounts, folder)
        if mount is None:
            continue
        if known := found.get(mount.mount):
            paths = known.paths if path in known.paths else (*known.paths, path)
        else:
            paths = (path,)
        kind, disk = _beneath(mount, mounts, blocks)
        size, available, inodes = free.get(folder, (0, 0, None))
        found[mount.mount] = Filesystem(
            mount.mount, mount.source, mount.type, size, available, inodes, disk, kind, mount.options, paths
        )
    etcd = next((filesystem for filesystem in found.values() if etcd_data_dir in filesystem.paths), None)
    return Storage(blocks.disks(), tuple(found.values()), etcd)


def _mount(line: str) -> _Mount | None:
    """Read a line of /proc/self/mountinfo (proc(5)): optional fields end with a lone ``-``."""
    before, dash, after = line.partition(" - ")
    fields, rest = before.split(), after.split()
    if not dash or len(fields) < 6 or len(rest) < 2:
        return None
    return _Mount(
        device=fields[2],
        mount=unescaped(fields[4]),
        type=rest[0],
        source=unescaped(rest[1]),
        options=tuple(fields[5].split(",")),
        special=rest[2] if len(rest) > 2 else "",
    )


def _holding(mounts: list[_Mount], folder: str) -> _Mount | None:
    """Return the mount that holds `folder`: the longest mount point above it, the last one of equals."""
    best: _Mount | None = None
    for mount in mounts:
        above = mount.mount == "/" or folder == mount.mount or folder.startswith(mount.mount + "/")
        if above and (best is None or len(mount.mount) >= len(best.mount)):
            best = mount
    return best


def _beneath(mount: _Mount, mounts: list[_Mount], blocks: Blocks, depth: int = 0) -> tuple[DiskKind, str]:
    """Return the kind of what `mount` lies on and the whole disk's name, where it is one of the host's own."""
    if mount.type in NETWORK_TYPES:
        return DiskKind.NETWORK, ""
    if mount.type in MEMORY_TYPES:
        return DiskKind.MEMORY, ""
    if depth > 4:
        return DiskKind.UNKNOWN, ""
    if mount.type == "overlay":
        upper = next((item[9:] for item in mount.special.split(",") if item.startswith("upperdir=")), "")
        under = _holding(mounts, upper) if upper else None
        # A container's upper folder is named as the machine around it sees it: what lies there by that name is not it.
        if under is None or under.type == "overlay":
            return DiskKind.UNKNOWN, ""
        return _beneath(under, mounts, blocks, depth + 1)
    device = blocks.by_number.get(mount.device) or blocks.by_source(mount.source)
    if device is None:
        return DiskKind.UNKNOWN, ""
    if backing := blocks.backing_file(device):
        under = _holding(mounts, backing)
        if under is None or under.device == mount.device:
            return DiskKind.UNKNOWN, device
        return _beneath(under, mounts, blocks, depth + 1)[0], device
    disk = blocks.slowest(device)
    return (disk.kind, disk.name) if disk else (DiskKind.UNKNOWN, device)


def _free(text: str) -> dict[str, tuple[int, int, int | None]]:
    """Return folder → (size, free, free inodes) of what ``stat -f`` printed; sizes in bytes."""
    found: dict[str, tuple[int, int, int | None]] = {}
    for line in text.splitlines():
        fields = line.split(" ", 5)
        if len(fields) == 6:
            block, total, available, inodes, inodes_free = (integer(field) for field in fields[:5])
            found[fields[5]] = (block * total, block * available, inodes_free if inodes else None)
    return found
