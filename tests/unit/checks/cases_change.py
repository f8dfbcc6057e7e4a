"""Clusters that work, and profiles that ask for what they can't become."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from wizard import versions
from wizard.errors import Level
from wizard.facts.model import Facts
from wizard.facts.traces import Marker, Settled

from . import sites as site
from .case import Case
from .sites import UID

ERROR = Level.ERROR
ALL = "m1 m2 m3"
NEWEST = versions.default()
OLDER = next(name for name in versions.known() if name != NEWEST)


def works(facts: Facts) -> Facts:
    """Return what a look at a host of a cluster that works finds."""
    number = facts.host[-1]
    traces = replace(facts.traces, marker=Marker(UID, "site", "{}"), etcd_data=True, etcd_worked=True)
    runs = Settled(
        node=facts.host, node_ip=f"10.20.0.1{number}", member=facts.host, peer_ip=f"10.20.0.1{number}",
        data_dir="/var/lib/etcd", dns_domain="cluster.local", service_cidr="10.96.0.0/12", pod_cidr="10.244.0.0/16",
        kubernetes=NEWEST, vip="10.20.0.100",
    )  # fmt: skip
    return replace(facts, traces=traces, settled=runs)


def settled(**changes: Any) -> site.Mend:
    """Return a host that works with something else."""

    def mend(facts: Facts) -> Facts:
        found = works(facts)
        return replace(found, settled=replace(found.settled, **changes))

    return mend


def given(by_hosts: bool = False, **wanted: Any) -> dict[str, Any]:
    """Return a cluster that works, and the changed profile; `by_hosts` leaves it to the hosts to tell what was."""
    applied = None if by_hosts else site.profile(kubernetes=NEWEST)
    return {"on": ALL, "uid": UID, "wanted": site.profile(**{"kubernetes": NEWEST, **wanted}), "applied": applied}


def hosts(**mends: dict[str, Any]) -> list[dict[str, Any]]:
    plain = {f"m{number}": {"name": f"m{number}", "address": f"10.20.0.1{number}"} for number in (1, 2, 3)}
    return [host | mends.get(name, {}) for name, host in plain.items()]


def case(code: str, field: str, *words: str, host: str = "", mend: site.Mend = works, **more: Any) -> Case:
    return Case(code, ERROR, mend, words, field, host, more)


SWAPPED = hosts(m2={"address": "10.20.0.13"}, m3={"address": "10.20.0.12"})


def swapped(facts: Facts) -> Facts:
    """The host that answers at the other's address is the other, whatever the profile calls it."""
    other = {"m2": "m3", "m3": "m2"}.get(facts.host, facts.host)
    return settled(node=other, member=other)(facts)


def renamed(facts: Facts) -> Facts:
    return settled(node="m2", member="m2")(facts) if facts.host == "x2" else works(facts)


def wide(code: str, group: str, key: str, before: str, after: Any, by_hosts: bool = True) -> tuple[Case, ...]:
    """Return the cases of a value of the whole cluster: told by the profile applied last, and by the hosts."""
    wanted = {group: {**({"vip": "10.20.0.100"} if group == "endpoint" else {}), key: after}}
    kinds = (False, True) if by_hosts else (False,)
    return tuple(case(code, f"{group}.{key}", before, str(after), "back", **given(kind, **wanted)) for kind in kinds)


CASES = (
    *wide("change.pod-cidr", "network", "pod_cidr", "10.244.0.0/16", "10.245.0.0/16"),
    *wide("change.service-cidr", "network", "service_cidr", "10.96.0.0/12", "10.112.0.0/12"),
    *wide("change.dns-domain", "network", "dns_domain", "cluster.local", "other.local"),
    *wide("change.data-dir", "etcd", "data_dir", "/var/lib/etcd", "/srv/etcd"),
    *wide("change.vip", "endpoint", "vip", "10.20.0.100", "10.20.0.101"),
    *wide("change.port", "endpoint", "port", "6443", 8443, by_hosts=False),
    case("change.kubernetes", "kubernetes", NEWEST, OLDER, "upgrade", **given(kubernetes=OLDER)),
    case(
        *("change.kubernetes", "kubernetes", f"kubernetes: {OLDER}", "this slipway's own"),
        mend=settled(kubernetes=OLDER),
        **given(by_hosts=True, kubernetes=""),
    ),
    case(
        *("change.renamed", "hosts[1].name", "m2 in the cluster", "calls it x2"),
        host="x2",
        mend=renamed,
        **{**given(hosts=hosts(m2={"name": "x2"})), "on": "m1 x2 m3"},
    ),
    case(
        *("change.swapped", "hosts[1].address", "leads to m3", "m2 and m3"),
        host="m2",
        mend=swapped,
        **given(hosts=SWAPPED),
    ),
    case("change.swapped", "hosts[2].address", "to m2", host="m3", mend=swapped, **given(True, hosts=SWAPPED)),
    case(
        *("change.role", "hosts[2].roles", "m3 is a master and an etcd member", "makes it a worker", "--allow-removal"),
        host="m3",
        **given(hosts=hosts(m3={"roles": ["worker"]})),
    ),
    *(
        case("change.address", field, *words, host=host, **given(by_hosts, hosts=hosts(**{host: mend})))
        for by_hosts in (False, True)
        for field, host, mend, words in (
            ("hosts[0].node_ip", "m1", {"node_ip": "10.20.0.77"}, ("10.20.0.11", "10.20.0.77")),
            ("hosts[0].address", "m1", {"address": "10.20.0.77"}, ("10.20.0.11", "10.20.0.77")),
            ("hosts[2].etcd_ip", "m3", {"etcd_ip": "10.20.0.78"}, ("10.20.0.13", "etcd member")),
        )
    ),
)
