"""Everything the screens ask of the world, as one Protocol.

The screens know neither SSH nor processes nor files: they draw values and call these methods. The composition root
(`wizard.cli`) injects the real implementation, tests inject a fake. Every method that may fail raises `SlipwayError`
(or a subclass) and nothing else; the screens show it in one error view. All methods are called from Textual workers on
the app's event loop, may be cancelled, and must not block the loop for longer than a frame (about 20 ms): what blocks
goes into a thread inside the implementation.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from wizard.engine.record import Record
from wizard.engine.step import Plan
from wizard.errors import Problem, SlipwayError
from wizard.facts.model import Facts, Survey
from wizard.plans.preview import Preview
from wizard.plans.status import Status
from wizard.plans.task import Kind, Task
from wizard.profile.model import Profile
from wizard.remote.base import Secret

AskSecret = Callable[[str, str, str], Awaitable[Secret | None]]
"""``ask(kind, host, prompt)``: ask the person for a secret in a masked prompt; None means they declined.

`kind` is ``sudo``, ``password`` (SSH login) or ``passphrase`` (key file); `prompt` is one sentence that says what is
needed and why, and that the last answer was wrong where it was. The answer is kept by the services, in memory only.
"""


@dataclass(frozen=True, slots=True)
class HostLook:
    """What one look at a host gave, handed over as soon as that host is done: `facts`, or the `error` that stopped it.

    Both are None for "connecting now".
    """

    host: str
    facts: Facts | None = None
    error: SlipwayError | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A profile that was read from a file, with what the loading had to say (never more than warnings)."""

    profile: Profile
    path: Path
    problems: tuple[Problem, ...] = ()


class RunState(StrEnum):
    """How a run stands, seen from outside."""

    RUNNING = "running"
    INTERRUPTED = "interrupted"
    """Its process is gone without having said so: Resume starts it again."""
    DONE = "done"
    FAILED = "failed"
    HELD = "held"
    PARTIAL = "partial"


@dataclass(frozen=True, slots=True)
class RunRef:
    """One run of one cluster, which does what its `kind` says.

    `started` is UTC epoch seconds; `fraction` is 0 to 1, by weight.
    """

    cluster: str
    run: str
    title: str
    started: float
    state: RunState
    fraction: float = 0.0
    kind: Kind = Kind.INSTALL


@dataclass(frozen=True, slots=True)
class Built:
    """What stands after a run that ended well: the profile it applied and where the admin kubeconfig lies."""

    profile: Profile
    kubeconfig: Path | None = None
    notes: tuple[str, ...] = field(default=())
    """Further sentences worth saying, such as hosts left in quarantine."""


