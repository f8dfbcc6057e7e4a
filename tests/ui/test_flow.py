"""The whole way through the wizard, by keys alone, on fake services."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual.widgets import Static

from wizard.profile.model import Profile
from wizard.profile.rules import check_field
from wizard.ui.app import SlipwayApp
from wizard.ui.screens.asking import AskSecretText, AskText, Confirm
from wizard.ui.screens.dialog_form import HostForm, LoginForm
from wizard.ui.screens.diff import DiffView
from wizard.ui.screens.done import DoneScreen
from wizard.ui.screens.error import ErrorView
from wizard.ui.screens.etcd import EtcdScreen
from wizard.ui.screens.hosts import HostsScreen
from wizard.ui.screens.keys import HostKeys
from wizard.ui.screens.network import NetworkScreen
from wizard.ui.screens.paste import PasteHosts
from wizard.ui.screens.practice import PracticeScreen
from wizard.ui.screens.review import ReviewScreen
from wizard.ui.screens.unsaved import Unsaved
from wizard.ui.screens.welcome import WelcomeScreen

from .driving import NARROW, comes, field, press, sees, type_in, until, words
from .fakes import FakeServices, read

MakeApp = Callable[..., SlipwayApp]


async def test_new_site_by_keys_alone(make_app: MakeApp, services: FakeServices) -> None:
    """From New to Done, typing everything: paste, login, keys, sudo password, VIP, install."""
    services.unknown_keys = {"198.18.0.11", "198.18.0.12", "198.18.0.13"}
    services.sudo_password = "open sesame"
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, WelcomeScreen)
        await press(pilot, "n")
        await comes(pilot, HostsScreen)
        await type_in(pilot, "site-a")
        await press(pilot, "tab", "p")
        await comes(pilot, PasteHosts)
        await type_in(pilot, "198.18.0.11-13")
        await sees(pilot, "3 new hosts: m1 198.18.0.11")
        await press(pilot, "ctrl+s")
        await comes(pilot, HostsScreen)
        assert [host.name for host in app.session.draft.hosts] == ["m1", "m2", "m3"]

        await press(pilot, "l")
        await comes(pilot, LoginForm)
        await type_in(pilot, "admin")
        await press(pilot, "ctrl+s")
        await comes(pilot, HostsScreen)
        assert app.session.draft.text("ssh.user") == "admin"

        await press(pilot, "t")
        first = await comes(pilot, AskSecretText)
        await type_in(pilot, "wrong")
        assert "wrong" not in words(pilot)
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(app.screen, AskSecretText) and app.screen is not first, "a second prompt")
        await type_in(pilot, "open sesame")
        await press(pilot, "enter")
        await comes(pilot, HostKeys)
        await sees(pilot, "SHA256:")
        await press(pilot, "a")
        await comes(pilot, HostsScreen)
        await sees(pilot, "✓ Debian 12, 2 CPU, 8 GB, SSD")
        assert ("accept", ("m1", "m2", "m3")) in services.asked

        await press(pilot, "ctrl+n")
        await comes(pilot, NetworkScreen)
        await press(pilot, "right")
        assert app.session.draft.text("endpoint.vip") == "198.18.0.100", "the suggestion is taken by one key"
        await press(pilot, "ctrl+n")
        await comes(pilot, EtcdScreen)
        await press(pilot, "ctrl+n")
        await comes(pilot, ReviewScreen)
        await sees(pilot, "Ready to install on 3 bare hosts")
        await press(pilot, "i")
        await comes(pilot, Confirm)
        await sees(pilot, "Install on 3 bare hosts?")
        assert not any(item[0] == "start" for item in services.asked), "nothing starts before the answer"
        await press(pilot, "y")
        await comes(pilot, DoneScreen)
        await sees(pilot, "/root/.local/state/slipway/site-a/admin.conf")
        await sees(pilot, "Any 1 of 3 masters may die")

    applied = services.applied
    assert applied is not None
    wanted = {
        "name": "site-a",
        "kubernetes": applied.kubernetes,
        "ssh": {"user": "admin"},
        "hosts": [{"name": f"m{n}", "address": f"198.18.0.1{n}"} for n in (1, 2, 3)],
        "endpoint": {"vip": "198.18.0.100"},
    }
    assert applied == Profile.model_validate(wanted)


async def test_one_host_by_its_form(make_app: MakeApp) -> None:
    """A host is typed field by field; its roles are chosen with the arrow keys."""
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, WelcomeScreen)
        await press(pilot, "n")
        await comes(pilot, HostsScreen)
        await press(pilot, *"s", "tab", "a")
        await comes(pilot, HostForm)
        await press(pilot, "tab")
        await type_in(pilot, "198.18.0.11")
        await press(pilot, "tab", "right", "tab")
        await type_in(pilot, "rack-1")
        await press(pilot, "ctrl+s")
        await comes(pilot, HostsScreen)
        (host,) = app.session.draft.hosts
        assert host.to_plain() == {"name": "m1", "address": "198.18.0.11", "zone": "rack-1", "roles": ["master"]}


async def test_a_host_that_is_there_already_is_refused_while_typing(make_app: MakeApp, profile_file: Path) -> None:
    """The form of a new host knows the others: an address that is taken is said at once and holds the form."""
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        await press(pilot, "escape")
        await comes(pilot, EtcdScreen)
        await press(pilot, "escape")
        await comes(pilot, NetworkScreen)
        await press(pilot, "escape")
        await comes(pilot, HostsScreen)
        await press(pilot, "a")
        await comes(pilot, HostForm)
        await press(pilot, "tab")
        await type_in(pilot, "198.18.0.12")
        await sees(pilot, "198.18.0.12 is an address of m2 and m4")
        await press(pilot, "ctrl+s")
        assert isinstance(app.screen, HostForm), "an error holds the form"
        await press(pilot, "escape")
        await comes(pilot, HostsScreen)
        assert len(app.session.draft.hosts) == 3


async def test_back_and_forth_keeps_what_was_typed(make_app: MakeApp) -> None:
    """Going back to the hosts and forth again loses nothing, not even a half-typed address."""
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, WelcomeScreen)
        await press(pilot, "n")
        await comes(pilot, HostsScreen)
        await press(pilot, *"site-a", "tab", "p")
        await comes(pilot, PasteHosts)
        await type_in(pilot, "198.18.0.11-13")
        await press(pilot, "ctrl+s")
        await comes(pilot, HostsScreen)
        await press(pilot, "ctrl+n")
        await comes(pilot, NetworkScreen)
        await type_in(pilot, "198.18.0.")
        await press(pilot, "escape")
        await comes(pilot, HostsScreen)
        assert field(app, "name").text == "site-a"
        await press(pilot, "ctrl+n")
        await comes(pilot, NetworkScreen)
        assert field(app, "endpoint.vip").text == "198.18.0."


async def test_the_rules_own_words_while_typing(make_app: MakeApp, profile_file: Path) -> None:
    """A VIP that is a host's address is refused beneath the field, in the rule's words, and holds the way on."""
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        await press(pilot, "escape")
        await comes(pilot, EtcdScreen)
        await press(pilot, "escape")
        await comes(pilot, NetworkScreen)
        await press(pilot, "backspace", "backspace", "backspace", "1", "1")
        shown = field(app, "endpoint.vip")
        said = check_field("endpoint.vip", "198.18.0.11", app.session.draft.to_plain())
        assert said is not None
        text = str(shown.query_one(".problem", Static).content)
        assert said.message in text
        assert said.hint in text
        await press(pilot, "ctrl+n")
        assert isinstance(app.screen, NetworkScreen), "an error holds the way on"
        await press(pilot, "backspace", "backspace", "1", "0", "0")
        assert shown.problem is None
        await press(pilot, "ctrl+n")
        await comes(pilot, EtcdScreen)


async def test_a_ready_profile_opens_at_the_review(make_app: MakeApp, profile_file: Path) -> None:
    """With a profile given, the hosts are looked at and the review says whether the install may begin."""
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        await sees(pilot, "Ready to install on 3 bare hosts")
        assert app.session.judgement is not None
        assert app.session.judgement.plan is not None


async def test_a_missing_profile_is_one_clear_error(make_app: MakeApp, tmp_path: Path) -> None:
    """A path without a file gives the error view and leaves the welcome usable."""
    app = make_app(profile=tmp_path / "nowhere.yaml")
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ErrorView)
        await sees(pilot, "There is no such profile")
        await press(pilot, "escape")
        await comes(pilot, WelcomeScreen)


async def test_saving_shows_the_diff_before_it_overwrites(
    make_app: MakeApp, services: FakeServices, profile_file: Path
) -> None:
    """Ctrl+S asks for the path, shows what would change, and writes only after the yes."""
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        app.session.draft = app.session.draft.typed("endpoint.vip", "198.18.0.101")
        assert app.session.unsaved
        app.changed()
        await sees(pilot, "site-a *")
        await press(pilot, "ctrl+s")
        await comes(pilot, AskText)
        await press(pilot, "enter")
        await comes(pilot, DiffView)
        assert not any(item[0] == "save" for item in services.asked)
        await press(pilot, "y")
        await until(pilot, lambda: services.asked[-1] == ("save", profile_file), "the save")
        await until(pilot, lambda: not app.session.unsaved, "nothing left to save")
        await until(pilot, lambda: "site-a *" not in words(pilot), "the mark of what is not saved to go")
    endpoint = read(profile_file)["endpoint"]
    assert isinstance(endpoint, dict)
    assert endpoint["vip"] == "198.18.0.101"


async def test_what_no_profile_can_hold_is_not_saved(make_app: MakeApp, profile_file: Path) -> None:
    """A draft with a port that is no number can't be saved; the error names the field."""
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        app.session.draft = app.session.draft.typed("endpoint.port", "64x")
        await press(pilot, "ctrl+s")
        await comes(pilot, ErrorView)
        await sees(pilot, "endpoint.port")


