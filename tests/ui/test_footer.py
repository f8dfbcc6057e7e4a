"""The keys at the foot of a screen: those that do something now, by mouse as well."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual.widgets import Input

from wizard.ui.app import SlipwayApp
from wizard.ui.screens.etcd import EtcdScreen
from wizard.ui.screens.hosts import HostsScreen
from wizard.ui.screens.network import NetworkScreen
from wizard.ui.screens.review import ReviewScreen
from wizard.ui.session import Step
from wizard.ui.widgets.keys import Keys

from .driving import NARROW, comes, field, press, sees, words

MakeApp = Callable[..., SlipwayApp]


async def test_mouse_presses_the_keys_below(make_app: MakeApp, profile_file: Path) -> None:
    """A key in the footer is shown as one under the pointer, and a click on it presses it."""
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        await sees(pilot, "Ready to install")
        row = words(pilot).splitlines()[-1]
        keys = app.screen.query_one(Keys)
        place = (row.index("Back"), 0)
        await pilot.hover(Keys, place)
        assert keys.under is not None
        assert keys.keys[keys.under].words == "Back"
        await pilot.click(Keys, place)
        await comes(pilot, EtcdScreen)
        await pilot.click(Keys, (row.index("Back"), 0))
        await comes(pilot, NetworkScreen)


async def test_the_keys_below_follow_the_focus(make_app: MakeApp, profile_file: Path) -> None:
    """A letter that a field would take is no key while the field has the focus, and the footer says so."""
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        app.go(Step.HOSTS)
        await comes(pilot, HostsScreen)
        await sees(pilot, "p Paste")
        await press(pilot, "shift+tab")
        assert field(app, "name").query_one(Input).has_focus
        assert "p Paste" not in words(pilot).splitlines()[-1]
        await press(pilot, "tab")
        assert "p Paste" in words(pilot).splitlines()[-1]
