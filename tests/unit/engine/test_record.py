"""The reducer: total on any prefix and any order, and right on a plain run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wizard.engine import events as e
from wizard.engine.estimate import critical_path, remaining
from wizard.engine.events import RunResult, Seen, StepInfo, from_json, stamped, to_json
from wizard.engine.record import Record, State, fold, interrupted, reduce
from wizard.engine.step import Diff
from wizard.errors import Level, Problem

STEPS = (
    StepInfo("m1/a", "A", "m1", "first", 2.0),
    StepInfo("m1/b", "B", "m1", "second", 6.0, ("m1/a",)),
    StepInfo("m2/a", "A", "m2", "first", 2.0),
)
PROBLEM = Problem("step.failed", Level.ERROR, "no", "look", host="m1")
words = st.text(max_size=12)
names = st.sampled_from(["m1/a", "m1/b", "m2/a", "nobody", ""])
hosts = st.sampled_from(["m1", "m2", ""])
seconds = st.floats(-10, 1e6, allow_nan=False)
problems = st.builds(Problem, words, st.sampled_from(Level), words, words, words, hosts)
EVENTS = st.one_of(
    st.builds(e.RunStarted, words, words, words, st.just(STEPS), st.just(("m1", "m2")), words, st.booleans()),
    st.builds(e.FactsGathered, hosts, seconds),
    st.builds(
        e.StepProbed,
        names,
        st.sampled_from(Seen),
        words,
        st.tuples(st.builds(Diff, words, words, words)),
        st.none() | problems,
        hosts,
    ),
    st.builds(e.StepStarted, names, hosts, st.integers(1, 3)),
    st.builds(e.StepWaiting, names, words),
    st.builds(e.StepProgress, names, seconds, words),
    st.builds(e.StepLog, names, words),
    st.builds(e.StepDone, names, st.booleans(), seconds),
    st.builds(e.StepFailed, names, problems, words, seconds),
    st.builds(e.StepSkipped, names, words, st.booleans()),
    st.builds(e.StepReset, names, hosts, words),
    st.builds(e.HostQuarantined, hosts, words, st.none() | problems),
    st.builds(e.HostReleased, hosts),
    st.builds(e.Question, words, words, st.tuples(words), hosts, names, st.booleans()),
    st.builds(e.Answered, words, words),
    st.just(e.RunPaused()),
    st.just(e.RunResumed()),
    st.just(e.CancelAsked()),
    st.builds(e.Note, words, hosts),
    st.builds(e.RunFinished, st.sampled_from(RunResult), seconds, st.tuples(problems)),
)


@given(st.lists(EVENTS, max_size=40), st.integers(0, 40))
def test_any_prefix_in_any_order_folds(events: list[e.Event], cut: int) -> None:
    record = fold(events[:cut])
    assert 0.0 <= record.fraction <= 1.0
    left = remaining(record, record.now + 1)
    assert left is None or left >= 0
    assert record.total.state in State
    assert sum(tally.total for tally in record.by_host.values()) == len(record.steps)
    assert sum(tally.total for tally in record.by_phase.values()) == len(record.steps)


@given(st.lists(EVENTS, max_size=25), st.integers(0, 25))
def test_many_at_a_time_is_the_same_as_one_by_one(events: list[e.Event], cut: int) -> None:
    one_by_one = Record()
    for event in events:
        one_by_one = reduce(one_by_one, event)
    assert fold(events[cut:], fold(events[:cut])) == one_by_one


@given(EVENTS, st.integers(0, 10**9), seconds)
def test_every_event_survives_json(event: e.Event, sequence: int, time: float) -> None:
    event = stamped(event, sequence, time)
    assert from_json(to_json(event)) == event


def test_what_is_no_event_is_refused() -> None:
    for text in ("", "{}", '{"event": "Tea"}', "[1]"):
        with pytest.raises(ValueError, match="not an event"):
            from_json(text)


def test_every_event_kind_is_tried_above() -> None:
    kinds = {member.__name__ for member in e.Event.__args__}  # type: ignore[attr-defined]
    tried = {
        "RunStarted",
        "FactsGathered",
        "StepProbed",
        "StepStarted",
        "StepWaiting",
        "StepProgress",
        "StepLog",
        "StepDone",
        "StepFailed",
        "StepSkipped",
        "StepReset",
        "HostQuarantined",
        "HostReleased",
        "Question",
        "Answered",
        "RunPaused",
        "RunResumed",
        "CancelAsked",
        "Note",
        "RunFinished",
    }
    assert kinds == tried


def started(dry: bool = False) -> e.RunStarted:
    return e.RunStarted("r1", "demo", "Install", STEPS, ("m1", "m2"), "0.1", dry, time=100.0)


def test_a_run_that_ends_well() -> None:
    record = fold(
        (
            started(),
            e.StepProbed("m1/a", Seen.SATISFIED, "there"),
            e.StepProbed("m1/b", Seen.DRIFTED, "", (Diff("/etc/b", "", "b"),)),
            e.StepDone("m1/a", False),
            e.StepStarted("m1/b", "m1", time=101.0),
            e.StepProgress("m1/b", 0.5, "half"),
            e.StepLog("m1/b", "hello"),
        )
    )
    assert record.steps["m1/a"].state is State.UNCHANGED
    assert record.steps["m1/b"].state is State.CHANGING
    assert record.steps["m1/b"].text == "half"
    assert [line.text for line in record.steps["m1/b"].log][-1] == "hello"
    assert record.fraction == pytest.approx((2 + 3) / 10)
    assert record.by_host["m1"].state is State.CHANGING
    assert record.elapsed(110.0) == 10.0
    record = fold(
        (e.StepDone("m1/b", True, 3.0), e.StepDone("m2/a", False), e.RunFinished(RunResult.DONE, 4.0)), record
    )
    assert (record.result, record.changed, record.fraction) == (RunResult.DONE, 1, 1.0)
    assert record.elapsed(999.0) == 4.0


def test_a_dry_run_shows_what_would_change() -> None:
    record = fold((started(dry=True), e.StepDone("m1/a", True)))
    assert record.steps["m1/a"].state is State.DRIFTED
    assert record.changed == 1


def test_failure_quarantine_and_another_try() -> None:
    record = fold(
        (
            started(),
            e.StepFailed("m1/a", PROBLEM, "stderr"),
            e.HostQuarantined("m1", "no"),
            e.StepSkipped("m1/b", "m1 is in quarantine", True),
        )
    )
    assert record.problems == (PROBLEM,)
    assert record.quarantined == {"m1": "no"}
    assert record.steps["m1/b"].state is State.QUARANTINED
    record = fold((e.HostReleased("m1"), e.StepReset("m1/a", "m1"), e.StepReset("m1/b", "m1")), record)
    assert (record.problems, record.quarantined, record.failed) == ((), {}, 0)
    assert record.steps["m1/b"].state is State.WAITING


def test_a_journal_that_just_ends_is_an_interrupted_run() -> None:
    record = fold((started(), e.StepStarted("m1/a", "m1", time=104.0), e.Question("q", "?")))
    assert record.questions
    record = interrupted(record)
    assert (record.result, record.seconds, record.questions) == (RunResult.INTERRUPTED, 4.0, ())
    done = fold((started(), e.RunFinished(RunResult.DONE, 1.0)))
    assert interrupted(done) is done


def test_the_log_is_bounded() -> None:
    record = fold((started(), *(e.StepLog("m1/a", str(n)) for n in range(2000))))
    assert len(record.log) == 500
    assert len(record.steps["m1/a"].log) == 200
    assert record.log[-1].text == "1999"


def test_no_estimate_until_enough_is_known_then_the_longest_way() -> None:
    infos = tuple(StepInfo(f"s{n}", "", "m1", "p", 2.0, (f"s{n - 1}",) if n else ()) for n in range(6))
    begin = e.RunStarted("r", "c", "t", infos, ("m1",), time=0.0)
    record = fold((begin, e.StepDone("s0", True, 4.0), e.StepDone("s1", True, 4.0)))
    assert remaining(record, 8.0) is None
    record = fold((e.StepDone("s2", True, 4.0),), record)
    assert remaining(record, 12.0) == pytest.approx(12.0)
    assert critical_path(record, 12.0) == pytest.approx(6.0)
    record = fold((e.StepStarted("s3", "m1", time=12.0),), record)
    assert remaining(record, 13.0) == pytest.approx(11.0)
    record = fold((e.StepProgress("s3", 0.75),), record)
    assert remaining(record, 13.0) == pytest.approx(9.0)


def test_what_failed_or_was_given_up_is_no_part_of_what_is_done() -> None:
    """A reset whose hosts are all out of reach ends at 0 %, not at 100 %."""
    begun = e.RunStarted("r1", "site", "Reset site", STEPS, ("m1", "m2"))
    lost = [e.StepFailed("m1/a", PROBLEM), e.StepSkipped("m1/b", "m1/a failed"), e.StepSkipped("m2/a", "off", True)]
    record = fold([begun, *lost])
    assert (record.fraction, record.by_host["m1"].fraction) == (0.0, 0.0)
    assert all(step.settled for step in record.steps.values())
    assert fold([begun, e.StepDone("m1/b", changed=False), *lost[:1]]).fraction == pytest.approx(0.6)
