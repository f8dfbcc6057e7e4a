"""Where a run's events go: the journal, a list in memory, or several at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from wizard.engine.events import Event, stamped


class Sink(Protocol):
    """Takes events, stamps them and keeps them."""

    def put(self, event: Event) -> None:
        """Take an event that may reach the disk a little later. Never blocks."""

    async def commit(self, event: Event) -> None:
        """Take an event and return when it is safe: from here on a crash doesn't lose it."""


class Memory:
    """Keeps events in a list; for dry runs, whose result is printed and not kept, and for tests."""

    def __init__(self, heard: Callable[[Event], None] | None = None) -> None:
        self.events: list[Event] = []
        self._heard = heard

    def put(self, event: Event) -> None:
        """Keep `event`, stamped."""
        event = stamped(event, len(self.events) + 1, time.time())
        self.events.append(event)
        if self._heard:
            self._heard(event)

    async def commit(self, event: Event) -> None:
        """Keep `event`, stamped; memory is never safe."""
        self.put(event)
