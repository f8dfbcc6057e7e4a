"""Whose turn it is: pause and cancel, and the quorum rule enforced with fresh knowledge of who is healthy."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from wizard.engine.control import Control
from wizard.engine.events import Question
from wizard.engine.quorum import Word, may_touch, of_voters
from wizard.engine.step import Context, Step, VoterGroup
from wizard.errors import SlipwayError

T = TypeVar("T")

PATIENCE = 180.0
"""How long a step waits for a quorum that could bear it while no other lets go of its voters, in seconds."""
POLL = 1.0
"""How often the health of a group is asked for while a step waits, in seconds."""
GO_ON, STOP = "go on", "stop"


class Stopped(Exception):
    """The run is being cancelled: what hasn't started doesn't."""


class NotAllowed(SlipwayError):
    """The quorum rule, or a person, forbids to touch a voter."""


class Turns:
    """The gates before a change. One for each run."""

    def __init__(self, groups: Sequence[VoterGroup], control: Control | None = None) -> None:
        self.cancelled = False
        self._groups = sorted(groups, key=lambda group: group.name)
        self._deciding = {group.name: asyncio.Lock() for group in groups}
        self._control = control
        self._under_way: Counter[str] = Counter()
        self._at_stake: dict[str, frozenset[str]] = {}
        """What each step under way touches that was healthy when its turn came."""
        self._harmed: frozenset[str] = frozenset()
        """What was healthy until a step of this run that touched it failed."""
        self._moved = asyncio.Event()
        self._going = asyncio.Event()
        self._going.set()
        self._hard = asyncio.Event()
        self._answers: set[tuple[str, str]] = set()

    def pause(self) -> None:
        """From now on nothing new starts."""
        self._going.clear()

    def go_on(self) -> None:
        """End the pause."""
        self._going.set()

    def cancel(self) -> None:
        """From now on nothing new starts, for good; the second time, end waiting that is under way as well."""
        if self.cancelled:
            self._hard.set()
        self.cancelled = True
        self._going.set()
        self._stir()

    async def gate(self) -> None:
        """Wait while the run is paused. Raises `Stopped` when it is cancelled."""
        await self._going.wait()
        if self.cancelled:
            raise Stopped

    async def unless_cut(self, work: Awaitable[T]) -> T:
        """Await `work`, which only waits and watches. Raises `Stopped` when the run is cancelled a second time."""
        task = asyncio.ensure_future(work)
        cut = asyncio.create_task(self._hard.wait())
        try:
            await asyncio.wait({task, cut}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise Stopped
            return task.result()
        finally:
            for one in (task, cut):
                one.cancel()
            await asyncio.gather(task, cut, return_exceptions=True)

    @asynccontextmanager
    async def touching(self, step: Step, context: Context, waits: Callable[[str], None]) -> AsyncIterator[None]:
        """Hold the right to disturb what `step` touches, from now until the block ends.

        `waits` hears what is waited for. Raises `Stopped`, or `NotAllowed` where the quorum can't bear it in time, or
        where another member was well and came to harm in this run: what goes wrong, goes wrong on one.
        """
        await self.gate()
        mine = [group for group in self._groups if group.members & step.touches]
        since = time.monotonic()
        while mine:
            word, why, name = await self._decide(mine, step, context)
            if word is Word.GO:
                break
            if word is Word.ASK:
                await self._ask(name, step, context.host, why)
                continue
            if time.monotonic() - since > PATIENCE:
                raise NotAllowed(
                    f"{step.title} was not started",
                    where=context.host,
                    why=f"waited {PATIENCE:.0f} s for {why}",
                    hint="Mend the members that are not healthy, then run again.",
                )
            waits(why)
            if await self._stirred():
                since = time.monotonic()
            await self.gate()
        try:
            yield
            self._harmed -= step.touches
        except Stopped:
            raise
        except Exception:
            self._harmed |= self._at_stake.get(step.id, frozenset())
            raise
        finally:
            self._at_stake.pop(step.id, None)
            if mine:
                self._under_way -= Counter(step.touches)
                self._stir()

    async def _decide(self, groups: list[VoterGroup], step: Step, context: Context) -> tuple[Word, str, str]:
        """Ask all `groups`, with nobody else deciding meanwhile; mark the touched ones where all say go."""
        async with contextlib.AsyncExitStack() as stack:
            for group in groups:
                await stack.enter_async_context(self._deciding[group.name])
            self._moved.clear()
            stake: frozenset[str] = frozenset()
            for group in groups:
                if group.exempt:
                    continue
                # One step a member at a time: what looks sick may only be in another step's hands, and be well again
                # by the time ours strikes it.
                twice = group.members & step.touches & frozenset(+self._under_way)
                if twice:
                    return Word.WAIT, f"{', '.join(sorted(twice))}, being worked on", group.name
                healthy = await group.health(context)
                now = of_voters(group, await group.voters(context)) if group.voters else group
                well = group.members & step.touches & healthy
                if well and (harmed := (self._harmed & group.members) - step.touches):
                    raise _halted(step, context.host, harmed)
                said = may_touch(now, healthy, step.touches, frozenset(+self._under_way))
                stake |= well
                if said.word is Word.ASK and self._allowed(group.name, step):
                    continue
                if said.word is not Word.GO:
                    return said.word, said.why, group.name
            self._under_way += Counter(step.touches)
            self._at_stake[step.id] = stake
        return Word.GO, "", ""

    def _allowed(self, group: str, step: Step) -> bool:
        return (group, step.id) in self._answers

    async def _ask(self, group: str, step: Step, host: str, why: str) -> None:
        """Let a person decide what no waiting makes safe. Raises `NotAllowed` where they say stop or can't be asked."""
        if self._control is None:
            raise NotAllowed(
                f"{step.title} was not started", where=host, why=why, hint="Run it where you can be asked."
            )
        text = f"{step.title} on {host}: {why}. Go on?"
        question = Question(f"quorum/{group}/{step.id}", text, (GO_ON, STOP), host=host, step=step.id)
        if await self._control.ask(question) != GO_ON:
            raise NotAllowed(
                f"{step.title} was not started", where=host, why="you said stop", hint="Run again to go on."
            )
        self._answers.add((group, step.id))

    def _stir(self) -> None:
        self._moved.set()

    async def _stirred(self) -> bool:
        """Wait until a step has let go of its voters, or a moment; tell which."""
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(self._moved.wait(), POLL)
        return False


def _halted(step: Step, host: str, harmed: frozenset[str]) -> NotAllowed:
    names = ", ".join(sorted(harmed))
    return NotAllowed(
        f"{step.title} was not started",
        where=host,
        why=f"work on {names} went wrong in this run, and what is well here stays as it is",
        hint="Mend that first: its own message says what failed. Where the profile asks for something wrong, correct "
        "it. Then run again.",
    )
