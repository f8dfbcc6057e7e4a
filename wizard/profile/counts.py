"""Rules on how many: masters, etcd members, zones. A site after a loss breaks them and can be loaded all the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from wizard.profile.finding import Finding, error, info, listed, warning
from wizard.profile.model import Profile, Role

ETCD_SIZES = (1, 3, 5, 7)
"""Sizes a new etcd may have. https://etcd.io/docs/v3.6/faq/ (odd sizes; no more than seven)"""
ETCD_RECOMMENDED = 5


def quorum(size: int) -> int:
    """Return how many of `size` members must agree."""
    return size // 2 + 1


def tolerance(size: int) -> int:
    """Return how many of `size` members may die with a quorum left."""
    return max(0, size - quorum(size))


def etcd_size(size: int) -> Iterator[Finding]:
    """Judge the number of etcd members of a new install."""
    if size == 0:
        yield error(
            "etcd.none",
            "hosts",
            "No host has the role etcd, so the cluster would have no database.",
            "Give 3 or 5 hosts the role etcd.",
        )
    elif size > ETCD_SIZES[-1]:
        yield error(
            "etcd.large",
            "hosts",
            f"{size} etcd members: each write would wait for {quorum(size)} of them, which costs more speed than the "
            f"safety is worth. etcd advises against more than {ETCD_SIZES[-1]}.",
            f"Take {ETCD_RECOMMENDED} or {ETCD_SIZES[-1]}.",
        )
    elif size % 2 == 0:
        yield error("etcd.even", "hosts", _even(size), f"Take {size - 1} or {size + 1}.")
    elif size == 1:
        yield warning(
            "etcd.one",
            "hosts",
            "One etcd member is NOT highly available: when it dies the cluster stops, and its disk holds the only copy "
            "of the cluster's data.",
            f"Take 3, or {ETCD_RECOMMENDED} in production.",
        )
    elif size < ETCD_RECOMMENDED:
        yield info(
            "etcd.three",
            "hosts",
            f"{size} etcd members survive {tolerance(size)} failure; while one is down for work, not even one more. "
            f"{ETCD_RECOMMENDED} are recommended in production.",
            f"For {ETCD_RECOMMENDED}, add hosts that have only the role etcd, or more masters.",
        )


def _even(size: int) -> str:
    """Say why an even size is refused."""
    if size == 2:
        return (
            "2 etcd members need both for every write, so either one's death stops the cluster: that is worse than 1 "
            "member, not better."
        )
    return (
        f"{size} etcd members tolerate no more failures than {size - 1} do ({tolerance(size)}), because "
        f"{quorum(size)} must agree instead of {quorum(size - 1)}. The extra member is one more that can fail."
    )


def etcd_members(profile: Profile) -> Iterator[Finding]:
    """Judge the etcd size that the roles make."""
    yield from etcd_size(len(profile.etcd_members))


def master_count(count: int) -> Iterator[Finding]:
    """Judge the number of masters of a new install."""
    if count == 0:
        yield error("masters.none", "hosts", "No host has the role master.", "Give 3 hosts the role master.")
    elif count == 1:
        yield warning(
            "masters.one",
            "hosts",
            "One master is NOT highly available: when it dies, the API is gone until it is back.",
            "Take 3 masters.",
        )
    elif count == 2:
        yield error(
            "masters.two",
            "hosts",
            "2 masters are not highly available: while one is down, for work or for good, nothing may fail any more, "
            "and 2 etcd members on them would stop when either dies.",
            "Take 3 masters; or 1, where the API may be away.",
        )


def masters(profile: Profile) -> Iterator[Finding]:
    """Judge the number of masters."""
    yield from master_count(len(profile.masters))


def roles(profile: Profile) -> Iterator[Finding]:
    """Judge each host's roles by themselves."""
    for index, host in enumerate(profile.hosts):
        field = f"hosts[{index}].roles"
        if not host.roles:
            yield error(
                "host.roles-empty",
                field,
                f"{host.name} has no role, so nothing would be installed.",
                "Add one, or remove it.",
            )
        for role, times in Counter(host.roles).items():
            if times > 1:
                yield error("host.roles-twice", field, f"{host.name} has the role {role} twice.", "Name it once.")
        if Role.WORKER in host.roles and Role.MASTER in host.roles:
            yield error(
                "host.worker-master",
                field,
                f"{host.name} is a master and a worker; a host is one or the other.",
                "Remove worker. For ordinary Pods on masters, set masters_schedulable: true.",
            )
        elif Role.WORKER in host.roles and Role.ETCD in host.roles:
            yield error(
                "host.worker-etcd",
                field,
                f"{host.name} is a worker and an etcd member: what ordinary Pods write would slow every write of the "
                "cluster, and who breaks out of a Pod there could read all of its data.",
                "Remove one of the two. An etcd member needs a small host of its own, or a master.",
            )


def zones(profile: Profile) -> Iterator[Finding]:
    """Warn where the death of one zone would take etcd's quorum, every master, or most of them."""
    used = sorted({host.zone for host in profile.hosts if host.zone})
    members, controllers = profile.etcd_members, profile.masters
    unnamed = [host.name for host in (*members, *controllers) if not host.zone]
    if used and unnamed:
        names = listed(list(dict.fromkeys(unnamed)))
        yield info("zones.partial", "hosts", f"{names} have no zone, while others have one.", "Give each host a zone.")
    for zone in used:
        inside = [host.name for host in members if host.zone == zone]
        left = len(members) - len(inside)
        stops = len(members) > 1 and left < quorum(len(members))
        if stops:
            remedy = (
                "Spread them evenly."
                if len(used) > 2
                else "Only a third zone helps: with two, one always has it."
                if len(used) == 2
                else "Spread the hosts over three zones, or more, where the site has them."
            )
            yield warning(
                "zones.quorum",
                "hosts",
                f"Zone {zone} holds {len(inside)} of {len(members)} etcd members ({listed(inside)}): when it dies, "
                f"{left} {'is' if left == 1 else 'are'} left and {quorum(len(members))} are needed, so the cluster "
                "stops.",
                remedy,
            )
        there = sum(host.zone == zone for host in controllers)
        if len(controllers) > 1 and there == len(controllers):
            yield warning(
                "zones.masters",
                "hosts",
                f"All {len(controllers)} masters are in zone {zone}: when it dies, the API is gone.",
                "Put masters into several zones.",
            )
        elif len(controllers) > 1 and there >= quorum(len(controllers)) and not stops:
            yield warning(
                "zones.most-masters",
                "hosts",
                f"Zone {zone} holds {there} of {len(controllers)} masters: when it dies, the API stays up on "
                f"{len(controllers) - there} alone.",
                "Spread the masters evenly.",
            )
