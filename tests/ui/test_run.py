"""The run on the screen: live, failing, interrupted, asking; every word comes from a record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from wizard.engine import events as e
from wizard.engine.record import GOOD
from wizard.ui.app import SlipwayApp
from wizard.ui.screens.asking import AskChoice, AskSecretText, Confirm
from wizard.ui.screens.done import DoneScreen
from wizard.ui.screens.error import ErrorView, as_text
from wizard.ui.screens.run import RunScreen
from wizard.ui.screens.welcome import WelcomeScreen
from wizard.ui.services import RunRef, RunState

from . import story
from .driving import NARROW, WIDE, comes, press, sees, until, words
from .fakes import FakeServices

MakeApp = Callable[..., SlipwayApp]


@pytest.fixture
def app(make_app: MakeApp, services: FakeServices, run_ref: RunRef) -> SlipwayApp:
    """The wizard attached to a run that is 20 s old."""
    services.events = story.until(story.install(), 20.0)
    return make_app(attach=run_ref)


async def test_every_host_and_step_is_shown(app: SlipwayApp) -> None:
    """Each host has its bar and what it does now; steps have a mark for each host."""
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, RunScreen)
        await sees(pilot, "▸ running")
        await sees(pilot, "42 % 0:20 elapsed")
        for host in ("m1", "m2", "m3"):
            assert any(line.split()[:1] == [host] and "Images: apiserver" in line for line in words(pilot).splitlines())
        await sees(pilot, "✓ ✓ ✓ keepalived")
        await sees(pilot, "▸ ▸ ▸ Images: apiserver")


async def test_it_goes_on_by_itself_and_ends_at_done(app: SlipwayApp, services: FakeServices) -> None:
    """New events are drawn as they come; the end leads to what was built."""
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, RunScreen)
        await sees(pilot, "42 %")
        services.go_on(story.until(story.install(), 30.0))
        await until(pilot, lambda: app.session.record and app.session.record.fraction > 0.5, "more than half")
        services.go_on(story.install())
        await comes(pilot, DoneScreen)
        await sees(pilot, "site-a stands")


async def test_a_host_under_the_cursor_shows_its_own_steps(app: SlipwayApp) -> None:
    """The cursor on a host filters the steps to that host's."""
    async with app.run_test(size=WIDE) as pilot:
        await comes(pilot, RunScreen)
        await sees(pilot, "30 of 51 steps")
        await press(pilot, "down", "down")
        await sees(pilot, "m2 10 of 16 steps")


async def test_the_log_of_a_step(app: SlipwayApp) -> None:
    """In the list of steps, the log shows the lines of the step under the cursor."""
    async with app.run_test(size=WIDE) as pilot:
        await comes(pilot, RunScreen)
        await sees(pilot, "30 of 51 steps")
        await press(pilot, "tab", "home", "down", "down", "down", "down")
        await sees(pilot, "Log of etcd")
        await sees(pilot, "elected leader at term 2")


async def test_failure_is_one_view_that_can_be_copied(
    make_app: MakeApp, services: FakeServices, run_ref: RunRef
) -> None:
    """A failed run shows what, where, what to do and the evidence; r runs it again."""
    services.events = story.failed()
    app = make_app(attach=run_ref)
    async with app.run_test(size=NARROW) as pilot:
        view = await comes(pilot, ErrorView)
        text = as_text(view.error)
        assert "containerd does not start" in text
        assert "m2: containerd" in text
        assert "Free the port" in text
        assert "bind: address already in use" in text
        await press(pilot, "s")
        await until(pilot, lambda: ("save_log", run_ref.run) in services.asked, "the log is saved")
        await press(pilot, "e")
        await comes(pilot, ErrorView)
        await press(pilot, "r")
        await comes(pilot, DoneScreen)
        assert ("resume", run_ref.run) in services.asked


