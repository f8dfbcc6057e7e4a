"""`slipway status --watch`: the status drawn in place again and again, or told line by line as it changes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import aclosing
from typing import Any

import typer
from rich.live import Live

from wizard.cli.output import people, say
from wizard.cli.site import on_terminal
from wizard.cli.standing import as_object, brief
from wizard.plans.look import Connect
from wizard.plans.status import Status, ask
from wizard.plans.status.changes import changes
from wizard.plans.status.watching import LookForDrift, Watching
from wizard.profile.model import Profile

Show = Callable[[Status, float], None]
"""Hears of each status, and how many seconds the watching has lasted."""


async def watch(profile: Profile, connect: Connect, look: LookForDrift, every: float, json_lines: bool) -> None:
    """Show the status each `every` seconds, until Ctrl-C (or SIGTERM) ends it."""
    begun = time.monotonic()
    watching = Watching(profile, connect, look, every)
    if on_terminal() and not json_lines:
        # Passwords are asked for at the first look: before the picture is there, which would be drawn over them.
        say(f"asking {len(profile.hosts)} hosts of {profile.name} …")
        await ask(profile, connect)

    async def follow(show: Show) -> None:
        async with aclosing(watching.statuses()) as statuses:
            async for status in statuses:
                show(status, time.monotonic() - begun)

    with _shown(profile, every, json_lines) as show:
        await _until_stopped(follow(show))


async def _until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Do the work until it fails, or a signal asks for its end: that is how watching ends."""
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)
    stopped = asyncio.Event()
    waiting = loop.create_task(stopped.wait())
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    try:
        await asyncio.wait([waiting, task], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        waiting.cancel()
        task.cancel()
        # A command under way on a host that is gone would be waited for much longer.
        await asyncio.wait([task], timeout=1.0)


@contextlib.contextmanager
def _shown(profile: Profile, every: float, json_lines: bool) -> Iterator[Show]:
    if json_lines:
        yield lambda status, seconds: typer.echo(json.dumps(as_object(profile, status, seconds)))
    elif sys.stderr.isatty():
        console = people()
        with Live(console=console, auto_refresh=False, transient=False, vertical_overflow="ellipsis") as screen:
            yield lambda status, _: screen.update(brief(status, every, console.size.height), refresh=True)
    else:
        before: list[Status] = []

        def tell(status: Status, _seconds: float) -> None:
            clock = time.strftime("%H:%M:%S", time.localtime(status.asked))
            for line in changes(before[-1] if before else None, status):
                say(f"{clock} {line}")
            before[:] = [status]

        yield tell
