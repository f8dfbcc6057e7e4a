"""What a host is: facts as frozen values, gathered in one round trip and parsed by pure functions.

Sizes are in bytes, times in seconds. A fact that could not be read is None or empty, never a guess.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from itertools import takewhile

from wizard.errors import SlipwayError
from wizard.facts.traces import ClusterTraces, Settled


class DiskKind(StrEnum):
    """What a disk is made of, as far as a host can tell.

    ``virtual`` is a hypervisor's disk: its rotational flag says nothing (virtio reports 1 on flash). ``network`` is a
    disk or a filesystem behind a network or a SAN; ``memory`` loses its content with the power.
    """

    NVME = "nvme"
    SSD = "ssd"
    ROTATIONAL = "rotational"
    NETWORK = "network"
    VIRTUAL = "virtual"
    MEMORY = "memory"
    UNKNOWN = "unknown"


def _is_digit(text: str) -> bool:
    return text.isascii() and text.isdigit()


@dataclass(frozen=True, slots=True)
class System:
    """Operating system and kernel: `os_id` and `os_version` as in os-release(5) (``debian``, ``12``)."""

    hostname: str = ""
    os_id: str = ""
    os_version: str = ""
    os_name: str = ""
    kernel: str = ""
    architecture: str = ""
    """Go's name: ``amd64``, ``arm64``."""
    init: str = ""
    machine_id: str = ""
    boot_id: str = ""
    container: str = ""
    """What the container calls itself (``lxc``, ``docker``; a practice host says ``slipway``), or empty."""
    cgroup_version: int = 0
    lacks_sys_resource: bool = False
    """root has no CAP_SYS_RESOURCE (a practice host, some containers): OOM scores can't be lowered."""
    selinux: str = ""
    """``enforcing``, ``permissive``, or empty where SELinux is off."""
    apparmor: bool = False
    systemd_resolved: bool = False
    """systemd-resolved runs: /etc/resolv.conf may name its stub, which Pods can't reach."""
    hypervisor: bool = False
    """The CPU says that this is a virtual machine."""
    product: str = ""
    """Maker and model, as the firmware says."""
    product_uuid: str = ""
    proxy: tuple[str, ...] = ()
    """Proxy settings of the whole system as ``name=value``; user names and passwords in them are masked."""

    @property
    def release(self) -> str:
        """Return the release as the bundle names it: ``debian-12``, ``ubuntu-24.04``, ``rocky-9``."""
        version = self.os_version
        if self.os_id not in ("debian", "ubuntu"):
            version = version.partition(".")[0]
        return f"{self.os_id}-{version}" if version else self.os_id

    @property
    def kernel_number(self) -> tuple[int, int]:
        """Return the kernel's major and minor number; (0, 0) where they can't be read."""
        major, _, rest = self.kernel.partition(".")
        minor = "".join(takewhile(_is_digit, rest))
        return (int(major), int(minor)) if _is_digit(major) and minor else (0, 0)


@dataclass(frozen=True, slots=True)
class Hardware:
    """CPUs and memory."""

    cpus: int = 0
    memory: int = 0
    memory_available: int = 0
    swap: int = 0
    swap_devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Disk:
    """A whole block device: no partition, nothing made of others. `size` is in bytes."""

    name: str
    size: int
    kind: DiskKind
    model: str = ""


@dataclass(frozen=True, slots=True)
class Filesystem:
    """A mounted filesystem that slipway will write to.

    `disk` is the whole disk under it, where known; of several (LVM, RAID) the slowest kind. `kind` is that disk's kind,
    or what the filesystem's own type says (NFS is network, tmpfs is memory). `free` is what root may still write.
    """

    mount: str
    source: str
    type: str
    size: int
    free: int
    inodes_free: int | None = None
    """None where the filesystem has no fixed number of them (btrfs, xfs on some kernels, network ones)."""
    disk: str = ""
    kind: DiskKind = DiskKind.UNKNOWN
    options: tuple[str, ...] = ()
    """Mount options: ``ro``, ``noexec`` …"""
    paths: tuple[str, ...] = ()
    """Which of the folders slipway writes to lie (or would lie) here."""


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface with its addresses as ``a.b.c.d/len``."""

    name: str
    mac: str
    mtu: int
    up: bool
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the main table: `destination` is a CIDR or ``default``."""

    destination: str
    interface: str
    gateway: str = ""