async def test_a_failed_step_is_retried_while_the_others_go_on(
    make_app: MakeApp, services: FakeServices, run_ref: RunRef
) -> None:
    """While the run goes on, r asks it to try the failed step again."""
    services.events = story.failing()
    app = make_app(attach=run_ref)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, RunScreen)
        await sees(pilot, "✗ m2: containerd does not start")
        await press(pilot, "r")
        await until(pilot, lambda: ("retry", "m2/containerd") in services.asked, "the intent")


async def test_a_run_that_left_a_host_out_counts_what_is_done_and_no_more(
    make_app: MakeApp, services: FakeServices, run_ref: RunRef
) -> None:
    """The row of all hosts and the heading above the steps say the same; steps given up make no 100 %."""
    services.events = story.partial()
    app = make_app(attach=run_ref)
    async with app.run_test(size=WIDE) as pilot:
        await comes(pilot, RunScreen)
        await sees(pilot, "done in part, without m3")
        record = app.session.record
        assert record is not None
        done = sum(1 for step in record.steps.values() if step.state in GOOD)
        assert 0 < done < len(record.steps)
        await sees(pilot, f"all hosts {done} of {len(record.steps)} steps done")
        assert words(pilot).count(f"{done} of {len(record.steps)} steps") == 2
        assert "100 %" not in next(line for line in words(pilot).splitlines() if "elapsed" in line)


async def test_a_reason_that_is_cut_says_so(make_app: MakeApp, services: FakeServices, run_ref: RunRef) -> None:
    """Why a host was given up ends in an ellipsis where there is no room for all of it, and is whole where there is."""
    services.events = story.partial()
    app = make_app(attach=run_ref)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, RunScreen)
        await sees(pilot, "! in quarantine: no answer for 15 s")

        def line() -> str:
            return next(line for line in words(pilot).splitlines() if "in quarantine: no answer" in line)

        assert line().rstrip("│ ").endswith("…")
        await pilot.resize_terminal(*WIDE)
        await until(pilot, lambda: line().rstrip("│ ").endswith("network to it is cut"), "all of it")
        await pilot.resize_terminal(*NARROW)
        await until(pilot, lambda: line().rstrip("│ ").endswith("…"), "the ellipsis")


async def test_interrupted_is_resumed_by_one_key(make_app: MakeApp, services: FakeServices, run_ref: RunRef) -> None:
    """A run whose process is gone says so; r resumes it."""
    services.events, services.gone = story.until(story.install(), 20.0), True
    app = make_app(attach=run_ref)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, RunScreen)
        await sees(pilot, "interrupted: r resumes")
        await sees(pilot, "was under way")
        await press(pilot, "r")
        await comes(pilot, DoneScreen)
        assert ("resume", run_ref.run) in services.asked


async def test_attach_from_the_welcome(make_app: MakeApp, services: FakeServices, run_ref: RunRef) -> None:
    """A run that goes on stands first on the welcome; Enter attaches."""
    services.known_runs = (replace(run_ref, fraction=0.4),)
    services.events = story.until(story.install(), 20.0)
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, WelcomeScreen)
        await sees(pilot, "running")
        await press(pilot, "enter")
        await comes(pilot, RunScreen)
        await sees(pilot, "42 %")


async def test_an_interrupted_run_on_the_welcome(make_app: MakeApp, services: FakeServices, run_ref: RunRef) -> None:
    """The welcome says in words that a run was interrupted."""
    services.known_runs = (replace(run_ref, state=RunState.INTERRUPTED),)
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, WelcomeScreen)
        await sees(pilot, "interrupted: can be resumed")


async def test_cancel_asks_first(app: SlipwayApp, services: FakeServices, run_ref: RunRef) -> None:
    """C asks; only a yes sends the intent."""
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, RunScreen)
        await sees(pilot, "42 %")
        await press(pilot, "c")
        await comes(pilot, Confirm)
        await press(pilot, "enter")
        await comes(pilot, RunScreen)
        assert not any(item[0] == "cancel" for item in services.asked), "Enter is the harmless answer"
        await press(pilot, "c")
        await comes(pilot, Confirm)
        await press(pilot, "y")
        await until(pilot, lambda: ("cancel", run_ref.run) in services.asked, "the intent")


