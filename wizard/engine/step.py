"""The heart: a step is a value.

A step says how to look (`Probe`), what to do when what was seen differs (`Change`), and what must have happened before
(`needs`). It knows nothing of SSH, of screens, or of the order in which steps run: the runner walks the graph.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Protocol

from wizard.errors import Problem
from wizard.remote.base import Blob, Command, Result, Secret


@dataclass(frozen=True, slots=True)
class Diff:
    """One thing that is not as wanted: `subject` (a path, a unit, an object), what is there and what shall be.

    `before` is empty for something absent. `secret` makes every screen and log show fingerprints instead of content.
    """

    subject: str
    before: str = ""
    after: str = ""
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Satisfied:
    """All is as wanted. `note` says what was found, for the log.

    `warnings` are what a person should know all the same: told with the run's problems at its end.
    """

    note: str = ""
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Drifted:
    """Something differs; the step's change will mend it. Files and pipes that `diff` doesn't name are left alone."""

    diff: tuple[Diff, ...]


@dataclass(frozen=True, slots=True)
class Blocked:
    """The change must not be made: the host is in a state that a person has to look at."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class Unknown:
    """Can't tell yet, because something the step needs isn't there. Counts as drift when its turn comes."""

    why: str = ""


Verdict = Satisfied | Drifted | Blocked | Unknown


@dataclass(frozen=True, slots=True)
class Probe:
    """How to look: a read-only POSIX shell fragment run as root, and a pure function of what it printed.

    The runner joins the probes of a host into one round trip. `script` must not exit the shell, must not read stdin,
    and should print little. `judge` gets its stdout and exit status; a judge that raises is a defect of slipway.
    """

    script: str
    judge: Callable[[str, int], Verdict]
    secret: bool = False
    """The script itself holds a secret: keep it out of logs."""


@dataclass(frozen=True, slots=True)
class File:
    """A file to be put on a host: written beside its place, flushed, then renamed over it.

    `content` is bytes in memory, or a blob of the bundle streamed from disk. `unpack` names how a blob's bytes become
    the file: ``""`` as they are, ``"zstd"`` decompressed on the host. `sha256` is that of the file as it shall lie
    there (computed by the runner for bytes in memory); what arrives otherwise is refused and the old file stays.
    """

    path: str
    content: bytes | Blob
    mode: int = 0o644
    owner: str = "root:root"
    secret: bool = False
    unpack: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Pipe:
    """Bytes for what slipway runs on the host and doesn't leave there: an image that is imported, a package.

    `subject` is the name under which the probe's diff knows it. `command` reads the bytes on stdin; or they lie in the
    file `into` (a path) while the change's script runs, checked before it and removed after it.
    """

    subject: str
    content: bytes | Blob
    command: str = ""
    into: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What to do on a host, sent as one stream: put `files`, feed `pipes`, remove `absent`, run `script`; all as root.

    Files, pipes and removals that are already as wanted (the probe's diff doesn't name them) are left out. `script`
    runs with ``set -eu`` after the rest and sees ``$CHANGED``: the paths really written or removed, one a line. `ours`
    are further paths that go into the host's marker as put there by slipway (all `files` do unasked).
    """

    files: tuple[File, ...] = ()
    pipes: tuple[Pipe, ...] = ()
    absent: tuple[str, ...] = ()
    script: str = ""
    ours: tuple[str, ...] = ()

    def narrowed(self, subjects: frozenset[str]) -> Change:
        """Return this change with only those files and removals that `subjects` names."""
        return replace(
            self,
            files=tuple(file for file in self.files if file.path in subjects),
            pipes=tuple(pipe for pipe in self.pipes if pipe.subject in subjects),
            absent=tuple(path for path in self.absent if path in subjects),
        )


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a step is tried when its transport fails, and how long to wait (seconds, doubled each time)."""

    times: int = 3
    backoff: float = 0.5


