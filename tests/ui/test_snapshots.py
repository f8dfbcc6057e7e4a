"""How every screen looks, at 80 by 24 and at 120 by 40."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from wizard.errors import Level, Problem
from wizard.facts.model import DiskKind
from wizard.remote.base import LoginRefused
from wizard.ui.app import SlipwayApp
from wizard.ui.screens.asking import AskSecretText, Confirm
from wizard.ui.screens.dialog_form import HostForm
from wizard.ui.screens.done import DoneScreen
from wizard.ui.screens.error import ErrorView
from wizard.ui.screens.etcd import EtcdScreen
from wizard.ui.screens.hosts import HostsScreen
from wizard.ui.screens.keys import HostKeys
from wizard.ui.screens.network import NetworkScreen
from wizard.ui.screens.paste import PasteHosts
from wizard.ui.screens.removal import TakeOut
from wizard.ui.screens.review import ReviewScreen
from wizard.ui.screens.run import RunScreen
from wizard.ui.screens.welcome import WelcomeScreen
from wizard.ui.services import RunRef, RunState
from wizard.ui.session import Step

from . import story
from .driving import NARROW, WIDE, comes, press, sees, type_in
from .fakes import FakeServices, bigger

MakeApp = Callable[..., SlipwayApp]
Snap = Callable[..., bool]
Before = Callable[[Pilot[int]], Awaitable[None]]

both_sizes = pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "120x40"])


@pytest.fixture
def snap(snap_compare: Any) -> Snap:
    """Compare the app's picture after `before`, with no cursor that blinks."""

    def compare(app: SlipwayApp, size: tuple[int, int], before: Before) -> bool:
        async def run_before(pilot: Pilot[int]) -> None:
            await before(pilot)
            for line in pilot.app.screen.query(Input):
                line.cursor_blink = False

        return bool(snap_compare(app, terminal_size=size, run_before=run_before))

    return compare


def go(step: Step, kind: type[Any]) -> Before:
    """Go to a step once the profile is open and judged."""

    async def before(pilot: Pilot[int]) -> None:
        await comes(pilot, ReviewScreen)
        await sees(pilot, "Ready to install")
        assert isinstance(pilot.app, SlipwayApp)
        if step is not Step.REVIEW:
            pilot.app.go(step)
        await comes(pilot, kind)
        await pilot.pause()

    return before


