"""How many commands may run at once on one connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

AT_ONCE = 8
"""Commands at once on one connection: sshd allows 10 sessions by default (MaxSessions, sshd_config(5))."""


class Places:
    """A limit that learns: a host with a smaller MaxSessions refuses a session, and is then asked for fewer."""

    def __init__(self, limit: int = AT_ONCE) -> None:
        self._limit = limit
        self._taken = 0
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Hold a place, waiting for one when all are taken."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._taken < self._limit)
            self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1
            async with self._changed:
                self._changed.notify_all()

    def shrink(self) -> bool:
        """Allow one less than are taken now, for a holder who was refused; False when it is the only one."""
        if self._taken <= 1:
            return False
        self._limit = self._taken - 1
        return True
