"""Watching a cluster: its status again and again, and beside that, less often, a look at what has drifted."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from wizard.plans.look import Connect
from wizard.plans.status.asking import rounds
from wizard.plans.status.model import Drift, Status
from wizard.profile.model import Profile

DRIFT_SECONDS = 300.0
"""So often what has drifted is looked at."""

LookForDrift = Callable[[bool], Awaitable[Drift]]
"""Looks at what has drifted; the flag tells whether the API is there to be asked. Never raises."""


class Watching:
    """One watch of a cluster, over connections that stay open."""

    def __init__(
        self, profile: Profile, connect: Connect, drift: LookForDrift, every: float, hurry: asyncio.Event | None = None
    ) -> None:
        """Ask each `every` seconds, and when somebody sets `hurry`; then what has drifted is looked at, too."""
        self._profile = profile
        self._connect = connect
        self._look = drift
        self._every = every
        self._asked_for = hurry or asyncio.Event()
        self._hurry = asyncio.Event()
        self._again = asyncio.Event()
        self._asked = asyncio.Event()
        self._api = True
        self._known = Drift()

    async def statuses(self) -> AsyncGenerator[Status]:
        """Yield the status, again and again. Close it to end the watch (`contextlib.aclosing`)."""
        tasks = [asyncio.create_task(self._drifting()), asyncio.create_task(self._hurrying())]
        try:
            told = rounds(self._profile, self._connect, self._every, self._hurry, lambda: self._known)
            async with aclosing(told) as statuses:
                async for status in statuses:
                    self._api = status.nodes_asked
                    self._asked.set()
                    yield status
        finally:
            for task in tasks:
                task.cancel()

    async def _drifting(self) -> None:
        await self._asked.wait()
        while True:
            self._again.clear()
            self._known = await self._look(self._api)
            self._hurry.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DRIFT_SECONDS):
                    await self._again.wait()

    async def _hurrying(self) -> None:
        while True:
            await self._asked_for.wait()
            self._asked_for.clear()
            self._hurry.set()
            self._again.set()
