"""The VIP, the hosts' own addresses and the cluster's networks against what the hosts really have."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from wizard.checks.case import Case, Found, ipv4, spoken
from wizard.errors import Level, Problem
from wizard.facts.model import Facts, Interface
from wizard.profile.model import Role

CLUSTER_INTERFACES = ("cni", "flannel", "cali", "cilium", "veth", "kube-", "tunl", "vxlan.calico", "lo")
"""Prefixes of interfaces that a cluster makes itself (and loopback): its networks are no clash with its networks."""


def judge(case: Case) -> Iterator[Problem]:
    """Yield addresses that are missing, taken or in the wrong network."""
    for found in case.found():
        yield from _own_addresses(found)
        yield from _vip(case, found)
        yield from _cidrs(case, found)


def addresses_of(interface: Interface) -> tuple[IPv4Interface, ...]:
    """Return an interface's IPv4 addresses with their networks; what can't be read is left out."""
    found = []
    for text in interface.addresses:
        try:
            found.append(IPv4Interface(text))
        except ValueError:
            continue
    return tuple(found)


def _shown(facts: Facts) -> str:
    """Return the host's addresses for a person, without loopback."""
    shown = [
        f"{address.ip} ({interface.name})"
        for interface in facts.interfaces
        for address in addresses_of(interface)
        if not address.ip.is_loopback
    ]
    return spoken(shown) or "none"


def _own_addresses(found: Found) -> Iterator[Problem]:
    wanted = [("node_ip", found.host.ip, "traffic of Kubernetes")]
    if Role.ETCD in found.host.roles and found.host.peer_ip != found.host.ip:
        wanted.append(("etcd_ip", found.host.peer_ip, "traffic of etcd"))
    for field, text, purpose in wanted:
        address = ipv4(text)
        if address is None:
            continue
        interface = found.facts.address_interface(str(address))
        if interface is None:
            yield found.problem(
                "network.address-missing",
                Level.ERROR,
                f"No interface has {address}, which is meant for {purpose}; the host has {_shown(found.facts)}",
                f"Set {field} to one of these. (An SSH address behind NAT is not the host's own.)",
                found.field(field),
            )
        elif address.is_loopback:
            yield found.problem(
                "network.address-loopback",
                Level.ERROR,
                f"{address} is the loopback address: other hosts can't reach it",
                f"Set {field} to an address of the host's network: {_shown(found.facts)}.",
                found.field(field),
            )
        elif not interface.up:
            yield found.problem(
                "network.interface-down",
                Level.ERROR,
                f"{interface.name}, which has {address}, is down or has no link",
                f"Look at the cable and at `ip link show {interface.name}`.",
                found.field(field),
            )


def _vip(case: Case, found: Found) -> Iterator[Problem]:
    vip = ipv4(case.profile.endpoint.vip)
    if vip is None:
        return
    holder = found.facts.address_interface(str(vip))
    if holder and not found.ours:
        yield found.problem(
            "vip.taken",
            Level.ERROR,
            f"The VIP {vip} is an address of this host already ({holder.name})",
            "Choose a free address as the VIP, or take it off that interface.",
            "endpoint.vip",
        )
    if Role.MASTER in found.host.roles:
        yield from _vip_interface(case, found, vip)
    elif Role.WORKER in found.host.roles and not _reaches(found.facts, vip):
        yield found.problem(
            "vip.no-route",
            Level.ERROR,
            f"The host has no way to the VIP {vip}, where a worker finds the API: it is in none of its networks, and "
            "no route leads there",
            "Add a route to it, or a default route.",
            "endpoint.vip",
        )


def _reaches(facts: Facts, address: IPv4Address) -> bool:
    """Tell whether the host knows a way to `address`. Without any fact about its network it counts as knowing one."""
    if not facts.interfaces and not facts.routes:
        return True
    default = any(route.destination == "default" for route in facts.routes)
    return default or any(address in network for network, _, _ in _networks(facts))


