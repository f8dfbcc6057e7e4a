"""Who asks for a connection while it is being opened shares the attempt, and its end."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from wizard.remote.base import Target, Unreachable
from wizard.remote.ssh import SshConnector

M1 = Target("m1", "198.18.0.11")


class Opener:
    """Opens what it is told to, after a moment; counts how often it was asked."""

    def __init__(self, *ends: Any) -> None:
        self.ends = list(ends)
        self.asked = 0

    async def open(self, _target: Target, _tunnel: object) -> Any:
        self.asked += 1
        await asyncio.sleep(0.01)
        end = self.ends.pop(0)
        if isinstance(end, Exception):
            raise end
        return end


class Open:
    """Stands for an open connection."""

    target = M1
    closed = False

    async def close(self) -> None:
        self.closed = True


def connector(tmp_path: Path, opener: Opener) -> SshConnector:
    made = SshConnector(tmp_path / "known_hosts")
    made._opener = opener  # type: ignore[assignment]
    return made


async def test_a_dead_host_is_knocked_at_once_for_all_who_ask(tmp_path: Path) -> None:
    gone = Unreachable("Can't reach the host", where="m1")
    opener = Opener(gone, gone)
    one = connector(tmp_path, opener)
    ends = await asyncio.gather(*(one.connect(M1) for _ in range(6)), return_exceptions=True)
    assert ends == [gone] * 6
    assert opener.asked == 1
    with pytest.raises(Unreachable):
        await one.connect(M1)
    assert opener.asked == 2, "the next one who asks tries anew"


async def test_one_connection_is_opened_for_all_and_anew_when_it_is_gone(tmp_path: Path) -> None:
    first, second = Open(), Open()
    opener = Opener(first, second)
    one = connector(tmp_path, opener)
    assert await asyncio.gather(*(one.connect(M1) for _ in range(3))) == [first] * 3
    assert await one.connect(M1) is first  # type: ignore[comparison-overlap]
    first.closed = True
    assert await one.connect(M1) is second  # type: ignore[comparison-overlap]
    assert opener.asked == 2
    await one.close()
    assert second.closed


async def test_who_gives_up_waiting_takes_nobody_along(tmp_path: Path) -> None:
    made = Open()
    one = connector(tmp_path, Opener(made))
    waiting = [asyncio.create_task(one.connect(M1)) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    assert await waiting[1] is made  # type: ignore[comparison-overlap]


async def test_closing_ends_an_attempt_under_way(tmp_path: Path) -> None:
    one = connector(tmp_path, Opener(Open()))
    waiting = asyncio.create_task(one.connect(M1))
    await asyncio.sleep(0)
    await one.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
