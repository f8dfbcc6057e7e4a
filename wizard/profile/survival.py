"""What a site survives, in numbers and in words: what a person must know before trusting it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from wizard.profile.counts import quorum, tolerance
from wizard.profile.finding import counted, listed
from wizard.profile.model import Profile, Role


@dataclass(frozen=True, slots=True)
class ZoneLoss:
    """What is left when everything in `zone` dies at once; `survives` tells whether the API still takes writes."""

    zone: str
    hosts: tuple[str, ...]
    masters_left: int
    members_left: int
    workers_left: int
    quorum: bool
    """Whether etcd keeps its quorum."""
    survives: bool
    words: str
    """The same in one sentence: what goes, and what becomes of etcd and the API."""


@dataclass(frozen=True, slots=True)
class Survival:
    """What may die. `hosts_may_die` is the largest number of hosts of which any, chosen by bad luck, may die at once
    with the API still taking writes; `masters_may_die` the same where only masters die; `members_may_die` where only
    etcd members die (their machines may live on).
    """

    masters: int
    masters_may_die: int
    members: int
    members_may_die: int
    hosts_may_die: int
    zones: tuple[ZoneLoss, ...]
    words: tuple[str, ...]
    """The same in whole sentences, the most important first."""
    brief: str
    """The same in one line."""

    @property
    def zone_words(self) -> tuple[str, ...]:
        """Return a sentence for each zone: what goes when it dies, and what becomes of etcd and the API."""
        return tuple(loss.words for loss in self.zones)

    def as_dict(self) -> Mapping[str, Any]:
        """Return it as plain data for ``--json``."""
        return asdict(self)


def survival(profile: Profile) -> Survival:
    """Return what the site of `profile` survives once it is installed as written, workers left out."""
    masters, members = len(profile.masters), len(profile.etcd_members)
    spare = tolerance(members)
    stacked = sum(Role.ETCD in host.roles for host in profile.masters)
    masters_may_die = max(0, masters - 1 if stacked <= spare else min(spare, masters - 1)) if members else 0
    hosts_may_die = max(0, min(masters - 1, spare)) if members else 0
    used = sorted({host.zone for host in profile.hosts if host.zone})
    zones = tuple(_loss(profile, zone) for zone in used)
    words = (
        _master_words(masters, masters_may_die),
        _member_words(members, spare),
        *(
            [_host_words(len({*profile.masters, *profile.etcd_members}), hosts_may_die)]
            if masters != members or stacked != members
            else []
        ),
        *_zone_words(zones),
        *_worker_words(profile),
    )
    brief = _brief((masters, masters_may_die), (members, spare if members else 0), zones)
    return Survival(masters, masters_may_die, members, spare, hosts_may_die, zones, words, brief)


def _loss(profile: Profile, zone: str) -> ZoneLoss:
    inside = tuple(host.name for host in profile.hosts if host.zone == zone)
    masters_left = sum(host.zone != zone for host in profile.masters)
    members = len(profile.etcd_members)
    members_left = sum(host.zone != zone for host in profile.etcd_members)
    workers_left = sum(host.zone != zone for host in profile.workers)
    agree = members > 0 and members_left >= quorum(members)
    survives = masters_left > 0 and agree
    takes = listed(
        [
            f"{every - left} of {counted(every, noun)}"
            for noun, every, left in (
                ("master", len(profile.masters), masters_left),
                ("etcd member", members, members_left),
                ("worker", len(profile.workers), workers_left),
            )
            if every > left
        ]
    )
    outcome = _outcome(members_left, quorum(members), masters_left > 0)
    words = f"Zone {zone} takes {takes or 'nothing that serves'}: {outcome}"
    if profile.workers and not workers_left:
        words = f"{words[:-1]}; no worker is left for ordinary Pods."
    return ZoneLoss(zone, inside, masters_left, members_left, workers_left, agree, survives, words)


def _outcome(members_left: int, needed: int, master_left: bool) -> str:
    """Say what becomes of etcd and of the API."""
    if members_left < needed:
        return f"etcd loses its quorum ({members_left} left, {needed} needed), so the API stops."
    api = "the API stays up." if master_left else "but no master is left, so the API is gone."
    return f"etcd keeps its quorum ({members_left} left, {needed} needed), {api}"


def _brief(masters: tuple[int, int], members: tuple[int, int], zones: tuple[ZoneLoss, ...]) -> str:
    parts = [
        f"any {may_die} of {every} {noun}s" if may_die else f"no {noun}'s death"
        for noun, (every, may_die) in (("master", masters), ("etcd member", members))
    ]
    fatal = [loss.zone for loss in zones if not loss.survives]
    if fatal:
        parts.append(f"not the loss of {listed(fatal)}")
    elif zones:
        parts.append(f"any 1 of {counted(len(zones), 'zone')}")
    return f"Survives {', '.join(parts)}."


def _master_words(masters: int, may_die: int) -> str:
    if masters == 0:
        return "There is no master, so there is no API."
    if masters == 1:
        return "The one master is a single point of failure: when it dies, the API is gone until it is back."
    if may_die == 0:
        return f"No one of the {masters} masters may die: the death of one can stop the cluster."
    return f"Any {may_die} of {masters} masters may die and the API stays up."


def _member_words(members: int, may_die: int) -> str:
    if members == 0:
        return "There is no etcd member, so the cluster has no database."
    if members == 1:
        return "The one etcd member is a single point of failure, and its disk holds the only copy of the data."
    if may_die == 0:
        return f"None of the {members} etcd members may die: all are needed for every write."
    return f"Any {may_die} of {members} etcd members may die and no acknowledged write is lost."


def _host_words(hosts: int, may_die: int) -> str:
    if may_die == 0:
        return "There are hosts whose death alone stops the cluster."
    return f"Any {may_die} of all {hosts} hosts may die and the API stays up."


def _worker_words(profile: Profile) -> list[str]:
    """Say what becomes of ordinary Pods.

    A silent node counts as gone after 50 s, and its Pods are evicted 300 s later (Kubernetes' own defaults).
    """
    workers = len(profile.workers)
    if not workers:
        return []
    if workers == 1 and not profile.masters_schedulable:
        return ["The one worker is the only place for ordinary Pods: when it dies, they are gone until it is back."]
    return [
        f"Any of the {workers} workers may die and the API stays up; its Pods start on others after about six minutes, "
        "where they fit."
        if workers > 1
        else "The worker may die and the API stays up; its Pods start on masters after about six minutes, if they fit."
    ]


def _zone_words(zones: tuple[ZoneLoss, ...]) -> list[str]:
    if not zones:
        return ["No zones are named: nothing is known of what fails together, such as the hosts of one rack."]
    fatal = [loss.zone for loss in zones if not loss.survives]
    if not fatal:
        return [
            f"Any one of the {len(zones)} zones ({listed([loss.zone for loss in zones])}) may die and the API stays up."
        ]
    if len(zones) == 1:
        return [f"All is in one zone, {fatal[0]}: when it dies, the cluster stops."]
    safe = [loss.zone for loss in zones if loss.survives]
    words = [f"When zone {listed(fatal)} dies, the cluster stops."]
    return words + ([f"When zone {listed(safe)} dies, the API stays up."] if safe else [])
