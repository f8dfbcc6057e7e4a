"""Who leads etcd instead, and how the leader is moved away."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.render.sites import profile, site
from wizard.engine.step import Drifted, Satisfied, Unknown
from wizard.errors import SlipwayError
from wizard.facts.traces import ClusterTraces
from wizard.profile.model import Host
from wizard.remote.base import Command, Result
from wizard.render.api import Site
from wizard.steps.leader import STAND_STILL, Member, hand_over, leader_step, read, spared, successor

IDS = {"m1": 0xA1, "m2": 0xA2, "m3": 0xA3}
MEMBERS = profile(3).etcd_members


def said(name: str, leader: str, age: int = 100, **status: object) -> str:
    found = {"header": {"member_id": IDS[name]}, "leader": IDS.get(leader, 0), "raftIndex": 5000, **status}
    return json.dumps([{"Endpoint": "here", "Status": found}]) + f"\n{age:8}\n"


def test_a_member_is_read_as_it_says() -> None:
    assert read(said("m1", "m1")) == Member(0xA1, True, False, 5000, 100)
    assert read(said("m2", "m1", age=7, isLearner=True)) == Member(0xA2, False, True, 5000, 7)


@pytest.mark.parametrize("text", ["", "\n", "{", "[]", "[{}]", "null\n5", said("m1", "")])
def test_one_that_has_no_leader_or_says_nothing_is_none(text: str) -> None:
    assert read(text) is None


def test_the_youngest_that_has_the_log_leads_next() -> None:
    members = {
        "m1": Member(1, True, index=9000, age=1),
        "m2": Member(2, False, index=8990, age=500),
        "m3": Member(3, False, index=9000, age=20),
        "m4": Member(4, False, index=100, age=2),
        "m5": Member(5, False, True, 9000, 2),
    }
    assert successor(members, "m1") == "m3"
    assert successor({"m1": members["m1"], "m4": members["m4"]}, "m1") == ""


class Fleet:
    """A `Context` over members that answer as told (a fake); it keeps what they were asked to do."""

    host = "m1"

    def __init__(self, answers: dict[str, str], status: int = 0) -> None:
        self.answers, self.status = answers, status
        self.moved: list[str] = []
        self.still: list[str] = []
        self.says: list[str] = []

    async def run(self, host: str, command: Command) -> Result:
        if "kube-apiserver" in command.script:
            self.still.append(host)
            return Result(0, b"", b"", 0.4)
        if "move-leader" in command.script:
            self.moved.append(f"{host} {command.script.split()[-1]}")
            return Result(self.status, b"", b"etcdserver: timed out" if self.status else b"", 0.1)
        if host not in self.answers:
            raise SlipwayError("gone", where=host)
        return Result(0, self.answers[host].encode(), b"", 0.1)

    def say(self, text: str) -> None:
        self.says.append(text)

    def progress(self, fraction: float, text: str = "") -> None:
        raise AssertionError("nothing to say")


async def moved(answers: dict[str, str], host: str = "m1") -> list[str]:
    fleet = Fleet(answers)
    await hand_over(fleet, profile(3), profile(3).host(host))
    assert sorted(fleet.still) == (["m1", "m2", "m3"] if fleet.moved else []), "nobody asks while it moves"
    return fleet.moved


async def test_a_leader_is_moved_by_itself_to_one_that_is_there() -> None:
    assert await moved({"m1": said("m1", "m1"), "m2": said("m2", "m1"), "m3": said("m3", "m1", 5)}) == ["m1 a3"]
    assert await moved({"m1": said("m1", "m1"), "m2": said("m2", "m1")}) == ["m1 a2"]


async def test_a_follower_and_one_that_is_sick_have_nothing_to_move() -> None:
    assert await moved({"m1": said("m1", "m2"), "m2": said("m2", "m2")}) == []
    assert await moved({"m2": said("m2", "m2")}) == []


async def test_where_nobody_else_can_lead_or_it_does_not_move_that_is_said() -> None:
    with pytest.raises(SlipwayError, match="Nobody else can lead"):
        await moved({"m1": said("m1", "m1"), "m2": said("m2", "m1", raftIndex=3)})
    fleet = Fleet({name: said(name, "m1") for name in IDS}, status=1)
    with pytest.raises(SlipwayError) as raised:
        await hand_over(fleet, profile(3), MEMBERS[0])
    assert "timed out" in raised.value.why


def test_an_apiserver_stands_still_until_its_member_is_led_by_another_one(tmp_path: Path) -> None:
    """The shell, signals and process are real; the member's figures are a file's (a fake)."""
    figures = "etcd_server_has_leader {}\netcd_server_leader_changes_seen_total {}\n"
    (tmp_path / "figures").write_text(figures.format(1, 4))
    with subprocess.Popen(["sleep", "60"]) as apiserver:
        for name, line in (("pgrep", f"echo {apiserver.pid}"), ("curl", f"cat {tmp_path}/figures")):
            (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
            (tmp_path / name).chmod(0o755)

        def stands() -> bool:
            return Path(f"/proc/{apiserver.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

        def within(seconds: float, wanted: bool) -> bool:
            end = time.monotonic() + seconds
            while stands() != wanted and time.monotonic() < end:
                time.sleep(0.01)
            return stands() == wanted

        environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
        try:
            subprocess.run(["sh", "-c", STAND_STILL], env=environment, check=True, timeout=10)
            assert within(5, True)
            (tmp_path / "figures").write_text(figures.format(0, 4))
            (tmp_path / "figures").write_text(figures.format(1, 5))
            assert within(10, False), "it is led by another one"
            subprocess.run(["sh", "-c", STAND_STILL], env=environment, check=True, timeout=10)
            assert within(5, True)
            assert within(20, False), "nothing moved, and it goes on"
        finally:
            apiserver.kill()


async def test_a_restart_goes_on_where_the_leader_can_not_be_moved() -> None:
    found = site(profile(3))
    assert spared(found, MEMBERS[0]) is None, "a first start has nothing to spare"
    around = spared(standing(), Host(name="m1", address="198.18.0.11"))
    assert around is not None
    fleet = Fleet({"m1": said("m1", "m1")})
    async with around(fleet):
        assert fleet.moved == []
    assert any("Nobody else can lead" in text for text in fleet.says)


def standing() -> Site:
    found = site(profile(3))
    facts = {name: replace(there, traces=ClusterTraces(etcd_data=True)) for name, there in found.facts.items()}
    return replace(found, facts=facts)


def test_the_step_is_done_when_another_leads() -> None:
    judge = leader_step(site(profile(3)), MEMBERS[0], needs=()).probe.judge
    assert isinstance(judge(said("m1", "m1"), 0), Drifted)
    assert isinstance(judge(said("m1", "m2"), 0), Satisfied)
    assert isinstance(judge(said("m1", ""), 0), Unknown)
