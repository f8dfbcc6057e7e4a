"""How far a build is: each task weighs what it took when measured; the machine's own pace corrects the estimate."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """What is going on with the task that a report is about."""

    WAITING = "waiting"
    """Another build holds the cache."""
    RUNNING = "running"
    CACHED = "cached"
    """It was built earlier from the same inputs."""
    DONE = "done"


@dataclass(frozen=True, slots=True)
class BuildProgress:
    """One report: task `index` of `count` (from 1), and `fraction` (0 to 1) of the whole.

    `elapsed` is in seconds; `remaining` too, or None where nothing can be said yet.
    """

    task: str
    title: str
    state: State
    detail: str
    index: int
    count: int
    fraction: float
    elapsed: float
    remaining: float | None


OnProgress = Callable[[BuildProgress], None]


@dataclass(frozen=True, slots=True)
class Weight:
    """A task to be done, and how long it took when measured (seconds, on 2 cores)."""

    task: str
    title: str
    seconds: float


def ignore(_: BuildProgress) -> None:
    """Take a report and do nothing with it."""


class Tracker:
    """Turns "this task is half done" into how far the whole is.

    Cached tasks count nothing, in the whole as in the estimate. The estimate trusts the measured times at first and
    this machine's own pace more and more as work gets done.
    """

    def __init__(
        self, weights: Sequence[Weight], on_progress: OnProgress, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._open = {weight.task: weight for weight in weights}
        self._order = [weight.task for weight in weights]
        self._done = 0.0
        self._spent = 0.0
        self._started: float | None = None
        self._current = 0.0
        self._fraction = 0.0
        self._on_progress = on_progress
        self._clock = clock
        self._begin = clock()
        self._titles = {weight.task: weight.title for weight in weights}

    def waiting(self, detail: str) -> None:
        """Report that nothing moves yet, and why."""
        self._on_progress(BuildProgress("", "", State.WAITING, detail, 0, len(self._order), 0.0, self._elapsed(), None))

    def cached(self, task: str) -> None:
        """Report that `task` need not be done."""
        self._open.pop(task, None)
        self._report(task, State.CACHED, "")

    def running(self, task: str, fraction: float, detail: str = "") -> None:
        """Report that `task` is done to `fraction`."""
        if self._started is None:
            self._started = self._clock()
        self._current = self._open[task].seconds * min(max(fraction, 0.0), 1.0)
        self._report(task, State.RUNNING, detail)

    def done(self, task: str) -> None:
        """Report that `task` is done."""
        if self._started is not None:
            self._spent += self._clock() - self._started
            self._started = None
            self._done += self._open[task].seconds
        self._open.pop(task, None)
        self._current = 0.0
        self._report(task, State.DONE, "")

    def _elapsed(self) -> float:
        return self._clock() - self._begin

    def _report(self, task: str, state: State, detail: str) -> None:
        done = self._done + self._current
        left = max(sum(weight.seconds for weight in self._open.values()) - self._current, 0.0)
        whole = done + left
        spent = self._spent + (self._clock() - self._started if self._started is not None else 0.0)
        self._fraction = max(self._fraction, done / whole if whole else 1.0) if done else self._fraction
        if not left:
            self._fraction = 1.0
        self._on_progress(
            BuildProgress(
                task=task,
                title=self._titles[task],
                state=state,
                detail=detail,
                index=self._order.index(task) + 1,
                count=len(self._order),
                fraction=self._fraction,
                elapsed=self._elapsed(),
                remaining=left * pace(spent, done),
            )
        )


def pace(spent: float, done: float, trust: float = 60.0) -> float:
    """Return this machine's seconds for one measured second, from `spent` seconds on `done` measured seconds of work.

    `trust` measured seconds at pace 1 are mixed in, so that the first moments say nothing wild.
    """
    return (spent + trust) / (done + trust)
