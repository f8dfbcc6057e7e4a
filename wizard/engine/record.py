"""What stands now: a record folded from events, the one thing that screens, command line and reports draw.

`reduce` is pure and total: any prefix of a journal, and any order of events, gives a record. It counts no time by
itself; what depends on the clock takes `now`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType

from wizard.engine import events as e
from wizard.engine.events import Event, RunResult
from wizard.engine.lines import LogLine, log_line
from wizard.engine.stepstate import GOOD, SETTLED, STEP_LOG_LINES, UNDER_WAY, State, StepRecord, Tally, tally
from wizard.errors import Problem

__all__ = [
    "GOOD", "LOG_LINES", "SETTLED", "STEP_LOG_LINES", "UNDER_WAY", "LogLine", "Record", "State", "StepRecord", "Tally",
    "fold", "interrupted", "reduce", "tally",
]  # fmt: skip

LOG_LINES = 500
"""How many lines of the whole run a record keeps; the journal has all of them."""


@dataclass(frozen=True)
class Record:
    """A run as it stands. `now` is the time of the last event; `result` is None while the run goes on."""

    run: str = ""
    cluster: str = ""
    title: str = ""
    version: str = ""
    dry: bool = False
    started: float = 0.0
    now: float = 0.0
    sequence: int = 0
    hosts: tuple[str, ...] = ()
    steps: Mapping[str, StepRecord] = field(default_factory=lambda: MappingProxyType({}))
    facts: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """Seconds each host took to answer."""
    quarantined: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Hosts that were given up, and why."""
    questions: tuple[e.Question, ...] = ()
    """Questions that wait for an answer."""
    log: tuple[LogLine, ...] = ()
    problems: tuple[Problem, ...] = ()
    paused: bool = False
    cancelling: bool = False
    result: RunResult | None = None
    seconds: float = 0.0
    """How long the run took, once it has ended."""

    def elapsed(self, now: float) -> float:
        """Return the seconds since the start; those of the whole run once it has ended."""
        if self.result is not None:
            return self.seconds
        return max(0.0, now - self.started) if self.started else 0.0

    @cached_property
    def total(self) -> Tally:
        """All steps, counted."""
        return tally(self.title, self.steps.values())

    @cached_property
    def by_host(self) -> Mapping[str, Tally]:
        """Each host's steps, counted, in the plan's order of hosts."""
        return self._tallies(self.hosts, lambda step: step.host)

    @cached_property
    def by_phase(self) -> Mapping[str, Tally]:
        """Each phase's steps, counted, in the plan's order of phases."""
        return self._tallies((), lambda step: step.info.phase)

    def _tallies(self, names: Iterable[str], key: Callable[[StepRecord], str]) -> Mapping[str, Tally]:
        groups: dict[str, list[StepRecord]] = {name: [] for name in names}
        for step in self.steps.values():
            groups.setdefault(key(step), []).append(step)
        return {name: tally(name, steps) for name, steps in groups.items()}

    @property
    def fraction(self) -> float:
        """Return how much of the run is done, weighted (0 to 1)."""
        return self.total.fraction

    @property
    def changed(self) -> int:
        """Return how many steps changed something (in a dry run: would)."""
        return self.total.count(State.DONE, State.DRIFTED)

    @property
    def failed(self) -> int:
        """Return how many steps failed."""
        return self.total.count(State.FAILED)

    @property
    def under_way(self) -> tuple[StepRecord, ...]:
        """Return the steps that are being worked on."""
        return tuple(step for step in self.steps.values() if step.state in UNDER_WAY)


def reduce(record: Record, event: Event) -> Record:
    """Return the record after `event`. Pure; an event about an unknown step changes the log at most."""
    return fold((event,), record)


def fold(events: Iterable[Event], record: Record | None = None) -> Record:
    """Return the record after all `events`, starting from `record` (empty without one): `reduce`, many at a time."""
    record = record or Record()
    steps = dict(record.steps)
    log: list[LogLine] = list(record.log)
    for event in events:
        again = isinstance(event, e.RunStarted) and event.run == record.run
        record = replace(_whole(record, steps, event), now=max(record.now, event.time), sequence=event.sequence)
        if isinstance(event, e.RunStarted):
            steps = {info.id: StepRecord(info, State.PROBING, info.host) for info in event.steps}
            log = log if again else []
        step = steps.get(getattr(event, "step", ""))
        line = log_line(event, step.info if step else None, step.host if step else "")
        if line:
            log.append(line)
        if step:
            steps[step.info.id] = _one_step(step, event, line, dry=record.dry)
    return replace(record, steps=MappingProxyType(steps), log=tuple(log[-LOG_LINES:]))


