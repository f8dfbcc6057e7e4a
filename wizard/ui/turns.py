"""Keys in their turn: all that one of them causes is done before the next one goes to whatever has the keys then.

A terminal hands over what is pasted or typed fast as one burst. Textual gives every key at once to the queue of the
widget that has the focus, and Tab moves the focus only when it has come back from there through all of its parents: the
keys behind it would still be typed into the old field, and those behind a key that opens a dialog would be lost.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual.app import ScreenStackError
from textual.events import Event
from textual.message_pump import MessagePump

if TYPE_CHECKING:
    from textual.app import App

ROUNDS = 8
"""So often the way of a key is gone at most until nothing moves there any more: timers may never let it be still."""
PATIENCE_SECONDS = 10.0
"""After this time the next key has its turn all the same: who was asked is busy, or gone."""


class Turns:
    """The keys and pastes that wait until those before them are done with."""

    def __init__(self, app: App[int]) -> None:
        self.app = app
        self._waiting: deque[Event] = deque()
        self._due: Event | None = None
        self._ushering: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """Tell whether a key is under way, or waits."""
        return self._ushering is not None and not self._ushering.done()

    def has_come(self, event: Event) -> bool:
        """Tell whether it is the turn of `event`; otherwise it is kept, and comes again when it is."""
        if event is self._due:
            return True
        self._waiting.append(event)
        if not self.busy:
            self._ushering = asyncio.create_task(self._usher())
        return False

    def end(self) -> None:
        """Let nobody in any more."""
        self._waiting.clear()
        if self._ushering is not None:
            self._ushering.cancel()

    async def _usher(self) -> None:
        with contextlib.suppress(ScreenStackError):  # the wizard has ended meanwhile
            while self._waiting:
                self._due = self._waiting.popleft()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(PATIENCE_SECONDS):
                        await self._let_in(self._due)

    async def _let_in(self, event: Event) -> None:
        way, screen = self._way(), self.app.screen
        self.app.post_message(event)
        await self._settled(way)
        if self.app.screen is not screen:
            # A new screen may put the keys somewhere once it has been drawn for the first time.
            await self._answer(self.app.screen.call_after_refresh)
            await self._settled(self._way())

    def _way(self) -> Sequence[MessagePump]:
        """Return whom a key passes: the app hands it over, and it comes back to the app from the widget upwards."""
        return (self.app, *(self.app.focused or self.app.screen).ancestors_with_self)

    async def _settled(self, way: Sequence[MessagePump]) -> None:
        """Wait until everybody on the `way` has nothing left to do, and the keys stay where they are."""
        for _ in range(ROUNDS):
            before = (self.app.screen, self.app.focused)
            for node in (*way, self.app.screen, self.app):
                await self._answer(node.call_later)
            if before == (self.app.screen, self.app.focused) and not any(node.message_queue_size for node in way):
                return
            way = self._way()

    async def _answer(self, ask: Callable[[Callable[[], None]], bool]) -> None:
        """Wait until somebody has done what came before this question; one who is gone isn't asked."""
        answered = asyncio.Event()
        if ask(answered.set):
            await answered.wait()