@both_sizes
class TestCollecting:
    """The steps before the run."""

    def test_welcome(self, snap: Snap, make_app: MakeApp, services: FakeServices, run_ref: RunRef, size: Any) -> None:
        """New, open, practice; a run that was interrupted stands first."""
        services.known_runs = (
            RunRef("site-b", "r1", "Install site-b: Kubernetes 1.37.2 on 3 hosts", 0.0, RunState.INTERRUPTED, 0.42),
        )
        services.known_runs = tuple(
            RunRef(run.cluster, run.run, run.title, story.START - 600, run.state, run.fraction)
            for run in services.known_runs
        )

        async def before(pilot: Pilot[int]) -> None:
            await comes(pilot, WelcomeScreen)
            await sees(pilot, "10 minutes ago")

        assert snap(make_app(), size, before)

    def test_hosts(self, snap: Snap, make_app: MakeApp, services: FakeServices, profile_file: Path, size: Any) -> None:
        """Two hosts answered, one refused the login."""

        async def before(pilot: Pilot[int]) -> None:
            await go(Step.HOSTS, HostsScreen)(pilot)
            services.errors = {
                "198.18.0.12": LoginRefused(
                    "The login was refused", where="m2", why="No key was accepted", hint="See l."
                )
            }
            await press(pilot, "t")
            await sees(pilot, "✗ The login was refused")
            await press(pilot, "down")

        assert snap(make_app(profile=profile_file), size, before)

    def test_host_form(self, snap: Snap, make_app: MakeApp, profile_file: Path, size: Any) -> None:
        """A new host with an address that is taken."""

        async def before(pilot: Pilot[int]) -> None:
            await go(Step.HOSTS, HostsScreen)(pilot)
            await press(pilot, "a")
            await comes(pilot, HostForm)
            await press(pilot, "tab")
            await type_in(pilot, "198.18.0.11")
            await sees(pilot, "is an address of m1 and m4")

        assert snap(make_app(profile=profile_file), size, before)

    def test_paste(self, snap: Snap, make_app: MakeApp, profile_file: Path, size: Any) -> None:
        """A range, with a preview of what it gives."""

        async def before(pilot: Pilot[int]) -> None:
            await go(Step.HOSTS, HostsScreen)(pilot)
            await press(pilot, "p")
            await comes(pilot, PasteHosts)
            await type_in(pilot, "198.18.0.21-24")
            await sees(pilot, "4 new hosts")

        assert snap(make_app(profile=profile_file), size, before)

    def test_host_keys(
        self, snap: Snap, make_app: MakeApp, services: FakeServices, profile_file: Path, size: Any
    ) -> None:
        """Unknown host keys are shown with their fingerprints."""

        async def before(pilot: Pilot[int]) -> None:
            await go(Step.HOSTS, HostsScreen)(pilot)
            services.unknown_keys = {"198.18.0.11", "198.18.0.12", "198.18.0.13"}
            await press(pilot, "t")
            await comes(pilot, HostKeys)

        assert snap(make_app(profile=profile_file), size, before)

    def test_sudo_password(
        self, snap: Snap, make_app: MakeApp, services: FakeServices, profile_file: Path, size: Any
    ) -> None:
        """A masked prompt."""

        async def before(pilot: Pilot[int]) -> None:
            await go(Step.HOSTS, HostsScreen)(pilot)
            services.sudo_password = "secret"
            await press(pilot, "t")
            await comes(pilot, AskSecretText)
            await type_in(pilot, "12345")

        assert snap(make_app(profile=profile_file), size, before)

    def test_network(self, snap: Snap, make_app: MakeApp, profile_file: Path, size: Any) -> None:
        """A VIP that is a host's address."""

        async def before(pilot: Pilot[int]) -> None:
            await go(Step.NETWORK, NetworkScreen)(pilot)
            await press(pilot, "backspace", "backspace", "backspace", "1", "1")
            await sees(pilot, "is the VIP and an address of m1")

        assert snap(make_app(profile=profile_file), size, before)

    def test_etcd(self, snap: Snap, make_app: MakeApp, services: FakeServices, profile_file: Path, size: Any) -> None:
        """Five members are asked for and there are three hosts, one of them on a spinning disk."""
        services.disks = {"198.18.0.13": DiskKind.ROTATIONAL}

        async def before(pilot: Pilot[int]) -> None:
            await go(Step.ETCD, EtcdScreen)(pilot)
            await press(pilot, "right")
            await sees(pilot, "5 members need 5 hosts, and there are 3")

        assert snap(make_app(profile=profile_file), size, before)

    def test_review(self, snap: Snap, make_app: MakeApp, profile_file: Path, size: Any) -> None:
        """Ready: the site as a picture, and what it survives."""
        assert snap(make_app(profile=profile_file), size, go(Step.REVIEW, ReviewScreen))

    def test_review_problems(
        self, snap: Snap, make_app: MakeApp, services: FakeServices, profile_file: Path, size: Any
    ) -> None:
        """An error and a warning, with what to do."""
        services.problems = (
            Problem("disk.full", Level.ERROR, "/var/lib has 2 GB free; 20 GB are needed.", "Free some.", host="m1"),
            Problem("disk.slow", Level.WARNING, "etcd's data would lie on a spinning disk.", "Take an SSD.", host="m3"),
        )

        async def before(pilot: Pilot[int]) -> None:
            await sees(pilot, "1 error in the way")

        assert snap(make_app(profile=profile_file), size, before)

    def test_review_plan(self, snap: Snap, make_app: MakeApp, profile_file: Path, size: Any) -> None:
        """What will be done, on which hosts."""

        async def before(pilot: Pilot[int]) -> None:
            await go(Step.REVIEW, ReviewScreen)(pilot)
            await press(pilot, "3")
            await sees(pilot, "Packages of the distribution")

        assert snap(make_app(profile=profile_file), size, before)

    def test_take_out(
        self, snap: Snap, make_app: MakeApp, services: FakeServices, profile_file: Path, size: Any
    ) -> None:
        """Two hosts would leave: what is lost, and the name that was not the cluster's."""
        services.before = bigger()

        async def before(pilot: Pilot[int]) -> None:
            await comes(pilot, ReviewScreen)
            await sees(pilot, "2 errors in the way")
            await press(pilot, "x")
            await comes(pilot, TakeOut)
            await type_in(pilot, "site-b")
            await press(pilot, "enter")
            await sees(pilot, "That is not the cluster's name")

        assert snap(make_app(profile=profile_file), size, before)

    def test_confirm(self, snap: Snap, make_app: MakeApp, profile_file: Path, size: Any) -> None:
        """The one question before anything is touched."""

        async def before(pilot: Pilot[int]) -> None:
            await go(Step.REVIEW, ReviewScreen)(pilot)
            await press(pilot, "i")
            await comes(pilot, Confirm)

        assert snap(make_app(profile=profile_file), size, before)


@both_sizes
class TestRunning:
    """The run and its end."""

    def test_run(self, snap: Snap, make_app: MakeApp, services: FakeServices, run_ref: RunRef, size: Any) -> None:
        """Twenty seconds into an install."""
        services.events = story.until(story.install(), 20.0)

        async def before(pilot: Pilot[int]) -> None:
            await comes(pilot, RunScreen)
            await sees(pilot, "30 of 51 steps")

        assert snap(make_app(attach=run_ref), size, before)

    def test_failure(self, snap: Snap, make_app: MakeApp, services: FakeServices, run_ref: RunRef, size: Any) -> None:
        """The error view of a failed run."""
        services.events = story.failed()

        async def before(pilot: Pilot[int]) -> None:
            await comes(pilot, ErrorView)

        assert snap(make_app(attach=run_ref), size, before)

    def test_interrupted(
        self, snap: Snap, make_app: MakeApp, services: FakeServices, run_ref: RunRef, size: Any
    ) -> None:
        """A run whose process is gone."""
        services.events, services.gone = story.until(story.install(), 20.0), True

        async def before(pilot: Pilot[int]) -> None:
            await comes(pilot, RunScreen)
            await sees(pilot, "interrupted")

        assert snap(make_app(attach=run_ref), size, before)

    def test_done(self, snap: Snap, make_app: MakeApp, services: FakeServices, run_ref: RunRef, size: Any) -> None:
        """What stands, and what it survives."""

        async def before(pilot: Pilot[int]) -> None:
            await comes(pilot, DoneScreen)

        assert snap(make_app(attach=run_ref), size, before)


def test_the_light_look(snap: Snap, make_app: MakeApp, profile_file: Path) -> None:
    """The light variant of the look."""

    async def before(pilot: Pilot[int]) -> None:
        await go(Step.NETWORK, NetworkScreen)(pilot)
        await press(pilot, "f2")

    assert snap(make_app(profile=profile_file), NARROW, before)
