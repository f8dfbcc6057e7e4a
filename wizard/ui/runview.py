"""A run's record in words and signs: pure functions that the run screen draws with."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content

from wizard.engine.events import RunResult
from wizard.engine.record import Record, State, StepRecord, Tally
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
            return Ending(WARN, "$warning", "stopping: steps under way finish, nothing new starts")
        case None if record.paused:
            return Ending(WARN, "$warning", "paused: nothing new starts until you press space")
        case None:
            return Ending(BUSY, "$accent", "running")
        case RunResult.DONE:
            return Ending(OK, "$success", "done")
        case RunResult.PARTIAL:
            hosts = ", ".join(record.quarantined)
            return Ending(WARN, "$warning", f"done in part: {hosts or 'hosts'} in quarantine; r tries them again")
        case RunResult.INTERRUPTED:
            return Ending(WARN, "$warning", "interrupted: what was done stays; r resumes")
        case RunResult.HELD:
            return Ending(BAD, "$error", "held before anything was touched; e shows why")
        case _:
            return Ending(BAD, "$error", "failed: e shows why, r tries again")


def bar(fraction: float, width: int, style: str = "$accent") -> Content:
    """Return a bar of `width` columns."""
    filled = round(min(1.0, max(0.0, fraction)) * width)
    return Content.assemble(Content.styled("━" * filled, style), Content.styled("─" * (width - filled), "$border"))


def percent(fraction: float) -> str:
    """Return a part of the whole; 100 % only when really all is done."""
    return f"{min(100, int(fraction * 100 + 1e-9)):3d} %"


def step_words(step: StepRecord, now: float) -> tuple[Content, Content, Content]:
    """Return mark, title with what it is doing, and time of a step."""
    mark, style, word = STATES[step.state]
    took = ""
    if step.settled:
        took = duration(step.seconds) if step.seconds >= 0.5 else ""
    elif step.started:
        took = duration(now - step.started)
    doing = ""
    if step.state in (State.WAITING_FOR, State.CHANGING, State.FAILED, State.SKIPPED, State.QUARANTINED):
        doing = step.text or (word if step.state is not State.CHANGING else "")
    elif step.state is State.UNCHANGED:
        doing = word
    title = Content.styled(step.info.title, "$quiet" if step.state is State.WAITING else "$foreground")
    words = Content.assemble(title, Content.styled(f"  {doing}" if doing else "", style if doing else "$quiet"))
    return Content.styled(mark, style), words, Content.styled(took.rjust(6), "$quiet")


def host_words(record: Record, host: str, tally: Tally) -> Content:
    """Return what a host is doing now, or how it ended."""
    if host in record.quarantined:
        return Content.styled(f"{WARN} in quarantine: {record.quarantined[host]}", "$warning")
    mark, style, word = STATES[tally.state]
    steps = [step for step in record.under_way if step.host == host]
    if tally.count(State.FAILED):
        failed = next(step for step in record.steps.values() if step.host == host and step.state is State.FAILED)
        return Content.styled(f"{mark} failed: {failed.info.title}", style)
    if steps:
        more = f" and {len(steps) - 1} more" if len(steps) > 1 else ""
        return Content.assemble(Content.styled(mark, style), f" {steps[0].info.phase}: {steps[0].info.title}{more}")
    if tally.total == 0:
        return Content("")
    settled = sum(tally.states.values()) - tally.count(State.WAITING)
    if tally.state is State.WAITING and settled:
        return Content.styled(f"{IDLE} waiting for other hosts", "$quiet")
    return Content.styled(f"{mark} {word}", style)


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
