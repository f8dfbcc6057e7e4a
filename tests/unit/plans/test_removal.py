"""What stands against taking hosts out of a cluster, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.render.sites import profile
from tests.unit.steps.samples import bundle
from wizard.engine.events import RunResult
from wizard.engine.outcome import Outcome
from wizard.engine.step import Plan, Probe, Satisfied, Step
from wizard.errors import Level, Problem, SlipwayError
from wizard.facts.model import Survey
from wizard.plans.folder import applied, remember, with_hosts
from wizard.plans.removal import asks, judge, meaning, removed, transitions
from wizard.plans.task import ALLOW_REMOVAL, Job, Kind, Task
from wizard.profile.model import Profile, Ssh
from wizard.remote.base import Command, LoginRefused, Result, Unreachable

from .test_scale import LARGE, SMALL, standing

GOOD = Survey({host.name: standing(host) for host in LARGE.hosts})


def a_job(after: Profile = SMALL, before: Profile | None = LARGE, *, allow: bool = False) -> Job:
    return Job(after, bundle(), Path("/"), Task(options={ALLOW_REMOVAL: True} if allow else {}), before)


def codes(problems: tuple[Problem, ...]) -> list[str]:
    return [f"{one.host} {one.code} {one.level}".strip() for one in problems]


def away(name: str) -> SlipwayError:
    return Unreachable("Can't reach the host", where=name, why="no route", hint="Check power.")


def without(survey: Survey, name: str, failure: SlipwayError) -> Survey:
    return Survey({host: found for host, found in survey.facts.items() if host != name}, {name: failure})


def test_hosts_that_leave_are_those_that_were_applied_and_are_named_no_more() -> None:
    job = a_job()
    assert [host.name for host in job.leaving] == ["m4", "e1", "w1"]
    assert job.reached == ("m1", "m2", "m3", "m4", "e1", "w1")
    assert a_job(before=None).leaving == ()
    assert replace(job, task=Task(kind=Kind.VERIFY)).leaving == ()


def test_it_holds_until_it_is_allowed_and_names_each_host() -> None:
    assert codes(judge(a_job(), GOOD, "uid-1")) == [f"{name} removal.host error" for name in ("m4", "e1", "w1")]
    allowed = judge(a_job(allow=True), GOOD, "uid-1")
    assert {one.level for one in allowed} == {Level.WARNING}
    assert judge(a_job(LARGE), GOOD, "uid-1") == ()


def test_it_says_how_many_may_die_before_and_after() -> None:
    words = meaning(LARGE, SMALL, LARGE.host("m4"))
    assert "2 of 5 members may die now, 1 of 3 afterwards" in words
    assert "3 of 4 masters" not in words
    assert "of 4 masters may die now, 1 of 3 afterwards" in words
    assert "Pods move" in meaning(LARGE, SMALL, LARGE.host("w1"))
    assert "masters" not in meaning(LARGE, SMALL, LARGE.host("e1"))


def test_a_host_that_refuses_the_login_holds_and_a_dead_one_does_not() -> None:
    refused = LoginRefused("The host refuses the login", where="w1", hint="Check the key.")
    found = judge(a_job(allow=True), without(GOOD, "w1", refused), "uid-1")
    assert "w1 host.login-refused error" in codes(found)
    found = judge(a_job(allow=True), without(GOOD, "w1", away("w1")), "uid-1")
    assert {one.level for one in found} == {Level.WARNING}


@pytest.mark.parametrize(
    ("before", "after", "way"),
    [
        (profile(3), profile(5), "3 → 4 → 5"),
        (profile(5), profile(3), "5 → 4 → 3"),
        (profile(4), profile(3, 1), "4 → 5 → 4"),
        (profile(3), profile(3, 0, 1), ""),
        (None, profile(3), ""),
    ],
)
def test_even_numbers_on_the_way_are_said(before: Profile | None, after: Profile, way: str) -> None:
    found = transitions(before, after)
    assert [way in one.message for one in found] == ([True] if way else [])


class Asked:
    """Hosts as the question finds them (a fake): what each answers to a command that holds a word."""

    def __init__(self, answer: Callable[[str, str], bool]) -> None:
        self.answer = answer
        self.asked: set[str] = set()

    async def connect(self, name: str) -> Any:
        asked = self

        class One:
            async def run(self, command: Command, _on_output: object = None) -> Result:
                asked.asked.add(name)
                return Result(0 if asked.answer(name, command.script) else 1, b"", b"", 0.0)

        return One()


async def test_nobody_is_asked_where_nobody_leaves_and_only_for_members_about_etcd() -> None:
    asked = Asked(lambda _name, _script: False)
    assert await asks(a_job(LARGE), GOOD, asked.connect) == ()
    worker = profile(3, 0, 1)
    assert await asks(a_job(before=worker, allow=True), GOOD, asked.connect) == ()
    assert asked.asked == set()


async def test_without_a_quorum_or_with_too_few_healthy_members_nothing_leaves() -> None:
    job = a_job(allow=True)
    none = Asked(lambda _name, script: "member list" not in script)
    assert codes(await asks(job, GOOD, none.connect)) == ["removal.no-quorum error"]
    sick = Asked(lambda name, script: "readyz" not in script or name == "m1")
    (problem,) = await asks(job, GOOD, sick.connect)
    assert (problem.code, "m2, m3" in problem.message) == ("removal.too-few", True)
    well = Asked(lambda _name, _script: True)
    assert await asks(job, GOOD, well.connect) == ()


@pytest.mark.parametrize("alive", [True, False])
async def test_who_can_not_be_reached_and_still_serves_is_not_dead(alive: bool) -> None:
    hosts = Asked(lambda _name, script: alive or "/dev/tcp" not in script)
    found = await asks(a_job(allow=True), without(GOOD, "m4", away("m4")), hosts.connect)
    assert codes(found) == (["m4 removal.still-alive error"] if alive else [])


def test_the_profile_that_was_applied_keeps_hosts_with_their_login(tmp_path: Path) -> None:
    before = LARGE.model_copy(update={"ssh": Ssh(user="old", port=2222)})
    remember(tmp_path, with_hosts(SMALL, before, before.workers))
    found = applied(tmp_path)
    assert found is not None
    assert [host.name for host in found.hosts] == ["m1", "m2", "m3", "w1"]
    assert (found.hosts[-1].ssh.user, found.hosts[-1].ssh.port, found.hosts[0].ssh.user) == ("old", 2222, None)
    (tmp_path / "profile.json").write_text("{}")
    assert applied(tmp_path) is None


def test_who_has_left_is_told_by_all_of_its_steps() -> None:
    def one(name: str) -> Step:
        return Step(name, name, "m1", "leave", Probe("true", lambda _output, _status: Satisfied()))

    plan = Plan("demo", "t", tuple(one(name) for name in ("m4/member", "m4/free", "w1/drain", "w1/free")))
    outcome = Outcome(RunResult.FAILED, 1.0, failed=("w1/drain",), skipped=("w1/free",))
    assert [host.name for host in removed(a_job(), plan, outcome, stands=True)] == ["m4"], "for e1 nothing was done"
    assert [host.name for host in removed(a_job(), plan, outcome, stands=False)] == ["m4", "e1"]
