"""A loop that stood still itself does not call others late."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from wizard.drill.pulse import Pulse


@asynccontextmanager
async def beating() -> AsyncIterator[Pulse]:
    pulse = Pulse()
    pulse.start()
    yield pulse
    pulse.stop()


async def test_who_answers_while_the_loop_stands_still_is_in_time() -> None:
    async with beating() as pulse, pulse.limit(0.4):
        await asyncio.sleep(0.1)
        time.sleep(0.5)  # noqa: ASYNC251 - the process has no processor
        await asyncio.sleep(0.1)
    assert 0.4 < pulse.worst <= pulse.stood


async def test_a_limit_that_ran_out_in_a_running_loop_ends_the_block() -> None:
    async with beating() as pulse:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            async with pulse.limit(0.3):
                await asyncio.sleep(30)
        assert time.monotonic() - began - pulse.stood < 0.4


async def halted(pulse: Pulse) -> None:
    async with pulse.limit(0.3):
        time.sleep(0.2)  # noqa: ASYNC251 - the process has no processor
        await asyncio.sleep(30)


async def test_a_halt_lengthens_a_limit_by_no_more_than_itself() -> None:
    async with beating() as pulse:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            await halted(pulse)
        assert 0.3 < time.monotonic() - began < 0.3 + pulse.stood + 0.1
    assert pulse.stood >= 0.17
