"""One step as it stands, and steps counted: what a record is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from wizard.engine.events import Seen, StepInfo
from wizard.engine.lines import LogLine
from wizard.engine.step import Diff
from wizard.errors import Problem

STEP_LOG_LINES = 200
"""How many lines of one step a record keeps."""


class State(StrEnum):
    """Where a step is."""

    WAITING = "waiting"
    PROBING = "probing"
    CHANGING = "changing"
    WAITING_FOR = "waiting-for"
    DONE = "done"
    UNCHANGED = "unchanged"
    DRIFTED = "drifted"
    """Of a dry run only: what a real one would change, or can't tell yet."""
    FAILED = "failed"
    SKIPPED = "skipped"
    QUARANTINED = "quarantined"


SETTLED = frozenset(
    {State.DONE, State.UNCHANGED, State.DRIFTED, State.FAILED, State.SKIPPED, State.QUARANTINED},
)
"""States from which a step moves only when it is tried again."""
GOOD = frozenset({State.DONE, State.UNCHANGED, State.DRIFTED})
"""Settled states of a step that has come to its end; the others failed or were given up."""
UNDER_WAY = frozenset({State.PROBING, State.CHANGING, State.WAITING_FOR})


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step as it stands. `host` is where it runs now; `text` is what it is doing or waiting for, or why it ended.

    `started` is the time (epoch) of the change; `seconds` how long the step took once it has ended.
    """

    info: StepInfo
    state: State = State.WAITING
    host: str = ""
    fraction: float = 0.0
    text: str = ""
    seen: Seen | None = None
    diff: tuple[Diff, ...] = ()
    started: float = 0.0
    seconds: float = 0.0
    attempt: int = 0
    problem: Problem | None = None
    details: str = ""
    log: tuple[LogLine, ...] = ()

    @property
    def settled(self) -> bool:
        """Tell whether nothing more happens to the step."""
        return self.state in SETTLED


@dataclass(frozen=True, slots=True)
class Tally:
    """Steps of one host, one phase or the whole run, counted: `states` by state, `fraction` weighted (0 to 1)."""

    name: str
    total: int
    states: Mapping[State, int]
    fraction: float

    def count(self, *states: State) -> int:
        """Return how many steps are in any of `states`."""
        return sum(self.states.get(state, 0) for state in states)

    @property
    def state(self) -> State:
        """Return the state that a person should see of all these steps together."""
        for state in (State.FAILED, State.QUARANTINED, State.CHANGING, State.WAITING_FOR, State.PROBING):
            if self.states.get(state):
                return state
        if self.count(*SETTLED) < self.total:
            return State.WAITING
        for state in (State.SKIPPED, State.DRIFTED, State.DONE):
            if self.states.get(state):
                return state
        return State.UNCHANGED


def tally(name: str, steps: Iterable[StepRecord]) -> Tally:
    """Return `steps` counted: a good one in full, one under way by its own fraction, one that failed not at all."""
    steps = tuple(steps)
    weight = sum(step.info.weight for step in steps)
    done = sum(step.info.weight * _part(step) for step in steps)
    return Tally(name, len(steps), Counter(step.state for step in steps), done / weight if weight > 0 else 0.0)


def _part(step: StepRecord) -> float:
    if step.settled:
        return 1.0 if step.state in GOOD else 0.0
    return step.fraction