async def test_leaving_with_unsaved_changes_asks(make_app: MakeApp, profile_file: Path) -> None:
    """Ctrl+Q asks first; no stays, yes leaves."""
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        app.session.draft = app.session.draft.typed("endpoint.vip", "198.18.0.101")
        await press(pilot, "ctrl+q")
        await comes(pilot, Unsaved)
        await sees(pilot, "Leave site-a without saving?")
        await press(pilot, "n")
        await comes(pilot, ReviewScreen)
        await press(pilot, "ctrl+q")
        await comes(pilot, Unsaved)
        await press(pilot, "y")
    assert app.return_value == 0


async def test_practice_leads_to_a_ready_profile(make_app: MakeApp) -> None:
    """Practice starts hosts and opens the profile written for them at the review."""
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, WelcomeScreen)
        await press(pilot, "p")
        await comes(pilot, PracticeScreen)
        await press(pilot, "tab", "enter")
        await comes(pilot, Confirm)
        await press(pilot, "y")
        await comes(pilot, ReviewScreen)
        assert app.session.draft.name == "practice"


async def test_mouse_goes_back_by_the_trail(make_app: MakeApp, profile_file: Path) -> None:
    """A click on a step that was open before goes there."""
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        await pilot.click(app.screen.query(".stop.-past").first())
        await comes(pilot, HostsScreen)
