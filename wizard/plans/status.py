"""How a cluster stands: one round trip a host, and a pure reading of the answers."""

from __future__ import annotations

import asyncio
import datetime
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from wizard.errors import Problem, SlipwayError, errors_of
from wizard.pki import inventory
from wizard.plans import certs
from wizard.plans.job import Connect
from wizard.profile.model import Host, Profile, Role
from wizard.remote.base import Command
from wizard.render.node import is_node
from wizard.render.places import ETCD_CONFIG
from wizard.steps.cluster import KUBECTL
from wizard.steps.etcd import READY, api_ready
from wizard.steps.objects import items_of

NODE_UNITS = ("containerd", "kubelet")
MASTER_UNITS = (*NODE_UNITS, "haproxy", "keepalived")


@dataclass(frozen=True, slots=True)
class HostStatus:
    """One host: units by state, whether it holds the VIP, whether its apiserver is ready; `failure` if unreachable."""

    name: str
    roles: tuple[str, ...]
    units: Mapping[str, str]
    vip: bool = False
    api: bool | None = None
    """None on a host without an apiserver."""
    failure: str = ""

    @property
    def well(self) -> bool:
        """Tell whether everything that should run on it runs."""
        return not self.failure and self.api is not False and all(state == "active" for state in self.units.values())


@dataclass(frozen=True, slots=True)
class Member:
    """One etcd member, as its own host sees it."""

    name: str
    healthy: bool
    leader: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """One Kubernetes node."""

    name: str
    ready: bool
    version: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """The whole cluster. `holders` are the hosts that hold the VIP: one, when all is well."""

    hosts: tuple[HostStatus, ...]
    members: tuple[Member, ...]
    nodes: tuple[Node, ...]
    missing: tuple[str, ...] = ()
    """Masters and workers that are not nodes."""
    problems: tuple[Problem, ...] = ()
    """Certificates that end soon: a warning, and all may still be well. One that has ended is an error: it is not."""

    @property
    def holders(self) -> tuple[str, ...]:
        """Return who holds the VIP."""
        return tuple(host.name for host in self.hosts if host.vip)

    @property
    def well(self) -> bool:
        """Tell whether nothing is amiss."""
        return (
            len(self.holders) == 1
            and all(host.well for host in self.hosts)
            and all(member.healthy for member in self.members)
            and sum(member.leader for member in self.members) == 1
            and all(node.ready for node in self.nodes)
            and not self.missing
            and not errors_of(self.problems)
        )


async def ask(profile: Profile, connect: Connect, seconds: float = 20.0) -> Status:
    """Ask every host of `profile` at once; one that does not answer is said to be so."""

    async def one(host: Host) -> str | SlipwayError:
        try:
            connection = await connect(host.name)
            return (await connection.run(Command(_script(profile, host), timeout=seconds))).text
        except SlipwayError as error:
            return error

    answers = await asyncio.gather(*(one(host) for host in profile.hosts))
    return read(profile, {host.name: answer for host, answer in zip(profile.hosts, answers, strict=True)})


def _script(profile: Profile, host: Host) -> str:
    lines = [f"echo unit {unit} $(systemctl is-active {unit})" for unit in _units(host)]
    if Role.MASTER in host.roles:
        lines += [
            f'[ -z "$(ip -o address show to {profile.endpoint.vip}/32)" ] || echo vip',
            f"if {api_ready(host)}; then echo api yes; else echo api no; fi",
            f"echo nodes $({KUBECTL} --request-timeout=5s get nodes -o json 2>/dev/null | tr -d '\\n')",
        ]
    if Role.ETCD in host.roles:
        lines += [
            f"if {READY}; then echo etcd yes; else echo etcd no; fi",
            f"(set -a; . {ETCD_CONFIG}/etcdctl.env; echo member "
            "$(etcdctl --command-timeout=5s endpoint status -w json 2>/dev/null))",
        ]
    return "\n".join([*lines, inventory.look(host)])


def _units(host: Host) -> tuple[str, ...]:
    own = ("etcd",) if Role.ETCD in host.roles else ()
    if Role.MASTER in host.roles:
        return own + MASTER_UNITS
    return own + (NODE_UNITS if Role.WORKER in host.roles else ())


def read(profile: Profile, answers: Mapping[str, str | SlipwayError]) -> Status:
    """Return the status that the hosts' answers (or failures) tell of."""
    hosts: list[HostStatus] = []
    members: list[Member] = []
    nodes: tuple[Node, ...] = ()
    for host in profile.hosts:
        answer = answers[host.name]
        roles = tuple(role.value for role in host.roles)
        text = "" if isinstance(answer, SlipwayError) else answer
        words = [line.split(" ", 1) for line in text.splitlines() if line]
        said = {item[0]: item[1] if len(item) > 1 else "" for item in words if item[0] != "unit"}
        units = dict(item[1].split(" ", 1) for item in words if item[0] == "unit" and " " in item[1])
        if isinstance(answer, SlipwayError):
            hosts.append(HostStatus(host.name, roles, {}, failure=str(answer)))
        else:
            api = said.get("api") == "yes" if Role.MASTER in host.roles else None
            hosts.append(HostStatus(host.name, roles, units, "vip" in said, api))
        if Role.ETCD in host.roles:
            members.append(Member(host.name, said.get("etcd") == "yes", _leads(said.get("member", ""))))
        nodes = nodes or tuple(_nodes(said.get("nodes", "")))
    known = {node.name for node in nodes}
    missing = tuple(host.name for host in profile.hosts if is_node(host) and host.name not in known)
    seen = {name: inventory.read(answer) for name, answer in answers.items() if isinstance(answer, str)}
    soon = certs.ending(profile, seen, datetime.datetime.now(datetime.UTC))
    return Status(tuple(hosts), tuple(members), nodes, missing, soon)


def _leads(text: str) -> bool:
    try:
        status: dict[str, Any] = json.loads(text)[0]["Status"]
        return bool(status["leader"]) and status["leader"] == status["header"]["member_id"]
    except (ValueError, KeyError, IndexError, TypeError):
        return False


def _nodes(text: str) -> Iterable[Node]:
    for item in items_of(text):
        status = item.get("status", {})
        ready = any(
            condition.get("type") == "Ready" and condition.get("status") == "True"
            for condition in status.get("conditions", ())
        )
        yield Node(item["metadata"]["name"], ready, status.get("nodeInfo", {}).get("kubeletVersion", ""))
