"""What the person wants: the profile, as it stands in ``profiles/*.yaml``.

A profile says what is wanted and nothing of what is found. Counts that make no sense for a new install (two masters, an
even etcd) can be loaded all the same: a site after a loss must be loadable. `wizard.profile.rules` judges.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

DNS_LABEL = re.compile(r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")
DNS_NAME = re.compile(r"^(?=.{1,253}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$")


def _dns_label(text: str) -> str:
    if not DNS_LABEL.match(text):
        raise ValueError(
            "use lower-case letters, digits and '-', at most 63, starting and ending with a letter or digit"
        )
    return text


def _dns_name(text: str) -> str:
    if not DNS_NAME.match(text):
        raise ValueError("use a DNS name in lower case, such as api.site.example")
    return text


DnsLabel = Annotated[str, AfterValidator(_dns_label)]
"""A DNS label (RFC 1123): what Kubernetes takes as a node's or a cluster's name."""

DnsName = Annotated[str, AfterValidator(_dns_name)]
"""A DNS name of one or more labels (RFC 1123)."""

Port = Annotated[int, Field(ge=1, le=65535)]


class Part(BaseModel):
    """What every part of a profile is: a value, in which an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Role(StrEnum):
    """What a host does in the cluster. An etcd-only host is not a Kubernetes node."""

    MASTER = "master"
    ETCD = "etcd"
    WORKER = "worker"


class Hop(Part):
    """One host of a jump chain."""

    address: str
    user: str | None = None
    port: Port | None = None
    key: str | None = None
    fingerprint: str = ""


class Ssh(Part):
    """How to log in: what all hosts share, and what one host has of its own. None means: as ``~/.ssh/config`` says."""

    user: str | None = None
    """Login name. Without it: ``~/.ssh/config``, then root."""
    port: Port | None = None
    key: str | None = None
    """Path of a private key. Without it: ``~/.ssh/config``, then the agent, then the usual key files."""
    via: tuple[Hop, ...] | None = None
    """Jump chain, the first hop being the nearest to the jump host."""
    sudo: Literal["auto", "password", "nopasswd"] | None = None
    """How to become root: ``auto`` tries without a password and asks when one is needed."""


class Host(Part):
    """One machine. `address` is where SSH finds it; the others default to it."""

    name: DnsLabel
    address: str
    """SSH address: an IP address or a name."""
    node_ip: str | None = None
    """Address for Kubernetes traffic, when it differs from `address`."""
    etcd_ip: str | None = None
    """Address for etcd peers, when it differs from `node_ip`."""
    roles: tuple[Role, ...] = (Role.MASTER, Role.ETCD)
    zone: str = ""
    """Rack, room or site: what fails together."""
    ssh: Ssh = Ssh()
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
    """Virtual IP address, free, in the masters' subnet."""
    port: Port = 6443
    dns_name: DnsName | None = None
    """Optional name that points to the VIP; it goes into the certificate."""
    interface: str | None = None
    """Interface that carries the VIP. Without it: the one that holds the host's node address."""
    vrid: Annotated[int, Field(ge=1, le=255)] = 51
    """VRRP virtual router ID, unique on the segment (RFC 9568)."""
    advert_interval: Annotated[float, Field(ge=0.05, le=10)] = 0.2
    """Seconds between VRRP adverts."""


class EtcdTuning(StrEnum):
    """Heartbeat and election timeout: 100/1000 ms by default, 250/5000 ms on a slow disk; ``auto`` asks the facts."""

    AUTO = "auto"
    DEFAULT = "default"
    SLOW_DISK = "slow-disk"


class Etcd(Part):
    """The cluster's database."""

    data_dir: str = "/var/lib/etcd"
    tuning: EtcdTuning = EtcdTuning.AUTO


class Network(Part):
    """Addresses inside the cluster."""

    pod_cidr: str = "10.244.0.0/16"
    service_cidr: str = "10.96.0.0/12"
    plugin: Literal["flannel"] = "flannel"
    kube_proxy: Literal["iptables", "nftables"] = "iptables"
    dns_domain: DnsName = "cluster.local"


class Profile(Part):
    """A site: its hosts, its endpoint, its etcd and its network."""

    version: Literal[1] = 1
    """Version of this file's format."""
    name: DnsLabel
    """Name of the cluster."""
    kubernetes: str = ""
    """Kubernetes version; empty means the newest one this slipway knows."""
    ssh: Ssh = Ssh()
    """Login shared by all hosts; a host's own `ssh` goes before it."""
    hosts: tuple[Host, ...]
    endpoint: Endpoint
    etcd: Etcd = Etcd()
    network: Network = Network()
    masters_schedulable: bool = False
    """Let ordinary Pods run on masters (no control-plane taint)."""
    time_servers: tuple[str, ...] = ()
    """NTP servers; without them the hosts keep the time service they have."""

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
