"""Rules on hosts' names and addresses: each its own, and each of a kind that Kubernetes and etcd can use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple, TypeVar

from wizard.profile import addresses
from wizard.profile.finding import Finding, error, listed, warning
from wizard.profile.model import Host, Profile, Role

Item = TypeVar("Item")


class Place(NamedTuple):
    """An address of a host: which field of which host says it, in which role, and by which way SSH would reach it."""

    address: str
    host: int
    field: str
    way: tuple[object, ...] | None = None


def places(profile: Profile) -> Iterator[Place]:
    """Yield every address that a host has, as the profile gives them; empty ones are left out."""
    for index, host in enumerate(profile.hosts):
        port = host.ssh.port or profile.ssh.port or 22
        via = host.ssh.via if host.ssh.via is not None else profile.ssh.via
        yield Place(host.address.lower(), index, f"hosts[{index}].address", (port, via or ()))
        for name in ("node_ip", "etcd_ip"):
            if address := getattr(host, name):
                yield Place(address, index, f"hosts[{index}].{name}")


def names(profile: Profile) -> Iterator[Finding]:
    """Every host has a name of its own."""
    for name, indices in _grouped((host.name, index) for index, host in enumerate(profile.hosts)):
        fields = [f"hosts[{index}].name" for index in reversed(indices)]
        positions = listed([str(index + 1) for index in indices])
        yield error("host.name-twice", fields, f"{name} is the name of hosts {positions} in the list.", "Rename one.")


def own_addresses(profile: Profile) -> Iterator[Finding]:
    """No two hosts share an address; the same SSH address by another port or jump chain is another host."""
    for address, found in _grouped((place.address, place) for place in places(profile) if place.address):
        clashing = {
            place
            for one, other in combinations(found, 2)
            if one.host != other.host and (one.way is None or other.way is None or one.way == other.way)
            for place in (one, other)
        }
        if clashing:
            ordered = sorted(clashing, key=lambda place: (place.host, place.field), reverse=True)
            owners = listed(list(dict.fromkeys(_title(profile, place.host) for place in reversed(ordered))))
            yield error(
                "host.address-twice",
                [place.field for place in ordered],
                f"{address} is an address of {owners}; every host has its own.",
                "Correct one of them.",
            )


def usable_ips(profile: Profile) -> Iterator[Finding]:
    """Kubernetes and etcd get IPv4 addresses: where `address` is a name or IPv6, another must be given."""
    for index, host in enumerate(profile.hosts):
        if not host.address or host.node_ip or addresses.ssh_address(host.address):
            continue
        if addresses.ipv4(host.address) is None or not _needs_node_ip(host):
            continue
        kind = "an address that other hosts can't reach" if addresses.is_ipv4(host.address) else "IPv6"
        if ":" not in host.address and not addresses.is_ipv4(host.address):
            kind = "a name"
        yield error(
            "host.node-ip-missing",
            (f"hosts[{index}].node_ip", f"hosts[{index}].address"),
            f"The SSH address of {_title(profile, index)}, {host.address}, is {kind}; certificates and etcd need the "
            "host's IPv4 address.",
            "Give node_ip.",
        )


def _needs_node_ip(host: Host) -> bool:
    """Tell whether something of the host is reached at its node address."""
    return host.roles != (Role.ETCD,) or not host.etcd_ip


def fingerprints(profile: Profile) -> Iterator[Finding]:
    """Two hosts with one SSH host key are one host listed twice, or clones of one image."""
    pinned = ((host.fingerprint, index) for index, host in enumerate(profile.hosts) if host.fingerprint)
    for _, indices in _grouped(pinned):
        owners = listed([_title(profile, index) for index in indices])
        yield warning(
            "host.fingerprint-twice",
            [f"hosts[{index}].fingerprint" for index in reversed(indices)],
            f"{owners} have the same SSH host key: one machine named twice, or machines cloned with their keys.",
            "Clones: make new host keys (ssh-keygen -A after removing the old) and a new machine-id on each.",
        )


def _grouped(pairs: Iterator[tuple[str, Item]]) -> Iterator[tuple[str, list[Item]]]:
    """Yield the keys that come more than once, with their items."""
    groups: dict[str, list[Item]] = defaultdict(list)
    for key, item in pairs:
        groups[key].append(item)
    yield from ((key, items) for key, items in groups.items() if len(items) > 1)


def _title(profile: Profile, index: int) -> str:
    """Return a host's name, or its place in the list while it has none."""
    return profile.hosts[index].name or f"host {index + 1}"
