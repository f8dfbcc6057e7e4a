"""Waiting until an app has nothing to do: by its event loop, where Textual's pilot guesses from the processor's time.

The guess takes 40 ms a key at least, and may give up early on a busy machine. Here nothing is guessed, for screens over
fake services have neither threads nor sockets: what they will do next stands in the loop.
"""

from __future__ import annotations

import asyncio

FRAME = 1 / 50
"""What is due within this time belongs to what goes on now, in seconds: screens are drawn 60 times a second."""

waiting = 0
"""How many wait here: what each of them puts into the loop is no work of the app."""


async def wait_for_idle(min_sleep: float = 0.0, max_sleep: float = 1.0) -> None:
    """Wait until nothing is to be run, nor will be within a `FRAME`; at most `max_sleep` seconds."""
    global waiting
    loop = asyncio.get_running_loop()
    end = loop.time() + max_sleep
    waiting += 1
    try:
        while loop.time() < end:
            await asyncio.sleep(0)
            if len(loop._ready) >= waiting:  # type: ignore[attr-defined]
                continue
            timers = [timer.when() for timer in loop._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]
            pause = min(timers, default=end) - loop.time()
            if pause > FRAME:
                return
            await asyncio.sleep(max(0.0, pause))
    finally:
        waiting -= 1
