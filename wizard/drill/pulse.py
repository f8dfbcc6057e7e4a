"""Whether the loop that measures runs itself: what it missed for want of a processor is not held against others.

A machine that hosts, and the one who measures them, share may let the latter wait. A time limit that ends while its own
process stood still says nothing of the one who was asked; the answer may lie there unread.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

BEAT = 0.02
"""How often it is felt whether the loop runs, in seconds; a beat that is later than this again counts as a halt."""


class Pulse:
    """Beats in the running loop. `stood` is how long that stood still in all, `worst` at a time, in seconds."""

    def __init__(self) -> None:
        self.stood = 0.0
        self.worst = 0.0
        self._limits: set[asyncio.Timeout] = set()
        self._next: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to beat."""
        loop = asyncio.get_running_loop()
        # By a timer of the loop itself: it is called before those that ran out later, in the same turn.
        self._next = loop.call_at(loop.time() + BEAT, self._beat, loop, loop.time() + BEAT)

    def stop(self) -> None:
        """Beat no more."""
        if self._next:
            self._next.cancel()

    @asynccontextmanager
    async def limit(self, seconds: float) -> AsyncIterator[None]:
        """End the block with a TimeoutError after `seconds` in which the loop ran."""
        async with asyncio.timeout(seconds) as limit:
            self._limits.add(limit)
            try:
                yield
            finally:
                self._limits.discard(limit)

    def _beat(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        late = loop.time() - due
        if late > BEAT:
            self.stood += late
            self.worst = max(self.worst, late)
            for limit in self._limits:
                end = limit.when()
                if end is not None and not limit.expired():
                    limit.reschedule(end + late)
        self.start()
