"""Looking at several hosts at once, over a fake connection that runs the script on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from wizard.errors import SlipwayError
from wizard.facts.model import Facts, Prefixed, Survey
from wizard.facts.survey import gather
from wizard.remote.base import Command, Connection, Result, Target, Unreachable


class FakeConnection:
    """A fake: runs commands here instead of on a host."""

    def __init__(self, name: str, status: int = 0, shorten: bool = False) -> None:
        self.target = Target(name, "192.0.2.1")
        self.round_trips = 0
        self._status, self._shorten = status, shorten

    async def run(self, command: Command, on_output: Callable[[str], None] | None = None) -> Result:
        self.round_trips += 1
        assert command.sudo
        process = await asyncio.create_subprocess_exec("sh", "-c", command.script, stdout=asyncio.subprocess.PIPE)
        stdout, _ = await process.communicate()
        if self._shorten:
            stdout = stdout[:100]
        return Result(self._status or process.returncode or 0, stdout, b"sh: no memory" if self._status else b"", 0.1)

    def forward(self, host: str, port: int) -> AbstractAsyncContextManager[tuple[str, int]]:
        raise NotImplementedError

    async def close(self) -> None:
        pass


async def test_one_round_trip_a_host_and_failures_stay_with_their_host() -> None:
    connections = {
        "m1": FakeConnection("m1"),
        "m3": FakeConnection("m3", status=2),
        "m4": FakeConnection("m4", shorten=True),
    }
    heard: list[tuple[str, str]] = []

    async def connect(name: str) -> Connection:
        if name == "m2":
            raise Unreachable("Nobody answers", where="m2", hint="Look at the cable.")
        return connections[name]

    survey = await gather(
        connect,
        ["m1", "m2", "m3", "m4"],
        "/var/lib/etcd",
        "echo mine; exit 1",
        seen=lambda host, what, seconds: heard.append((host, type(what).__name__)),
    )
    assert set(survey.facts) == {"m1"}
    assert set(survey.failures) == {"m2", "m3", "m4"}
    assert survey.prefixed == {"m1": Prefixed(1, "mine")}
    assert isinstance(survey.failures["m2"], Unreachable)
    assert "status 2" in survey.failures["m3"].why
    assert survey.failures["m3"].details == "sh: no memory"
    assert "cut short" in survey.failures["m4"].title
    assert connections["m1"].round_trips == 1
    assert ("m1", "Facts") in heard
    assert ("m2", "Unreachable") in heard
    assert heard.index(("m1", "NoneType")) < heard.index(("m1", "Facts"))


async def test_hosts_are_asked_at_once_but_not_too_many() -> None:
    waiting, most = 0, 0

    async def connect(name: str) -> Connection:
        nonlocal waiting, most
        waiting += 1
        most = max(most, waiting)
        await asyncio.sleep(0.01)
        waiting -= 1
        raise Unreachable("Nobody answers")

    survey = await gather(connect, [f"h{index}" for index in range(20)], "/var/lib/etcd", at_once=5)
    assert len(survey.failures) == 20
    assert most == 5


async def test_a_host_named_twice_is_asked_once() -> None:
    asked: list[str] = []

    async def connect(name: str) -> Connection:
        asked.append(name)
        raise Unreachable("Nobody answers")

    await gather(connect, ["m1", "m1"], "/var/lib/etcd")
    assert asked == ["m1"]


async def test_a_defect_is_not_taken_for_a_failure_of_the_host() -> None:
    async def connect(name: str) -> Connection:
        raise KeyError(name)

    with pytest.raises(KeyError):
        await gather(connect, ["m1"], "/var/lib/etcd")


def test_surveys_join() -> None:
    early = Survey({"m1": Facts("m1")}, {"m2": SlipwayError("late")}, {"m1": Prefixed(0, "a")})
    late = Survey({"m2": Facts("m2")}, {"m1": SlipwayError("gone")})
    joined = early.joined(late)
    assert set(joined.facts) == {"m2"}
    assert set(joined.failures) == {"m1"}
    assert joined.prefixed == {"m1": Prefixed(0, "a")}
