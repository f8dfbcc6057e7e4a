"""One look at a host: the script that is sent, all families at once, and what is read out of all hosts' answers."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace

from wizard import versions
from wizard.errors import SlipwayError, UsageError
from wizard.facts.look import HEAD
from wizard.facts.text import parts
from wizard.pki import inventory
from wizard.plans.status import balancer, database, nodes, pods, units
from wizard.plans.status.judge import judged, with_drift
from wizard.plans.status.model import Component, Drift, Ends, HostStatus, Node, Status
from wizard.profile.model import Host, Profile

SECONDS = 20.0
"""How long a look may take on the host. Each question in it has a limit of its own, the longest 8 s."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a host said, and our clock before and after that (UTC epoch seconds)."""

    text: str
    sent: float
    received: float


def script(profile: Profile, host: Host) -> str:
    """Return the POSIX shell script of one look at `host`, to be run as root. It changes nothing.

    Each family runs in a shell of its own, all at the same time: where nothing answers, their patience doesn't add up.
    """
    fragments = [
        units.script(host),
        pods.script(host),
        balancer.script(profile, host),
        database.script(host),
        nodes.script(host),
        f"part certs/seen\n{inventory.look(host)}",
    ]
    families = "\n".join(
        f"({fragment}) >$t/{number} 2>/dev/null </dev/null &" for number, fragment in enumerate(fragments) if fragment
    )
    return f"""{HEAD}
t=$(mktemp -d /run/slipway-status.XXXXXX) || exit 1
trap 'rm -rf "$t"' EXIT
trap 'exit 143' TERM HUP INT
{families}
wait
cat "$t"/*
part clock/ended
date +%s.%N
part end
"""


def read(profile: Profile, answers: Mapping[str, Answer | SlipwayError], drift: Drift, now: float) -> Status:
    """Return the status that the hosts' answers (or failures) tell of, at `now` (UTC epoch seconds)."""
    heard = {name: _whole(name, answer) for name, answer in answers.items()}
    hosts = tuple(_host(host, heard[host.name], now) for host in profile.hosts)
    said = {name: answer.text for name, answer in heard.items() if isinstance(answer, Answer)}
    # The first master that could ask tells for all: they ask the same API.
    listed = next((found for text in said.values() if (found := nodes.parse(profile, text)) is not None), None)
    database_said = {host.name: database.parse(said[host.name]) for host in profile.etcd_members if host.name in said}
    status = Status(
        profile.name,
        profile.endpoint.vip,
        now,
        hosts,
        database.members(profile, database_said),
        listed or (),
        listed is not None,
        maintenance=units.parse_maintenance(profile, said.values()),
    )
    status = replace(status, versions=_versions(profile, status, said))
    failures = {name: answer for name, answer in heard.items() if isinstance(answer, SlipwayError)}
    seen = {name: inventory.read(text) for name, text in said.items()}
    return with_drift(replace(status, problems=judged(profile, status, failures, seen)), drift)


def _whole(name: str, answer: Answer | SlipwayError) -> Answer | SlipwayError:
    if isinstance(answer, SlipwayError) or "end" in parts(answer.text):
        return answer
    return SlipwayError(
        "Its answer was cut short", where=name, why="the look did not reach its end",
        hint="Look at the host: room in /run, enough memory, free processes?",
    )  # fmt: skip


def _host(host: Host, answer: Answer | SlipwayError, now: float) -> HostStatus:
    roles = tuple(role.value for role in host.roles)
    if isinstance(answer, SlipwayError):
        return HostStatus(host.name, roles, failure=": ".join(filter(None, (answer.title, answer.why))))
    found = units.parse(host, answer.text)
    return HostStatus(
        host.name,
        roles,
        found,
        pods.parse(host, answer.text),
        balancer.parse_vip(answer.text),
        balancer.parse_answer(answer.text),
        balancer.parse_servers(answer.text),
        units.parse_time(answer.text, found, answer.sent, answer.received),
        _certificates(host, inventory.read(answer.text), now),
    )


def _certificates(host: Host, seen: inventory.Seen, now: float) -> tuple[Ends, ...]:
    today = datetime.datetime.fromtimestamp(now, datetime.UTC)
    found = [
        Ends(place.purpose, place.path, certificate.not_valid_after_utc, days, place.own)
        for place in inventory.places(host)
        if (certificate := seen.get(place.path)) is not None
        for days in ((certificate.not_valid_after_utc - today).days,)
    ]
    return tuple(sorted(found, key=lambda item: (item.ends, item.path)))


def _versions(profile: Profile, status: Status, said: Mapping[str, str]) -> tuple[Component, ...]:
    """Return each component's version, as the one that runs tells it."""
    try:
        wanted = versions.components(profile.kubernetes or versions.default())
    except UsageError:
        return ()  # a version that only another slipway knows: nothing to compare with
    listed: Mapping[str, Node] = {node.name: node for node in status.nodes if not node.stranger}
    running = {
        "kubelet": (wanted.kubernetes, {name: node.version for name, node in listed.items()}),
        "apiserver": (
            wanted.kubernetes,
            {host.name: pods.parse_version(said[host.name]) for host in profile.masters if host.name in said},
        ),
        "etcd": (wanted.etcd, {member.name: member.version for member in status.members}),
        "containerd": (
            wanted.containerd,
            {name: node.runtime.rpartition("://")[2].removeprefix("v") for name, node in listed.items()},
        ),
    }
    return tuple(
        Component(name, version, {host: seen for host, seen in found.items() if seen})
        for name, (version, found) in running.items()
    )
