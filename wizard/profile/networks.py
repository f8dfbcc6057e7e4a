"""Rules on the VIP, its port, and the networks inside the cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network

from wizard.profile import addresses
from wizard.profile.finding import Finding, counted, error, info, listed, warning
from wizard.profile.hosts import places
from wizard.profile.model import Profile, Role

NODE_MASK = 24
"""Length of the network each node takes of the Pod CIDR: the controller manager's --node-cidr-mask-size."""
POD_PREFIXES = (8, NODE_MASK)
"""A Pod CIDR may be at most 16 bits larger than a node's part (kubeadm's constants: PodSubnetNodeMaskMaxDiff)."""
SERVICE_PREFIXES = (12, 28)
"""The apiserver refuses more than 20 bits (kube-apiserver options/validation.go: maxCIDRBits); /28 holds the tenth
address, which is the cluster's DNS."""
SLOW_ADVERT = 1.0
"""Seconds between adverts from which on a dead VIP holder is missed for more than three seconds."""

PORTS_IN_USE: Mapping[int, str] = {
    22: "sshd",
    2379: "etcd (clients)",
    2380: "etcd (peers)",
    2381: "etcd (metrics)",
    9443: "haproxy (health)",
    9444: "haproxy (checks)",
    10248: "kubelet (health)",
    10249: "kube-proxy (metrics)",
    10250: "kubelet",
    10256: "kube-proxy (health)",
    10257: "kube-controller-manager",
    10259: "kube-scheduler",
}
"""Ports of a master that are taken; 6443 may be shared, for each binds it on an address of its own. https://kubernetes.io/docs/reference/networking/ports-and-protocols/"""
NODE_PORTS = (30000, 32767)
"""The apiserver's default --service-node-port-range."""

PRIVATE = tuple(
    IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15")
)
"""Networks that are nobody's on the Internet (RFC 1918, RFC 6598, RFC 2544)."""


@lru_cache(1024)
def network(text: str) -> IPv4Network | None:
    """Return the network that `text` names, or None where it names none."""
    return None if addresses.cidr(text) else IPv4Network(text)


def _host_places(profile: Profile) -> list[tuple[IPv4Address, str, str]]:
    """Return (address, field, host's name) for every IPv4 address of the hosts, loopback left out."""
    return [
        (IPv4Address(place.address), place.field, profile.hosts[place.host].name)
        for place in places(profile)
        if addresses.ipv4(place.address) is None
    ]


def vip_free(profile: Profile) -> Iterator[Finding]:
    """The VIP is an address of its own."""
    vip = profile.endpoint.vip
    if addresses.ipv4(vip):
        return
    for address, field, name in _host_places(profile):
        if address == IPv4Address(vip):
            yield error(
                "endpoint.vip-host",
                ("endpoint.vip", field),
                f"{vip} is the VIP and an address of {name}. The VIP moves between masters, so no host may have it.",
                "Take an address of the masters' subnet that nobody has.",
            )


def vip_outside(profile: Profile) -> Iterator[Finding]:
    """The VIP is in none of the networks inside the cluster."""
    vip = profile.endpoint.vip
    if addresses.ipv4(vip):
        return
    for field, title, inside in _cidrs(profile):
        if IPv4Address(vip) in inside:
            yield error(
                "endpoint.vip-cidr",
                ("endpoint.vip", field),
                f"The VIP {vip} is inside the {title}, {inside}; hosts could not reach it.",
                f"Take another VIP or another {title}.",
            )


def port_free(profile: Profile) -> Iterator[Finding]:
    """The API's port at the VIP is no port that something else on the masters takes."""
    port = profile.endpoint.port
    low, high = NODE_PORTS
    if port in PORTS_IN_USE:
        yield error(
            "endpoint.port-taken",
            "endpoint.port",
            f"Port {port} of every master belongs to {PORTS_IN_USE[port]}.",
            "Take 6443, or another free port such as 8443.",
        )
    elif low <= port <= high:
        yield error(
            "endpoint.port-node-port",
            "endpoint.port",
            f"Port {port} is one of the NodePorts ({low}-{high}): a Service could take the API's traffic.",
            "Take 6443, or another port outside that range.",
        )
    sshd = [
        (f"hosts[{index}].ssh.port" if host.ssh.port else "ssh.port", host.name)
        for index, host in enumerate(profile.hosts)
        if Role.MASTER in host.roles and port != 22 and (host.ssh.port or profile.ssh.port) == port
    ]
    if sshd:
        yield warning(
            "endpoint.port-ssh",
            ("endpoint.port", *dict.fromkeys(field for field, _ in sshd)),
            f"Port {port} is also the SSH port of {listed([name for _, name in sshd])}: where sshd itself "
            "listens there, the API can't.",
            "Take another port, unless SSH comes by a forwarded one.",
        )


