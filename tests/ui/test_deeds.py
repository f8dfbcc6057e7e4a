"""What can be done once a cluster stands: keys and commands on Done and on the status, and the ways back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.unit.plans.standing import HERE, OFF, standing, texts
from wizard.plans.status import Status
from wizard.plans.task import Kind
from wizard.profile.model import Profile
from wizard.ui.app import SlipwayApp
from wizard.ui.screens.asking import AskChoice, AskSecretText, Confirm
from wizard.ui.screens.deeds import Deeds
from wizard.ui.screens.done import DoneScreen
from wizard.ui.screens.run import RunScreen
from wizard.ui.screens.status import StatusScreen
from wizard.ui.screens.welcome import WelcomeScreen
from wizard.ui.services import AskSecret, RunRef

from . import story
from .driving import NARROW, comes, in_dialog, press, sees, until, words
from .fakes import FakeServices, sample, write

MakeApp = Callable[..., SlipwayApp]


@pytest.fixture
def app(make_app: MakeApp, services: FakeServices) -> SlipwayApp:
    """The wizard where one cluster stands and its profile is in a file."""
    services.clusters = (HERE,)
    services.cluster_status = (standing(texts()),)
    write(services.folder / f"{HERE.name}.yaml", sample(HERE.name))
    return make_app()


def ordered(services: FakeServices) -> list[tuple[object, ...]]:
    """Return the runs that were started."""
    return [item[1:] for item in services.asked if item[0] == "order"]


async def opened(pilot: Pilot[int]) -> None:
    """Go from the first screen to the status."""
    await comes(pilot, WelcomeScreen)
    await sees(pilot, "how it stands")
    await press(pilot, "s")
    await comes(pilot, StatusScreen)
    await sees(pilot, "the VIP 198.18.0.100")


async def test_a_verify_is_one_key_and_its_end_leads_back(app: SlipwayApp, services: FakeServices) -> None:
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        await sees(pilot, "v Verify m Maintain o More")
        await press(pilot, "v")
        await comes(pilot, RunScreen)
        assert ordered(services) == [(HERE.name, Kind.VERIFY)]
        await sees(pilot, "esc First screen")
        await press(pilot, "escape")
        await comes(pilot, WelcomeScreen)


async def test_while_a_run_goes_on_escape_stays(app: SlipwayApp, services: FakeServices) -> None:
    services.events = story.until(story.install(), 20.0)
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        await press(pilot, "v")
        await comes(pilot, RunScreen)
        assert "First screen" not in words(pilot)
        await press(pilot, "escape")
        assert isinstance(app.screen, RunScreen)


@pytest.mark.parametrize(("key", "begin"), [("1", True), ("2", False)])
async def test_the_host_under_the_cursor_goes_out_and_comes_back(
    app: SlipwayApp, services: FakeServices, key: str, *, begin: bool
) -> None:
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        await press(pilot, "down", "m")
        await comes(pilot, AskChoice)
        await sees(pilot, "Maintenance of m2")
        assert "While m2 is out" in in_dialog(pilot)
        await press(pilot, "escape")
        await comes(pilot, StatusScreen)
        assert not ordered(services)
        await press(pilot, "m", key)
        await comes(pilot, RunScreen)
        (order,) = ordered(services)
        assert order[:3] == (HERE.name, Kind.MAINTAIN, "m2")
        assert ("begin", begin) in order


async def test_the_list_has_every_deed_and_the_exact_commands(app: SlipwayApp, services: FakeServices) -> None:
    file = services.folder / f"{HERE.name}.yaml"
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "o")
        await comes(pilot, Deeds)
        said = in_dialog(pilot).replace(" ", "")
        for command in ("apply {} --allow-removal", "reset {} --host NAME", "--profile {}"):
            assert f"slipway {command.format(file)}".replace(" ", "") in said
        await press(pilot, "c")
        await comes(pilot, Confirm)
        await sees(pilot, f"Make the certificates of {HERE.name} anew?")
        assert not ordered(services)
        await press(pilot, "y")
        await comes(pilot, RunScreen)
        assert [order[:2] for order in ordered(services)] == [(HERE.name, Kind.RENEW)]


async def test_done_leads_on_and_back(make_app: MakeApp, services: FakeServices, run_ref: RunRef) -> None:
    """Without a host under a cursor, maintenance begins on the status; Escape goes to the first screen."""
    services.cluster_status = (standing(texts()),)
    app = make_app(attach=run_ref)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, DoneScreen)
        await sees(pilot, "v Verify m Maintain o More")
        await press(pilot, "o")
        await comes(pilot, Deeds)
        await sees(pilot, "slipway reset PROFILE")
        await sees(pilot, "PROFILE is the site's file.")
        await press(pilot, "escape")
        await comes(pilot, DoneScreen)
        await press(pilot, "m")
        await comes(pilot, StatusScreen)
        await sees(pilot, "the VIP 198.18.0.100")
        await press(pilot, "v")
        await comes(pilot, RunScreen)
        await press(pilot, "escape")
        await comes(pilot, WelcomeScreen)
        assert len(app.screen_stack) == 2, "nothing is left above it"


async def test_escape_on_done_goes_to_the_first_screen(make_app: MakeApp, run_ref: RunRef) -> None:
    app = make_app(attach=run_ref)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, DoneScreen)
        await sees(pilot, "export KUBECONFIG=/root/.local/state/slipway/site-a/admin.conf")
        rows = [row.strip() for row in words(pilot).splitlines()]
        assert "kubectl get nodes" in rows
        await press(pilot, "escape")
        await comes(pilot, WelcomeScreen)
        assert app.is_running


@dataclass
class Locked(FakeServices):
    """Hosts that want a password before they tell anything: each time somebody begins to look, and only then."""

    async def statuses(
        self, profile: Profile, ask: AskSecret, hurry: asyncio.Event, every: float
    ) -> AsyncGenerator[Status]:
        """Ask once; without an answer no host is known."""
        secret = await ask("sudo", "", "sudo on these hosts wants a password.")
        yield standing(texts() if secret else dict.fromkeys(("m1", "m2", "m3"), OFF))
        await asyncio.Event().wait()


async def test_a_password_that_was_not_given_is_asked_for_again(tmp_path: Path) -> None:
    """Escape on the prompt is said, with the key that asks again; then all is known."""
    app = SlipwayApp(Locked(folder=tmp_path, clusters=(HERE,)), clock=lambda: story.START)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, WelcomeScreen)
        await sees(pilot, "how it stands")
        await press(pilot, "s")
        first = await comes(pilot, AskSecretText)
        await press(pilot, "escape")
        await comes(pilot, StatusScreen)
        await sees(pilot, "! No password was given: press r to be asked for it again.")
        await press(pilot, "r")
        await until(pilot, lambda: isinstance(app.screen, AskSecretText) and app.screen is not first, "another prompt")
        await press(pilot, *"secret", "enter")
        await comes(pilot, StatusScreen)
        await sees(pilot, "✓ demo is well")
        assert "No password was given" not in words(pilot)