async def test_pause_and_go_on(app: SlipwayApp, services: FakeServices) -> None:
    """Space pauses, and goes on again once the run says that it is paused."""
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, RunScreen)
        await sees(pilot, "42 %")
        await press(pilot, "space")
        await until(pilot, lambda: ("pause", True) in services.asked, "the intent")
        paused = e.stamped(e.RunPaused(), len(services.events) + 1, services.events[-1].time)
        services.go_on([*services.events, paused])
        await sees(pilot, "paused: space goes on")
        await press(pilot, "space")
        await until(pilot, lambda: ("pause", False) in services.asked, "the intent")


async def test_detaching_says_that_the_run_goes_on(app: SlipwayApp, services: FakeServices) -> None:
    """Q leaves without a question and without any intent to the run."""
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, RunScreen)
        await sees(pilot, "42 %")
        await press(pilot, "q")
    assert app.return_value == 0
    assert not {"cancel", "pause"} & {str(item[0]) for item in services.asked}


async def test_a_question_with_choices(make_app: MakeApp, services: FakeServices, run_ref: RunRef) -> None:
    """The run's question comes by itself; put off, it stays in the banner and a brings it back."""
    question = e.Question(id="q1", text="m2 holds a stale lock. Take it over?", choices=("take over", "leave"))
    services.events = story.asking(question)
    app = make_app(attach=run_ref)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, AskChoice)
        await press(pilot, "escape")
        await sees(pilot, "? The run asks: m2 holds a stale lock")
        await press(pilot, "a")
        await comes(pilot, AskChoice)
        await press(pilot, "1")
        await until(pilot, lambda: ("answer", "q1", "take over") in services.asked, "the answer")


async def test_a_question_for_a_secret(make_app: MakeApp, services: FakeServices, run_ref: RunRef) -> None:
    """A secret is asked for in a masked prompt and goes another way than ordinary answers."""
    services.events = story.asking(e.Question(id="q2", text="Password for sudo on m2", host="m2", secret=True))
    app = make_app(attach=run_ref)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, AskSecretText)
        await press(pilot, *"hunter2")
        assert "hunter2" not in words(pilot)
        await press(pilot, "enter")
        await until(pilot, lambda: ("answer_secret", "q2", 7) in services.asked, "the answer")


async def test_done_in_part_names_the_quarantine(make_app: MakeApp, services: FakeServices, run_ref: RunRef) -> None:
    """A host in quarantine is named with its reason; r tries it again."""
    services.events = story.partial()
    app = make_app(attach=run_ref)
    async with app.run_test(size=WIDE) as pilot:
        await comes(pilot, RunScreen)
        await sees(pilot, "done in part, without m3")
        await sees(pilot, "in quarantine: no answer for 15 s")
        await press(pilot, "r")
        await comes(pilot, DoneScreen)


async def test_resizing_loses_nothing(app: SlipwayApp) -> None:
    """The same record is drawn at any size, down to 80 by 24 and below."""
    async with app.run_test(size=WIDE) as pilot:
        await comes(pilot, RunScreen)
        await sees(pilot, "30 of 51 steps")
        for width, height in ((80, 24), (60, 20), (160, 50)):
            await pilot.resize_terminal(width, height)
            await until(pilot, lambda width=width: app.size.width == width, "the new size")  # type: ignore[misc]
            await sees(pilot, "30 of 51 steps")


async def test_a_hold_is_shown_with_its_reason(make_app: MakeApp, services: FakeServices, profile_file: Path) -> None:
    """Where the run can't be started, the error view says why."""
    from wizard.errors import HeldError

    services.start_error = HeldError("Another run has this cluster", why="run 7 holds the lock", hint="Attach to it.")
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await sees(pilot, "Ready to install")
        await press(pilot, "i")
        await comes(pilot, Confirm)
        await press(pilot, "y")
        await comes(pilot, ErrorView)
        await sees(pilot, "run 7 holds the lock")
