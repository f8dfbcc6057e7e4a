"""A run's record in words and signs: pure functions that the run screen draws with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textual.content import Content

from wizard.engine.events import RunResult
from wizard.engine.record import UNDER_WAY, Record, State, StepRecord, Tally
from wizard.errors import SlipwayError
from wizard.ui.words import BAD, BUSY, IDLE, OK, WARN, duration

STATES: dict[State, tuple[str, str, str]] = {
    State.WAITING: (IDLE, "$quiet", "waiting"),
    State.PROBING: (BUSY, "$accent", "looking"),
    State.CHANGING: (BUSY, "$accent", "working"),
    State.WAITING_FOR: (BUSY, "$accent", "waiting for"),
    State.DONE: (OK, "$success", "done"),
    State.UNCHANGED: (OK, "$success", "was so already"),
    State.DRIFTED: (WARN, "$warning", "would change"),
    State.FAILED: (BAD, "$error", "failed"),
    State.SKIPPED: ("-", "$quiet", "skipped"),
    State.QUARANTINED: (WARN, "$warning", "in quarantine"),
}
"""Mark, colour and word of each state."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run stands or ended: mark, colour, words."""

    mark: str
    style: str
    words: str


def ending(record: Record) -> Ending:
    """Return how the run stands, in words."""
    match record.result:
        case None if record.cancelling:
            return Ending(WARN, "$warning", "stopping: steps under way finish")
        case None if record.paused:
            return Ending(WARN, "$warning", "paused: space goes on")
        case None:
            return Ending(BUSY, "$accent", "running")
        case RunResult.DONE:
            return Ending(OK, "$success", "done")
        case RunResult.PARTIAL:
            hosts = ", ".join(record.quarantined)
            return Ending(WARN, "$warning", f"done in part, without {hosts or 'some hosts'}")
        case RunResult.INTERRUPTED:
            return Ending(WARN, "$warning", "interrupted: r resumes")
        case RunResult.HELD:
            return Ending(BAD, "$error", "held: nothing was touched")
        case _:
            return Ending(BAD, "$error", "failed")


def bar(fraction: float, width: int, style: str = "$accent") -> Content:
    """Return a bar of `width` columns."""
    filled = round(min(1.0, max(0.0, fraction)) * width)
    return Content.assemble(Content.styled("━" * filled, style), Content.styled("─" * (width - filled), "$border"))


def percent(fraction: float) -> str:
    """Return a part of the whole; 100 % only when really all is done."""
    return f"{min(100, int(fraction * 100 + 1e-9)):3d} %"


@dataclass(frozen=True, slots=True)
class Group:
    """One line of the list of steps: the same step on several hosts, or one step of one host."""

    name: str
    title: str
    steps: tuple[StepRecord, ...]

    @property
    def foremost(self) -> StepRecord:
        """Return the step to look at first: a failed one, then one under way, then one that waits, then the last."""
        for states in ({State.FAILED, State.QUARANTINED}, UNDER_WAY, {State.WAITING}):
            for step in self.steps:
                if step.state in states:
                    return step
        return self.steps[-1]


def groups(steps: Iterable[StepRecord], *, together: bool) -> tuple[Group, ...]:
    """Return steps as lines: those with the same phase and title `together`, or each by itself."""
    if not together:
        return tuple(Group(step.info.id, step.info.title, (step,)) for step in steps)
    found: dict[tuple[str, str], list[StepRecord]] = {}
    for step in steps:
        found.setdefault((step.info.phase, step.info.title), []).append(step)
    return tuple(Group(f"{phase}/{title}", title, tuple(items)) for (phase, title), items in found.items())


def mark(step: StepRecord, *, ended: bool) -> Content:
    """Return the mark of a step; `ended` tells that the run has ended, so that nothing is under way."""
    if ended and step.state in UNDER_WAY:
        return Content.styled(WARN, "$warning")
    sign, style, _ = STATES[step.state]
    return Content.styled(sign, style)


def marks(group: Group, hosts: tuple[str, ...], width: int, *, ended: bool) -> Content:
    """Return a mark for each host, each in `width` columns; empty where a host has no such step."""
    by_host = {step.host: step for step in group.steps}
    parts: list[Content] = []
    for host in hosts:
        step = by_host.get(host)
        parts += [mark(step, ended=ended) if step else Content(" "), Content(" " * (width - 1))]
    return Content("").join(parts)


def step_words(step: StepRecord, *, ended: bool = False) -> Content:
    """Return a step's title, with what it is doing or why it ended."""
    _, style, word = STATES[step.state]
    doing = ""
    if ended and step.state in UNDER_WAY:
        style, doing = "$warning", "was under way"
    elif step.state is State.CHANGING:
        style, doing = "$quiet", step.text
    elif step.state in (State.WAITING_FOR, State.FAILED, State.SKIPPED, State.QUARANTINED):
        doing = step.text or word
    elif step.state is State.UNCHANGED:
        style, doing = "$quiet", word
    waiting = step.state is State.WAITING
    title = Content.styled(step.info.title, "$quiet" if waiting else "$foreground")
    return Content.assemble(title, Content.styled(f"  {doing}", style)) if doing else title


def step_time(step: StepRecord, now: float) -> Content:
    """Return how long a step took, or has been taking."""
    took = ""
    if step.settled:
        took = duration(step.seconds) if step.seconds >= 0.5 else ""
    elif step.started:
        took = duration(now - step.started)
    return Content.styled(took.rjust(6), "$quiet")


def host_words(record: Record, host: str, tally: Tally) -> Content:
    """Return what a host is doing now, or how it ended."""
    if host in record.quarantined:
        return Content.styled(f"{WARN} in quarantine: {record.quarantined[host]}", "$warning")
    sign, style, word = STATES[tally.state]
    steps = [step for step in record.under_way if step.host == host]
    if tally.count(State.FAILED):
        failed = next(step for step in record.steps.values() if step.host == host and step.state is State.FAILED)
        return Content.styled(f"{sign} failed: {failed.info.title}", style)
    if steps and record.result is not None:
        return Content.styled(f"{WARN} was under way: {steps[0].info.title}", "$warning")
    if steps:
        more = f" and {len(steps) - 1} more" if len(steps) > 1 else ""
        return Content.assemble(Content.styled(sign, style), f" {steps[0].info.title}{more}")
    if tally.total == 0:
        return Content("")
    settled = sum(tally.states.values()) - tally.count(State.WAITING)
    if tally.state is State.WAITING and settled:
        return Content.styled(f"{IDLE} waiting for other hosts", "$quiet")
    return Content.styled(f"{sign} {word}", style)


def failures(record: Record) -> tuple[StepRecord, ...]:
    """Return the failed steps."""
    return tuple(step for step in record.steps.values() if step.state is State.FAILED)


def as_error(record: Record, step: StepRecord | None = None) -> SlipwayError | None:
    """Return the failure of `step`, or the run's first one, as the error view shows it; None where nothing failed."""
    step = step or next(iter(failures(record)), None)
    if step is not None and step.problem is not None:
        log = "\n".join(line.text for line in step.log[-12:])
        return SlipwayError(
            step.problem.message,
            where=f"{step.host}: {step.info.title} ({step.info.id})",
            hint=step.problem.hint,
            details=step.details or log,
        )
    if record.problems:
        first = record.problems[0]
        rest = "\n".join(f"{problem.host}: {problem.message}" for problem in record.problems[1:])
        return SlipwayError(first.message, where=first.host or first.field, hint=first.hint, details=rest)
    return None
