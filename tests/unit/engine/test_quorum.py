"""The quorum rule, and that the runner keeps it whatever the graph and whatever fails."""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wizard.engine import runner, turns
from wizard.engine.control import Control
from wizard.engine.events import Question, RunResult, StepFailed
from wizard.engine.outcome import Outcome
from wizard.engine.quorum import Word, may_touch, of_voters
from wizard.engine.sink import Memory
from wizard.engine.step import Change, Context, Diff, Drifted, Plan, Probe, Retry, Satisfied, Step, VoterGroup
from wizard.remote.base import Command, Connection, Result, Target, Unreachable


async def nobody(_: Context) -> frozenset[str]:
    return frozenset()


def group(size: int, needed: int = 0, *, exempt: bool = False) -> VoterGroup:
    members = frozenset(f"etcd/m{n}" for n in range(size))
    return VoterGroup("etcd", members, needed or size // 2 + 1, nobody, exempt)


subsets = st.sets(st.integers(0, 6)).map(lambda numbers: frozenset(f"etcd/m{n}" for n in numbers))


@given(st.integers(1, 7), subsets, subsets, subsets)
def test_go_never_leaves_fewer_than_needed_unless_it_costs_nothing(
    size: int, healthy: frozenset[str], touched: frozenset[str], under_way: frozenset[str]
) -> None:
    voters = group(size)
    said = may_touch(voters, healthy, touched, under_way)
    left = (healthy & voters.members) - under_way - touched
    costs = bool(healthy & touched & voters.members)
    if said.word is Word.GO:
        assert not costs or len(left) >= voters.needed
    else:
        assert costs
        assert len(left) < voters.needed
        assert said.why
    # Asking is for what no waiting can help.
    best = may_touch(voters, voters.members, touched)
    assert (said.word is Word.ASK) == (costs and best.word is Word.ASK)


def test_a_group_that_is_touched_one_at_a_time_waits_for_the_one_under_way_alone() -> None:
    voters = replace(group(5, 1), alone=True)
    first, second = frozenset({"etcd/m0"}), frozenset({"etcd/m1"})
    assert may_touch(voters, voters.members, first).word is Word.GO
    said = may_touch(voters, voters.members, second, first)
    assert said.word is Word.WAIT
    assert "etcd/m0" in said.why
    assert may_touch(voters, voters.members - second, second, first).word is Word.GO, "a sick one costs nothing"


@given(st.integers(1, 7), subsets, subsets)
def test_a_first_start_is_exempt(size: int, healthy: frozenset[str], touched: frozenset[str]) -> None:
    assert may_touch(group(size, exempt=True), healthy, touched).word is Word.GO


def test_the_rule_in_the_cases_that_matter() -> None:
    three = group(3)
    every = three.members
    one, two = frozenset({"etcd/m0"}), frozenset({"etcd/m1"})
    assert may_touch(three, every, one).word is Word.GO
    assert may_touch(three, every, two, one).word is Word.WAIT
    sick = may_touch(three, every - one, two)
    assert sick.word is Word.WAIT
    assert "etcd/m0 not healthy" in sick.why
    assert may_touch(three, every - one, one).word is Word.GO
    assert may_touch(three, every, frozenset({"apiserver/m0"})).word is Word.GO
    alone = may_touch(group(1), one, one)
    assert alone.word is Word.ASK
    assert "stops for a moment" in alone.why
    assert may_touch(group(2), frozenset({"etcd/m0", "etcd/m1"}), one).word is Word.ASK
    assert may_touch(group(5), group(5).members - one, two).word is Word.GO


# The runner over a simulated cluster: no shell here, only what commands would do to voters.


@dataclass
class Cluster:
    """A simulated cluster: which members are up, which steps are done, which fail, and every breach of the rule."""

    needed: int
    up: set[str]
    members: frozenset[str]
    touches: dict[str, frozenset[str]] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    failing: set[str] = field(default_factory=set)
    dead: set[str] = field(default_factory=set)
    breaches: list[str] = field(default_factory=list)

    async def health(self, _: Context) -> frozenset[str]:
        await asyncio.sleep(0)
        return frozenset(self.up)

    async def change(self, step: str) -> bool:
        struck = self.touches[step] & self.up
        self.up -= struck
        if struck and len(self.up) < self.needed:
            self.breaches.append(f"{step} left {sorted(self.up)}")
        await asyncio.sleep(0.001)
        if step in self.failing:
            return False
        self.up |= self.touches[step] & self.members
        self.done.add(step)
        return True


class Simulated:
    """A fake connection to the simulated cluster: it understands only the scripts of this test."""

    def __init__(self, name: str, cluster: Cluster) -> None:
        self.target = Target(name, name)
        self.round_trips = 0
        self.cluster = cluster

    async def run(self, command: Command, on_output: Callable[[str], None] | None = None) -> Result:
        if self.target.name in self.cluster.dead:
            raise Unreachable("no answer", where=self.target.name)
        found = re.search(r"^M=(\S+)", command.script, re.MULTILINE)
        assert found
        token, out = found.group(1), []
        change = re.search(r"^run 'CHANGE (\S+)'", command.script, re.MULTILINE)
        if change:
            if not await self.cluster.change(change.group(1)):
                return Result(97, f"{token} failed script - exit status 1\n".encode(), b"", 0.0)
            out.append(f"{token} done")
        for number, fragment in enumerate(re.findall(r"^\( eval (.+) \) </dev/null$", command.script, re.MULTILINE)):
            ok = shlex.split(fragment)[0].removeprefix("PROBE ") in self.cluster.done
            out += [f"{token} look {number}", "", f"{token} end {number} {0 if ok else 1}"]
        return Result(0, "\n".join(out).encode() + b"\n", b"", 0.0)

    def forward(self, host: str, port: int) -> AbstractAsyncContextManager[tuple[str, int]]:
        raise NotImplementedError

    async def close(self) -> None:
        pass


def step_of(cluster: Cluster, name: str, host: str, touches: frozenset[str], needs: tuple[str, ...]) -> Step:
    def judge(_output: str, status: int) -> Drifted | Satisfied:
        return Satisfied() if status == 0 else Drifted((Diff(name, "", "done"),))

    cluster.touches[name] = touches
    probe, change = Probe(f"PROBE {name}", judge), Change(script=f"CHANGE {name}")
    return Step(name, name, host, "p", probe, change, needs, touches, retry=Retry(1, 0.001), timeout=20)


async def simulate(cluster: Cluster, steps: list[Step], control: Control | None = None) -> Outcome:
    async def connect(host: str) -> Connection:
        return Simulated(host, cluster)

    voters = VoterGroup("etcd", cluster.members, cluster.needed, cluster.health)
    hosts = tuple(dict.fromkeys(step.host for step in steps))
    made = Plan("demo", "Install", tuple(steps), (voters,), hosts)
    return await runner.run(made, connect, control_sink(control), run_id="r", control=control, retry=Retry(1, 0.001))


def control_sink(control: Control | None) -> Memory:
    return control._sink if control and isinstance(control._sink, Memory) else Memory()


@st.composite
def clusters(draw: st.DrawFn) -> tuple[Cluster, list[Step]]:
    size = draw(st.sampled_from([3, 4, 5]))
    members = [f"etcd/m{n}" for n in range(size)]
    sick = draw(st.sets(st.sampled_from(members), max_size=2))
    cluster = Cluster(size // 2 + 1, set(members) - sick, frozenset(members))
    steps: list[Step] = []
    for number in range(draw(st.integers(1, 10))):
        host = draw(st.integers(0, size - 1))
        needs = draw(st.sets(st.sampled_from(steps), max_size=2)) if steps else set()
        touched = draw(st.sampled_from([{f"etcd/m{host}"}, {f"etcd/m{host}"}, set(), {f"etcd/m{(host + 1) % size}"}]))
        name = f"m{host}/s{number}"
        steps.append(step_of(cluster, name, f"m{host}", frozenset(touched), tuple(need.id for need in needs)))
        if draw(st.integers(0, 4)) == 0:
            cluster.failing.add(name)
    cluster.dead = {f"m{n}" for n in draw(st.sets(st.integers(0, size - 1), max_size=1)) if draw(st.booleans())}
    return cluster, steps


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.2)
    monkeypatch.setattr(turns, "POLL", 0.005)


@pytest.mark.usefixtures("impatient")
@settings(max_examples=60, deadline=None)
@given(clusters())
def test_the_runner_never_breaks_a_quorum(made: tuple[Cluster, list[Step]]) -> None:
    cluster, steps = made
    outcome = asyncio.run(asyncio.wait_for(simulate(cluster, steps), 60))
    assert cluster.breaches == []
    ended = {*outcome.changed, *outcome.failed, *outcome.skipped} | cluster.done
    assert ended == {step.id for step in steps}
    if not (cluster.failing | cluster.dead) and len(cluster.up) == len(cluster.members):
        assert outcome.result in (RunResult.DONE, RunResult.PARTIAL)


@pytest.mark.usefixtures("impatient")
def test_without_the_rule_the_same_test_would_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulation does see a breach: with the rule taken out there is one."""
    members = frozenset({"etcd/m0", "etcd/m1", "etcd/m2"})
    cluster = Cluster(2, set(members), members)
    steps = [step_of(cluster, f"m{n}/s", f"m{n}", frozenset({f"etcd/m{n}"}), ()) for n in range(3)]
    monkeypatch.setattr(turns, "may_touch", lambda *_: may_touch(group(3, exempt=True), frozenset(), frozenset()))
    asyncio.run(simulate(cluster, steps))
    assert cluster.breaches


def one_member() -> tuple[Cluster, list[Step]]:
    members = frozenset({"etcd/m0"})
    cluster = Cluster(1, set(members), members)
    return cluster, [step_of(cluster, "m0/s", "m0", members, ()), step_of(cluster, "m0/t", "m0", members, ("m0/s",))]


def test_a_single_member_is_touched_only_after_asking() -> None:
    for answer, result in (("go on", RunResult.DONE), ("stop", RunResult.FAILED)):
        cluster, steps = one_member()
        sink = Memory()
        outcome = asyncio.run(simulate(cluster, steps, Control(sink, lambda _, word=answer: word)))  # type: ignore[misc]
        assert outcome.result is result
        assert outcome.quarantined == ()
        asked = [event for event in sink.events if isinstance(event, Question)]
        assert len(asked) == (2 if answer == "go on" else 1)
        assert "stops for a moment" in asked[0].text
    cluster, steps = one_member()
    sink = Memory()
    outcome = asyncio.run(simulate(cluster, steps))
    assert outcome.problems[0].code == "quorum.refused"
    assert cluster.done == set()


@pytest.mark.usefixtures("impatient")
def test_who_waits_in_vain_is_told_for_whom() -> None:
    members = frozenset({"etcd/m0", "etcd/m1", "etcd/m2"})
    cluster = Cluster(2, {"etcd/m0", "etcd/m1"}, members)
    sink = Memory()
    steps = [step_of(cluster, "m0/s", "m0", frozenset({"etcd/m0"}), ())]
    outcome = asyncio.run(simulate(cluster, steps, Control(sink)))
    assert outcome.result is RunResult.FAILED
    failed = next(event for event in sink.events if isinstance(event, StepFailed))
    assert "etcd/m2 not healthy" in failed.problem.message
    assert cluster.done == set()


def five_in_turn(failing: str, up: int = 5) -> tuple[Cluster, list[Step]]:
    """Return five members, the first `up` of which are healthy, each touched by a step; that of `failing` fails."""
    names = [f"etcd/m{n}" for n in range(5)]
    cluster = Cluster(3, set(names[:up]), frozenset(names))
    cluster.failing.add(f"{failing}/s")
    return cluster, [step_of(cluster, f"m{n}/s", f"m{n}", frozenset({f"etcd/m{n}"}), ()) for n in range(5)]


@pytest.mark.usefixtures("impatient")
def test_what_goes_wrong_goes_wrong_on_one() -> None:
    """Two of five could be spared: it is no reason to break a second one in the same way."""
    cluster, steps = five_in_turn("m1")
    chained = [replace(step, after=(steps[n - 1].id,)) if n else step for n, step in enumerate(steps)]
    outcome = asyncio.run(simulate(cluster, chained))
    assert outcome.result is RunResult.FAILED
    assert (cluster.done, outcome.quarantined) == ({"m0/s"}, ("m1",))
    assert len(cluster.up) == 4
    refused = [problem for problem in outcome.problems if problem.code == "quorum.refused"]
    assert {problem.host for problem in refused} == {"m2", "m3", "m4"}
    assert all("work on etcd/m1 went wrong" in problem.message for problem in refused)


@pytest.mark.usefixtures("impatient")
def test_one_that_was_sick_already_stops_nobody_who_mends() -> None:
    cluster, steps = five_in_turn("m4", up=4)
    chained = [replace(step, after=("m4/s",)) if step.id != "m4/s" else step for step in steps]
    outcome = asyncio.run(simulate(cluster, chained))
    assert cluster.done == {"m0/s", "m1/s", "m2/s", "m3/s"}
    assert outcome.failed == ("m4/s",)


@pytest.mark.usefixtures("impatient")
def test_a_sick_one_is_mended_though_another_came_to_harm() -> None:
    cluster, steps = five_in_turn("m0", up=4)
    chained = [replace(step, after=("m0/s",)) if step.id != "m0/s" else step for step in steps]
    outcome = asyncio.run(simulate(cluster, chained))
    assert cluster.done == {"m4/s"}
    assert set(outcome.failed) == {"m0/s", "m1/s", "m2/s", "m3/s"}


@pytest.mark.parametrize(("names", "needed"), [("abc", 2), ("abcd", 3), ("abcde", 3), ("", 3)])
def test_a_majority_of_those_who_vote_now_is_needed(names: str, needed: int) -> None:
    voters = frozenset(f"etcd/{name}" for name in names)
    now = of_voters(group(5), voters)
    assert now.needed == needed
    assert now.members == (voters or group(5).members), "where nobody tells, the plan's own members count"
