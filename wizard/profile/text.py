"""YAML as plain data that knows where each value stands: the first half of loading a profile.

Stricter and simpler than YAML 1.1: only ``true`` and ``false`` are truth values (a host may be called ``no``), numbers
are decimal, there are no tags and no merge keys, and a key that stands twice is a problem (YAML 1.2.2, 3.2.1.3).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import yaml

from wizard.errors import Level, Problem, UsageError

MAX_BYTES = 4 * 1024 * 1024
"""A profile of a thousand hosts has some hundred kilobytes."""

Path = tuple[str | int, ...]
"""Where a value stands in the data: keys and positions."""

SECRET_KEY = re.compile(r"(?i)(pass(word|phrase|wd)?|secret|token|credentials?)$")
"""Keys under which people write secrets, which a profile never holds."""

_NULL = "tag:yaml.org,2002:null"
_BOOL = "tag:yaml.org,2002:bool"
_INT = "tag:yaml.org,2002:int"
_FLOAT = "tag:yaml.org,2002:float"
_TEXT = "tag:yaml.org,2002:str"


class _Loader(yaml.SafeLoader):
    """Composes nodes with the few plain scalars that a profile knows."""

    yaml_implicit_resolvers: dict[str, Any] = {}


_Loader.add_implicit_resolver(_NULL, re.compile(r"^(?:~|null|)$"), ["~", "n", ""])
_Loader.add_implicit_resolver(_BOOL, re.compile(r"^(?:true|false)$"), ["t", "f"])
_Loader.add_implicit_resolver(_INT, re.compile(r"^[+-]?[0-9]+$"), list("+-0123456789"))
_Loader.add_implicit_resolver(_FLOAT, re.compile(r"^[+-]?[0-9]+\.[0-9]+$"), list("+-0123456789"))


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file's mapping as plain `data`, the line (from 1) of each value in `lines`, and what is wrong with it."""

    data: dict[str, Any]
    lines: Mapping[Path, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def line(self, path: Path) -> int:
        """Return the line of the value at `path`, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def parse(text: str, where: str) -> Document:
    """Read a profile's YAML. `where` names it in errors.

    Raises `UsageError` with line and column where it is no YAML, or not one mapping.
    """
    try:
        nodes = list(yaml.compose_all(text, _Loader))
    except yaml.MarkedYAMLError as error:
        raise _broken(text, where, error) from error
    except (yaml.YAMLError, ValueError) as error:
        raise UsageError("The profile is not readable as YAML", where=where, why=_first_line(error)) from error
    except RecursionError as error:
        raise UsageError("The profile is nested too deeply", where=where, hint="A profile has six levels.") from error
    if not nodes or (len(nodes) == 1 and nodes[0].tag == _NULL):
        raise UsageError("The profile is empty", where=where, hint="'slipway profile new' writes one.")
    if len(nodes) > 1:
        raise UsageError("The file holds several YAML documents", where=where, hint="Keep one, without '---' after it.")
    if not isinstance(nodes[0], yaml.MappingNode):
        raise UsageError(
            "The file is no profile", where=where, why="it is not a mapping of keys such as 'name: …' and 'hosts: …'"
        )
    reader = _Reader(where)
    data = reader.mapping(nodes[0], ())
    return Document(data, reader.lines, tuple(reader.problems))


class _Reader:
    """Turns nodes into plain data, noting lines and problems on the way."""

    def __init__(self, where: str) -> None:
        self._where = where
        self.lines: dict[Path, int] = {}
        self.problems: list[Problem] = []
        self._open: list[yaml.Node] = []
        self._left = 200_000

    def value(self, node: yaml.Node, path: Path) -> Any:
        """Return the plain value of `node`; what a profile can't hold is a problem and None."""
        self._left -= 1
        if any(node is outer for outer in self._open) or self._left < 0:
            raise UsageError(
                "The profile is endless or far too large", where=f"{self._where}, line {node.start_mark.line + 1}"
            )
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            self._open.append(node)
            items = [self._noted(item, (*path, index)) for index, item in enumerate(node.value)]
            self._open.pop()
            return items
        return self._scalar(node, path)

    def mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        """Return a mapping; a key without a value counts as left out."""
        self._open.append(node)
        result: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._complain("profile.yaml", path, key_node, "A key must be a word.", "Write 'key: value'.")
            elif key == "<<" and not key_node.style:
                self._complain("profile.yaml", path, key_node, "Merge keys (<<) are not understood.", "Write it out.")
            elif key in first:
                words = f"The key {key} stands twice: in line {first[key]} and here."
                self._complain("profile.key-twice", (*path, key), key_node, words, "Keep one of them.")
            else:
                first[key] = self.lines[(*path, key)] = line
                value = self.value(value_node, (*path, key))
                if value is not None:
                    result[key] = value
        self._open.pop()
        return result

    def _noted(self, node: yaml.Node, path: Path) -> Any:
        self.lines[path] = node.start_mark.line + 1
        return self.value(node, path)

    def _scalar(self, node: yaml.Node, path: Path) -> Any:
        text = str(node.value)
        match node.tag:
            case "tag:yaml.org,2002:null":
                return None
            case "tag:yaml.org,2002:bool" if text in ("true", "false"):
                return text == "true"
            case "tag:yaml.org,2002:int" if re.fullmatch(r"[+-]?[0-9]{1,18}", text):
                return int(text)
            case "tag:yaml.org,2002:float" if re.fullmatch(r"[+-]?[0-9]{1,15}\.[0-9]{1,20}", text):
                return float(text)
            case "tag:yaml.org,2002:str" | "tag:yaml.org,2002:int" | "tag:yaml.org,2002:float":
                return text
        self._complain("profile.yaml", path, node, f"YAML tags ({node.tag}) are not understood.", "Take the tag away.")
        return None

    def _complain(self, code: str, path: Path, node: yaml.Node, message: str, hint: str) -> None:
        line = node.start_mark.line + 1
        self.problems.append(Problem(code, Level.ERROR, f"{message} (line {line})", hint, dotted(path)))


def dotted(path: Path) -> str:
    """Return a path as a person reads it: ``("hosts", 2, "name")`` → ``hosts[2].name``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def nearest(word: str, known: list[str]) -> str:
    """Return the known word that `word` most likely meant, or nothing."""
    same = [item for item in known if item.replace("_", "") == re.sub(r"[_\s-]", "", word).lower()]
    return next(iter(same or get_close_matches(word.lower(), known, n=1, cutoff=0.7)), "")


_MEANINGS = (
    ("'\\t' that cannot start", "a tab stands where blanks are wanted"),
    ("while scanning a quoted scalar", "a quoted text is not closed"),
    ("expected ',' or ']'", "a '[' before it is not closed, or a comma is missing"),
    ("expected ',' or '}'", "a '{' before it is not closed, or a comma is missing"),
    ("expected the node content", "a value is missing here, or a bracket before it is not closed"),
    ("expected <block end>", "the line is not indented as those that it belongs to"),
    ("could not find expected ':'", "a key has no ':' after it"),
    ("mapping values are not allowed", "a ':' stands where no key can begin"),
    ("that cannot start any token", "a text that begins so needs quotes"),
    ("undefined alias", "a '*' begins the text; it needs quotes"),
)
"""What the YAML reader says of the mistakes that people make → the same in their words. The first that fits counts."""


def _broken(text: str, where: str, error: yaml.MarkedYAMLError) -> UsageError:
    """Return broken YAML as an error with line, column, and the line itself unless it may hold a secret."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return UsageError("The profile is not readable as YAML", where=where, why=_first_line(error))
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    said = ", ".join(part for part in (error.context, error.problem) if part)
    why = next((words for mark, words in _MEANINGS if mark in said), said)
    hint = "Correct the line; indent with blanks, two a level, and put text with ':' or '#' in quotes."
    if "\\t" in said or "\t" in line[: mark.column + 1]:
        hint = "YAML is indented with blanks, never with tabs."
    shown = "" if masked(line) != line else f"{line}\n{' ' * mark.column}^"
    return UsageError(
        "The profile is not readable as YAML",
        where=f"{where}, line {mark.line + 1}, column {mark.column + 1}",
        why=why,
        hint=hint,
        details=shown,
    )


def masked(line: str) -> str:
    """Return a line of YAML with the value of a key that names a secret masked."""
    return re.sub(
        r"(?i)((?:^|[\s{,])[\w-]*(?:pass(?:word|phrase|wd)?|secret|token|credentials?)\"?\s*:\s*)(\S.*)$",
        r"\1•••",
        line,
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
