"""Real runs, drawn: what the screens make of journals that were recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from wizard.engine.record import Record, State, fold, interrupted
from wizard.ui.app import SlipwayApp
from wizard.ui.runview import as_error, ending, failures, groups, host_words, marks, percent, step_time, step_words
from wizard.ui.screens.done import DoneScreen
from wizard.ui.screens.error import ErrorView, as_text
from wizard.ui.screens.run import RunScreen
from wizard.ui.services import RunRef

from .driving import NARROW, comes, press, sees, words
from .fakes import FakeServices
from .recorded import recorded

MakeApp = Callable[..., SlipwayApp]


def draw(record: Record) -> list[str]:
    """Return every line that the run screen would draw of `record`."""
    ended = record.result is not None
    lines = [ending(record).words, percent(record.fraction)]
    lines += [host_words(record, host, tally).plain for host, tally in record.by_host.items()]
    for together in (True, False):
        for group in groups(record.steps.values(), together=together):
            step = group.foremost
            parts = (
                marks(group, record.hosts, 3, ended=ended),
                step_words(step, ended=ended),
                step_time(step, record.now),
            )
            lines.append(" ".join(part.plain for part in parts))
    return lines


@pytest.mark.parametrize("name", ["install", "failed", "partial"])
def test_every_moment_of_a_run_can_be_drawn(name: str) -> None:
    """At any moment, and interrupted at that moment, there are words for all of it."""
    record = Record()
    for number, event in enumerate(recorded(name)):
        record = fold((event,), record)
        if number % 7 == 0 or record.result is not None:
            assert all(isinstance(line, str) for line in draw(record))
            assert all(isinstance(line, str) for line in draw(interrupted(record)))


def test_an_install_ends_at_a_hundred() -> None:
    """All is done, and only then does it say 100 %."""
    events = recorded("install")
    assert percent(fold(events).fraction) == "100 %"
    last = next(n for n in range(len(events), 0, -1) if fold(events[:n]).total.count(State.WAITING, State.CHANGING))
    assert percent(fold(events[:last]).fraction) != "100 %"


def test_a_failure_has_what_where_and_what_to_do() -> None:
    """The error view of a real failure is whole."""
    record = fold(recorded("failed"))
    failed = failures(record)
    assert failed
    for step in failed:
        error = as_error(record, step)
        assert error is not None
        text = as_text(error)
        assert step.host in text
        assert step.info.id in text
        assert step.problem is not None
        assert step.problem.hint in text


@pytest.fixture
def attach(make_app: MakeApp, services: FakeServices, run_ref: RunRef) -> Callable[[str], SlipwayApp]:
    """Attach the wizard to a recorded run."""

    def make(name: str) -> SlipwayApp:
        services.events = recorded(name)
        return make_app(attach=replace(run_ref, cluster=name))

    return make


async def test_a_recorded_install_leads_to_done(attach: Callable[[str], SlipwayApp]) -> None:
    """The whole of a real journal, as a wizard that attaches late sees it."""
    async with attach("install").run_test(size=NARROW) as pilot:
        await comes(pilot, DoneScreen)
        await press(pilot, "l")
        await comes(pilot, RunScreen)
        await sees(pilot, "57 of 57 steps")


async def test_a_recorded_failure_is_told(attach: Callable[[str], SlipwayApp]) -> None:
    """The error view comes by itself and names a host."""
    async with attach("failed").run_test(size=NARROW) as pilot:
        view = await comes(pilot, ErrorView)
        assert any(host in view.error.where for host in ("m1", "m2", "m3"))
        await press(pilot, "escape")
        await comes(pilot, RunScreen)
        assert "✗" in words(pilot)


async def test_a_recorded_quarantine_shows_what_stands(attach: Callable[[str], SlipwayApp]) -> None:
    """Done in part: the host is named, and what was built is one key away."""
    async with attach("partial").run_test(size=NARROW) as pilot:
        await comes(pilot, RunScreen)
        await sees(pilot, "done in part, without")
        await sees(pilot, "b What was built")
        await press(pilot, "b")
        await comes(pilot, DoneScreen)