def _vip_interface(case: Case, found: Found, vip: IPv4Address) -> Iterator[Problem]:
    """Judge the interface that would carry the VIP: VRRP and ARP work only inside one subnet."""
    wanted = case.profile.endpoint.interface
    if wanted:
        interface = next((item for item in found.facts.interfaces if item.name == wanted), None)
        if interface is None:
            names = spoken([item.name for item in found.facts.interfaces if item.name != "lo"]) or "none"
            yield found.problem(
                "vip.interface-missing",
                Level.ERROR,
                f"There is no interface {wanted} to carry the VIP; the host has {names}",
                "Correct endpoint.interface, or leave it out: then the one with the node address is taken.",
                "endpoint.interface",
            )
            return
        if not interface.up:
            yield found.problem(
                "vip.interface-down",
                Level.ERROR,
                f"The interface {wanted}, which is to carry the VIP, is down or has no link",
                f"Look at the cable and at `ip link show {wanted}`.",
                "endpoint.interface",
            )
    else:
        interface = found.facts.address_interface(found.host.ip)
        if interface is None:
            return  # network.address-missing says it
    networks = [item.network for item in addresses_of(interface) if item.ip != vip and item.network.prefixlen < 32]
    if not networks:
        yield found.problem(
            "vip.no-subnet",
            Level.ERROR,
            f"{interface.name} has no IPv4 network in which the VIP {vip} could lie",
            "Give it an address with a network length, or name another endpoint.interface.",
            "endpoint.vip",
        )
    elif not any(vip in network for network in networks):
        yield found.problem(
            "vip.outside-subnet",
            Level.ERROR,
            f"The VIP {vip} is outside of {spoken([str(network) for network in networks])}, the subnet of "
            f"{interface.name}: nobody there would find it",
            f"Choose a free address inside {networks[0]}. All masters must share that subnet.",
            "endpoint.vip",
        )
    elif any(vip in (network.network_address, network.broadcast_address) for network in networks if vip in network):
        yield found.problem(
            "vip.not-usable",
            Level.ERROR,
            f"The VIP {vip} is the network's or the broadcast address of {spoken([str(item) for item in networks])}",
            f"Choose a free address inside {networks[0]}.",
            "endpoint.vip",
        )


def _cidrs(case: Case, found: Found) -> Iterator[Problem]:
    """Compare the cluster's networks with those the host is in or has a way to."""
    for field, what, text in (
        ("network.pod_cidr", "Pod", case.profile.network.pod_cidr),
        ("network.service_cidr", "Service", case.profile.network.service_cidr),
    ):
        try:
            cidr = IPv4Network(text, strict=False)
        except ValueError:
            continue
        seen: set[str] = set()
        for network, interface, gateway in _networks(found.facts):
            ours = found.ours and interface.startswith(CLUSTER_INTERFACES)
            if ours or not cidr.overlaps(network) or str(network) in seen:
                continue
            seen.add(str(network))
            leftover = interface.startswith(CLUSTER_INTERFACES)
            if gateway:
                yield found.problem(
                    "network.cidr-routed",
                    Level.WARNING,
                    f"The {what} network {cidr} overlaps {network}, which the host reaches through {gateway} "
                    f"({interface}): machines there can't be reached from Pods",
                    f"Choose another {field} if anything in {network} matters to this cluster.",
                    field,
                )
            else:
                yield found.problem(
                    "network.cidr-connected",
                    Level.ERROR,
                    f"The {what} network {cidr} overlaps {network}, which the host is in ({interface})",
                    f"Remove what is left of an earlier cluster: `ip link delete {interface}`."
                    if leftover
                    else f"Choose another {field}.",
                    field,
                )


def _networks(facts: Facts) -> Iterator[tuple[IPv4Network, str, str]]:
    """Yield the networks a host knows: its interfaces' and its routes', with interface and gateway."""
    for interface in facts.interfaces:
        for address in addresses_of(interface):
            if not address.ip.is_loopback:
                yield address.network, interface.name, ""
    for route in facts.routes:
        if route.destination != "default":
            try:
                yield IPv4Network(route.destination), route.interface, route.gateway
            except ValueError:
                continue
