from __future__ import annotations

import pytest

from wizard.bundle.progress import BuildProgress, State, Tracker, Weight, pace


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


WEIGHTS = [Weight("a", "A", 100), Weight("b", "B", 300), Weight("c", "C", 100)]


def test_tasks_weigh_what_they_take() -> None:
    reports: list[BuildProgress] = []
    clock = Clock()
    tracker = Tracker(WEIGHTS, reports.append, clock)
    tracker.running("a", 0.0)
    tracker.running("a", 0.5)
    clock.now = 100
    tracker.done("a")
    tracker.running("b", 0.5, "half")
    assert [report.fraction for report in reports] == pytest.approx([0, 0.1, 0.2, 0.5])
    assert [report.index for report in reports] == [1, 1, 1, 2]
    assert (reports[-1].detail, reports[-1].elapsed, reports[-1].count) == ("half", 100, 3)


def test_what_is_cached_counts_nothing() -> None:
    reports: list[BuildProgress] = []
    tracker = Tracker(WEIGHTS, reports.append, Clock())
    tracker.cached("b")
    tracker.running("a", 0.5)
    assert reports[-1].fraction == pytest.approx(0.25)
    tracker.done("a")
    tracker.running("c", 0.0)
    tracker.done("c")
    assert (reports[-1].fraction, reports[-1].remaining, reports[-1].state) == (1.0, 0.0, State.DONE)


def test_the_bar_never_goes_back() -> None:
    reports: list[BuildProgress] = []
    tracker = Tracker(WEIGHTS, reports.append, Clock())
    tracker.running("a", 0.9)
    tracker.running("a", 0.2)
    assert reports[1].fraction == reports[0].fraction


def test_a_slow_machine_lengthens_the_estimate_and_a_fast_one_shortens_it() -> None:
    assert pace(0, 0) == 1
    assert pace(1200, 600) > 1.8
    assert pace(60, 600) < 0.25
    assert pace(20, 1) < 1.5, "the first second says little"
