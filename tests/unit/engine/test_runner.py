"""The runner, on fake hosts that really run the scripts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.engine.fakes import FakeConnection, until
from tests.unit.engine.plans import QUICK, Site, plan
from wizard.engine import events as e
from wizard.engine import runner
from wizard.engine.control import Control, Intent
from wizard.engine.events import Event, RunResult
from wizard.engine.graph import checked
from wizard.engine.locks import HostLock
from wizard.engine.marker import MARKER, Owner, parse
from wizard.engine.outcome import Outcome
from wizard.engine.record import State, fold
from wizard.engine.sink import Memory
from wizard.engine.step import Blocked, Change, Context, Diff, Drifted, Plan, Probe, Satisfied, Step, Unknown, Verdict
from wizard.errors import Exit, Level, Problem
from wizard.remote.base import Command, Result, Secret, TimedOut

OWNER = Owner("uid-1", "demo", "0.1")


def of_kind(sink: Memory, kind: type) -> list[Event]:
    return [event for event in sink.events if isinstance(event, kind)]


async def test_a_chain_over_two_hosts_runs_in_order_and_a_second_run_looks_once(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1", "m2")
    steps = (
        site.file_step("m1", "c", needs=("m1/b",)),
        site.file_step("m1", "a"),
        site.file_step("m1", "b", needs=("m1/a", "m2/a")),
        site.file_step("m2", "a"),
    )
    sink = Memory()
    outcome = await site.run(plan(*steps), sink)
    assert outcome.result is RunResult.DONE
    assert set(outcome.changed) == {step.id for step in steps}
    assert site.order("m1") == ["a", "b", "c"]
    record = fold(sink.events)
    assert record.result is RunResult.DONE
    assert all(step.state is State.DONE for step in record.steps.values())
    assert [event.sequence for event in sink.events] == list(range(1, len(sink.events) + 1))
    trips = site.trips("m1"), site.trips("m2")
    again = await site.run(plan(*steps))
    assert (again.result, again.changed) == (RunResult.DONE, ())
    assert (site.trips("m1") - trips[0], site.trips("m2") - trips[1]) == (1, 1)
    assert site.order("m1") == ["a", "b", "c"]


def ahead_of(site: Site, **more: object) -> tuple[Step, ...]:
    """Return steps of m1 and m2, and those of the new w1, which waits for a token that m1 makes."""
    return (
        site.file_step("m1", "a"),
        site.file_step("m2", "a", needs=("m1/a",)),
        site.file_step("m1", "token"),
        site.file_step("w1", "first"),
        site.file_step("w1", "node", needs=("w1/first", "m1/token"), **more),
        site.file_step("w1", "later", needs=("w1/node",)),
    )


async def test_what_goes_ahead_is_not_held_up_by_looks_at_others(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1", "m2", "w1")
    steps, sink = ahead_of(site), Memory()
    outcome = await site.run(plan(*steps, ahead=("w1/node",)), sink)
    assert outcome.result is RunResult.DONE
    assert set(outcome.changed) == {step.id for step in steps}
    seen = [event.step for event in sink.events if isinstance(event, e.StepProbed | e.StepDone)]
    for other in ("m1/a", "m2/a"):
        assert seen.index(other) > len(seen) - 1 - seen[::-1].index("w1/node"), "its first look comes after the node"
    assert site.order("m1") == ["token", "a"]
    trips = site.trips("m2")
    again = await site.run(plan(*steps, ahead=("w1/node",)))
    assert (again.changed, site.trips("m2") - trips) == ((), 1)


async def test_who_came_first_leaves_the_rest_of_its_work_until_all_have_come(tmp_path: Path) -> None:
    site = Site(tmp_path, "w1", "w2")
    slow = f"n=0; until [ -e {site['w1'].root}/etc/node ] || [ $n = 100 ]; do sleep 0.1; n=$((n+1)); done; sleep 0.5"
    steps = (
        site.file_step("w1", "node"),
        site.file_step("w1", "later", needs=("w1/node",)),
        site.file_step("w2", "node", script=slow),
    )
    sink = Memory()
    outcome = await site.run(plan(*steps, ahead=("w1/node", "w2/node")), sink)
    assert set(outcome.changed) == {"w1/node", "w1/later", "w2/node"}
    done = [event.step for event in sink.events if isinstance(event, e.StepDone | e.StepStarted)]
    assert done[-2:] == ["w1/later", "w1/later"], "it began when w2's node was there"


async def test_a_mere_look_has_no_order_and_is_one_round_trip_for_each_host(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1", "m2", "w1")
    outcome = await site.run(plan(*ahead_of(site), ahead=("w1/node",)), dry=True)
    assert len(outcome.changed) == 6
    assert [site.trips(host) for host in ("m1", "m2", "w1")] == [1, 1, 1]


async def test_the_others_go_on_where_what_goes_ahead_fails(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1", "m2", "w1")
    outcome = await site.run(plan(*ahead_of(site, script="exit 5"), ahead=("w1/node",)))
    assert (outcome.result, outcome.quarantined) == (RunResult.PARTIAL, ("w1",))
    assert {"m1/a", "m2/a"} <= set(outcome.changed)


async def test_what_goes_ahead_is_not_waited_for_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "AHEAD_SECONDS", 0.2)
    site = Site(tmp_path, "m1", "m2", "w1")
    there = site["m2"].root / "etc" / "a"
    slow = f"n=0; until [ -e {there} ] || [ $n = 100 ]; do sleep 0.1; n=$((n+1)); done; [ -e {there} ]"
    outcome = await site.run(plan(*ahead_of(site, script=slow), ahead=("w1/node",)))
    assert outcome.result is RunResult.DONE


def test_who_goes_ahead_is_a_step_of_the_plan(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1")
    with pytest.raises(ValueError, match="m1/b"):
        checked(plan(site.file_step("m1", "a"), ahead=("m1/b",)))


async def test_first_looks_are_one_round_trip_and_looks_travel_with_changes(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1")
    chain = [site.file_step("m1", "s0")] + [site.file_step("m1", f"s{n}", needs=(f"m1/s{n - 1}",)) for n in range(1, 6)]
    outcome = await site.run(plan(*chain))
    assert outcome.result is RunResult.DONE
    assert site.trips("m1") == 1 + 6


async def test_a_file_altered_by_hand_is_mended_and_nothing_else(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1")
    steps = (site.file_step("m1", "a"), site.file_step("m1", "b"), site.file_step("m1", "c", needs=("m1/b",)))
    await site.run(plan(*steps))
    site["m1"].write("/etc/b", "tampered\n")
    (site["m1"].root / "order").unlink()
    outcome = await site.run(plan(*steps))
    assert outcome.changed == ("m1/b",)
    assert site.order("m1") == ["b"]
    assert site["m1"].path("/etc/b").read_text() == "wanted\n"


async def test_a_step_whose_need_changed_is_looked_at_again(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1", "m2")
    spoil = f"rm -f {site['m2'].root}/etc/late"
    steps = (site.file_step("m1", "a", script=spoil), site.file_step("m2", "late", needs=("m1/a",)))
    site["m2"].write("/etc/late", "wanted\n")
    outcome = await site.run(plan(*steps))
    assert set(outcome.changed) == {"m1/a", "m2/late"}
    assert site["m2"].path("/etc/late").read_text() == "wanted\n"


async def test_unknown_becomes_known_when_its_turn_comes(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1")
    tool = site.script_step("m1/tool", "m1", "test -e $ROOT/tool", "touch $ROOT/tool")
    asks = site.script_step(
        "m1/asks", "m1", "test -e $ROOT/tool || exit 9; test -e $ROOT/asked", "touch $ROOT/asked", needs=("m1/tool",)
    )
    known = asks.probe.judge
    asks = replace(
        asks,
        probe=Probe(asks.probe.script, lambda text, status: Unknown("no tool") if status == 9 else known(text, status)),
    )
    outcome = await site.run(plan(tool, asks))
    assert outcome.result is RunResult.DONE
    assert (site["m1"].root / "asked").exists()


async def test_a_dry_run_shows_diffs_and_touches_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1")
    secret = Secret("hunter2hunter2")
    steps = (
        site.file_step("m1", "a", f"password: {secret.reveal()}\n", secrets=(secret,)),
        site.file_step("m1", "b", needs=("m1/a",)),
    )
    sink = Memory()
    outcome = await site.run(plan(*steps), sink, dry=True, owner=OWNER, lock=HostLock("r1", "here"))
    assert (outcome.result, outcome.changed) == (RunResult.DONE, ("m1/a", "m1/b"))
    assert list(site["m1"].root.iterdir()) == []
    assert site.trips("m1") == 1
    record = fold(sink.events)
    assert record.steps["m1/a"].state is State.DRIFTED
    assert record.steps["m1/a"].diff[0].after == "password: •••\n"
    assert "hunter2" not in repr(sink.events)


async def test_a_failing_step_gives_its_host_up_and_the_others_go_on(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1", "m2", "m3")
    steps = [site.file_step(host, "a") for host in ("m1", "m3")]
    steps += [site.file_step("m2", "a", script="echo the evidence >&2; exit 5")]
    steps += [site.file_step(host, "b", needs=(f"{host}/a",)) for host in ("m1", "m2", "m3")]
    steps += [
        site.script_step(
            "cluster",
            "m2",
            "test -e $ROOT/c",
            "touch $ROOT/c",
            alternates=("m1", "m3"),
            needs_any=("m1/b", "m2/b", "m3/b"),
            enough=2,
        )
    ]
    sink = Memory()
    outcome = await site.run(plan(*steps), sink)
    assert (outcome.result, outcome.exit_code) == (RunResult.PARTIAL, Exit.PARTIAL)
    assert outcome.failed == ("m2/a",)
    assert outcome.skipped == ("m2/b",)
    assert outcome.quarantined == ("m2",)
    assert (site["m1"].root / "c").exists()
    failed = of_kind(sink, e.StepFailed)[0]
    assert isinstance(failed, e.StepFailed)
    assert "the evidence" in failed.details
    assert failed.problem.host == "m2"
    assert "exit status 5" in failed.problem.message
    record = fold(sink.events)
    assert record.steps["m2/b"].state is State.QUARANTINED
    assert record.steps["cluster"].host == "m1"
    assert record.result is RunResult.PARTIAL


async def test_a_host_that_dies_in_the_middle_and_a_rerun_that_completes_it(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1", "m2", "m3")
    hosts = ("m1", "m2", "m3")
    steps = [site.file_step(host, "a") for host in hosts]
    steps += [site.file_step(host, "b", needs=(f"{host}/a",)) for host in hosts]
    doomed = site["m2"]

    def dies(event: Event) -> None:
        if isinstance(event, e.StepStarted) and event.step == "m2/b":
            doomed.dead = True

    outcome = await site.run(plan(*steps), Memory(dies))
    assert (outcome.result, outcome.quarantined) == (RunResult.PARTIAL, ("m2",))
    assert outcome.failed == ("m2/b",)
    doomed.dead = False
    outcome = await site.run(plan(*steps))
    assert (outcome.result, outcome.changed) == (RunResult.DONE, ("m2/b",))


async def test_a_host_dead_from_the_start_and_one_known_not_to_work(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1", "m2", "m3")
    site["m2"].dead = True
    known = {"m3": Problem("ssh.refused", Level.ERROR, "login refused", host="m3")}
    outcome = await site.run(plan(*(site.file_step(host, "a") for host in ("m1", "m2", "m3"))), failures=known)
    assert (outcome.result, outcome.quarantined) == (RunResult.PARTIAL, ("m2", "m3"))
    assert set(outcome.skipped) == {"m2/a", "m3/a"}
    assert site.trips("m3") == 0
    assert {problem.code for problem in outcome.problems} == {"ssh.refused", "host.unreachable"}
    site = Site(tmp_path / "alone", "m1")
    site["m1"].dead = True
    outcome = await site.run(plan(site.file_step("m1", "a")))
    assert (outcome.result, outcome.exit_code) == (RunResult.FAILED, Exit.FAILED)


async def test_faults_of_the_transport_are_tried_again(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1")
    site["m1"].faults = 2
    cuts = iter([2])

    def cut(event: Event) -> None:
        if isinstance(event, e.StepStarted) and event.attempt == 1:
            site["m1"].faults = next(cuts, 0)

    sink = Memory(cut)
    outcome = await site.run(plan(site.file_step("m1", "a")), sink)
    assert outcome.result is RunResult.DONE
    attempts = [event.attempt for event in of_kind(sink, e.StepStarted) if isinstance(event, e.StepStarted)]
    assert attempts == [1, 2]
    assert site.order("m1") == ["a"]


async def test_independent_steps_of_a_host_overlap_up_to_the_cap_and_exclusive_ones_never(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1")
    site["m1"].delay = 0.05
    steps = [site.file_step("m1", f"s{n}") for n in range(8)]
    await site.run(plan(*steps), at_once=3)
    assert site["m1"].most_running == 3
    site = Site(tmp_path / "x", "m1")
    site["m1"].delay = 0.02
    await site.run(plan(*(replace(step, exclusive=True) for step in (site.file_step("m1", f"s{n}") for n in range(4)))))
    assert site["m1"].most_running == 1


async def test_what_still_drifts_is_an_error_unless_it_settles(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1", "m2")
    never = site.script_step("m1/never", "m1", "false", "true")
    count = "n=$(cat $ROOT/n 2>/dev/null || echo 0); "
    later = site.script_step(
        "m2/later",
        "m2",
        f"{count} test $n -ge 1 && echo $((n+1)) > $ROOT/n; test $n -ge 3",
        "echo 1 > $ROOT/n",
        settle=20.0,
    )
    sink = Memory()
    outcome = await site.run(plan(never, later), sink)
    assert outcome.failed == ("m1/never",)
    assert outcome.changed == ("m2/later",)
    assert outcome.problems[0].code == "step.still-drifted"
    failed = of_kind(sink, e.StepFailed)[0]
    assert isinstance(failed, e.StepFailed)
    assert failed.details == "m1/never: no → yes"


@pytest.mark.parametrize(("answers", "script"), [(3, "on"), (9, "")], ids=["answers", "stays silent"])
async def test_a_change_that_is_made_of_the_drift_waits_until_that_is_known(
    tmp_path: Path, answers: int, script: str
) -> None:
    """What is looked at does not answer the first times."""
    site = Site(tmp_path, "m1")

    def judge(output: str, _status: int) -> Verdict:
        looks, done = output.split()
        if int(looks) < answers:
            return Unknown("no answer")
        return Satisfied() if done == "on" else Drifted((Diff("lamp", "off", "on"),))

    def change(drift: Drifted) -> Change:
        return Change(script="".join(f"echo {diff.after} > {site['m1'].root}/lamp\n" for diff in drift.diff))

    look = "n=$(($(cat $ROOT/n 2>/dev/null || echo 0) + 1)); echo $n > $ROOT/n; echo $n $(cat $ROOT/lamp || echo off)"
    step = Step("m1/lamp", "Lamp", "m1", "lamps", Probe(look, judge), change, settle=1.5 if script else 0.3)
    outcome = await site.run(plan(step))
    lamp = site["m1"].root / "lamp"
    assert (lamp.read_text().strip() if lamp.exists() else "") == script
    assert outcome.result is (RunResult.DONE if script else RunResult.FAILED)


async def test_a_blocked_step_is_not_changed(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1")
    problem = Problem("etcd.foreign", Level.ERROR, "somebody else's data", "look at it", host="m1")
    step = replace(site.file_step("m1", "a"), probe=Probe("true", lambda *_: Blocked(problem)))
    outcome = await site.run(plan(step))
    assert (outcome.result, outcome.problems) == (RunResult.FAILED, (problem,))
    assert not site["m1"].path("/etc/a").exists()


async def test_a_wait_is_awaited_then_looked_at_again(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1", "m2")

    async def wait(context: Context) -> None:
        context.say(f"asking from {context.host}")
        result = await context.run("m2", Command("echo there"))
        context.progress(0.5, result.text.strip())
        (site["m1"].root / "ready").touch()

    sink = Memory()
    step = site.script_step("m1/w", "m1", "test -e $ROOT/ready", "true", wait=wait)
    only = replace(site.script_step("m1/only", "m1", "test -e $ROOT/ready", "", wait=wait))
    outcome = await site.run(plan(step, replace(only, needs=("m1/w",)), site.file_step("m2", "a")), sink)
    assert outcome.result is RunResult.DONE
    assert outcome.changed == ("m1/w", "m2/a")
    lines = [event.line for event in of_kind(sink, e.StepLog) if isinstance(event, e.StepLog)]
    assert "asking from m1" in lines


async def test_timeouts_and_defects_end_a_step_in_plain_words(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1", "m2", "m3")

    async def forever(_: Context) -> None:
        await asyncio.Event().wait()

    def broken(_output: str, _status: int) -> Satisfied:
        raise KeyError("defect")

    slow = site.script_step("m1/slow", "m1", "false", "true", wait=forever, timeout=1.2)
    defect = replace(site.file_step("m2", "a"), probe=Probe("true", broken))
    outcome = await site.run(plan(slow, defect, site.file_step("m3", "a")))
    assert outcome.result is RunResult.PARTIAL
    assert {problem.code for problem in outcome.problems} == {"step.timeout", "slipway.defect"}
    assert any("within 1 s" in problem.message for problem in outcome.problems)


async def test_cancel_lets_what_is_under_way_finish_and_starts_nothing_new(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1")
    sink = Memory()
    control = Control(sink)
    go = site["m1"].root / "go"
    first = site.file_step(
        "m1", "a", script=f"n=0; until test -e {go} || test $n = 500; do sleep 0.02; n=$((n+1)); done"
    )
    running = asyncio.create_task(
        site.run(plan(first, site.file_step("m1", "b", needs=("m1/a",))), sink, control=control)
    )
    await until(lambda: site.order("m1"))
    assert control.submit(Intent("cancel")) == ""
    go.touch()
    outcome = await running
    assert (outcome.result, outcome.exit_code) == (RunResult.INTERRUPTED, Exit.INTERRUPTED)
    assert (outcome.changed, outcome.skipped) == (("m1/a",), ("m1/b",))
    assert control.submit(Intent("pause")) == "the run is not at its steps now"
    outcome = await site.run(plan(first, site.file_step("m1", "b", needs=("m1/a",))))
    assert (outcome.result, outcome.changed) == (RunResult.DONE, ("m1/b",))


async def test_a_second_cancel_cuts_waiting(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1")
    sink = Memory()
    control = Control(sink)

    async def forever(_: Context) -> None:
        await asyncio.Event().wait()

    step = site.script_step("m1/w", "m1", "false", "true", wait=forever)
    running = asyncio.create_task(site.run(plan(step), sink, control=control))
    await until(lambda: of_kind(sink, e.StepWaiting))
    control.submit(Intent("cancel"))
    await asyncio.sleep(0.05)
    assert not running.done()
    control.submit(Intent("cancel"))
    assert (await running).result is RunResult.INTERRUPTED


async def test_pause_holds_what_has_not_started(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1")
    sink = Memory()
    control = Control(sink)
    steps = (site.file_step("m1", "a"), site.file_step("m1", "b", needs=("m1/a",)))

    def pause(event: Event) -> None:
        if isinstance(event, e.StepStarted) and event.step == "m1/a":
            control.submit(Intent("pause"))

    sink = Memory(pause)
    running = asyncio.create_task(site.run(plan(*steps), sink, control=control))
    await until(lambda: any(isinstance(event, e.StepDone) for event in sink.events))
    await asyncio.sleep(0.1)
    assert fold(sink.events).paused
    assert site.order("m1") == ["a"]
    control.submit(Intent("resume"))
    assert (await running).result is RunResult.DONE
    assert site.order("m1") == ["a", "b"]


async def test_retry_of_a_failed_step_while_the_run_goes_on(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1", "m2")
    sink = Memory()
    control = Control(sink)
    gate, mended = tmp_path / "gate", tmp_path / "mended"
    hold = f"n=0; until test -e {gate} || test $n = 500; do sleep 0.02; n=$((n+1)); done"
    steps = (
        site.file_step("m1", "hold", script=hold),
        site.file_step("m2", "a", script=f"test -e {mended}"),
        site.file_step("m2", "b", needs=("m2/a",)),
        site.script_step("all", "m1", "test -e $ROOT/all", "touch $ROOT/all", needs=("m1/hold", "m2/b")),
    )
    running = asyncio.create_task(site.run(plan(*steps), sink, control=control))
    await until(lambda: of_kind(sink, e.HostQuarantined))
    assert control.submit(Intent("retry", host="nobody")) == "there is nothing to try again"
    mended.touch()
    site["m2"].path("/etc/a").unlink()
    await until(lambda: fold(sink.events).steps["m2/b"].settled)
    assert control.submit(Intent("retry", step="m2/a")) == ""
    await until(lambda: fold(sink.events).steps["m2/b"].state is State.DONE)
    gate.touch()
    outcome = await running
    assert (outcome.result, outcome.quarantined, outcome.failed) == (RunResult.DONE, (), ())
    record = fold(sink.events)
    assert (record.problems, dict(record.quarantined)) == ((), {})


async def test_quarantine_by_hand(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1", "m2")
    control = Control(Memory())

    def give_up(event: Event) -> None:
        if isinstance(event, e.StepStarted) and event.step == "m1/a":
            assert control.submit(Intent("quarantine", host="m2")) == ""
            assert control.submit(Intent("quarantine", host="nobody")) == "nobody is no host of this run"

    steps = (site.file_step("m1", "a"), site.file_step("m2", "b", needs=("m1/a",)), site.file_step("m1", "c"))
    outcome = await site.run(plan(*steps), Memory(give_up), control=control)
    assert (outcome.result, outcome.quarantined, outcome.skipped) == (RunResult.PARTIAL, ("m2",), ("m2/b",))


async def test_a_need_on_a_host_in_quarantine_is_a_failure_where_it_is_hard(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1", "m2")
    site["m2"].dead = True
    hard = site.file_step("m1", "hard", needs=("m2/a",))
    soft = site.file_step("m1", "soft", after=("m2/a",))
    outcome = await site.run(plan(site.file_step("m2", "a"), hard, soft))
    assert outcome.result is RunResult.FAILED
    assert outcome.changed == ("m1/soft",)
    assert set(outcome.skipped) == {"m2/a", "m1/hard"}


async def test_too_few_of_the_needed_ones(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1", "m2", "m3")
    site["m2"].dead = site["m3"].dead = True
    steps = [site.file_step(host, "a") for host in ("m1", "m2", "m3")]
    cluster = site.script_step(
        "c", "m1", "false", "true", needs_any=tuple(step.id for step in steps), enough=2, alternates=("m2",)
    )
    outcome = await site.run(plan(*steps, cluster))
    assert outcome.result is RunResult.FAILED
    assert "c" in outcome.skipped


async def test_markers_and_leases_travel_with_the_changes(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1")
    site["m1"].write("/etc/a", "the site's own\n")
    lock = HostLock("r1", "here")
    steps = (site.file_step("m1", "a"), site.file_step("m1", "b"), site.file_step("m1", "c"))
    outcome = await site.run(plan(*steps), owner=OWNER, lock=lock)
    assert outcome.result is RunResult.DONE
    marker = parse(site.marker("m1"))
    assert (marker.uid, marker.cluster) == ("uid-1", "demo")
    assert {path: put.step for path, put in marker.files.items()} == {
        "/etc/a": "m1/a", "/etc/b": "m1/b", "/etc/c": "m1/c",
    }  # fmt: skip
    assert marker.before == {"/etc/a": "/var/lib/slipway/before/etc/a", "/etc/b": "absent", "/etc/c": "absent"}
    assert site["m1"].path("/var/lib/slipway/before/etc/a").read_text() == "the site's own\n"
    assert not site["m1"].path("/run/slipway/run.lock").exists()
    assert outcome.markers["m1"] == marker
    site["m1"].write("/etc/b", "tampered\n")
    await site.run(plan(*steps), owner=OWNER, lock=lock, markers={"m1": site.marker("m1")})
    assert not site["m1"].path("/var/lib/slipway/before/etc/b").exists()
    assert parse(site.marker("m1")).revision > marker.revision


async def test_a_host_whose_marker_was_removed_is_left_without_one(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1")
    lock = HostLock("r1", "here")
    await site.run(plan(site.file_step("m1", "a")), owner=OWNER, lock=lock)
    site["m1"].path("/run/slipway/lock.mutex").touch()

    def judge(output: str, _status: int) -> Drifted | Satisfied:
        return Drifted((Diff(MARKER, "there", ""),)) if output.strip() else Satisfied()

    look = f"ls {site['m1'].path(MARKER)} 2>/dev/null"
    clear = Change(absent=(MARKER,), script=f"rm -r {site['m1'].path('/var/lib/slipway')}")
    free = Step("m1/free", "free", "m1", "reset", Probe(look, judge), clear)
    outcome = await site.run(plan(free), owner=OWNER, lock=lock, markers={"m1": site.marker("m1")})
    assert outcome.result is RunResult.DONE
    assert site.marker("m1") == ""
    assert not site["m1"].path("/run/slipway").exists()
    assert not site["m1"].path("/var/lib/slipway").exists()


async def test_a_host_taken_by_another_run_is_not_changed(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1", "m2")
    theirs = '{"run": "r9", "holder": "other", "expires": 99999999999}'
    site["m1"].write("/run/slipway/run.lock", theirs)
    steps = (site.file_step("m1", "a"), site.file_step("m2", "a"))
    outcome = await site.run(plan(*steps), lock=HostLock("r1", "here"))
    assert (outcome.result, outcome.failed) == (RunResult.PARTIAL, ("m1/a",))
    assert outcome.problems[0].code == "step.lock"
    assert not site["m1"].path("/etc/a").exists()
    assert site["m1"].path("/run/slipway/run.lock").read_text() == theirs


async def test_secrets_are_masked_wherever_a_step_speaks(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1", "m2")
    secret = Secret("s3cret-passphrase")

    async def wait(context: Context) -> None:
        context.say(f"it is {secret.reveal()}")
        context.progress(0.1, secret.reveal())

    loud = f"echo out {secret.reveal()}; echo err {secret.reveal()} >&2; exit 1"
    steps = (
        site.file_step("m1", "a", script=loud, secrets=(secret,)),
        site.script_step("m2/w", "m2", "test -e $ROOT/x", "touch $ROOT/x", wait=wait, secrets=(secret,)),
        replace(site.file_step("m2", "d"), probe=Probe("true", lambda *_: Drifted((_secret_diff(secret),))),
                secrets=(secret,)),
    )  # fmt: skip
    sink = Memory()
    outcome = await site.run(plan(*steps), sink)
    assert set(outcome.failed) == {"m1/a", "m2/d"}
    assert secret.reveal() not in repr(sink.events) + repr(outcome)
    assert "•••" in repr(sink.events)


def _secret_diff(secret: Secret) -> e.Diff:
    return e.Diff("/etc/d", secret.reveal(), f"{secret.reveal()}!", secret=True)


async def test_a_change_that_is_a_function_gets_the_drift(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1")
    seen: list[Drifted] = []
    step = site.file_step("m1", "a")
    change = step.change

    def chosen(drift: Drifted) -> object:
        seen.append(drift)
        return change

    outcome = await site.run(plan(replace(step, change=chosen)))  # type: ignore[arg-type]
    assert outcome.result is RunResult.DONE
    assert [diff.subject for diff in seen[0].diff] == ["/etc/a"]


def test_a_plan_that_is_no_graph_is_refused(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1")
    a, b = site.file_step("m1", "a", needs=("m1/b",)), site.file_step("m1", "b", needs=("m1/a",))
    for steps, words in (
        ((a, b), "wait for each other"),
        ((a,), "no step of the plan"),
        ((replace(a, needs=()), replace(a, needs=())), "two steps"),
        ((replace(a, needs=(), needs_any=("m1/b",), enough=2), replace(b, needs=())), "asks for 2 of 1"),
    ):
        with pytest.raises(ValueError, match=words):
            asyncio.run(site.run(plan(*steps)))
    with pytest.raises(ValueError, match="no host of the plan"):
        asyncio.run(site.run(Plan("c", "t", (replace(a, needs=()),), hosts=("m9",))))


async def test_an_empty_plan_is_done(tmp_path: Path) -> None:
    outcome = await Site(tmp_path, "m1").run(Plan("c", "t", ()))
    assert outcome.result is RunResult.DONE
    assert QUICK.times == 3


async def test_a_cluster_wide_step_moves_on_when_its_host_dies_under_it(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1", "m2", "m3")
    site["m2"].dead = True
    cluster = site.script_step(
        "cluster", "m1", "test -e $ROOT/c", "touch $ROOT/c", alternates=("m2", "m3"), after=("m2/a",)
    )

    def dies(event: Event) -> None:
        if isinstance(event, e.StepStarted) and event.host == "m1" and event.step == "cluster":
            site["m1"].dead = True

    sink = Memory(dies)
    outcome = await site.run(plan(*(site.file_step(host, "a") for host in ("m1", "m2", "m3")), cluster), sink)
    assert "cluster" in outcome.changed
    assert set(outcome.quarantined) == {"m1", "m2"}
    assert outcome.result is RunResult.PARTIAL
    assert (site["m3"].root / "c").exists()
    assert fold(sink.events).steps["cluster"].host == "m3"


async def test_a_cluster_wide_step_is_done_where_what_it_needs_is_there_first(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1", "m2")
    first = site.file_step("m2", "a")
    # m1's own need waits for the cluster-wide step itself: where it waited for m1, this would never end.
    late = site.file_step("m1", "a", after=("cluster",))
    words = {"alternates": ("m2",), "needs_any": ("m2/a",)}
    cluster = site.script_step("cluster", "m1", "test -e $ROOT/c", "touch $ROOT/c", **words)
    outcome = await site.run(plan(first, late, cluster))
    assert outcome.result is RunResult.DONE
    assert [(site[host].root / "c").exists() for host in ("m1", "m2")] == [False, True]


async def test_a_cluster_wide_step_that_fails_gives_no_host_up(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1", "m2")
    cluster = site.script_step("cluster", "m1", "false", "exit 1", alternates=("m2",))
    later = site.file_step("m1", "later", after=("cluster",))
    outcome = await site.run(plan(cluster, later))
    assert (outcome.result, outcome.failed, outcome.quarantined) == (RunResult.FAILED, ("cluster",), ())
    assert outcome.changed == ("m1/later",)


async def test_leases_are_renewed_while_a_step_takes_long(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1", "m2")
    lease = site["m2"].path("/run/slipway/run.lock")
    slow = site.file_step(
        "m1", "slow", script=f"n=0; until test -e {lease} || test $n = 500; do sleep 0.02; n=$((n+1)); done"
    )
    idle = replace(site.file_step("m2", "idle"), needs=("m1/slow",))
    site["m2"].write("/etc/idle", "wanted\n")
    outcome = await site.run(plan(slow, idle), lock=HostLock("r1", "here", 1))
    assert outcome.result is RunResult.DONE
    assert site["m2"].commands, "the lease of a host with nothing to do is renewed as well"
    assert not lease.exists(), "and given back"
    assert not site["m1"].path("/run/slipway/run.lock").exists()


async def test_a_hanging_look_does_not_take_the_others_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(tmp_path, "m1")
    run_one = FakeConnection.run

    async def hangs(self: FakeConnection, command: Command, on_output: Callable[[str], None] | None = None) -> Result:
        if "HANGS" in command.script:
            raise TimedOut("did not end", where="m1", why="fake fault")
        return await run_one(self, command, on_output)

    monkeypatch.setattr(FakeConnection, "run", hangs)
    hanging = site.script_step("m1/hang", "m1", ": HANGS", "true")
    outcome = await site.run(plan(site.file_step("m1", "a"), site.file_step("m1", "b"), hanging))
    assert outcome.failed == ("m1/hang",)
    assert outcome.problems[0].code == "step.timeout"


async def test_what_a_person_should_know_of_a_step_that_is_done_is_told_at_the_end(tmp_path: Path) -> None:
    site, sink = Site(tmp_path, "m1"), Memory()
    told = Problem("it.stays", Level.WARNING, "It stays", "Do it by hand.", host="m1")
    step = Step("m1/a", "a", "m1", "host", Probe("true", lambda *_: Satisfied("but for one thing", (told,))))
    outcome = await site.run(plan(step), sink)
    assert (outcome.result, outcome.problems) == (RunResult.DONE, (told,))
    assert fold(sink.events).problems == (told,)


async def test_what_is_done_last_is_done_before_the_end_is_told_and_may_change_it(tmp_path: Path) -> None:
    site, sink = Site(tmp_path, "m1"), Memory()
    problem = Problem("folder", Level.ERROR, "No room")

    def last(outcome: Outcome) -> Outcome:
        assert outcome.changed == ("m1/a",)
        assert of_kind(sink, e.RunFinished) == []
        return replace(outcome, result=RunResult.FAILED, problems=(problem,))

    outcome = await site.run(plan(site.file_step("m1", "a")), sink, last=last)
    assert (outcome.result, outcome.exit_code) == (RunResult.FAILED, Exit.FAILED)
    (finished,) = of_kind(sink, e.RunFinished)
    assert isinstance(finished, e.RunFinished)
    assert (finished.result, finished.problems) == (RunResult.FAILED, (problem,))