class Services(Protocol):
    """The outside world, as the wizard sees it."""

    async def open(self, path: Path) -> Opened:
        """Read a profile. Raises `UsageError` naming line and key where it can't be read."""

    async def diff(self, profile: Profile, path: Path) -> str:
        """Return the unified diff that saving `profile` to `path` would make; empty where nothing changes.

        For a file that doesn't exist yet: the whole file as added lines.
        """

    async def save(self, profile: Profile, path: Path) -> None:
        """Write `profile` to `path`, atomically, keeping the file that was there."""

    async def recent(self) -> tuple[Path, ...]:
        """Return profiles worth offering on the welcome screen, the newest first: saved ones and the ready ones."""

    async def file_of(self, cluster: str) -> Path | None:
        """Return the profile's file of a cluster, the one used last; None where none is known."""

    async def survey(self, profile: Profile, ask: AskSecret, seen: Callable[[HostLook], None]) -> Survey:
        """Connect to all hosts of `profile` at once and gather their facts; `seen` hears of each host as it goes.

        So it does for hosts of the cluster that `profile` names no more.
        A host that fails is a failure in the survey, not an exception: `HostKeyUnknown` among them carries the
        fingerprint to be shown. Raises nothing but for a defect. Nothing on the hosts is changed.
        """

    async def accept_keys(self, profile: Profile, hosts: tuple[str, ...]) -> None:
        """Put the keys these hosts showed last (the survey's `HostKeyUnknown`) into the cluster's known_hosts."""

    async def check(self, profile: Profile, survey: Survey, out: frozenset[str]) -> tuple[Problem, ...]:
        """Judge profile, facts and bundle: the same problems as `slipway check`, the profile's rules included.

        `out` are hosts of the cluster that the person takes out of it. A host that the profile names no more is an
        error (`wizard.plans.removal.LEAVES`) unless all such hosts are among them; then it is a warning.
        """

    async def plan(self, profile: Profile, survey: Survey, out: frozenset[str]) -> Plan:
        """Return the plan of the install. Pure in effect: touches no host, makes no authority. `out` as in `check`."""

    async def preview(self, profile: Profile, survey: Survey, out: frozenset[str]) -> Preview:
        """Return what the install would change: hosts are asked where any of them is the cluster's already.

        `survey` and `out` are those the plan was made from. Nothing is touched.
        """

    async def start(self, profile: Profile, ask: AskSecret, out: frozenset[str]) -> RunRef:
        """Start `slipway apply` for `profile` as a process of its own session and return its run once it is journaled.

        Hosts that the profile names no more leave where all of them are in `out`; else the run is held by them.
        Secrets that were asked for before are handed over; `ask` is for those not yet known. Raises `HeldError` with
        problems where preflight holds it (another run has the cluster's lock, say).
        """

    async def order(self, profile: Profile, task: Task, ask: AskSecret) -> RunRef:
        """Start the run that does `task` on the cluster of `profile`, as `start` does that of an install."""

    async def resume(self, run: RunRef, ask: AskSecret) -> RunRef:
        """Do again what `run` was told to do (interrupted, failed or partial); returns the new run."""

    async def standing(self) -> tuple[Profile, ...]:
        """Return the profiles, as last applied, of the clusters that were installed from here; the newest first."""

    def statuses(self, profile: Profile, ask: AskSecret, hurry: asyncio.Event, every: float) -> AsyncGenerator[Status]:
        """Yield how the cluster of `profile` stands, each `every` seconds and when `hurry` is set.

        A host that can't be asked is told of in the status. Closing it closes the connections.
        """

    async def runs(self) -> tuple[RunRef, ...]:
        """Return the runs worth attaching to, newest first: running ones of every cluster, and the last of each kind.

        What an install, or the reset of a whole cluster, has made up for since is left out.
        """

    def follow(self, run: RunRef) -> AsyncIterator[Record]:
        """Yield the run's record now, and again after each batch of events (at most about ten times a second).

        Ends after the record that has a result, or is interrupted. Closing the iterator changes nothing for the run.
        """

    async def save_log(self, run: RunRef) -> Path:
        """Write the whole log of `run` as text beside its journal and return the file."""

    async def answer(self, run: RunRef, question: str, answer: str) -> None:
        """Answer the run's question with that id."""

    async def answer_secret(self, run: RunRef, question: str, answer: Secret) -> None:
        """Answer the run's question that asks for a secret; the answer is not journaled."""

    async def retry(self, run: RunRef, step: str) -> None:
        """Ask the running run to try a failed step (and those it held up) again."""

    async def pause(self, run: RunRef, paused: bool) -> None:
        """Ask the run to start nothing new for now, or to go on."""

    async def cancel(self, run: RunRef) -> None:
        """Ask the run to stop: steps under way finish, nothing new starts."""

    async def built(self, run: RunRef) -> Built:
        """Return what a finished run has left."""

    async def practice(self, masters: int, say: Callable[[str], None]) -> Path:
        """Start a practice datacenter with that many masters and return the profile that was written for it.

        `say` gets one line at a time of what goes on; the first time may take minutes.
        """
