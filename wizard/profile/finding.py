"""What one rule found, before it becomes a `Problem`: it may concern several fields."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from wizard.errors import Level, Problem
from wizard.profile.model import Profile

_HOST_FIELD = re.compile(r"hosts\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule broken: `fields` are the profile's paths it concerns, the one to be named first."""

    code: str
    level: Level
    fields: tuple[str, ...]
    message: str
    hint: str = ""

    def problem(self, profile: Profile, field: str = "") -> Problem:
        """Return the finding as a problem of `field`, or of its first field."""
        path = field or self.fields[0]
        match = _HOST_FIELD.match(path)
        index = int(match.group(1)) if match else -1
        host = profile.hosts[index].name if 0 <= index < len(profile.hosts) else ""
        return Problem(self.code, self.level, self.message, self.hint, path, host)


def error(code: str, fields: Sequence[str] | str, message: str, hint: str = "") -> Finding:
    """Return a finding that holds a new install."""
    return Finding(code, Level.ERROR, _tuple(fields), message, hint)


def warning(code: str, fields: Sequence[str] | str, message: str, hint: str = "") -> Finding:
    """Return a finding that must be seen before a new install goes on."""
    return Finding(code, Level.WARNING, _tuple(fields), message, hint)


def info(code: str, fields: Sequence[str] | str, message: str, hint: str = "") -> Finding:
    """Return a finding that is good to know."""
    return Finding(code, Level.INFO, _tuple(fields), message, hint)


def _tuple(fields: Sequence[str] | str) -> tuple[str, ...]:
    return (fields,) if isinstance(fields, str) else tuple(fields)


def listed(words: Sequence[str]) -> str:
    """Return words as a list in a sentence: ``a``, ``a and b``, ``a, b and c``; many are cut short."""
    if len(words) > 8:
        return f"{', '.join(words[:7])} and {len(words) - 7} more"
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1] if words else "") if part)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 master``, ``3 masters``, ``no master``."""
    return f"no {noun}" if number == 0 else f"{number} {noun}" if number == 1 else f"{number} {noun}s"
