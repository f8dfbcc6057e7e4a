"""What is new between two statuses, one sentence each: what `--watch` says in a pipe."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from wizard.errors import Level, Problem
from wizard.plans.status.model import Status
from wizard.plans.status.words import headline

_MARKS = {Level.ERROR: "✗", Level.WARNING: "!", Level.INFO: "·"}
_NUMBERS = re.compile(r"\b\d+(\.\d+)?\b")


def changes(before: Status | None, after: Status) -> tuple[str, ...]:
    """Return what has changed from `before` to `after`; for the first one (no `before`) how it stands."""
    if before is None:
        return (headline(after).text, *(_said(problem) for problem in after.problems))
    return tuple(_between(before, after))


def _between(before: Status, after: Status) -> Iterator[str]:
    if before.holders != after.holders:
        yield f"· VIP: {_names(before.holders)} → {_names(after.holders)}"
    leaders, leading = _leaders(before), _leaders(after)
    if leaders != leading:
        yield f"· etcd's leader: {_names(leaders)} → {_names(leading)}"
    was, now = _by_key(before), _by_key(after)
    for key, problem in now.items():
        if key not in was:
            yield _said(problem)
    for key, problem in was.items():
        if key not in now:
            yield f"✓ over: {_where(problem)}{problem.message}"
    if (before.well, before.well_as_seen) != (after.well, after.well_as_seen):
        yield headline(after).text


def _by_key(status: Status) -> Mapping[tuple[str, str, str], Problem]:
    """Return the problems by what tells them apart: how far or how long something is changes all the time."""
    return {(item.code, item.host, _NUMBERS.sub("#", item.message)): item for item in status.problems}


def _leaders(status: Status) -> tuple[str, ...]:
    return tuple(member.name for member in status.members if member.leader)


def _said(problem: Problem) -> str:
    return f"{_MARKS[problem.level]} {_where(problem)}{problem.message}"


def _where(problem: Problem) -> str:
    return f"{problem.host}: " if problem.host else ""


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "nobody"
