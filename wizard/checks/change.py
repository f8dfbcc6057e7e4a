"""What can't be changed on a cluster that works: compared with the profile applied last, and with the hosts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from wizard import versions
from wizard.checks.case import Case, Found, spoken
from wizard.errors import Level, Problem
from wizard.facts.traces import Settled
from wizard.profile.model import Host, Profile


class Fixed(NamedTuple):
    """One value of the whole cluster: its code and field, its name in words, and why it stays.

    `host` reads it from what a host runs with; empty where no host tells. From `unset` it may still become another.
    """

    code: str
    group: str
    key: str
    title: str
    why: str
    host: Callable[[Settled], str] = lambda _settled: ""
    unset: str = ""

    @property
    def field(self) -> str:
        """Return the profile's path of the value."""
        return f"{self.group}.{self.key}"

    def of(self, profile: Profile) -> str:
        """Return the value as a profile has it."""
        return str(getattr(getattr(profile, self.group), self.key))


FIXED = (
    Fixed(
        *("change.pod-cidr", "network", "pod_cidr", "Pod network"),
        "every node has its part of it, and every Pod its address",
        lambda settled: settled.pod_cidr,
    ),
    Fixed(
        *("change.service-cidr", "network", "service_cidr", "Service network"),
        "every Service has its address, and every Pod the DNS's",
        lambda settled: settled.service_cidr,
    ),
    Fixed(
        *("change.dns-domain", "network", "dns_domain", "domain of the Services"),
        "Pods that run and tokens that were issued go by the old one",
        lambda settled: settled.dns_domain,
    ),
    Fixed(
        *("change.plugin", "network", "plugin", "network plugin"),
        "two of them on one cluster cut Pods off from each other",
        unset="none",
    ),
    Fixed(
        *("change.data-dir", "etcd", "data_dir", "directory of etcd's data"),
        "the members would start without their data",
        lambda settled: settled.data_dir,
    ),
    Fixed(
        *("change.vip", "endpoint", "vip", "virtual IP"),
        "workers, kubeconfigs and certificates go by it",
        lambda settled: settled.vip,
    ),
    Fixed(
        *("change.port", "endpoint", "port", "port of the API"),
        "workers and kubeconfigs go by it, and the old one would be gone at once",
    ),
)


def judge(case: Case) -> Iterator[Problem]:
    """Yield what the profile asks to change and a cluster that works can't; nothing where none ever worked."""
    ours = [found for found in case.found() if found.ours]
    if any(found.facts.traces.etcd_worked for found in ours):
        settled = [found.facts.settled for found in ours]
        yield from values(case.profile, case.applied, settled)
        yield from upgrade(case.profile, case.applied, (item.kubernetes for item in settled))
        yield from _hosts(case, ours)


def values(profile: Profile, applied: Profile | None, settled: Iterable[Settled] = ()) -> Iterator[Problem]:
    """Yield the cluster's own values that differ from what was applied, or from what most hosts have.

    What one host has otherwise than the others was changed by hand: that is drift.
    """
    there = tuple(settled)
    for item in FIXED:
        before = item.of(applied) if applied else _most(item.host(one) for one in there)
        wanted = item.of(profile)
        if before not in {"", item.unset, wanted}:
            words = f"The {item.title} is {before} and can't become {wanted} on a cluster that works: {item.why}"
            hint = f"Put {before} back; a new {item.title} needs a new cluster."
            yield Problem(item.code, Level.ERROR, words, hint, item.field)


def upgrade(profile: Profile, applied: Profile | None, seen: Iterable[str] = ()) -> Iterator[Problem]:
    """Yield that the profile asks for another Kubernetes than most masters run (`seen`), or than was applied."""
    wanted = profile.kubernetes or versions.default()
    before = _most(seen) or (applied.kubernetes if applied else "")
    if before and before != wanted:
        asks = f"the profile asks for {wanted}" if profile.kubernetes else f"this slipway's own is {wanted}"
        words = f"The cluster runs Kubernetes {before}, and {asks}: slipway can't upgrade a cluster yet"
        yield Problem("change.kubernetes", Level.ERROR, words, f"Write kubernetes: {before} for now.", "kubernetes")


def _most(found: Iterable[str]) -> str:
    ranked = Counter(text for text in found if text).most_common(1)
    return ranked[0][0] if ranked else ""


def _hosts(case: Case, ours: list[Found]) -> Iterator[Problem]:
    there = {found.name: found for found in ours}
    names = {host.name for host in case.profile.hosts}
    for index, host in enumerate(case.profile.hosts):
        found = there.get(host.name)
        who = (found.facts.settled.node or found.facts.settled.member) if found else ""
        who = who or _once(case.applied, host)
        if who in names - {host.name}:
            yield _swapped(index, host, who)
        elif found and who and who != host.name:
            yield _renamed(found, who)
        else:
            yield from _moved(case.applied, index, host, found.facts.settled if found else Settled())


def _once(applied: Profile | None, host: Host) -> str:
    """Return whose address the host's was when the profile was applied last, where the host itself doesn't tell."""
    return next((item.name for item in applied.hosts if item.ip == host.ip), "") if applied else ""


def _swapped(index: int, host: Host, who: str) -> Problem:
    return Problem(
        "change.swapped",
        Level.ERROR,
        f"The address of {host.name} leads to {who}: the profile has exchanged them",
        f"Give {spoken(sorted((host.name, who)))} their own addresses again.",
        f"hosts[{index}].address",
        host.name,
    )


def _renamed(found: Found, who: str) -> Problem:
    return found.problem(
        "change.renamed",
        Level.ERROR,
        f"This host is {who} in the cluster, and the profile calls it {found.name}: node and etcd member keep the "
        "name they were made with",
        f"Call it {who} again. For another name, remove {who} from the cluster first, then add it as {found.name}.",
        found.field("name"),
    )


def _moved(applied: Profile | None, index: int, host: Host, settled: Settled) -> Iterator[Problem]:
    last = next((item for item in applied.hosts if item.name == host.name), None) if applied else None
    node, peer = (last.ip, last.peer_ip) if last else (settled.node_ip, settled.peer_ip)
    for before, wanted, field, what in (
        (node, host.ip, "node_ip" if host.node_ip else "address", "address in the cluster"),
        (peer, host.peer_ip, "etcd_ip", "address of its etcd member"),
    ):
        if before and before != wanted:
            yield Problem(
                "change.address",
                Level.ERROR,
                f"{host.name} is in the cluster as {before}, and the profile says {wanted}: an {what} stays",
                f"Set {'etcd_ip' if field == 'etcd_ip' else 'node_ip'} to {before} (address may change: it is SSH's "
                f"alone then). For a new one, remove {host.name} from the cluster first, then add it.",
                f"hosts[{index}].{field}",
                host.name,
            )
            return