def adverts(profile: Profile) -> Iterator[Finding]:
    """Slow adverts mean a slow failover."""
    interval = profile.endpoint.advert_interval
    if interval > SLOW_ADVERT:
        yield warning(
            "endpoint.advert-slow",
            "endpoint.advert_interval",
            f"With an advert each {interval:g} s, a dead holder of the VIP is noticed only after {3 * interval:g} to "
            f"{4 * interval:g} s; until then nobody reaches the API.",
            "Leave it at 0.2.",
        )


def _cidrs(profile: Profile) -> Iterator[tuple[str, str, IPv4Network]]:
    """Yield (field, title, network) of the networks inside the cluster that are networks at all."""
    for name, title in (("pod_cidr", "Pod network"), ("service_cidr", "Service network")):
        found = network(getattr(profile.network, name))
        if found:
            yield f"network.{name}", title, found


def cidrs_apart(profile: Profile) -> Iterator[Finding]:
    """Pods and Services have networks of their own."""
    both = list(_cidrs(profile))
    if len(both) == 2 and both[0][2].overlaps(both[1][2]):
        yield error(
            "network.cidr-overlap",
            ("network.pod_cidr", "network.service_cidr"),
            f"The Pod network {both[0][2]} and the Service network {both[1][2]} overlap: an address would "
            "mean two things.",
            "Change one of them. The usual ones are 10.244.0.0/16 and 10.96.0.0/12.",
        )


def cidrs_without_hosts(profile: Profile) -> Iterator[Finding]:
    """No host has an address in the networks inside the cluster."""
    for field, title, inside in _cidrs(profile):
        found = [(place, name) for address, place, name in _host_places(profile) if address in inside]
        if found:
            names = listed(list(dict.fromkeys(name for _, name in found)))
            yield error(
                "network.cidr-host",
                (field, *(place for place, _ in found)),
                f"The {title} {inside} holds addresses of {names}; traffic for them would go astray.",
                f"Take a {title} that is used nowhere at the site.",
            )


def cidrs_large_enough(profile: Profile) -> Iterator[Finding]:
    """Every node finds its part of the Pod network, and the Service network is of a size the apiserver takes."""
    nodes = [host for host in profile.hosts if Role.MASTER in host.roles or Role.WORKER in host.roles]
    for field, _, inside in _cidrs(profile):
        if field == "network.pod_cidr":
            yield from _pod_size(inside, len(nodes))
        else:
            yield from _service_size(inside)


def _pod_size(inside: IPv4Network, nodes: int) -> Iterator[Finding]:
    shortest, longest = POD_PREFIXES
    room = 2 ** max(0, NODE_MASK - inside.prefixlen) if inside.prefixlen <= NODE_MASK else 0
    field = "network.pod_cidr"
    if room < max(1, nodes):
        yield error(
            "network.pod-small",
            field,
            f"{inside} has room for {counted(room, 'node')}: each takes a /{NODE_MASK}, and there are {nodes}.",
            "Take a larger one, such as a /16 for 256 nodes.",
        )
    elif inside.prefixlen < shortest:
        yield error(
            "network.pod-large",
            field,
            f"{inside} is larger than Kubernetes can hand out in parts of a /{NODE_MASK}.",
            f"Take a length from {shortest} to {longest}, such as /16.",
        )
    elif nodes and room < 2 * nodes:
        yield info(
            "network.pod-tight",
            field,
            f"{inside} has room for {counted(room, 'node')}, and {nodes} are here; it can't be changed later.",
            "Take a larger one where the cluster may grow.",
        )


def _service_size(inside: IPv4Network) -> Iterator[Finding]:
    widest, smallest = SERVICE_PREFIXES
    if inside.prefixlen > smallest:
        yield error(
            "network.service-small",
            "network.service_cidr",
            f"{inside} has no room for the cluster's DNS, which is the tenth address, and for your own Services.",
            f"Take a length from {widest} to {smallest}, such as /16.",
        )
    elif inside.prefixlen < widest:
        yield error(
            "network.service-large",
            "network.service_cidr",
            f"{inside} is larger than kube-apiserver takes (2^20 addresses).",
            f"Take a length from {widest} to {smallest}, such as /16.",
        )


def cidrs_private(profile: Profile) -> Iterator[Finding]:
    """A network that belongs to others on the Internet hides them from the Pods."""
    for field, title, inside in _cidrs(profile):
        if not any(inside.subnet_of(private) for private in PRIVATE):
            yield warning(
                "network.cidr-public",
                field,
                f"The {title} {inside} is not private: Pods could not reach the real owners of those addresses.",
                "Take one inside 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16.",
            )
