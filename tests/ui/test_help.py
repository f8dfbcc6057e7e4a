"""Help on every screen, and the last line in a narrow and in a wide terminal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from wizard.ui.app import SlipwayApp
from wizard.ui.screens.asking import AskText, Confirm
from wizard.ui.screens.etcd import EtcdScreen
from wizard.ui.screens.help import HelpView
from wizard.ui.screens.hosts import HostsScreen
from wizard.ui.screens.network import NetworkScreen
from wizard.ui.screens.practice import PracticeScreen
from wizard.ui.screens.review import ReviewScreen
from wizard.ui.screens.run import RunScreen
from wizard.ui.screens.welcome import WelcomeScreen
from wizard.ui.services import RunRef
from wizard.ui.session import Step
from wizard.ui.widgets.keys import LEAVING, SPARE, Key, Keys, columns, fitting

from . import story
from .driving import NARROW, WIDE, comes, press, sees, words
from .fakes import FakeServices

MakeApp = Callable[..., SlipwayApp]


async def test_the_first_screen_has_help(make_app: MakeApp) -> None:
    """By ? and by F1; the same key, or Escape, closes it."""
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, WelcomeScreen)
        await sees(pilot, "? Help")
        for key, close in (("question_mark", "escape"), ("f1", "f1")):
            await press(pilot, key)
            await comes(pilot, HelpView)
            await sees(pilot, "n New o Open p Practice")
            await press(pilot, close)
            await comes(pilot, WelcomeScreen)


@pytest.mark.parametrize(
    ("step", "screen", "said"),
    [
        (Step.HOSTS, HostsScreen, ("z the zone (rack", "l the login that all hosts share", "f2 Light/dark")),
        (Step.NETWORK, NetworkScreen, ("^n Next",)),
        (Step.ETCD, EtcdScreen, ("^e Add etcd-only host",)),
        (Step.REVIEW, ReviewScreen, ("2 Site", "r Look again")),
    ],
)
async def test_help_has_what_the_last_line_has_no_room_for(
    make_app: MakeApp, profile_file: Path, step: Step, screen: type, said: tuple[str, ...]
) -> None:
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        await sees(pilot, "Ready to install")
        app.go(step)
        await comes(pilot, screen)
        await press(pilot, "f1")
        await comes(pilot, HelpView)
        for text in said:
            await sees(pilot, text)


async def test_a_dialog_has_help_of_its_own(make_app: MakeApp, profile_file: Path) -> None:
    """A question by ?, and a line of text, which takes ? for itself, by F1."""
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        await sees(pilot, "Ready to install")
        await press(pilot, "i")
        await comes(pilot, Confirm)
        await press(pilot, "question_mark")
        await comes(pilot, HelpView)
        await sees(pilot, "y Yes")
        await press(pilot, "escape", "n", "ctrl+s")
        await comes(pilot, AskText)
        await sees(pilot, "f1 Help")
        await press(pilot, "question_mark")
        assert isinstance(app.screen, AskText)
        await press(pilot, "f1")
        await comes(pilot, HelpView)


async def test_the_last_line_has_what_there_is_room_for(make_app: MakeApp, profile_file: Path) -> None:
    """All of it in a wide terminal; in a narrow one what is spare goes first, and nothing is cut off."""
    for size in (NARROW, WIDE):
        app = make_app(profile=profile_file)
        async with app.run_test(size=size) as pilot:
            await comes(pilot, ReviewScreen)
            await sees(pilot, "Ready to install")
            app.go(Step.HOSTS)
            await comes(pilot, HostsScreen)
            await sees(pilot, "Test")
            last = words(pilot).splitlines()[-1]
            assert last.rstrip().endswith("Quit")
            assert "Help" in last
            assert ("Zone" in last) is (size == WIDE)
            keys = app.screen.query_one(Keys)
            assert columns(keys.keys) <= size[0]


async def test_practice_and_a_run_have_help_too(make_app: MakeApp, services: FakeServices, run_ref: RunRef) -> None:
    services.events = story.until(story.install(), 20.0)
    app = make_app(attach=run_ref)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, RunScreen)
        await sees(pilot, "30 of 51 steps")
        await press(pilot, "question_mark")
        await comes(pilot, HelpView)
        await sees(pilot, "space Pause")
        await press(pilot, "escape")
        app.action_first()
        await comes(pilot, WelcomeScreen)
        await press(pilot, "p")
        await comes(pilot, PracticeScreen)
        await press(pilot, "question_mark")
        await comes(pilot, HelpView)
        await sees(pilot, "^n Start")


def test_what_is_spare_goes_in_its_order_and_no_more_than_it_takes() -> None:
    spare = tuple(Key("x", "x", "words", action=action) for action in SPARE[:3])
    kept = tuple(Key("y", "y", "words", action=action) for action in LEAVING)
    assert fitting(spare + kept, 48) == spare + kept
    assert fitting(spare + kept, 47) == spare[1:] + kept
    assert fitting(spare + kept, 3) == kept, "what leads away is never left out"


def test_the_keys_of_the_tabs_go_together() -> None:
    """One of them alone would look like the only one."""
    tabs = tuple(Key(sign, sign, "words", action=f"tab('{sign}')") for sign in "123")
    way = Key("q", "q", "Quit", action="leave")
    assert fitting((*tabs, way), 31) == (*tabs, way)
    assert fitting((*tabs, way), 30) == (way,)
