"""What happens in a run, as frozen values: the journal keeps them, the record is folded from them.

Every event has `time` (UTC, seconds since the epoch) and `sequence` (1, 2, 3 … within its run); whoever writes the
journal stamps both. Texts in events are masked already: an event never carries a secret.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from typing import Annotated, Literal, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from wizard.engine.step import Diff
from wizard.errors import Exit, Problem


class RunResult(StrEnum):
    """How a run ended; the same words as in ``--json``."""

    DONE = "done"
    FAILED = "failed"
    HELD = "held"
    PARTIAL = "partial"
    INTERRUPTED = "interrupted"

    @property
    def exit_code(self) -> Exit:
        """Return the command line's exit code."""
        return Exit[self.name]


class Seen(StrEnum):
    """What a probe found, in one word."""

    SATISFIED = "satisfied"
    DRIFTED = "drifted"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class StepInfo:
    """What a reader has to know of a step: no probe, no change."""

    id: str
    title: str
    host: str
    phase: str
    weight: float = 1.0
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamped:
    """What every event has: when (UTC, seconds since the epoch) and its place in the run (from 1; 0: not stamped)."""

    time: float = 0.0
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class RunStarted(Stamped):
    """A run begins: what it will walk through. `dry` runs only look. `version` is slipway's own."""

    run: str
    cluster: str
    title: str
    steps: tuple[StepInfo, ...] = ()
    hosts: tuple[str, ...] = ()
    version: str = ""
    dry: bool = False
    event: Literal["RunStarted"] = "RunStarted"


@dataclass(frozen=True, slots=True)
class FactsGathered(Stamped):
    """A host answered and was looked at, `seconds` after it was asked."""

    host: str
    seconds: float
    event: Literal["FactsGathered"] = "FactsGathered"


@dataclass(frozen=True, slots=True)
class StepProbed(Stamped):
    """A probe was judged. `diff` has secrets as fingerprints; `problem` says what blocks."""

    step: str
    seen: Seen
    summary: str = ""
    diff: tuple[Diff, ...] = ()
    problem: Problem | None = None
    host: str = ""
    event: Literal["StepProbed"] = "StepProbed"


@dataclass(frozen=True, slots=True)
class StepStarted(Stamped):
    """The intent: from here on the host is being changed. `attempt` counts from 1. Synced before the change is sent."""

    step: str
    host: str
    attempt: int = 1
    event: Literal["StepStarted"] = "StepStarted"


@dataclass(frozen=True, slots=True)
class StepWaiting(Stamped):
    """The step waits for `text`: its turn (quorum, a lock), or for the thing to become so after the change."""

    step: str
    text: str
    event: Literal["StepWaiting"] = "StepWaiting"


@dataclass(frozen=True, slots=True)
class StepProgress(Stamped):
    """`fraction` (0 to 1) of the step is done; `text` says what is under way."""

    step: str
    fraction: float
    text: str = ""
    event: Literal["StepProgress"] = "StepProgress"


@dataclass(frozen=True, slots=True)
class StepLog(Stamped):
    """One line that a step, or the command it ran, said."""

    step: str
    line: str
    event: Literal["StepLog"] = "StepLog"


@dataclass(frozen=True, slots=True)
class StepDone(Stamped):
    """The step is as wanted; `changed` tells whether anything had to be done. `seconds` since its start."""

    step: str
    changed: bool
    seconds: float = 0.0
    event: Literal["StepDone"] = "StepDone"


@dataclass(frozen=True, slots=True)
class StepFailed(Stamped):
    """The step is not as wanted. `details` is verbatim evidence (last lines of stderr, the remaining diff), masked."""

    step: str
    problem: Problem
    details: str = ""
    seconds: float = 0.0
    event: Literal["StepFailed"] = "StepFailed"


@dataclass(frozen=True, slots=True)
class StepSkipped(Stamped):
    """The step was not tried, because of `why`. `quarantined`: its host had been given up."""

    step: str
    why: str
    quarantined: bool = False
    event: Literal["StepSkipped"] = "StepSkipped"


