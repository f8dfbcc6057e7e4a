"""What the person wants: the profile, as it stands in ``profiles/*.yaml``.

A profile says what is wanted and nothing of what is found. Counts that make no sense for a new install (two masters, an
even etcd) can be loaded all the same: a site after a loss must be loadable. `wizard.profile.rules` judges.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from wizard.profile import syntax
from wizard.profile.extras import ExtraArgs, Proxy, Registry, Texts, Words
from wizard.profile.part import Part as Part


def _dns_label(text: str) -> str:
    return _approved(text, syntax.dns_label(text))


def _dns_name(text: str) -> str:
    return _approved(text, syntax.dns_name(text))


def _approved(text: str, complaint: syntax.Complaint | None) -> str:
    if complaint:
        raise PydanticCustomError("syntax", "{message}", {"message": complaint.message, "hint": complaint.hint})
    return text


def _no_truth_value(value: object) -> object:
    """Refuse true and false where a number is wanted: Python would read them as 1 and 0."""
    if isinstance(value, bool):
        raise PydanticCustomError("number_type", "Input should be a number")
    return value


def _without_v(text: str) -> str:
    return text.removeprefix("v")


DnsLabel = Annotated[str, AfterValidator(_dns_label)]
"""A DNS label (RFC 1123): what Kubernetes takes as a node's or a cluster's name."""

DnsName = Annotated[str, AfterValidator(_dns_name)]
"""A DNS name of one or more labels (RFC 1123)."""

Port = Annotated[int, Field(ge=syntax.PORTS[0], le=syntax.PORTS[1]), BeforeValidator(_no_truth_value)]

Mtu = Annotated[int, Field(ge=syntax.MTUS[0], le=syntax.MTUS[1]), BeforeValidator(_no_truth_value)]


class Role(StrEnum):
    """What a host does in the cluster. An etcd-only host is not a Kubernetes node."""

    MASTER = "master"
    ETCD = "etcd"
    WORKER = "worker"


class Hop(Part):
    """One host of a jump chain."""

    address: str
    """SSH address of the hop: an IP address, a name, or an alias of ``~/.ssh/config``."""
    user: str | None = None
    """Login name on the hop."""
    port: Port | None = None
    """SSH port of the hop."""
    key: str | None = None
    """Path of the private key for the hop."""
    fingerprint: str = ""
    """SSH host key fingerprint of the hop (``SHA256:…``); checked when given."""


class Ssh(Part):
    """How to log in: what all hosts share, and what one host has of its own. None means: as ``~/.ssh/config`` says."""

    user: str | None = None
    """Login name. Without it: ``~/.ssh/config``, then root."""
    port: Port | None = None
    """SSH port. Without it: ``~/.ssh/config``, then 22."""
    key: str | None = None
    """Path of a private key, never the key. Without it: ``~/.ssh/config``, then the agent, then the usual key files."""
    via: tuple[Hop, ...] | None = None
    """Jump chain, the first hop being the nearest to the jump host."""
    sudo: Literal["auto", "password", "nopasswd"] | None = None
    """How to become root: ``auto`` tries without a password and asks when one is needed."""


class Host(Part):
    """One machine. `address` is where SSH finds it; the others default to it."""

    name: DnsLabel
    """Name of the node and of the etcd member; a DNS label."""
    address: str
    """SSH address: an IP address, a name, or an alias of ``~/.ssh/config``."""
    node_ip: str | None = None
    """IPv4 address for Kubernetes traffic, when it differs from `address` or `address` is a name."""
    etcd_ip: str | None = None
    """IPv4 address for etcd peers, when it differs from `node_ip`."""
    roles: tuple[Role, ...] = (Role.MASTER, Role.ETCD)
    """What the host does: ``master`` runs the control plane, ``etcd`` a database member, ``worker`` only Pods."""
    zone: str = ""
    """Rack, room or site: what fails together."""
    labels: Texts = Words()
    """Labels of the node, besides those that Kubernetes and `zone` give it."""
    taints: tuple[str, ...] = ()
    """Taints of the node, as ``key=value:NoSchedule`` or ``key:NoExecute``."""
    ssh: Ssh = Ssh()
    """Login of this host, where it differs from the one all hosts share."""
    fingerprint: str = ""
    """SSH host key fingerprint (``SHA256:…``); checked when given."""

    @property
    def ip(self) -> str:
        """Return the address of Kubernetes traffic."""
        return self.node_ip or self.address

    @property
    def peer_ip(self) -> str:
        """Return the address of etcd traffic."""
        return self.etcd_ip or self.ip


class Endpoint(Part):
    """Where people and workers find the API."""

    vip: str
    """Virtual IPv4 address, free, in the masters' subnet."""
    port: Port = 6443
    """Port of the API at the VIP."""
    dns_name: DnsName | None = None
    """Optional name that points to the VIP; it goes into the certificate."""
    interface: str | None = None
    """Interface that carries the VIP. Without it: the one that holds the host's node address."""
    vrid: Annotated[int, Field(ge=syntax.VRIDS[0], le=syntax.VRIDS[1]), BeforeValidator(_no_truth_value)] = 51
    """VRRP virtual router ID, unique on the segment (RFC 9568)."""
    advert_interval: Annotated[
        float, Field(ge=syntax.ADVERTS[0], le=syntax.ADVERTS[1]), BeforeValidator(_no_truth_value)
    ] = 0.2
    """Seconds between VRRP adverts. A dead holder of the VIP is noticed after three to four of them."""


