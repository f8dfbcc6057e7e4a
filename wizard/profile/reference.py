"""The profile's reference, made from the model itself: the JSON schema for editors and docs/profile.md."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator
from enum import Enum
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from wizard.profile.codes import CODES
from wizard.profile.extras import ExtraArgs, Proxy, Registry
from wizard.profile.model import Endpoint, Etcd, Hop, Host, Network, Profile, Ssh

_PARTS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("The profile", Profile),
    ("hosts[]", Host),
    ("ssh, hosts[].ssh", Ssh),
    ("ssh.via[]", Hop),
    ("endpoint", Endpoint),
    ("etcd", Etcd),
    ("network", Network),
    ("registries[]", Registry),
    ("proxy", Proxy),
    ("extra_args", ExtraArgs),
)

_INTRO = """# The profile

<!-- Made by `slipway profile reference`; a test holds it current. -->

A profile is a YAML file that says what a site shall be: its machines, the address of its API, its etcd, its networks.
It says nothing of what is found there, and it never holds a secret: slipway asks for passwords when it needs them.

```
slipway profile new site1.yaml --master m1=10.20.0.11 --master m2=10.20.0.12 --master m3=10.20.0.13 --vip 10.20.0.10
slipway profile validate site1.yaml    # exit code 2 where a new install would be refused
slipway profile show site1.yaml        # with every default filled in
slipway profile schema > profile.schema.json
```

Editors that know JSON schema complete and check the file while you type, with this first line in it:
`# yaml-language-server: $schema=profile.schema.json`.

## How it is read

- Unknown keys, keys that stand twice and wrong types are errors. All of them are told at once, each with its line.
- Only `true` and `false` are truth values, numbers are decimal: a host may be called `no`. Text that looks like a
  number needs quotes (`zone: "1"`). A key without a value counts as left out. Tags and merge keys are not understood.
- Counts (two masters, an even etcd) never keep a profile from being read, because a site after a loss must be readable.
  They refuse a *new install*.
- Saving writes one canonical form, atomically, and keeps the file that was there as `<name>.yaml.bak`. Comments of your
  own are not kept in the new file; they are in the `.bak`.

## Keys
"""


def schema() -> dict[str, Any]:
    """Return the JSON schema (2020-12) of a profile."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Profile.model_json_schema(),
        "title": "slipway profile",
    }


def markdown() -> str:
    """Return docs/profile.md."""
    return "\n".join([_INTRO, *_keys(), *_codes()]).rstrip() + "\n"


def _keys() -> Iterator[str]:
    for title, part in _PARTS:
        heading = f"### `{title}`" if title != "The profile" else "### At the top"
        yield f"{heading}\n\n{_code(inspect.getdoc(part) or '')}\n"
        yield "| key | what | default | meaning |\n|---|---|---|---|"
        for name, field in part.model_fields.items():
            yield f"| `{name}` | {_kind(field)} | {_default(field)} | {_code(field.description or '')} |"
        yield ""


def _codes() -> Iterator[str]:
    yield "## What slipway may say about a profile\n"
    yield "An error holds a new install; a warning must be seen; an info is good to know.\n"
    yield "| code | level | meaning |\n|---|---|---|"
    for code, (level, meaning) in sorted(CODES.items()):
        yield f"| `{code}` | {level} | {meaning} |"


def _kind(field: FieldInfo) -> str:
    """Return a field's type in words, with its limits."""
    limits = [str(getattr(item, key)) for item in field.metadata for key in ("ge", "le") if hasattr(item, key)]
    inner = [part for part in typing.get_args(field.annotation) if part is not type(None)]
    for part in inner:
        for item in getattr(part, "__metadata__", ()):
            nested = getattr(item, "metadata", [item])
            limits += [str(getattr(entry, key)) for entry in nested for key in ("ge", "le") if hasattr(entry, key)]
    words = _type_words(field.annotation)
    return f"{words}, {limits[0]} to {limits[1]}" if len(limits) == 2 else words


def _type_words(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return " or ".join(f"`{item}`" for item in arguments)
    if origin is typing.Annotated:
        return _type_words(arguments[0])
    if origin is tuple:
        return f"list of {_type_words(arguments[0])}"
    if arguments:
        return _type_words(next(item for item in arguments if item is not type(None)))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(f"`{item.value}`" for item in annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "group"
    if isinstance(annotation, type) and issubclass(annotation, dict):
        return "texts by name"
    return {str: "text", int: "number", float: "number", bool: "`true` or `false`"}[annotation]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.default
    if value is None or value in ("", (), {}) or isinstance(value, BaseModel):
        return "-"
    if isinstance(value, tuple):
        return f"`[{', '.join(str(item) for item in value)}]`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _code(text: str) -> str:
    """Return a docstring's first paragraph as Markdown."""
    return " ".join(text.split("\n\n")[0].split()).replace("``", "`").replace("|", "\\|")
