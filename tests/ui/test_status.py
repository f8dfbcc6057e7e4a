"""How a cluster stands, on the screen: it draws itself anew, and every word of it comes from the status."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.unit.plans.standing import HERE, NOW, OFF, standing, texts
from wizard.plans.status import Drift, Status, with_drift
from wizard.plans.status.model import Cause, Change
from wizard.ui.app import SlipwayApp
from wizard.ui.screens.done import DoneScreen
from wizard.ui.screens.drift import DriftView
from wizard.ui.screens.standing import HostView
from wizard.ui.screens.status import StatusScreen
from wizard.ui.screens.welcome import WelcomeScreen
from wizard.ui.services import RunRef

from . import story
from .driving import NARROW, WIDE, comes, press, sees, until, words
from .fakes import FakeServices

MakeApp = Callable[..., SlipwayApp]
HEALTHY = texts()
HAND = Drift(
    NOW.timestamp() - 240,
    (
        Change("m2", "m2/haproxy", "/etc/haproxy/haproxy.cfg", "a\nb\nby hand\n", "a\nb\n", cause=Cause.BY_HAND),
        Change("m2", "m2/pki", "/etc/kubernetes/admin.conf", "••• 01020304", "••• 0a0b0c0d", True, Cause.BY_HAND),
    ),
)
WELL = with_drift(standing(HEALTHY), Drift(NOW.timestamp()))
BROKEN = with_drift(standing({**texts("no-quorum"), "m3": OFF}), HAND)


def at_the_story(status: Status) -> Status:
    """Return a status with all times as on the day of the pictures, which are the same every day."""
    moved = story.START - NOW.timestamp()
    drift = replace(status.drift, looked=status.drift.looked + moved) if status.drift.looked else status.drift
    return replace(status, asked=status.asked + moved, drift=drift)


@pytest.fixture
def app(make_app: MakeApp, services: FakeServices) -> SlipwayApp:
    """The wizard where one cluster stands, which breaks once somebody looks again."""
    services.clusters = (HERE,)
    services.cluster_status = (at_the_story(WELL), at_the_story(BROKEN))
    return make_app()


async def opened(pilot: Pilot[int]) -> StatusScreen:
    """Go from the welcome to the status."""
    await comes(pilot, WelcomeScreen)
    await sees(pilot, "how it stands")
    await press(pilot, "s")
    screen = await comes(pilot, StatusScreen)
    await sees(pilot, "the VIP 198.18.0.100")
    return screen


async def test_it_is_a_line_and_a_key_of_the_welcome_and_is_closed_when_left(
    app: SlipwayApp, services: FakeServices
) -> None:
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        for text in ("✓ demo is well", "✓ leads", "✓ kubelet 1.37.2", "drift: ✓ none, looked at just now"):
            await sees(pilot, text)
        await press(pilot, "escape")
        await comes(pilot, WelcomeScreen)
        await until(pilot, lambda: ("closed", "demo") in services.asked, "the connections' end")
        await press(pilot, "s")
        await comes(pilot, StatusScreen)
        await sees(pilot, "✓ demo is well")


async def test_without_a_cluster_there_is_no_such_key(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, WelcomeScreen)
        await press(pilot, "s")
        await pilot.pause()
        assert isinstance(app.screen, WelcomeScreen)
        assert "Status" not in words(pilot)


async def test_it_draws_what_is_new_and_leads_to_the_details(app: SlipwayApp) -> None:
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        await press(pilot, "r")
        await sees(pilot, "✗ demo: something is wrong")
        await sees(pilot, "✗ etcd has no quorum: 0 of 3")
        await press(pilot, "d")
        await comes(pilot, DriftView)
        await sees(pilot, "m2 /etc/haproxy/haproxy.cfg changed by hand")
        await sees(pilot, "-by hand")
        await sees(pilot, "••• 01020304")
        await press(pilot, "escape")
        await comes(pilot, StatusScreen)
        await press(pilot, "down", "enter")
        view = await comes(pilot, HostView)
        assert view.host == "m2"
        await sees(pilot, "✗ etcd inactive")
        await sees(pilot, "its haproxy has the apiserver down: its port is closed")


async def test_a_host_that_could_not_be_asked_says_why(app: SlipwayApp) -> None:
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        await press(pilot, "r")
        await sees(pilot, "✗ m3: Can't reach the host: no route to the host")
        await press(pilot, "down", "down", "enter")
        await comes(pilot, HostView)
        await sees(pilot, "not asked: Can't reach the host")


async def test_an_install_leads_there_too(make_app: MakeApp, services: FakeServices, run_ref: RunRef) -> None:
    services.cluster_status = (at_the_story(WELL),)
    app = make_app(attach=run_ref)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, DoneScreen)
        await press(pilot, "s")
        await comes(pilot, StatusScreen)
        await sees(pilot, "✓ demo is well")
        await press(pilot, "escape")
        await comes(pilot, DoneScreen)


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "120x40"])
@pytest.mark.parametrize("broken", [False, True], ids=["well", "broken"])
def test_how_it_looks(snap_compare: Any, app: SlipwayApp, size: tuple[int, int], *, broken: bool) -> None:
    async def before(pilot: Pilot[int]) -> None:
        await opened(pilot)
        if broken:
            await press(pilot, "r")
            await sees(pilot, "something is wrong")
            pilot.app.clear_notifications()
            await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=before)