@dataclass(frozen=True, slots=True)
class StepReset(Stamped):
    """The step will be tried again, on `host`: someone asked for it, or another host takes it over."""

    step: str
    host: str
    why: str = ""
    event: Literal["StepReset"] = "StepReset"


@dataclass(frozen=True, slots=True)
class HostQuarantined(Stamped):
    """The run gave the host up; the others go on."""

    host: str
    why: str
    problem: Problem | None = None
    event: Literal["HostQuarantined"] = "HostQuarantined"


@dataclass(frozen=True, slots=True)
class HostReleased(Stamped):
    """The host is tried again."""

    host: str
    event: Literal["HostReleased"] = "HostReleased"


@dataclass(frozen=True, slots=True)
class Question(Stamped):
    """The run needs a word from a person. Empty `choices` means free text; `secret` answers are never kept."""

    id: str
    text: str
    choices: tuple[str, ...] = ()
    host: str = ""
    step: str = ""
    secret: bool = False
    event: Literal["Question"] = "Question"


@dataclass(frozen=True, slots=True)
class Answered(Stamped):
    """The question `id` has its answer; a secret one is shown as a mask."""

    id: str
    answer: str
    event: Literal["Answered"] = "Answered"


@dataclass(frozen=True, slots=True)
class RunPaused(Stamped):
    """Nothing new starts until the run goes on."""

    event: Literal["RunPaused"] = "RunPaused"


@dataclass(frozen=True, slots=True)
class RunResumed(Stamped):
    """The run goes on after a pause."""

    event: Literal["RunResumed"] = "RunResumed"


@dataclass(frozen=True, slots=True)
class CancelAsked(Stamped):
    """Someone asked to stop: steps under way finish, nothing new starts."""

    event: Literal["CancelAsked"] = "CancelAsked"


@dataclass(frozen=True, slots=True)
class Note(Stamped):
    """Something worth a line that belongs to no step."""

    text: str
    host: str = ""
    event: Literal["Note"] = "Note"


@dataclass(frozen=True, slots=True)
class RunFinished(Stamped):
    """The last event of a run. A journal without it whose process is gone tells of an interrupted run."""

    result: RunResult
    seconds: float
    problems: tuple[Problem, ...] = ()
    event: Literal["RunFinished"] = "RunFinished"


Event = (
    RunStarted
    | FactsGathered
    | StepProbed
    | StepStarted
    | StepWaiting
    | StepProgress
    | StepLog
    | StepDone
    | StepFailed
    | StepSkipped
    | StepReset
    | HostQuarantined
    | HostReleased
    | Question
    | Answered
    | RunPaused
    | RunResumed
    | CancelAsked
    | Note
    | RunFinished
)
"""Anything that may happen in a run."""

E = TypeVar("E", bound=Stamped)


@cache
def _adapter() -> TypeAdapter[Event]:
    """Return the events' validator; made when first needed, for making it takes a tenth of a second."""
    return TypeAdapter(Annotated[Event, Field(discriminator="event")])


BATCHED = frozenset({"StepProgress", "StepLog", "StepProbed", "StepWaiting", "Note", "FactsGathered"})
"""Events that may reach the disk up to 0.2 s late; all others are synced before the run goes on."""


def stamped(event: E, sequence: int, time: float) -> E:
    """Return `event` with its place in the run and its time (UTC, seconds since the epoch)."""
    return replace(event, sequence=sequence, time=time)


def to_json(event: Event) -> str:
    """Return `event` as one line of JSON; its key ``event`` names the kind."""
    return _adapter().dump_json(event).decode()


def from_json(text: str | bytes) -> Event:
    """Return the event that `text` holds. Raises ValueError for text that is no event of this version."""
    try:
        return _adapter().validate_json(text)
    except ValidationError as error:
        raise ValueError(f"not an event of this version of slipway: {str(text)[:80]}") from error
