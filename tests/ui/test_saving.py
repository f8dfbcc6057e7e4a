"""What was typed is lost only where somebody says so: before an install, a practice, another profile, at the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from wizard.ui.app import SlipwayApp
from wizard.ui.screens.asking import AskText, Confirm
from wizard.ui.screens.done import DoneScreen
from wizard.ui.screens.error import ErrorView
from wizard.ui.screens.hosts import HostsScreen
from wizard.ui.screens.practice import PracticeScreen
from wizard.ui.screens.review import ReviewScreen
from wizard.ui.screens.unsaved import SaveFirst, Unsaved
from wizard.ui.screens.welcome import WelcomeScreen

from .driving import NARROW, comes, press, sees, type_in, until, words
from .fakes import FakeServices, read

MakeApp = Callable[..., SlipwayApp]


def vip_in(path: Path) -> object:
    """Return the VIP that a file names."""
    endpoint = read(path)["endpoint"]
    assert isinstance(endpoint, dict)
    return endpoint["vip"]


@pytest.mark.parametrize(("key", "vip", "starred"), [("y", "198.18.0.101", False), ("n", "198.18.0.100", True)])
async def test_an_install_saves_what_its_file_does_not_say(
    make_app: MakeApp, services: FakeServices, profile_file: Path, key: str, vip: str, *, starred: bool
) -> None:
    """The diff is shown first; where it isn't saved, that is still said at the end."""
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        await sees(pilot, "Ready to install")
        app.session.draft = app.session.draft.typed("endpoint.vip", "198.18.0.101")
        await press(pilot, "i")
        await comes(pilot, Confirm)
        await press(pilot, "y")
        await comes(pilot, SaveFirst)
        assert not any(item[0] in ("start", "save") for item in services.asked)
        await press(pilot, key)
        await comes(pilot, DoneScreen)
        assert vip_in(profile_file) == vip
        assert app.session.unsaved is starred
        said = "! This profile is not in site-a.yaml"
        await sees(pilot, said if starred else "Profile /")
        assert (said in words(pilot)) is starred


async def test_going_back_from_the_question_installs_nothing(
    make_app: MakeApp, services: FakeServices, profile_file: Path
) -> None:
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        await sees(pilot, "Ready to install")
        app.session.draft = app.session.draft.typed("endpoint.vip", "198.18.0.101")
        await press(pilot, "i", "y")
        await comes(pilot, SaveFirst)
        await press(pilot, "escape")
        await comes(pilot, ReviewScreen)
        assert not any(item[0] in ("start", "save") for item in services.asked)


async def typed_site(pilot: Pilot[int]) -> None:
    """Type a new site's name and go back to the first screen."""
    await comes(pilot, WelcomeScreen)
    await press(pilot, "n")
    await comes(pilot, HostsScreen)
    await type_in(pilot, "am1")
    await press(pilot, "escape")
    await comes(pilot, WelcomeScreen)


async def test_what_was_typed_is_a_line_of_the_first_screen(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await typed_site(pilot)
        await sees(pilot, "g am1 *")
        await press(pilot, "g")
        await comes(pilot, HostsScreen)
        assert app.session.draft.name == "am1"


@pytest.mark.parametrize("key", ["n", "enter"])
async def test_another_site_asks_before_it_takes_the_place(make_app: MakeApp, profile_file: Path, key: str) -> None:
    """A new one, or a profile out of the list."""
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await typed_site(pilot)
        await sees(pilot, profile_file.name)
        if key == "enter":
            await press(pilot, "end")
        await press(pilot, key)
        await comes(pilot, Unsaved)
        await press(pilot, "n")
        await comes(pilot, WelcomeScreen)
        assert app.session.draft.name == "am1"
        await press(pilot, key)
        await comes(pilot, Unsaved)
        await press(pilot, "y")
        await until(pilot, lambda: app.session.draft.name != "am1", "another site")


async def test_practice_asks_before_it_starts_and_before_it_takes_the_place(
    make_app: MakeApp, services: FakeServices
) -> None:
    """Ctrl+N is Start there, says so, and starts nothing without a yes."""
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await typed_site(pilot)
        await press(pilot, "p")
        await comes(pilot, PracticeScreen)
        await sees(pilot, "^n Start")
        assert "Save" not in words(pilot).splitlines()[-1]
        await press(pilot, "ctrl+n")
        await comes(pilot, Unsaved)
        await press(pilot, "n")
        await comes(pilot, PracticeScreen)
        assert "practice" not in app.session.draft.name
        await press(pilot, "ctrl+n")
        await comes(pilot, Unsaved)
        await press(pilot, "y")
        await comes(pilot, Confirm)
        await sees(pilot, "Start 3 practice hosts?")
        assert not (services.folder / "practice.yaml").exists()
        await press(pilot, "n")
        await comes(pilot, PracticeScreen)
        assert not (services.folder / "practice.yaml").exists()
        assert app.session.draft.name == "am1", "nothing is lost as long as nothing takes its place"


async def test_leaving_can_save_first(make_app: MakeApp, services: FakeServices, profile_file: Path) -> None:
    """Ctrl+S in the question saves and leaves."""
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        app.session.draft = app.session.draft.typed("endpoint.vip", "198.18.0.101")
        await press(pilot, "ctrl+q")
        await comes(pilot, Unsaved)
        await press(pilot, "ctrl+s")
        await comes(pilot, AskText)
        await press(pilot, "enter")
        await sees(pilot, "Overwrite")
        await press(pilot, "y")
    assert app.return_value == 0
    assert vip_in(profile_file) == "198.18.0.101"


async def test_a_path_that_leads_nowhere_can_be_mended(make_app: MakeApp, profile_file: Path) -> None:
    """After the error the dialog is there again, with what was typed."""
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, WelcomeScreen)
        await press(pilot, "o")
        await comes(pilot, AskText)
        await type_in(pilot, "site-a.yamlx")
        await press(pilot, "enter")
        await comes(pilot, ErrorView)
        await press(pilot, "escape")
        await comes(pilot, AskText)
        await press(pilot, "end", "backspace", "enter")
        await comes(pilot, ReviewScreen)
        assert app.session.draft.name == "site-a"
