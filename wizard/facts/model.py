"""What a host is: facts as frozen values, gathered in one round trip and parsed by pure functions.

Sizes are in bytes, times in seconds. A fact that could not be read is None or empty, never a guess.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from wizard.errors import SlipwayError


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
    """What systemd-detect-virt says of a container, or empty."""
    cgroup_version: int = 0
    lacks_sys_resource: bool = False
    """root has no CAP_SYS_RESOURCE (a practice host, some containers): OOM scores can't be lowered."""
    selinux: str = ""
    apparmor: bool = False
    systemd_resolved: bool = False


@dataclass(frozen=True, slots=True)
class Hardware:
    """CPUs and memory."""

    cpus: int = 0
    memory: int = 0
    memory_available: int = 0
    swap: int = 0


@dataclass(frozen=True, slots=True)
class Disk:
    """A block device. `kind` is ``nvme``, ``ssd``, ``rotational``, ``network`` or ``unknown``."""

    name: str
    size: int
    kind: str
    model: str = ""


@dataclass(frozen=True, slots=True)
class Filesystem:
    """A mounted filesystem that slipway will write to; `disk` is the block device under it, where known."""

    mount: str
    source: str
    type: str
    size: int
    free: int
    inodes_free: int = 0
    disk: str = ""


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
    unit: str = ""


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
    synchronized: bool | None = None
    service: str = ""


@dataclass(frozen=True, slots=True)
class Marker:
    """What ``/etc/slipway/cluster.json`` says: whose host this is. An empty `uid` means no marker."""

    uid: str = ""
    cluster: str = ""
    text: str = ""
    """The whole file as read, for `wizard.steps` to compare with."""


@dataclass(frozen=True, slots=True)
class ClusterTraces:
    """What of a cluster is already there, by whomever it was put."""

    marker: Marker = Marker()
    kubelet: bool = False
    etcd_data: bool = False
    """The etcd data directory holds a member."""
    manifests: tuple[str, ...] = ()
    pki: tuple[str, ...] = ()
    cni: tuple[str, ...] = ()
    running: tuple[str, ...] = ()
    """Units or processes of a cluster that run now."""
    lock: str = ""
    """Content of the host's run lock (JSON), or empty."""


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
    traces: ClusterTraces = ClusterTraces()
    commands: frozenset[str] = frozenset()
    """Which of the commands slipway may use are there (zstd, ctr, iptables …)."""

    def address_interface(self, address: str) -> Interface | None:
        """Return the interface that holds `address`, or None."""
        for interface in self.interfaces:
            if any(item.partition("/")[0] == address for item in interface.addresses):
                return interface
        return None


@dataclass(frozen=True, slots=True)
class Survey:
    """All hosts after one look at each: facts of those that answered, the failure of those that did not."""

    facts: dict[str, Facts] = field(default_factory=dict)
    failures: dict[str, SlipwayError] = field(default_factory=dict)
