"""Looking at a site's hosts: one round trip each, in which a run takes its lease on them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from wizard.engine.events import FactsGathered, Note
from wizard.engine.locks import HostLock, LockReply, parse_take, release_fragment, take_fragment
from wizard.engine.sink import Sink
from wizard.errors import HeldError, Level, Problem, SlipwayError
from wizard.facts.model import Facts, Survey
from wizard.facts.survey import Seen, gather
from wizard.plans.task import Job
from wizard.remote.base import Command, Connection

Connect = Callable[[str], Awaitable[Connection]]
"""Opens the connection to a host by its name in the profile."""
KNOCKS = 16
"""How many further hosts are connected to while the first is asked."""


async def look(
    job: Job, connect: Connect, lock: HostLock | None = None, seen: Seen | None = None, *, take_over: bool = False
) -> Survey:
    """Look at every host, one round trip each; with `lock`, take the run's lease on them in the same round trip.

    `take_over` takes it from whoever has it.

    Raises `HeldError` where another run has a host; what was taken is given back first.
    """
    data_dir = job.profile.etcd.data_dir
    if lock is None:
        return await gather(connect, job.reached, data_dir, seen=seen)
    prefix = take_fragment(lock, take_over=take_over)
    # The first host decides between two jump hosts; the others are asked at once. Their doors are open by then.
    knocks = [asyncio.create_task(_knock(connect, host)) for host in job.reached[1 : 1 + KNOCKS]]
    first = await gather(connect, job.reached[:1], data_dir, prefix, seen=seen)
    held = _held(first)
    rest = Survey() if held else await gather(connect, job.reached[1:], data_dir, prefix, seen=seen)
    for knock in knocks:
        knock.cancel()
    survey = Survey(
        facts={**first.facts, **rest.facts},
        failures={**first.failures, **rest.failures},
        prefixed={**first.prefixed, **rest.prefixed},
    )
    held = _held(survey)
    if held:
        await give_back(connect, survey, lock)
        raise HeldError("Another run works on these hosts", problems=held, hint=held[0].hint)
    return survey


async def _knock(connect: Connect, host: str) -> None:
    """Open the connection to a host; what becomes of that hears whoever asks there."""
    with contextlib.suppress(SlipwayError):
        await connect(host)


async def give_back(connect: Connect, survey: Survey, lock: HostLock) -> None:
    """Give the run's lease back on every host that was looked at; one that can't be reached loses it by itself."""

    async def one(host: str) -> None:
        try:
            await (await connect(host)).run(Command(release_fragment(lock), timeout=15))
        except SlipwayError:
            return

    await asyncio.gather(*(one(host) for host in survey.facts))


def _held(survey: Survey) -> tuple[Problem, ...]:
    replies = {host: parse_take(prefixed.text) for host, prefixed in survey.prefixed.items()}
    return tuple(_lock_problem(host, reply) for host, reply in replies.items() if reply and not reply.taken)


def _lock_problem(host: str, reply: LockReply) -> Problem:
    if reply.stale:
        hint = "Its time has run out: make sure that no other slipway works on this host, then use --take-over."
    else:
        hint = f"Wait for it, or cancel it there. Where it has ended already, its claim runs out in {reply.left} s."
    return Problem("host.locked", Level.ERROR, f"{reply.holder} has a claim on it (run {reply.run})", hint, host=host)


def gathered(sink: Sink) -> Seen:
    """Return a listener that tells `sink` of each host that was looked at."""

    def seen(host: str, what: Facts | SlipwayError | None, seconds: float) -> None:
        if isinstance(what, Facts):
            sink.put(FactsGathered(host, seconds))
        elif what is not None:
            sink.put(Note(f"can't be looked at: {what.title}", host))

    return seen
