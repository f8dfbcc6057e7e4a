"""What the rules say of a draft, field by field, while it is being typed.

Nothing is judged here: every word comes from `wizard.profile.rules`, which the loading, `slipway check` and the plan of
an install use as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from pydantic import ValidationError

from wizard.errors import Level, Problem, UsageError, errors_of
from wizard.profile import fold as tolerant
from wizard.profile.model import Profile
from wizard.profile.rules import check_field, rules
from wizard.ui.draft import Draft, Plain
from wizard.ui.fields import BY_PATH, CLUSTER_FIELDS, HOST, HOST_BY_PATH, FieldSpec

_HOST_PATH = re.compile(r"hosts\[(\d+)\]\.(.+)")


@dataclass(frozen=True)
class Folded:
    """A draft with what the rules say of it, and the profile it makes, where it makes one."""

    draft: Draft
    plain: Plain

    @cached_property
    def profile(self) -> Profile | None:
        """The profile, or None while some text can't stand in one."""
        try:
            return Profile.model_validate(self.plain)
        except ValidationError:
            return None

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """Everything the rules say, the fields that can't be read first."""
        unreadable = tuple(found for path, text in _fields(self.draft) if (found := _alone(path, text)))
        paths = {problem.field for problem in unreadable}
        rest = tuple(problem for problem in rules(tolerant.fold(self.plain)) if problem.field not in paths)
        return unreadable + rest

    def at(self, path: str) -> Problem | None:
        """Return the gravest problem of the field at `path`, by itself or in the company of the others."""
        text = _text(self.draft, path)
        return _alone(path, text) or (None if _several(path) else check_field(path, text, self.plain))

    def within(self, *prefixes: str) -> tuple[Problem, ...]:
        """Return the problems of the fields at `prefixes` and of all that lies inside them."""
        return tuple(problem for problem in self.problems if any(_inside(problem.field, item) for item in prefixes))

    def holds(self) -> tuple[Problem, ...]:
        """Return the problems that hold an install."""
        return errors_of(self.problems)


def fold(draft: Draft) -> Folded:
    """Return `draft` with what the rules say."""
    return Folded(draft, draft.to_plain())


def gravest(problems: Iterable[Problem]) -> Problem | None:
    """Return the gravest of `problems`, the first of them where several are alike."""
    order = list(Level)
    return min(problems, key=lambda problem: order.index(problem.level), default=None)


def fold_for_survey(draft: Draft) -> Profile:
    """Return a profile good enough to look at its hosts: what can't be read elsewhere is left out.

    Raises `UsageError` where name, hosts or login themselves are not in order.
    """
    folded = fold(draft)
    if not draft.hosts:
        raise UsageError("There is no host to test yet", hint="Press a to add one, or p to paste several addresses.")
    for problem in errors_of(folded.within("name", "hosts", "ssh")):
        if problem.field != "hosts":
            raise UsageError(
                "The hosts can't be tested yet",
                where=problem.host or problem.field,
                why=problem.message,
                hint=problem.hint or "Put this right first.",
            )
    return tolerant.fold(folded.plain)


def _spec(path: str) -> FieldSpec | None:
    match = _HOST_PATH.match(path)
    return HOST_BY_PATH.get(match[2]) if match else BY_PATH.get(path)


def _text(draft: Draft, path: str) -> str:
    match = _HOST_PATH.match(path)
    if match is None:
        return draft.text(path)
    index = int(match[1])
    return draft.hosts[index].text(match[2]) if index < len(draft.hosts) else ""


def _several(path: str) -> bool:
    spec = _spec(path)
    return spec is not None and spec.kind in ("list", "hops")


def _fields(draft: Draft) -> Iterator[tuple[str, str]]:
    for spec in CLUSTER_FIELDS:
        yield spec.path, draft.text(spec.path)
    for index, host in enumerate(draft.hosts):
        for spec in HOST:
            yield f"hosts[{index}].{spec.path}", host.text(spec.path)


def _alone(path: str, text: str) -> Problem | None:
    """Judge a field by itself; one that holds several values, value by value."""
    spec = _spec(path)
    if spec is None or spec.choices:
        return None
    if spec.kind == "list":
        pieces = text.replace(",", " ").split()
        found: Iterable[Problem | None] = [check_field(f"{path}[{i}]", piece) for i, piece in enumerate(pieces)]
    elif spec.kind == "hops":
        found = _hops(path, text)
    else:
        return check_field(path, text)
    problem = next((item for item in found if item), None)
    return Problem(problem.code, problem.level, problem.message, problem.hint, path) if problem else None


def _hops(path: str, text: str) -> Iterator[Problem | None]:
    pieces = (piece.strip() for piece in text.split(",") if piece.strip())
    for index, piece in enumerate(pieces):
        user, _, place = piece.rpartition("@")
        address, colon, port = place.rpartition(":")
        yield check_field(f"{path}[{index}].address", address if colon else place)
        yield check_field(f"{path}[{index}].user", user)
        yield check_field(f"{path}[{index}].port", port if colon else "")


def _inside(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith((f"{prefix}.", f"{prefix}["))
