"""Hints on the screen name the file of the profile that the screen is about; before there is one, they say PROFILE."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.unit.plans.standing import HERE, standing, texts
from wizard.engine import events as e
from wizard.errors import Level, Problem
from wizard.ui.app import SlipwayApp
from wizard.ui.screens.asking import AskText
from wizard.ui.screens.deeds import Deeds
from wizard.ui.screens.error import ErrorView
from wizard.ui.screens.review import ReviewScreen
from wizard.ui.screens.status import StatusScreen
from wizard.ui.screens.welcome import WelcomeScreen
from wizard.ui.services import RunRef

from . import story
from .driving import NARROW, comes, press, sees, type_in, words
from .fakes import FakeServices, sample, write

MakeApp = Callable[..., SlipwayApp]
OUT = Problem("maintain.out", Level.ERROR, "It is out.", "Take it back: `slipway maintain PROFILE m2 end`.", host="m2")


@pytest.fixture(autouse=True)
def _at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The profiles of these tests lie in the person's home."""
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


async def test_a_review_names_the_file_once_it_is_saved(
    make_app: MakeApp, services: FakeServices, profile_file: Path
) -> None:
    services.problems = (OUT,)
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        screen = await comes(pilot, ReviewScreen)
        await sees(pilot, "Take it back: `slipway maintain ~/site-a.yaml m2 end`.")
        app.session.path = app.session.saved = None
        screen.draw()
        await sees(pilot, "Take it back: `slipway maintain PROFILE m2 end`.")
        await press(pilot, "ctrl+s")
        await comes(pilot, AskText)
        await press(pilot, *["backspace"] * len("site-a.yaml"))
        await type_in(pilot, "my site.yaml")
        await press(pilot, "enter")
        await sees(pilot, "Take it back: `slipway maintain ~/'my site.yaml' m2 end`.")
        assert "PROFILE" not in words(pilot)


async def on_status(pilot: Pilot[int]) -> None:
    """Go from the first screen to the status."""
    await comes(pilot, WelcomeScreen)
    await sees(pilot, "how it stands")
    await press(pilot, "s")
    await comes(pilot, StatusScreen)


@pytest.mark.parametrize(("saved", "word"), [(True, f"~/{HERE.name}.yaml"), (False, "PROFILE")])
async def test_a_status_names_the_file_of_its_cluster(
    make_app: MakeApp, services: FakeServices, word: str, *, saved: bool
) -> None:
    """In what is wrong, and in the commands of what else can be done."""
    services.clusters = (HERE,)
    services.cluster_status = (replace(standing(texts()), problems=(OUT,)),)
    if saved:
        write(services.folder / f"{HERE.name}.yaml", sample(HERE.name))
    async with make_app().run_test(size=NARROW) as pilot:
        await on_status(pilot)
        await sees(pilot, f"✗ m2: It is out. → Take it back: `slipway maintain {word} m2 end`.")
        await press(pilot, "o")
        await comes(pilot, Deeds)
        await sees(pilot, f"slipway reset {word}")


@pytest.mark.parametrize(("saved", "word"), [(True, "~/site-a.yaml"), (False, "PROFILE")])
async def test_a_failed_run_names_the_file_of_its_cluster(
    make_app: MakeApp, services: FakeServices, run_ref: RunRef, word: str, *, saved: bool
) -> None:
    """On the screen and in what is copied; the profile need not be open."""
    if saved:
        write(services.folder / "site-a.yaml", sample())
    begun = story.until(story.install(), 1.0)
    held = e.RunFinished(result=e.RunResult.HELD, seconds=1.0, problems=(OUT,))
    services.events = [*begun, e.stamped(held, len(begun) + 1, story.START + 1.0)]
    app = make_app(attach=run_ref)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ErrorView)
        await sees(pilot, f"Take it back: `slipway maintain {word} m2 end`.")
        await press(pilot, "c")
        assert f"Take it back: `slipway maintain {word} m2 end`." in app.clipboard