def interrupted(record: Record) -> Record:
    """Return the record of a run whose process is gone although it never ended. Others are returned as they are."""
    if record.result is not None:
        return record
    return replace(record, result=RunResult.INTERRUPTED, seconds=max(0.0, record.now - record.started), questions=())


def _whole(record: Record, steps: Mapping[str, StepRecord], event: Event) -> Record:
    """Return `record` after `event`, in what concerns the run and its hosts rather than one step."""
    match event:
        case e.RunStarted() if event.run == record.run:
            # A run starts once to look at its hosts, without steps, and once more with its plan.
            return replace(record, title=event.title, hosts=event.hosts, dry=event.dry)
        case e.RunStarted():
            return Record(
                run=event.run,
                cluster=event.cluster,
                title=event.title,
                version=event.version,
                dry=event.dry,
                started=event.time,
                hosts=event.hosts,
            )
        case e.FactsGathered(host=host, seconds=seconds):
            return replace(record, facts=MappingProxyType({**record.facts, host: seconds}))
        case e.HostQuarantined(host=host, why=why, problem=problem):
            found = (problem,) if problem and problem not in record.problems else ()
            return replace(
                record,
                quarantined=MappingProxyType({**record.quarantined, host: why}),
                problems=record.problems + found,
            )
        case e.HostReleased(host=host):
            rest = {name: why for name, why in record.quarantined.items() if name != host}
            problems = tuple(problem for problem in record.problems if problem.host != host)
            return replace(record, quarantined=MappingProxyType(rest), problems=problems)
        case e.StepFailed(problem=problem) if problem not in record.problems:
            return replace(record, problems=(*record.problems, problem))
        case e.StepReset(step=name) if name in steps:
            old = steps[name].problem
            return replace(record, problems=tuple(problem for problem in record.problems if problem != old))
        case e.Question():
            others = tuple(question for question in record.questions if question.id != event.id)
            return replace(record, questions=(*others, event))
        case e.Answered(id=name):
            return replace(record, questions=tuple(item for item in record.questions if item.id != name))
        case e.RunPaused():
            return replace(record, paused=True)
        case e.RunResumed():
            return replace(record, paused=False)
        case e.CancelAsked():
            return replace(record, cancelling=True)
        case e.RunFinished(result=result, seconds=seconds, problems=problems):
            more = tuple(problem for problem in problems if problem not in record.problems)
            return replace(
                record,
                result=result,
                seconds=seconds,
                problems=record.problems + more,
                questions=(),
                paused=False,
            )
        case _:
            return record


def _one_step(step: StepRecord, event: Event, line: LogLine | None, *, dry: bool) -> StepRecord:
    """Return `step` after `event`, which speaks of it; `line` is the event in words."""
    match event:
        case e.StepProbed(seen=seen, summary=summary, diff=diff, host=host, problem=problem):
            state = State.WAITING if step.state is State.PROBING else step.state
            step = replace(step, seen=seen, diff=diff, text=summary, host=host or step.host, state=state)
            step = replace(step, problem=problem or step.problem)
        case e.StepStarted(host=host, attempt=attempt, time=time):
            started = step.started if attempt > 1 and step.started else time
            step = replace(step, state=State.CHANGING, host=host, attempt=attempt, started=started, text="")
        case e.StepWaiting(text=text):
            step = replace(step, state=State.WAITING_FOR, text=text)
        case e.StepProgress(fraction=fraction, text=text):
            step = replace(step, fraction=min(1.0, max(0.0, fraction)), text=text or step.text)
        case e.StepDone(changed=changed, seconds=seconds):
            state = (State.DRIFTED if dry else State.DONE) if changed else State.UNCHANGED
            step = replace(step, state=state, fraction=1.0, seconds=seconds, problem=None, details="")
        case e.StepFailed(problem=problem, details=details, seconds=seconds):
            step = replace(step, state=State.FAILED, problem=problem, details=details, seconds=seconds)
            step = replace(step, text=problem.message)
        case e.StepSkipped(why=why, quarantined=given_up):
            step = replace(step, state=State.QUARANTINED if given_up else State.SKIPPED, text=why)
        case e.StepReset(host=host, why=why):
            step = replace(StepRecord(step.info, host=host or step.host, text=why), log=step.log)
        case _:
            pass
    return replace(step, log=(*step.log, line)[-STEP_LOG_LINES:]) if line else step
