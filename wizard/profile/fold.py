"""Unfinished data as a profile: what can't stand is replaced by harmless stand-ins, so that the rest can be judged."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from wizard.profile.model import Profile

_ROUNDS = 6
"""Repairs needed at most: one a level of nesting, for what a repair makes may lack something again."""
_REQUIRED: dict[str, Any] = {"name": "unnamed", "hosts": [], "endpoint": {}, "vip": "", "address": ""}
"""Stand-ins for required fields."""
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def put(data: Mapping[str, Any], field: str, value: Any) -> dict[str, Any]:
    """Return a copy of `data` with `value` at the path `field` (``hosts[1].ssh.port``), making what is missing."""
    result: Any = copy.deepcopy(dict(data))
    steps = [int(index) if index else name for name, index in _STEP.findall(field)]
    here = result
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        last = following is None
        empty: Any = value if last else [] if isinstance(following, int) else {}
        if isinstance(step, int):
            while len(here) <= step:
                here.append({} if isinstance(following, str) else None)
        if last or _child(here, step) is None:
            here[step] = empty
        elif isinstance(here[step], tuple):
            here[step] = list(here[step])
        here = here[step]
    return result  # type: ignore[no-any-return]


def stands(data: Mapping[str, Any], field: str) -> bool:
    """Tell whether a value stands in `data` at the path `field`."""
    here: Any = data
    for name, index in _STEP.findall(field):
        if index and isinstance(here, list | tuple) and int(index) < len(here):
            here = here[int(index)]
        elif name and isinstance(here, Mapping) and name in here:
            here = here[name]
        else:
            return False
    return True


def _child(node: Any, step: int | str) -> Any:
    return node[step] if isinstance(step, int) else node.get(step)


def fold(data: Mapping[str, Any]) -> Profile:
    """Return `data` as a profile whatever it lacks: an optional value that can't stand is dropped, a required one gets
    a stand-in that no other field's rule stumbles over.
    """
    plain = copy.deepcopy(dict(data))
    for _ in range(_ROUNDS):
        try:
            return Profile.model_validate(plain)
        except ValidationError as error:
            # The last first, so that a removal from a list leaves the other places true.
            for place in sorted((item["loc"] for item in error.errors()), key=_position, reverse=True):
                _repair(plain, place)
    return Profile.model_validate({"name": "unnamed", "hosts": [], "endpoint": {"vip": ""}})


def _position(place: tuple[int | str, ...]) -> list[tuple[int, str]]:
    """Return what sorts places so that those in one list stand in its order."""
    return [(step, "") if isinstance(step, int) else (-1, step) for step in place]


def _repair(data: dict[str, Any], place: tuple[int | str, ...]) -> None:
    """Replace or remove the value at `place`."""
    here: Any = data
    for step in place[:-1]:
        here = here[step]
    last = place[-1]
    if isinstance(last, int):
        if place[-2] in ("hosts", "via"):
            here[last] = {}
        else:
            del here[last]
    elif last == "name" and len(place) > 1:
        here[last] = f"unnamed-{int(place[1]) + 1}"
    elif last in _REQUIRED:
        here[last] = copy.deepcopy(_REQUIRED[last])
    else:
        here.pop(last, None)
