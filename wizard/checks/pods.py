"""What carries the Pods' traffic, against the hosts' own network, what they have already, and what the bundle holds."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Interface

from wizard import versions
from wizard.checks.addresses import addresses_of
from wizard.checks.case import Case, Found, ipv4, spoken
from wizard.errors import Level, Problem, UsageError
from wizard.facts.model import Interface
from wizard.profile.finding import listed
from wizard.render.images import image_refs
from wizard.render.node import is_node
from wizard.render.pod_network import POD_NETWORKS, PodNetwork, pod_network


def judge(case: Case) -> Iterator[Problem]:
    """Yield segments, MTUs and leftovers that don't go with the Pod network, and images that are missing."""
    carrier = pod_network(case.profile.network)
    nodes = [
        (found, interface)
        for found in case.found()
        if is_node(found.host) and (interface := found.facts.address_interface(found.host.ip))
    ]
    yield from _images(case, carrier)
    if carrier.manifest is None:
        return
    if carrier.one_segment:
        yield from _segments(nodes)
    yield from _mtu(case, carrier, nodes)
    for found, _ in nodes:
        yield from _another(found, carrier)
        yield from _kernel(found, carrier)


def _segments(nodes: list[tuple[Found, Interface]]) -> Iterator[Problem]:
    """Plain routes to other nodes' Pods need every node within reach, with no router between."""
    for found, interface in nodes:
        own = _own(found, interface)
        beyond = [
            other.name for other, _ in nodes if own and (ip := ipv4(other.host.ip)) and ip not in own.network
        ]  # fmt: skip
        if own and beyond:
            yield found.problem(
                "network.host-gw-segment",
                Level.ERROR,
                f"{listed(beyond)} {'is' if len(beyond) == 1 else 'are'} outside of {own.network}, the network of "
                f"{interface.name} here: with host-gw, Pods on this host could not reach theirs",
                "Set network.backend to vxlan, or put all nodes into one network.",
                "network.backend",
            )


def _own(found: Found, interface: Interface) -> IPv4Interface | None:
    return next((item for item in addresses_of(interface) if str(item.ip) == found.host.ip), None)


def _mtu(case: Case, carrier: PodNetwork, nodes: list[tuple[Found, Interface]]) -> Iterator[Problem]:
    """Pods whose packets differ in size lose the large ones on the way; so do Pods with too large ones."""
    known = [(found, interface) for found, interface in nodes if interface.mtu > carrier.overhead]
    if not known:
        return
    wanted = case.profile.network.mtu
    fits = min(interface.mtu for _, interface in known) - carrier.overhead
    if wanted is None:
        sizes: dict[int, list[str]] = {}
        for found, interface in known:
            sizes.setdefault(interface.mtu, []).append(found.name)
        if len(sizes) > 1:
            shown = "; ".join(f"{size} on {listed(names)}" for size, names in sorted(sizes.items()))
            yield Problem(
                "network.mtu-differs",
                Level.WARNING,
                f"The nodes' interfaces have different MTUs ({shown}): Pods would have too, and large packets between "
                "them may be lost",
                f"Give all the same, or set network.mtu to {fits}.",
                "network.mtu",
            )
        return
    for found, interface in known:
        if wanted > interface.mtu - carrier.overhead:
            less = f", less {carrier.overhead} for the tunnel" if carrier.overhead else ""
            yield found.problem(
                "network.mtu-large",
                Level.ERROR,
                f"Pods' packets of {wanted} bytes don't go through {interface.name}: its MTU is {interface.mtu}{less}",
                f"Set network.mtu to at most {fits}, or leave it out.",
                "network.mtu",
            )


def _another(found: Found, carrier: PodNetwork) -> Iterator[Problem]:
    """Another plug-in on a host of this cluster would go on beside the new one."""
    there = {path.rpartition("/")[2] for path in found.facts.traces.cni}
    others = [row.name for row in POD_NETWORKS if row.config and row.config != carrier.config and row.config in there]
    if found.ours and others and carrier.config not in there:
        yield found.problem(
            "network.plugin-changed",
            Level.ERROR,
            f"This cluster's Pods are on {spoken(others)}, and the profile asks for {carrier.name}: slipway doesn't "
            "change that under Pods that run",
            f"Set network.plugin back to {others[0]}, or build the cluster anew (`slipway reset`).",
            "network.plugin",
        )


def _kernel(found: Found, carrier: PodNetwork) -> Iterator[Problem]:
    system, needed = found.facts.system, ".".join(map(str, carrier.kernel))
    if (0, 0) < system.kernel_number < carrier.kernel:
        yield found.problem(
            "kernel.pod-network",
            Level.ERROR,
            f"The kernel is {system.kernel}; {carrier.name} needs {needed} or newer",
            "Choose another network.plugin, or upgrade the kernel.",
            "network.plugin",
        )


def _images(case: Case, carrier: PodNetwork) -> Iterator[Problem]:
    """Images that slipway doesn't build are in a bundle only where somebody put them in."""
    if case.bundle is None or case.profile.network.images == "registry":
        return
    try:
        parts = versions.components(case.profile.kubernetes or versions.default())
    except UsageError:
        return  # kubernetes.unknown says it
    refs = [image_refs(parts)[name] for name in carrier.official]
    absent = [ref for ref in refs if ref not in case.bundle.images]
    if absent:
        yield Problem(
            "bundle.images-absent",
            Level.ERROR,
            f"The bundle lacks {carrier.name}'s images {spoken(absent)}: slipway builds none of these",
            "Save each where there is internet (`docker save`, or `skopeo copy docker://REF docker-archive:FILE:REF`) "
            "and put it in: `slipway bundle add FILE`. Or set network.images to registry: then nodes fetch them.",
            "network.plugin",
        )
