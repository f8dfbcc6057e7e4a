"""Runs of every kind: listed on the welcome screen, attached to, and resumed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from wizard.plans.task import Kind
from wizard.ui.app import SlipwayApp
from wizard.ui.screens.asking import Confirm
from wizard.ui.screens.run import RunScreen
from wizard.ui.screens.welcome import WelcomeScreen
from wizard.ui.services import RunRef, RunState

from . import story
from .driving import NARROW, comes, press, sees, until, words
from .fakes import FakeServices, sample, write

MakeApp = Callable[..., SlipwayApp]

RENEW = RunRef("site-a", "r1", "Renew the certificates of site-a", story.START, RunState.INTERRUPTED, 0.4, Kind.RENEW)


async def test_a_renewal_is_listed_attached_to_and_resumed(make_app: MakeApp, services: FakeServices) -> None:
    """It stands there with its own title; when it is done, nobody is told that a cluster was built."""
    verify = replace(RENEW, run="r2", title="Verify site-a", state=RunState.FAILED, kind=Kind.VERIFY)
    services.known_runs = (RENEW, verify)
    services.events, services.gone = story.until(story.install(), 20.0), True
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, WelcomeScreen)
        await sees(pilot, "Verify site-a failed 40 %")
        await sees(pilot, "Renew the certificates of site-a interrupted: can be resumed")
        await press(pilot, "enter")
        await comes(pilot, RunScreen)
        await sees(pilot, "interrupted: r resumes")
        await press(pilot, "r")
        await until(pilot, lambda: ("resume", "r1") in services.asked, "the resume")
        await sees(pilot, "✓ 51 of 51 steps changed something.")
        assert isinstance(app.screen, RunScreen)
        assert "b What was built" not in words(pilot)


async def test_a_verification_that_is_done_tells_its_checks(make_app: MakeApp, services: FakeServices) -> None:
    """In the words of the command line."""
    app = make_app(attach=replace(RENEW, kind=Kind.VERIFY, state=RunState.RUNNING))
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, RunScreen)
        await sees(pilot, "✓ 51 of 51 checks passed.")


async def test_a_reset_is_resumed_only_after_a_yes(make_app: MakeApp, services: FakeServices) -> None:
    """It destroys what hosts hold: one key alone is not enough."""
    services.events, services.gone = story.until(story.install(), 20.0), True
    app = make_app(attach=replace(RENEW, kind=Kind.RESET, title="Reset site-a"))
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, RunScreen)
        await sees(pilot, "interrupted: r resumes")
        await press(pilot, "r")
        await comes(pilot, Confirm)
        await sees(pilot, "nothing of it can be brought back")
        await press(pilot, "enter")
        await comes(pilot, RunScreen)
        assert services.asked == [], "the harmless answer has the keys"
        await press(pilot, "r")
        await comes(pilot, Confirm)
        await press(pilot, "y")
        await until(pilot, lambda: ("resume", "r1") in services.asked, "the resume")


async def test_long_names_keep_the_columns(make_app: MakeApp, tmp_path: Path) -> None:
    """A long file name ends in an ellipsis, a deep folder begins with one; each profile takes one line."""
    deep = tmp_path / ("a-folder-with-a-name-that-goes-on" * 2)
    deep.mkdir()
    write(deep / "a-profile-of-a-site-with-a-very-long-name.yaml", sample())
    write(deep / "short.yaml", sample())
    app = make_app()
    app.services.folder = deep  # type: ignore[attr-defined]
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, WelcomeScreen)
        await sees(pilot, "short.yaml")
        rows = words(pilot).splitlines()
        first = next(number for number, row in enumerate(rows) if "a-profile-of-a-site" in row)
        assert "a-profile-of-a-site-with-… " in rows[first]
        assert "short.yaml" in rows[first + 1]
        column = rows[first].index("…", rows[first].index("…") + 1)
        assert rows[first + 1][column] == "…"
        assert rows[first].endswith("goes-on")
        assert next(row for row in rows if "New site" in row).index("hosts, VIP") == column
