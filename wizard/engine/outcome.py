"""How a run ended, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wizard.engine.events import RunResult
from wizard.engine.marker import HostMarker
from wizard.errors import Exit, Problem


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: ids of steps by what became of them (`changed`: in a dry run, what would change)."""

    result: RunResult
    seconds: float
    changed: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    quarantined: tuple[str, ...] = ()
    """Hosts."""
    problems: tuple[Problem, ...] = ()
    markers: Mapping[str, HostMarker] = field(default_factory=dict)
    """Each host's marker as it is known now."""

    @property
    def exit_code(self) -> Exit:
        """Return the command line's exit code."""
        return self.result.exit_code