class EtcdTuning(StrEnum):
    """Heartbeat and election timeout: 100/1000 ms by default, 250/5000 ms on a slow disk; ``auto`` asks the facts."""

    AUTO = "auto"
    DEFAULT = "default"
    SLOW_DISK = "slow-disk"


class Etcd(Part):
    """The cluster's database."""

    data_dir: str = "/var/lib/etcd"
    """Directory of the data, best on a local SSD; absolute, and etcd's own."""
    tuning: EtcdTuning = EtcdTuning.AUTO
    """Heartbeat and election: ``default`` is 100/1000 ms, ``slow-disk`` 250/5000 ms, ``auto`` asks the facts."""


class Network(Part):
    """Addresses inside the cluster."""

    pod_cidr: str = "10.244.0.0/16"
    """Network of the Pods; each node takes a /24 of it."""
    service_cidr: str = "10.96.0.0/12"
    """Network of the Services; its tenth address is the cluster's DNS."""
    plugin: Literal["flannel", "calico", "cilium", "none"] = "flannel"
    """What carries the Pods' traffic between nodes; ``none``: you bring it, and nodes wait for it."""
    backend: Literal["vxlan", "host-gw"] = "vxlan"
    """How it is carried: in ``vxlan`` packets, or (flannel alone, all nodes on one segment) by plain routes."""
    mtu: Mtu | None = None
    """Largest packet of Pods, in bytes. Without it: that of the node's interface, less 50 with ``vxlan``."""
    images: Literal["registry"] | None = None
    """``registry``: nodes fetch calico's or cilium's images by themselves. Without it: the bundle has to have them."""
    kube_proxy: Literal["iptables", "nftables"] = "iptables"
    """How Services are reached on a node."""
    dns_domain: DnsName = "cluster.local"
    """Domain of the Services' names."""
    upstream_dns: tuple[str, ...] = ()
    """Name servers for all other names (IPv4). Without them: those of each node's /etc/resolv.conf."""


class Profile(Part):
    """A site: its hosts, its endpoint, its etcd and its network."""

    version: Literal[1] = 1
    """Version of this file's format."""
    name: DnsLabel
    """Name of the cluster."""
    kubernetes: Annotated[str, AfterValidator(_without_v)] = ""
    """Kubernetes version (``1.37.2``); empty means this slipway's default."""
    ssh: Ssh = Ssh()
    """Login shared by all hosts; a host's own `ssh` goes before it."""
    hosts: tuple[Host, ...]
    """The machines."""
    endpoint: Endpoint
    """Where people and workers find the API."""
    etcd: Etcd = Etcd()
    """The cluster's database. Its size is what the hosts' roles say."""
    network: Network = Network()
    """Addresses inside the cluster."""
    masters_schedulable: bool = False
    """Let ordinary Pods run on masters (no control-plane taint)."""
    time_servers: tuple[str, ...] = ()
    """NTP servers; without them the hosts keep the time service they have."""
    registries: tuple[Registry, ...] = ()
    """Registries that need something: mirrors, an authority, a login."""
    proxy: Proxy = Proxy()
    """The proxy by which images are fetched."""
    manifests: str | None = None
    """Folder of manifests that are applied after an install and kept in step; a path on the jump host."""
    extra_args: ExtraArgs = ExtraArgs()
    """Flags of components."""
    sysctls: Texts = Words()
    """Kernel settings of every host: ``net.core.somaxconn: 4096``."""

    def having(self, role: Role) -> tuple[Host, ...]:
        """Return the hosts with `role`, in the profile's order."""
        return tuple(host for host in self.hosts if role in host.roles)

    @property
    def masters(self) -> tuple[Host, ...]:
        """Return the hosts that run the control plane."""
        return self.having(Role.MASTER)

    @property
    def etcd_members(self) -> tuple[Host, ...]:
        """Return the hosts that run etcd."""
        return self.having(Role.ETCD)

    @property
    def workers(self) -> tuple[Host, ...]:
        """Return the hosts that run only ordinary Pods."""
        return self.having(Role.WORKER)

    def host(self, name: str) -> Host:
        """Return the host called `name`. Raises KeyError when there is none."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise KeyError(name)
