"""How a cluster stands, as values: what each host said of itself, what the API and etcd said, and what that means."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from wizard.checks.reach import NOT_ASKED
from wizard.errors import Problem, errors_of

API = "kube-apiserver"
"""The static Pod that is an apiserver."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A systemd unit: its state and sub-state, seconds in it, how often systemd started it again by itself."""

    name: str
    state: str
    sub: str = ""
    at_boot: bool = True
    seconds: float = 0.0
    restarts: int = 0

    @property
    def well(self) -> bool:
        """Tell whether it runs."""
        return self.state == "active"


@dataclass(frozen=True, slots=True)
class Pod:
    """A static Pod as its host sees it; `why` says what it lacks where it is not ready."""

    name: str
    ready: bool
    why: str = ""


class Use(StrEnum):
    """What an haproxy does with an apiserver."""

    UP = "up"
    DRAINED = "drained"
    """Told to send it nothing new: planned work."""
    SPARED = "spared"
    """Nothing new goes there, because others are better."""
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Backend:
    """An apiserver, by its host's name, as one haproxy sees it, for so many seconds.

    `why` is the first question that it doesn't pass.
    """

    server: str
    use: Use
    why: str = ""
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class Time:
    """A host's clock: who keeps it, whether that is set by a server (None: not known), and seconds ahead of ours."""

    service: str = ""
    synchronized: bool | None = None
    offset: float | None = None
    error: float = 0.0
    own: bool = True
    """False in a container: its clock is that of the machine underneath."""


@dataclass(frozen=True, slots=True)
class Ends:
    """When a certificate on a host ends; one that is `own` is renewed by the host itself."""

    purpose: str
    path: str
    ends: datetime.datetime
    days: int
    own: bool = False


@dataclass(frozen=True, slots=True)
class HostStatus:
    """One host. `failure` says why it could not be asked: then only what others say of it is known."""

    name: str
    roles: tuple[str, ...]
    units: Mapping[str, Unit] = field(default_factory=dict)
    pods: Mapping[str, Pod] = field(default_factory=dict)
    vip: bool = False
    """The VIP is on one of its interfaces."""
    through_vip: bool | None = None
    """Whether the API answers it through the VIP; None: it wasn't asked."""
    backends: tuple[Backend, ...] | None = None
    """The apiservers as its haproxy sees them; None where it has none, or it doesn't answer."""
    time: Time = Time()
    certificates: tuple[Ends, ...] = ()
    failure: str = ""

    @property
    def api(self) -> bool | None:
        """Return whether its apiserver is ready; None where it has none, or was not asked."""
        return self.pods[API].ready if API in self.pods else None


@dataclass(frozen=True, slots=True)
class Member:
    """One etcd member, as its own host sees it; sizes in bytes.

    Where its host could not be asked (`asked` is False), it is `healthy` when another member is connected to it.
    `lag` is how many raft entries it has yet to apply; None where that isn't known. The members are asked within a
    moment of each other: a few dozen mean nothing on a busy cluster.
    """

    name: str
    healthy: bool
    leader: bool = False
    asked: bool = True
    seen: bool = True
    """False where no member could be asked: whether it is healthy isn't known."""
    learner: bool = False
    stranger: bool = False
    """It is a member, and no member of the profile."""
    version: str = ""
    db_size: int = 0
    db_in_use: int = 0
    db_quota: int = 0
    raft_index: int = 0
    lag: int | None = None
    alarms: tuple[str, ...] = ()
    """Its own alarms, such as ``NOSPACE``."""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of a node that is not as it should be."""

    type: str
    status: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """One Kubernetes node, as the API tells of it; versions without a v."""

    name: str
    ready: bool
    conditions: tuple[Condition, ...] = ()
    """Those that are not as they should be, Ready among them."""
    schedulable: bool = True
    version: str = ""
    runtime: str = ""
    message: str = ""
    """Why it is not Ready, in the kubelet's words."""
    stranger: bool = False
    """It is a node, and no host of the profile."""


@dataclass(frozen=True, slots=True)
class Component:
    """A component's version: what the profile wants, and what runs on which host."""

    name: str
    wanted: str
    found: Mapping[str, str]

    @property
    def differing(self) -> Mapping[str, str]:
        """Return the hosts on which another version runs, with it."""
        return {host: version for host, version in self.found.items() if version != self.wanted}


class Cause(StrEnum):
    """Why something is not as the profile says."""

    BY_HAND = "by hand"
    """It isn't what slipway put there last."""
    NOT_APPLIED = "not applied"
    """It is what slipway put there, and the profile (or slipway) says otherwise by now."""
    UNKNOWN = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not as the profile says: as in `Diff`, its secrets masked."""

    host: str
    step: str
    subject: str
    before: str
    after: str
    secret: bool = False
    cause: Cause = Cause.UNKNOWN


@dataclass(frozen=True, slots=True)
class Drift:
    """What is not as the profile says. `looked` is when that was looked at (UTC epoch seconds; 0: never).

    `why` says why it was not, or what of it was not.
    """

    looked: float = 0.0
    changes: tuple[Change, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """The whole cluster, at `asked` (UTC epoch seconds). What is wrong is in `problems`, the gravest being errors."""

    cluster: str
    vip: str
    asked: float
    hosts: tuple[HostStatus, ...]
    members: tuple[Member, ...]
    nodes: tuple[Node, ...] = ()
    nodes_asked: bool = True
    """False where no apiserver told of nodes."""
    versions: tuple[Component, ...] = ()
    drift: Drift = Drift()
    problems: tuple[Problem, ...] = ()
    maintenance: Mapping[str, str] = field(default_factory=dict)
    """The hosts that are out for maintenance, each with the time since when (``2026-11-26T23:10:00Z``)."""

    @property
    def holders(self) -> tuple[str, ...]:
        """Return who holds the VIP: one, when all is well."""
        return tuple(host.name for host in self.hosts if host.vip)

    @property
    def silent(self) -> tuple[str, ...]:
        """Return the hosts that could not be asked."""
        return tuple(host.name for host in self.hosts if host.failure)

    @property
    def unknown(self) -> bool:
        """Tell whether nothing is known of it: no host could be asked."""
        return all(host.failure for host in self.hosts)

    @property
    def well(self) -> bool:
        """Tell whether nothing is amiss; there may be warnings."""
        return not errors_of(self.problems)

    @property
    def well_as_seen(self) -> bool:
        """Tell whether nothing is amiss but that hosts could not be asked."""
        return all(problem.code in NOT_ASKED for problem in errors_of(self.problems))

    def node(self, name: str) -> Node | None:
        """Return the node of that name, None where there is none."""
        return next((node for node in self.nodes if node.name == name), None)