@dataclass(frozen=True, slots=True)
class Listener:
    """A port in use: `address` may be ``*``; `process` is empty where it can't be seen."""

    protocol: str
    address: str
    port: int
    process: str = ""
    """The process's short name, which Linux cuts at 15 characters."""
    unit: str = ""
    """The systemd unit it belongs to."""
    pid: int = 0


@dataclass(frozen=True, slots=True)
class Package:
    """An installed package of the distribution."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Clock:
    """The host's clock: `offset` to the jump host's (positive: ahead), known to half the round trip, `error`."""

    offset: float = 0.0
    error: float = 0.0
    known: bool = False
    """The host told its time at all."""
    synchronized: bool | None = None
    service: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of one host after one look."""

    host: str
    system: System = System()
    hardware: Hardware = Hardware()
    disks: tuple[Disk, ...] = ()
    filesystems: tuple[Filesystem, ...] = ()
    etcd_filesystem: Filesystem | None = None
    """The filesystem that would hold etcd's data."""
    interfaces: tuple[Interface, ...] = ()
    routes: tuple[Route, ...] = ()
    listeners: tuple[Listener, ...] = ()
    packages: tuple[Package, ...] = ()
    clock: Clock = Clock()
    traces: ClusterTraces = field(default_factory=ClusterTraces)
    settled: Settled = field(default_factory=Settled)
    commands: frozenset[str] = frozenset()
    """Which of the commands slipway may use are there (zstd, ctr, iptables …)."""
    units: frozenset[str] = frozenset()
    """Which units of interest are active now, without their ``.service``; ``ufw`` only where it really filters."""
    nameservers: tuple[str, ...] = ()
    """What /etc/resolv.conf names."""

    @property
    def etcd_disk(self) -> Disk | None:
        """Return the disk that would hold etcd's data, or None where it can't be told or is none of the host's own."""
        name = self.etcd_filesystem.disk if self.etcd_filesystem else ""
        return next((disk for disk in self.disks if disk.name == name), None)

    def package(self, name: str) -> Package | None:
        """Return the installed package of that name, or None."""
        return next((package for package in self.packages if package.name == name), None)

    def filesystem_of(self, path: str) -> Filesystem | None:
        """Return the filesystem that holds (or would hold) `path`, one of those that were asked for, or None."""
        return next((filesystem for filesystem in self.filesystems if path in filesystem.paths), None)

    def address_interface(self, address: str) -> Interface | None:
        """Return the interface that holds `address`, or None."""
        for interface in self.interfaces:
            if any(item.partition("/")[0] == address for item in interface.addresses):
                return interface
        return None


@dataclass(frozen=True, slots=True)
class Prefixed:
    """What the script that ran before the look left on one host: exit `status` and standard output."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class Survey:
    """All hosts after one look at each: facts of those that answered, the failure of those that did not."""

    facts: dict[str, Facts] = field(default_factory=dict)
    failures: dict[str, SlipwayError] = field(default_factory=dict)
    prefixed: dict[str, Prefixed] = field(default_factory=dict)
    """What `prefix_script` left, by host; empty where there was none."""

    def joined(self, other: Survey) -> Survey:
        """Return both surveys as one; where both know a host, `other` wins."""
        failures = {name: error for name, error in self.failures.items() if name not in other.facts}
        facts = {name: facts for name, facts in self.facts.items() if name not in other.failures}
        return Survey(facts | other.facts, failures | other.failures, self.prefixed | other.prefixed)
