"""A host as the runner knows it: its connection with another try after a fault, looks joined, and slots for changes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from wizard.engine.marker import HostMarker
from wizard.engine.reply import parse
from wizard.engine.step import Probe, Retry
from wizard.engine.stream import looks
from wizard.errors import Problem, SlipwayError
from wizard.remote.base import Command, Connection, RemoteError, Result, TimedOut

Connect = Callable[[str], Awaitable[Connection]]
"""Opens, or gives the open, connection to the host of that name. Raises `RemoteError`."""

GATHER = 0.004
"""Looks at a host that are asked for within so many seconds go over together."""
LOOK_SECONDS = 60.0
"""Time for one round trip of looks, plus `LOOK_EACH` for each of them."""
LOOK_EACH = 5.0


class HostGivenUp(SlipwayError):
    """The host is in quarantine, or just went there: `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message, where=problem.host, hint=problem.hint)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Look:
    """What one probe printed on the host, its exit status, and the tick at which the look began."""

    output: str
    status: int
    tick: int


class Slots:
    """At most `width` holders at once, or one exclusive holder alone; first come, first served."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._running = 0
        self._alone = False
        self._queue: deque[tuple[asyncio.Future[None], bool]] = deque()

    @asynccontextmanager
    async def hold(self, *, exclusive: bool = False) -> AsyncIterator[None]:
        """Wait for a slot and hold it."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((turn, exclusive))
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave(exclusive)
            else:
                self._queue.remove((turn, exclusive))
                self._admit()
            raise
        try:
            yield
        finally:
            self._leave(exclusive)

    def _leave(self, exclusive: bool) -> None:
        self._running -= 1
        self._alone = self._alone and not exclusive
        self._admit()

    def _admit(self) -> None:
        while self._queue and not self._alone:
            turn, exclusive = self._queue[0]
            if self._running and (exclusive or self._running >= self._width):
                return
            self._queue.popleft()
            self._running += 1
            self._alone = exclusive
            if not turn.cancelled():
                turn.set_result(None)


class HostLink:
    """One host of a run. `given_up` says why it is in quarantine, None while it isn't."""

    def __init__(self, name: str, connect: Connect, tick: Callable[[], int], *, at_once: int, retry: Retry) -> None:
        self.name = name
        self.slots = Slots(at_once)
        self.given_up: Problem | None = None
        self.marker = HostMarker()
        self.written = 0
        """The revision of the marker that is known to lie on the host."""
        self.changed = False
        """Something was sent that may have changed the host."""
        self.fault: RemoteError | None = None
        """The fault that ended the last command, after all tries."""
        self._connect = connect
        self._tick = tick
        self._retry = retry
        self._asked: list[tuple[Probe, asyncio.Future[Look]]] = []
        self._gatherer: asyncio.Task[None] | None = None

    async def send(
        self, command: Command, on_output: Callable[[str], None] | None = None, *, retry: Retry | None = None
    ) -> Result:
        """Run `command`; try again after a transport fault, as `retry` says (default: the run's own).

        A command that did not end in its time isn't tried again. Raises `RemoteError`, or `HostGivenUp`.
        """
        retry = retry or self._retry
        tries = 0
        while True:
            self.check()
            try:
                connection = await self._connect(self.name)
                return await connection.run(command, on_output)
            except RemoteError as error:
                self.fault = error
                if not error.transient or isinstance(error, TimedOut) or tries >= retry.times:
                    raise
            await asyncio.sleep(retry.backoff * 2**tries)
            tries += 1

    def check(self) -> None:
        """Raise `HostGivenUp` where the host is in quarantine."""
        if self.given_up:
            raise HostGivenUp(self.given_up)

    async def look(self, probe: Probe) -> Look:
        """Run `probe`, together with all others that are asked for at the same moment, in one round trip."""
        answer: asyncio.Future[Look] = asyncio.get_running_loop().create_future()
        self._asked.append((probe, answer))
        if self._gatherer is None:
            self._gatherer = asyncio.create_task(self._gather())
        return await answer

    async def _gather(self) -> None:
        await asyncio.sleep(GATHER)
        asked, self._asked, self._gatherer = self._asked, [], None
        await self._look_at(asked)

    async def _look_at(self, asked: list[tuple[Probe, asyncio.Future[Look]]]) -> None:
        tick = self._tick()
        secret = any(probe.secret for probe, _ in asked)
        timeout = LOOK_SECONDS + LOOK_EACH * len(asked)
        # Several steps may ask the same, such as what images there are: it is looked at once.
        scripts = list(dict.fromkeys(probe.script for probe, _ in asked))
        encoded = looks(scripts, timeout=timeout, secret=secret)
        try:
            result = await self.send(encoded.command)
        except TimedOut as error:
            if len(asked) > 1:
                # One of them hangs: the others shall not suffer for it.
                await asyncio.gather(*(self._look_at([one]) for one in asked))
                return
            _refuse(asked, error)
            return
        except Exception as error:
            _refuse(asked, error)
            return
        seen = parse(result.text, encoded.token).looks
        for probe, answer in asked:
            if answer.done():
                continue
            number = scripts.index(probe.script)
            if number in seen:
                answer.set_result(Look(*seen[number], tick))
            else:
                words = {"why": f"exit status {result.status}", "details": result.complaint}
                answer.set_exception(SlipwayError("the look at the host broke off", where=self.name, **words))


def _refuse(asked: list[tuple[Probe, asyncio.Future[Look]]], error: Exception) -> None:
    for _, answer in asked:
        if not answer.done():
            answer.set_exception(error)
