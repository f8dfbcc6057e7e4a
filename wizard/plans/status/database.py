"""Of one etcd member: how it is, what it knows of the others, and how far it is behind them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from wizard.facts.text import integer, parts
from wizard.plans.status.model import Member
from wizard.profile.model import Host, Profile, Role
from wizard.render.places import ETCD_CONFIG, ETCD_METRICS_PORT

_METRICS = f"http://127.0.0.1:{ETCD_METRICS_PORT}"
_PEER = re.compile(r'Remote="([0-9a-f]+)"\} (\d+)')


@dataclass(frozen=True, slots=True)
class Said:
    """What one member said: of itself (`id` is 0 where it said nothing), and of the members it knows."""

    id: int = 0
    leader: int = 0
    ready: bool = False
    member: Member = field(default_factory=lambda: Member("", False))
    alarms: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Alarms of any member, by its ID."""
    names: Mapping[int, str] = field(default_factory=dict)
    """All members by ID; one that has never started has its peer address for a name."""
    learners: frozenset[int] = frozenset()
    connected: frozenset[int] = frozenset()
    """The members it has a connection to, by ID."""


def script(host: Host) -> str:
    """Return the fragment that asks the member on `host`; empty where there is none. Nothing of it needs a quorum."""
    if Role.ETCD not in host.roles:
        return ""
    tool = "etcdctl --dial-timeout=2s --command-timeout=3s"
    return f"""
part etcd/ready
curl -s -m 4 -w '\\n%{{http_code}}' '{_METRICS}/readyz?verbose'
part etcd/peers
curl -s -m 3 {_METRICS}/metrics | grep ^etcd_network_active_peers
set -a; . {ETCD_CONFIG}/etcdctl.env
part etcd/status
{tool} endpoint status -w json && {{
part etcd/members
{tool} member list --consistency=s -w json
}}
"""


def parse(text: str) -> Said:
    """Return what the member said."""
    part = parts(text)
    status = _status(_json(part.get("etcd/status", "")))
    answer = part.get("etcd/ready", "").split()
    ready = bool(answer) and answer[-1] == "200"
    listed = _json(part.get("etcd/members", ""))
    members = listed.get("members") or [] if isinstance(listed, dict) else []
    alarms, why = _complaints(status.get("errors", []))
    failed = re.findall(r"^\[-\](\S+)", part.get("etcd/ready", ""), re.M)
    if not ready and not why:
        why = f"not ready: {', '.join(failed)}" if failed else "it does not answer"
    own, applied = _number(status, "raftIndex"), _number(status, "raftAppliedIndex")
    return Said(
        _number(status.get("header", {}), "member_id"),
        _number(status, "leader"),
        ready,
        Member(
            "",
            ready,
            learner=bool(status.get("isLearner")),
            version=str(status.get("version", "")),
            db_size=_number(status, "dbSize"),
            db_in_use=_number(status, "dbSizeInUse"),
            db_quota=_number(status, "dbSizeQuota"),
            raft_index=applied or own,
            why="" if ready else why,
        ),
        alarms,
        {_number(item, "ID"): str(item.get("name") or (item.get("peerURLs") or ["?"])[0]) for item in members},
        frozenset(_number(item, "ID") for item in members if item.get("isLearner")),
        frozenset(int(peer, 16) for peer, count in _PEER.findall(part.get("etcd/peers", "")) if integer(count)),
    )


def members(profile: Profile, said: Mapping[str, Said]) -> tuple[Member, ...]:
    """Return all members: the profile's (`said` has those that were asked, by host), and others that etcd knows."""
    names: dict[int, str] = {}
    alarms: dict[int, set[str]] = {}
    for one in said.values():
        names |= one.names
        for id, kinds in one.alarms.items():
            alarms.setdefault(id, set()).update(kinds)
    ids = {name: id for id, name in names.items()} | {host: one.id for host, one in said.items() if one.id}
    # The leader notices first that a member is gone: it is the one that sends.
    leads = [one for one in said.values() if one.id and one.id == one.leader]
    connected = frozenset(id for one in leads or said.values() if one.ready for id in one.connected)
    learners = frozenset(id for one in said.values() for id in one.learners)
    ahead = max((one.member.raft_index for one in said.values()), default=0)
    wanted = {host.name for host in profile.etcd_members}
    # Who has never started has no name yet, only the address of one of the profile's hosts.
    waiting = {f"//{host.peer_ip}:": host.name for host in profile.etcd_members if host.name not in ids}
    for url in [name for name in ids if "//" in name]:
        if host := next((name for mark, name in waiting.items() if mark in url), ""):
            ids[host] = ids.pop(url)
    found = []
    for name in (*(host.name for host in profile.etcd_members), *(name for name in ids if name not in wanted)):
        id = ids.get(name, 0)
        own = said.get(name)
        member = own.member if own else Member(name, id in connected, asked=False, seen=bool(said))
        found.append(
            replace(
                member,
                name=name,
                leader=bool(own and own.id and own.leader == own.id),
                learner=member.learner or id in learners,
                stranger=name not in wanted,
                lag=max(0, ahead - member.raft_index) if member.raft_index else None,
                alarms=tuple(sorted(alarms.get(id, ()))) if id else (),
            )
        )
    return tuple(found)


def _complaints(errors: Sequence[Any]) -> tuple[Mapping[int, tuple[str, ...]], str]:
    """Return the alarms by member, and the last other complaint ("etcdserver: no leader")."""
    alarms: dict[int, tuple[str, ...]] = {}
    why = ""
    for error in map(str, errors or ()):
        kind = re.search(r"alarm:(\w+)", error)
        if kind:
            # protobuf leaves out what is zero.
            member = re.search(r"memberID:(\d+)", error)
            id = int(member[1]) if member else 0
            alarms[id] = (*alarms.get(id, ()), kind[1])
        else:
            why = error.removeprefix("etcdserver: ")
    return alarms, why


def _status(said: Any) -> Mapping[str, Any]:
    """Return the status of the one endpoint that was asked."""
    first = said[0] if isinstance(said, list) and said else None
    status = first.get("Status") if isinstance(first, dict) else None
    return status if isinstance(status, dict) else {}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _number(plain: Any, key: str) -> int:
    value = plain.get(key) if isinstance(plain, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