class Context(Protocol):
    """What a waiting step may do: run commands on hosts and say how far it is."""

    host: str
    """Where the step runs now: its `host`, or one of its alternates."""

    async def run(self, host: str, command: Command) -> Result:
        """Run `command` on `host` over the run's own connection."""

    def say(self, text: str) -> None:
        """Put one line into the step's log."""

    def progress(self, fraction: float, text: str = "") -> None:
        """Say how much of the step is done (0 to 1)."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that shall be so, on one host (`host`), or for the whole cluster (`host` is where it is asked).

    `id` is unique in a plan and stable between runs (``m1/etcd``). `needs` are ids of steps that come before.
    `touches` names voters it disturbs (``etcd/m1``, ``apiserver/m1``) for the quorum rule. `change` may be a value or a
    pure function of the drift. `wait` is awaited after the change (and on its own where there is no change) until the
    thing is really so, before the probe is taken again. `weight` is the expected time in seconds on a first install;
    `timeout` ends the step, in seconds. `secrets` are texts that are masked wherever this step's output is kept.
    """

    id: str
    title: str
    host: str
    phase: str
    probe: Probe
    change: Change | Callable[[Drifted], Change] = field(default_factory=Change)
    needs: tuple[str, ...] = ()
    touches: frozenset[str] = frozenset()
    wait: Callable[[Context], Awaitable[None]] | None = None
    weight: float = 1.0
    timeout: float = 300.0
    retry: Retry = Retry()
    secrets: tuple[Secret, ...] = ()
    settle: float = 0.0
    """How long the probe may keep saying drifted after the change before that is an error, in seconds; and how long it
    may stay unknown before a change that is a function of the drift."""
    needs_any: tuple[str, ...] = ()
    """Steps of which at least `enough` must be done before this one: what works with two masters of three."""
    enough: int = 1
    after: tuple[str, ...] = ()
    """Steps that must have ended before this one, however they ended."""
    alternates: tuple[str, ...] = ()
    """Hosts on which a cluster-wide step is asked when `host` is in quarantine, in this order. A step with alternates
    that fails fails alone: no host goes into quarantine for it."""
    around: Callable[[Context], AbstractAsyncContextManager[None]] | None = None
    """Entered before the change is made and left after it, however it ends: a balancer spares who is touched."""
    exclusive: bool = False
    """No other step changes the host at the same time (the package manager)."""
    background: bool = False
    """Nothing waits for it for long: on the host its change leaves the processor to the others (nice(1))."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return the hosts on which the step may run, in order of preference."""
        return (self.host, *(host for host in self.alternates if host != self.host))

    @property
    def before(self) -> tuple[str, ...]:
        """Return the ids of all steps that this one waits for, in whatever way."""
        return (*self.needs, *self.needs_any, *self.after)


@dataclass(frozen=True, slots=True)
class VoterGroup:
    """A set of voters under the quorum rule: `members` (as in `Step.touches`) of which `needed` must stay healthy.

    `health` tells which members are healthy now. `exempt` is true for a first start: nothing is there to protect.
    """

    name: str
    members: frozenset[str]
    needed: int
    health: Callable[[Context], Awaitable[frozenset[str]]]
    exempt: bool = False
    alone: bool = False
    """Healthy members are touched one at a time, however many could be spared."""
    voters: Callable[[Context], Awaitable[frozenset[str]]] | None = None
    """Who votes now, where that changes while the plan runs: their majority is needed then. Asked before each decision;
    where nobody answers (an empty set), `members` and `needed` count. `members` names all who ever vote."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A graph of steps for a cluster, with the rules it runs under. Pure: making one touches nothing."""

    cluster: str
    title: str
    steps: tuple[Step, ...]
    groups: tuple[VoterGroup, ...] = ()
    hosts: tuple[str, ...] = ()
    """All hosts, in the order in which their locks are taken."""
    ahead: tuple[str, ...] = ()
    """Steps that are what is waited for: at first only their hosts are looked at, and nothing is done but what these
    steps wait for. All else comes when all of them have ended, or after a while (`runner.AHEAD_SECONDS`)."""
    told: tuple[Problem, ...] = ()
    """What a person must know of it that no step says; it is told with the run's outcome. None of it is an error."""
