"""What pydantic refuses, in plain words: unknown keys with the one that was meant, wrong types, missing values."""

from __future__ import annotations

import json
import typing
from collections.abc import Iterator
from dataclasses import replace
from enum import Enum
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from wizard.errors import Level, Problem
from wizard.profile import fields
from wizard.profile.model import Profile
from wizard.profile.text import SECRET_KEY, Document, Path, dotted, nearest
from wizard.versions import known

_EXPECTED = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "number": "a number",
    "bool": "true or false",
    "tuple": "a list",
    "model": "a group of keys",
    "dict": "a group of keys",
    "mapping": "a group of keys",
}
"""What an error type of pydantic starts with → what was wanted, in words."""


def shape_problems(error: ValidationError, document: Document) -> Iterator[Problem]:
    """Yield what keeps `document` from being a profile, in the order of the file.

    A key that is missing because it was misspelt is told once: as the unknown key.
    """
    details = sorted(error.errors(include_url=False), key=lambda item: document.line(tuple(item["loc"])))
    unknown = [tuple(item["loc"]) for item in details if item["type"] == "extra_forbidden"]
    misspelt = {(*place[:-1], _meant(place)) for place in unknown}
    for detail in details:
        place = tuple(detail["loc"])
        if detail["type"] != "missing" or place not in misspelt:
            yield replace(_problem(detail, place, document), host=_host(place, document))


def _meant(place: Path) -> str:
    """Return the key that the unknown one at `place` most likely meant, or nothing."""
    model = model_at(place[:-1])
    return nearest(str(place[-1]), list(model.model_fields)) if model else ""


def _host(place: Path, document: Document) -> str:
    """Return the name of the host that `place` belongs to, or nothing."""
    if len(place) < 2 or place[0] != "hosts" or not isinstance(place[1], int):
        return ""
    host = document.data["hosts"][place[1]]
    name = host.get("name") if isinstance(host, dict) else ""
    return name if isinstance(name, str) else ""


def secret_keys(document: Document) -> tuple[Problem, ...]:
    """Return the keys under which secrets are written; their values are never shown."""
    return tuple(
        Problem(
            "profile.secret",
            Level.ERROR,
            f"{path[-1]} would be a secret, and a profile never holds one. (line {line})",
            "Remove it, and change the secret if others may have read the file; slipway asks for it when it needs it.",
            dotted(path),
        )
        for path, line in document.lines.items()
        if isinstance(path[-1], str) and SECRET_KEY.search(path[-1])
    )


def _problem(detail: ErrorDetails, place: Path, document: Document) -> Problem:
    field, kind, given = dotted(place), detail["type"], detail["input"]
    line = f" (line {document.line(place)})" if document.lines else ""
    if kind == "extra_forbidden":
        return _unknown_key(place, line)
    if kind == "missing":
        words = f"{place[-1]} is missing in {dotted(place[:-1]) or 'the profile'}.{line}"
        return Problem("profile.missing", Level.ERROR, words, _example(place), field)
    rule = fields.field_rules(known()).get(fields.pattern(field))
    scalar = isinstance(given, str | int | float) and not isinstance(given, bool)
    if rule and scalar and not kind.startswith("string") and (complaint := rule.judge(str(given).strip())):
        return Problem(rule.code, Level.ERROR, complaint.message + line, complaint.hint, field)
    if kind in ("enum", "literal_error"):
        return _choice(detail, place, line)
    wanted = next((words for start, words in _EXPECTED.items() if kind.startswith(start)), "")
    if not wanted:
        return Problem("profile.value", Level.ERROR, f"{field}: {detail['msg']}.{line}", "", field)
    words = f"{field} must be {wanted}, and {_shown(given)} stands there.{line}"
    return Problem("profile.type", Level.ERROR, words, _type_hint(wanted, given, str(place[-1])), field)


def _unknown_key(place: Path, line: str) -> Problem:
    key, parent = str(place[-1]), place[:-1]
    model = model_at(parent)
    around = dotted(parent) or "the profile"
    here = list(model.model_fields) if model else []
    near = _meant(place)
    elsewhere = [] if near else [name for name, part in _groups() if key in part.model_fields]
    hint = f"Did you mean {near}?" if near else f"{around} knows: {', '.join(here)}."
    if elsewhere:
        hint = f"{key} belongs under {' or '.join(elsewhere)}."
    return Problem("profile.unknown-key", Level.ERROR, f"{around} has no key {key}.{line}", hint, dotted(place))


def model_at(place: Path) -> type[BaseModel] | None:
    """Return the model whose keys stand at `place` of a profile."""
    model: type[BaseModel] = Profile
    for step in place:
        if isinstance(step, int):
            continue
        if step not in model.model_fields:
            return None
        inner = _model_in(model.model_fields[step].annotation)
        if inner is None:
            return None
        model = inner
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model inside a type such as ``tuple[Hop, ...] | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in typing.get_args(annotation) if (found := _model_in(part))), None)


def _groups() -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield the groups of a profile by name, the profile's own keys last."""
    for name, field in Profile.model_fields.items():
        if part := _model_in(field.annotation):
            yield name, part
    yield "the profile itself, without indentation", Profile


def _choice(detail: ErrorDetails, place: Path, line: str) -> Problem:
    field, given = dotted(place), detail["input"]
    allowed = _allowed(place)
    near = nearest(str(given), allowed)
    hint = f"Did you mean {near}?" if near else f"Write {' or '.join(allowed)}."
    words = f"{field} must be one of {', '.join(allowed)}; {_shown(given)} stands there.{line}"
    return Problem("profile.choice", Level.ERROR, words, hint, field)


def _allowed(place: Path) -> list[str]:
    """Return the words that the field at `place` takes."""
    names = [step for step in place if isinstance(step, str)]
    model = model_at(tuple(names[:-1]))
    return list(_words(model.model_fields[names[-1]].annotation)) if model else []


def _words(annotation: Any) -> Iterator[str]:
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        yield from (str(item.value) for item in annotation)
    elif typing.get_origin(annotation) is typing.Literal:
        yield from (str(item) for item in typing.get_args(annotation))
    else:
        for part in typing.get_args(annotation):
            yield from _words(part)


def _shown(value: Any) -> str:
    """Return what stands in the file, in words; text is cut short, groups are not shown."""
    match value:
        case bool():
            return f"the truth value {json.dumps(value)}"
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text '{value if len(value) <= 40 else value[:37] + '…'}'"
        case list() | tuple():
            return "a list"
        case _:
            return "a group of keys"


def _type_hint(wanted: str, given: Any, key: str) -> str:
    if wanted == "text" and isinstance(given, int | float):
        return f'Put it in quotes: "{json.dumps(given)}".'
    if wanted == "a list" and isinstance(given, str):
        return f"Write it as a list: {key}: [{given}]."
    if wanted == "text" and isinstance(given, list):
        return "Write one value, without '-' and brackets."
    if wanted == "a group of keys":
        return "Indent its keys below it, each on a line of its own as 'key: value'."
    return ""


def _example(place: Path) -> str:
    """Return how a missing value is written."""
    examples: dict[tuple[str, ...], str] = {
        ("name",): "Give the cluster a name, such as name: site1.",
        ("hosts",): "List the machines, each with name and address.",
        ("endpoint",): "Give the API its address: endpoint, and below it vip.",
    }
    return examples.get(tuple(step for step in place if isinstance(step, str)), f"Add {place[-1]}: with a value.")
