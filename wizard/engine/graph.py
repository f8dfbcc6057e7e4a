"""The plan as a graph: checked before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

from wizard.engine.step import Plan, Step


def checked(plan: Plan) -> dict[str, Step]:
    """Return the plan's steps by id, each after everything it waits for.

    Raises ValueError, a defect of the plan: an id twice, a need that isn't there, a loop, a host the plan doesn't name,
    a step that isn't there to go ahead, or more of `needs_any` asked for than there are.
    """
    steps = {step.id: step for step in plan.steps}
    if len(steps) < len(plan.steps):
        ids = [step.id for step in plan.steps]
        raise ValueError(f"two steps have the id {next(name for name in ids if ids.count(name) > 1)}")
    for step in plan.steps:
        if lost := [need for need in step.before if need not in steps]:
            raise ValueError(f"{step.id} waits for {lost[0]}, which is no step of the plan")
        if step.needs_any and not 1 <= step.enough <= len(step.needs_any):
            raise ValueError(f"{step.id} asks for {step.enough} of {len(step.needs_any)} steps")
        if plan.hosts and (strange := [host for host in step.hosts if host not in plan.hosts]):
            raise ValueError(f"{step.id} runs on {strange[0]}, which is no host of the plan")
    if strangers := [name for name in plan.ahead if name not in steps]:
        raise ValueError(f"{strangers[0]}, which is no step of the plan, shall go ahead")
    try:
        order = list(TopologicalSorter({step.id: step.before for step in plan.steps}).static_order())
    except CycleError as error:
        raise ValueError(f"steps wait for each other: {' → '.join(error.args[1])}") from error
    return {name: steps[name] for name in order}


def hosts_of(plan: Plan) -> tuple[str, ...]:
    """Return all hosts on which something may run, the plan's own order first."""
    return tuple(dict.fromkeys((*plan.hosts, *(host for step in plan.steps for host in step.hosts))))


def dependents(steps: Mapping[str, Step]) -> dict[str, tuple[str, ...]]:
    """Return for each step the ids of those that wait for it, in whatever way."""
    waiting: dict[str, list[str]] = {name: [] for name in steps}
    for name, step in steps.items():
        for need in dict.fromkeys(step.before):
            waiting[need].append(name)
    return {name: tuple(names) for name, names in waiting.items()}


def downstream(names: Sequence[str], waiting: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return `names` and everything that waits for them, directly or not."""
    found: dict[str, None] = {}
    stack = list(reversed(names))
    while stack:
        name = stack.pop()
        if name not in found:
            found[name] = None
            stack.extend(waiting.get(name, ()))
    return tuple(found)


def upstream(names: Sequence[str], steps: Mapping[str, Step]) -> frozenset[str]:
    """Return `names` and everything they wait for, directly or not."""
    found: set[str] = set()
    stack = list(names)
    while stack:
        name = stack.pop()
        if name not in found:
            found.add(name)
            stack.extend(steps[name].before)
    return frozenset(found)


def part_of(plan: Plan, only: Callable[[Step], bool]) -> Plan:
    """Return the plan of a mere look at some steps: each by itself, for what changes nothing needs no order."""
    alone = (replace(step, needs=(), needs_any=(), enough=1, after=()) for step in plan.steps if only(step))
    return replace(plan, steps=tuple(alone), groups=(), ahead=())
