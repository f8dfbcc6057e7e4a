"""Keys that come all at once, as from a paste or a script: each goes where the keys before it have led."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual.events import Key
from textual.pilot import Pilot

from wizard.ui.app import SlipwayApp
from wizard.ui.screens.asking import AskText
from wizard.ui.screens.dialog_form import HostForm
from wizard.ui.screens.etcd import EtcdScreen
from wizard.ui.screens.hosts import HostsScreen
from wizard.ui.screens.network import NetworkScreen
from wizard.ui.screens.paste import PasteHosts
from wizard.ui.screens.review import ReviewScreen
from wizard.ui.screens.welcome import WelcomeScreen
from wizard.ui.session import Step

from .driving import NARROW, comes, sees, until
from .fakes import FakeServices

MakeApp = Callable[..., SlipwayApp]


def burst(pilot: Pilot[int], *pieces: str) -> None:
    """Hand over all keys before the app looks at any: a piece is a key's name in <>, or a text."""
    for piece in pieces:
        keys = [piece[1:-1]] if piece.startswith("<") else list(piece)
        for key in keys:
            pilot.app.post_message(Key(key, key if len(key) == 1 else None))


async def test_tab_leads_the_keys_behind_it_to_the_next_field(make_app: MakeApp, profile_file: Path) -> None:
    """Name, Tab, address, role, zone, and OK: one burst makes the host, its last letter included."""
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        await sees(pilot, "Ready to install")
        app.go(Step.HOSTS)
        await comes(pilot, HostsScreen)
        await pilot.pause()
        burst(pilot, "a", "<backspace>", "<backspace>", "w7", "<tab>", "198.18.0.57", "<tab>", "<left>", "<tab>")
        burst(pilot, "rack2", "<ctrl+s>")
        await until(pilot, lambda: len(app.session.draft.hosts) == 4, "the host")
        assert app.session.draft.hosts[3].to_plain() == {
            "name": "w7",
            "address": "198.18.0.57",
            "zone": "rack2",
            "roles": ["worker"],
        }


async def test_a_whole_site_in_one_burst(make_app: MakeApp) -> None:
    """From the welcome through every form to the review, no key is lost where a screen or a dialog opens."""
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, WelcomeScreen)
        burst(pilot, "n", "site-z", "<tab>", "p", "198.18.0.11-13", "<ctrl+s>", "<ctrl+n>", "198.18.0.100")
        burst(pilot, "<ctrl+n>", "<ctrl+n>")
        await comes(pilot, ReviewScreen)
        await sees(pilot, "Ready to install on 3 bare hosts")
        assert app.session.draft.name == "site-z"
        assert app.session.draft.text("endpoint.vip") == "198.18.0.100"


async def test_a_dialog_that_a_key_opens_gets_the_keys_behind_it(
    make_app: MakeApp, services: FakeServices, profile_file: Path, tmp_path: Path
) -> None:
    """Ctrl+S asks for a path: what follows is typed there, though the question comes from work in the background."""
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        await sees(pilot, "Ready to install")
        burst(pilot, "<ctrl+s>", *(["<backspace>"] * 5), "2.yaml", "<enter>")
        wanted = tmp_path / "site-a2.yaml"
        await until(pilot, lambda: ("save", wanted) in services.asked, f"{wanted} saved")
        assert not isinstance(app.screen, (AskText, HostForm, PasteHosts))


async def test_steps_are_gone_back_and_forth_by_a_burst(make_app: MakeApp, profile_file: Path) -> None:
    """Each Escape is for the screen that the one before has led to."""
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        await sees(pilot, "Ready to install")
        burst(pilot, "<escape>", "<escape>")
        await comes(pilot, NetworkScreen)
        burst(pilot, "<ctrl+n>")
        await comes(pilot, EtcdScreen)
