"""How long the rest of a run takes, from the weights, the pace so far and the graph: a number, or an honest None."""

from __future__ import annotations

from wizard.engine.events import Seen
from wizard.engine.record import UNDER_WAY, Record, State, StepRecord

ENOUGH_STEPS = 3
"""From so few finished changes on, the pace so far says something …"""
ENOUGH_WEIGHT = 0.08
"""… if they are also this part of all the work."""


def remaining(record: Record, now: float) -> float | None:
    """Return the seconds that `record`'s run still takes at `now`, 0.0 once it has ended, None until enough is known.

    The pace is seconds taken over seconds expected (weights) of the steps that changed something. What remains is the
    longest way through the steps that are left, each taking its weight times that pace; a step that was found as
    wanted, and waits for nothing that changes, takes no time.
    """
    if record.result is not None:
        return 0.0
    finished = [step for step in record.steps.values() if step.state is State.DONE and step.info.weight > 0]
    expected = sum(step.info.weight for step in finished)
    whole = sum(step.info.weight for step in record.steps.values())
    if len(finished) < ENOUGH_STEPS or expected < ENOUGH_WEIGHT * whole:
        return None
    return critical_path(record, now, pace(finished))


def pace(finished: list[StepRecord]) -> float:
    """Return seconds taken over seconds expected of `finished` steps; 1.0 without any."""
    expected = sum(step.info.weight for step in finished)
    return max(0.05, sum(step.seconds for step in finished) / expected) if expected > 0 else 1.0


def critical_path(record: Record, now: float, at_pace: float = 1.0) -> float:
    """Return the seconds of the longest way through the steps that are left, each at `at_pace` times its weight."""
    ends: dict[str, float] = {}
    for name in _in_order(record):
        step = record.steps[name]
        before = max((ends.get(need, 0.0) for need in step.info.needs), default=0.0)
        ends[name] = before + _left(step, now, at_pace)
    return max(ends.values(), default=0.0)


def _left(step: StepRecord, now: float, at_pace: float) -> float:
    whole = step.info.weight * at_pace
    if step.settled or (step.seen is Seen.SATISFIED and step.state is State.WAITING):
        return 0.0
    if step.state in UNDER_WAY and step.started:
        by_fraction = whole * (1.0 - step.fraction)
        by_clock = max(0.0, whole - (now - step.started))
        return by_fraction if step.fraction > 0 else by_clock
    return whole


def _in_order(record: Record) -> list[str]:
    """Return the ids so that every step follows its needs; a loop, which no plan has, is cut rather than followed."""
    order: list[str] = []
    seen: set[str] = set()
    for root in record.steps:
        stack = [(root, False)]
        while stack:
            name, children_done = stack.pop()
            if children_done:
                order.append(name)
            elif name not in seen and name in record.steps:
                seen.add(name)
                stack.append((name, True))
                stack.extend((need, False) for need in record.steps[name].info.needs)
    return order
