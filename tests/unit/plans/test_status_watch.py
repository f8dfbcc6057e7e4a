"""Asking again and again: what a host that hangs costs, and what is said of each change."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from wizard.errors import SlipwayError
from wizard.plans.status import Drift, Status, ask, asking, once, rounds, with_drift
from wizard.plans.status.changes import changes
from wizard.plans.status.model import Cause, Change
from wizard.plans.status.watching import Watching
from wizard.remote.base import Command, Result

from .standing import HERE, OFF, standing, texts

HEALTHY = texts()


class Hosts:
    """FAKE hosts: each answers its recorded text; one of `hangs` doesn't before the event there is set."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.hangs: dict[str, asyncio.Event] = {}
        self.off: set[str] = set()

    async def connect(self, name: str) -> Any:
        if name in self.off:
            self.asked.append(f"{name} in vain")
            raise OFF
        return Host(self, name)


class Host:
    """FAKE connection to one of them."""

    def __init__(self, hosts: Hosts, name: str) -> None:
        self.hosts, self.name = hosts, name

    async def run(self, _command: Command) -> Result:
        self.hosts.asked.append(self.name)
        if self.name in self.hosts.hangs:
            await self.hosts.hangs[self.name].wait()
        return Result(0, HEALTHY[self.name].encode(), b"", 0.0)


@pytest.fixture
def hosts() -> Hosts:
    return Hosts()


@asynccontextmanager
async def told(hosts: Hosts, every: float = 0.01) -> AsyncIterator[tuple[Callable[[], Any], asyncio.Event]]:
    hurry = asyncio.Event()
    async with aclosing(rounds(HERE, hosts.connect, every, hurry)) as statuses:
        yield statuses.__anext__, hurry


async def test_each_host_is_asked_once_and_at_the_same_time(hosts: Hosts) -> None:
    status = await ask(HERE, hosts.connect)
    assert sorted(hosts.asked) == ["m1", "m2", "m3"]
    assert status.holders == ("m1",)


async def test_a_host_out_of_reach_is_knocked_at_once(hosts: Hosts) -> None:
    hosts.off = {"m3"}
    knock = once(hosts.connect)
    assert (await ask(HERE, knock)).silent == ("m3",)
    with pytest.raises(SlipwayError):
        await knock("m3")
    assert hosts.asked.count("m3 in vain") == 1


async def test_a_host_that_hangs_holds_up_nobody(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PATIENCE", 0.1)
    async with told(hosts) as (next_one, _):
        assert (await next_one()).silent == ()
        hosts.hangs = {"m2": asyncio.Event()}
        begun = time.monotonic()
        for _ in range(3):
            assert (await next_one()).silent == (), "what it said last still counts"
        assert time.monotonic() - begun < 2
        assert hosts.asked.count("m2") == 2, "it is not asked again while it owes an answer"
        assert hosts.asked.count("m1") == 4
        monkeypatch.setattr(asking, "LATE", 1.0)
        await asyncio.sleep(1.0)
        gone: Status = await next_one()
        assert gone.silent == ("m2",)
        assert "does not answer any more" in gone.hosts[1].failure
        hosts.hangs.pop("m2").set()
        monkeypatch.setattr(asking, "LATE", 15.0)
        await asyncio.sleep(0.05)
        assert (await next_one()).silent == ()


async def test_one_that_never_answered_is_said_to_be_so(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PATIENCE", 0.1)
    hosts.hangs = {"m1": asyncio.Event()}
    async with told(hosts) as (next_one, _):
        status: Status = await next_one()
        assert status.hosts[0].failure == "It has not answered yet"
        assert not [problem for problem in status.problems if problem.code == "vip.nobody"]


async def test_whoever_is_in_a_hurry_waits_for_no_round(hosts: Hosts) -> None:
    async with told(hosts, every=600) as (next_one, hurry):
        await next_one()
        hurry.set()
        async with asyncio.timeout(5):
            await next_one()


async def test_a_watch_looks_for_drift_once_and_when_asked(hosts: Hosts) -> None:
    looks: list[bool] = []

    async def look(api: bool) -> Drift:
        looks.append(api)
        return Drift(100.0 + len(looks))

    hurry = asyncio.Event()
    async with aclosing(Watching(HERE, hosts.connect, look, 0.01, hurry).statuses()) as statuses:
        async with asyncio.timeout(10):
            first = await anext(statuses)
            assert (first.drift, looks) == (Drift(), [])
            while (await anext(statuses)).drift.looked != 101.0:
                pass
            for _ in range(5):
                await anext(statuses)
            assert looks == [True]
            hurry.set()
            while (await anext(statuses)).drift.looked != 102.0:
                pass


class TestChanges:
    """What is said in a pipe: a line a change."""

    def test_the_first_status_in_full_and_nothing_where_nothing_changes(self) -> None:
        well = standing(HEALTHY)
        assert changes(None, well) == ("✓ demo is well; m1 has the VIP 198.18.0.100",)
        assert changes(well, standing(HEALTHY)) == ()
        broken = standing({**HEALTHY, "m3": OFF})
        first, second = changes(None, broken)
        assert first.startswith("! demo: 1 host could not be asked")
        assert second == "✗ m3: Can't reach the host: no route to the host"

    def test_what_comes_and_what_is_over(self) -> None:
        well, broken = standing(HEALTHY), standing({**HEALTHY, "m1": OFF})
        said = changes(well, broken)
        assert "· VIP: m1 → nobody" in said
        assert "· etcd's leader: m1 → nobody" in said
        assert "✗ m1: Can't reach the host: no route to the host" in said
        over = changes(broken, well)
        assert "✓ over: m1: Can't reach the host: no route to the host" in over
        assert over[-1].startswith("✓ demo is well")

    def test_a_number_that_goes_up_is_no_change(self) -> None:
        soon, later = standing(texts(days=50)), standing(texts(days=49))
        assert soon.problems != later.problems
        assert changes(soon, later) == ()

    def test_drift_is_put_back_when_nobody_is_out_for_maintenance(self) -> None:
        well = standing(HEALTHY)
        drift = Drift(1.0, (Change("m2", "m2/haproxy", "/etc/haproxy/haproxy.cfg", "a", "b", cause=Cause.BY_HAND),))
        for out, wanted in (({}, False), ({"m2": "2026-11-26T23:10:00Z"}, True)):
            found = with_drift(replace(well, maintenance=out), drift).problems[-1]
            assert (found.code, found.host, "nobody is out" in found.hint) == ("drift.changed", "m2", wanted)

    def test_drift_is_one(self) -> None:
        well = standing(HEALTHY)
        drift = Drift(1.0, (Change("m2", "m2/haproxy", "/etc/haproxy/haproxy.cfg", "a", "b", cause=Cause.BY_HAND),))
        assert changes(well, with_drift(well, drift)) == ("! m2: Changed by hand: /etc/haproxy/haproxy.cfg",)
        assert changes(with_drift(well, drift), well) == ("✓ over: m2: Changed by hand: /etc/haproxy/haproxy.cfg",)
