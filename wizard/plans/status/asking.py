"""Asking the hosts how they stand: all at once, one round trip each, once or again and again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing

from wizard.errors import SlipwayError
from wizard.plans.look import Connect
from wizard.plans.status.look import SECONDS, Answer, read, script
from wizard.plans.status.model import Drift, Status
from wizard.profile.model import Host, Profile
from wizard.remote.base import Command, Connection

PATIENCE = 4.0
"""A round waits so long for the hosts, in seconds; who answers later counts in the next one."""
LATE = 15.0
"""An answer older than this is the host's no more, in seconds."""
AT_ONCE = 64
"""So many hosts are asked at a time."""


async def ask(profile: Profile, connect: Connect, drift: Drift | None = None) -> Status:
    """Ask every host of `profile`; one that does not answer is said to be so."""
    gate = asyncio.Semaphore(AT_ONCE)
    answers = await asyncio.gather(*(_ask(profile, host, connect, gate) for host in profile.hosts))
    found = {host.name: answer for host, answer in zip(profile.hosts, answers, strict=True)}
    return read(profile, found, drift or Drift(), time.time())


async def rounds(
    profile: Profile, connect: Connect, every: float, hurry: asyncio.Event, drift: Callable[[], Drift] = Drift
) -> AsyncGenerator[Status]:
    """Yield the status each `every` seconds, and at once when `hurry` is set; `drift` tells what is known of it.

    A host that hangs holds up nobody: the others are asked again, and what it said last counts for `LATE` seconds.
    Close the iterator to end it (`contextlib.aclosing`).
    """
    async with aclosing(_rounds(profile, connect, every, hurry)) as answered:
        async for answers in answered:
            yield read(profile, answers, drift(), time.time())


async def _rounds(
    profile: Profile, connect: Connect, every: float, hurry: asyncio.Event
) -> AsyncGenerator[Mapping[str, Answer | SlipwayError]]:
    gate = asyncio.Semaphore(AT_ONCE)
    asked: dict[str, asyncio.Task[Answer | SlipwayError]] = {}
    answers: dict[str, Answer | SlipwayError] = {}
    try:
        while True:
            begun = time.monotonic()
            hurry.clear()
            for host in profile.hosts:
                if host.name not in asked:
                    asked[host.name] = asyncio.create_task(_ask(profile, host, connect, gate))
            await asyncio.wait(asked.values(), timeout=PATIENCE)
            for name in [name for name, task in asked.items() if task.done()]:
                answers[name] = asked.pop(name).result()
            now = time.time()
            yield {host.name: _kept(host, answers.get(host.name), now) for host in profile.hosts}
            try:
                async with asyncio.timeout(max(0.0, begun + every - time.monotonic())):
                    await hurry.wait()
            except TimeoutError:
                pass
    finally:
        for task in asked.values():
            task.cancel()


def _kept(host: Host, answer: Answer | SlipwayError | None, now: float) -> Answer | SlipwayError:
    """Return what a host said last, unless that is too long ago."""
    if answer is None:
        return SlipwayError("It has not answered yet", where=host.name)
    if isinstance(answer, Answer) and now - answer.received > LATE:
        why = f"it last did {now - answer.received:.0f} s ago"
        return SlipwayError("It does not answer any more", where=host.name, why=why, hint="Does it run?")
    return answer


async def _ask(profile: Profile, host: Host, connect: Connect, gate: asyncio.Semaphore) -> Answer | SlipwayError:
    async with gate:
        try:
            connection = await connect(host.name)
            sent = time.time()
            result = await connection.run(Command(script(profile, host), timeout=SECONDS, looks=True))
            return Answer(result.text, sent, time.time())
        except SlipwayError as error:
            return error


def once(connect: Connect) -> Connect:
    """Return a `connect` that knocks at each host once: one that can't be reached is not waited for again."""
    failed: dict[str, SlipwayError] = {}

    async def connect_once(host: str) -> Connection:
        if host in failed:
            raise failed[host]
        try:
            return await connect(host)
        except SlipwayError as error:
            failed[host] = error
            raise

    return connect_once
