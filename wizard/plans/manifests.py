"""Reading the site's folder of manifests: every document must be an object of the API, before anything is touched."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from wizard.errors import Level, Problem
from wizard.render.extras_files import ManifestFile, Object

SUFFIXES = (".yaml", ".yml", ".json")
LARGEST = 8 * 1024 * 1024
"""Of one file, in bytes: the API takes no object of more than 3 MiB."""
_VERSION = re.compile(r"([a-z0-9.-]+/)?v[A-Za-z0-9]+")
_KIND = re.compile(r"[A-Z][A-Za-z0-9]*")
_NAME = re.compile(r"[^\s/%|\"\\]+")
Identity = tuple[str, str, str, str]


class _Loader(yaml.SafeLoader):
    """Reads what Kubernetes reads: no dates and no numbers of base 60, which YAML 1.1 has and Kubernetes hasn't."""

    yaml_implicit_resolvers: dict[str, Any] = {}


for _tag, _pattern, _first in (
    ("bool", r"yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF", "yYnNtTfFoO"),
    (
        "float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+0123456789.",
    ),
    ("int", r"[-+]?0b[0-1_]+|[-+]?0[0-7_]*|[-+]?[1-9][0-9_]*|[-+]?0x[0-9a-fA-F_]+", "-+0123456789"),
    ("merge", r"<<", "<"),
    ("null", r"~|null|Null|NULL|", "~nN"),
):  # fmt: skip
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), [*_first])
_Loader.yaml_implicit_resolvers[""] = [("tag:yaml.org,2002:null", re.compile("^$"))]
for _sign in "-+0123456789":
    # A whole number is one before it is a number with a point.
    _Loader.yaml_implicit_resolvers[_sign].sort(key=lambda item: item[0].endswith("float"))


def read(folder: Path) -> tuple[tuple[ManifestFile, ...], tuple[Problem, ...]]:
    """Return what lies in `folder` and below it, in the order of the paths, and everything that is wrong with it."""
    if not folder.is_dir():
        why = "is no folder" if folder.exists() else "is not there"
        return (), (_problem("manifests.folder", f"The folder of manifests {folder} {why}.", "Correct the path."),)
    files, problems = [], list[Problem]()
    seen: dict[Identity, str] = {}
    for path in sorted(item for item in folder.rglob("*") if item.suffix in SUFFIXES and item.is_file()):
        name = str(path.relative_to(folder))
        if any(part.startswith(".") for part in Path(name).parts):
            continue
        objects = []
        for line, item in _documents(path, name, problems):
            if complaint := _complaint(item):
                problems.append(_problem("manifests.object", f"{name}, line {line}: {complaint[0]}", complaint[1]))
                continue
            where = f"{name}, line {line}"
            if other := seen.get(identity(item)):
                words = f"{where}: {_title(item)} stands in {other} too."
                problems.append(_problem("manifests.twice", words, "Keep one of them."))
            seen.setdefault(identity(item), where)
            objects.append(item)
        files.append(ManifestFile(name, tuple(objects)))
    return tuple(files), tuple(problems)


def identity(item: Object) -> Identity:
    """Return group, kind, namespace and name; the namespace ``default`` is none given."""
    meta = item["metadata"]
    namespace = meta.get("namespace") or ""
    group = item["apiVersion"].rpartition("/")[0]
    return (group, item["kind"], "" if namespace == "default" else namespace, meta["name"])


def _documents(path: Path, name: str, problems: list[Problem]) -> Iterator[tuple[int, Any]]:
    """Yield line and content of each object in a file; what keeps it from being read goes to `problems`."""
    try:
        if path.stat().st_size > LARGEST:
            problems.append(_problem("manifests.file", f"{name} is far too large for manifests.", "Take it out."))
            return
        loader = _Loader(path.read_text(encoding="utf-8-sig"))
        while loader.check_node():
            node = loader.get_node()
            item = loader.construct_document(node)
            if item is None or node is None:
                continue
            line = node.start_mark.line + 1
            if isinstance(item, dict) and str(item.get("kind", "")).endswith("List") and "items" in item:
                yield from ((line, inner) for inner in item["items"] or ())
            else:
                yield line, item
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}, line {mark.line + 1}, column {mark.column + 1}" if mark else name
        why = ", ".join(part for part in (error.context, error.problem) if part)
        hint = "Manifests are applied as they are: render templates first." if "{{" in _line(path, mark) else ""
        problems.append(_problem("manifests.yaml", f"{where}: this is no YAML: {why}.", hint or "Correct the line."))
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        problems.append(_problem("manifests.file", f"{name} can't be read: {why}.", "Correct it, or take it out."))


def _line(path: Path, mark: yaml.Mark | None) -> str:
    lines = path.read_text(encoding="utf-8-sig").splitlines() if mark else []
    return "\n".join(lines[: mark.line + 1]) if mark else ""


def _complaint(item: Any) -> tuple[str, str] | None:
    """Return what keeps `item` from being an object of the API, and what to do; None where nothing does."""
    example = "A manifest has apiVersion, kind and metadata with a name."
    if not isinstance(item, dict):
        return "this is no manifest but a single value or a list.", example
    if item.get("kind") == "Kustomization":
        return "a Kustomization is no object of the API.", "Write out what it makes: kubectl kustomize FOLDER."
    for key, pattern in (("apiVersion", _VERSION), ("kind", _KIND)):
        value = item.get(key)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            return f"this is no manifest: its {key} is {'missing' if value is None else 'none'}.", example
    meta = item.get("metadata")
    if not isinstance(meta, dict) or not isinstance(meta.get("name"), str) or not _NAME.fullmatch(meta["name"]):
        if isinstance(meta, dict) and "generateName" in meta:
            return "generateName makes another object each time.", "Give it a name."
        return f"this {item['kind']} has no name that is a text.", example
    try:
        json.dumps(item, allow_nan=False)
    except (TypeError, ValueError):
        return f"this {item['kind']} holds something that JSON has no word for.", "Write it as text."
    namespace = meta.get("namespace")
    if namespace is not None and (not isinstance(namespace, str) or not _NAME.fullmatch(namespace)):
        return f"the namespace of this {item['kind']} is no text.", "Correct it."
    if not isinstance(meta.get("labels") or {}, dict):
        return f"the labels of this {item['kind']} are none.", "Write them as 'key: value'."
    return None


def _title(item: Object) -> str:
    _, kind, namespace, name = identity(item)
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


def _problem(code: str, message: str, hint: str) -> Problem:
    return Problem(code, Level.ERROR, message, hint, "manifests")
