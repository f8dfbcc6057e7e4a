"""Dialogs show their own keys, leave room for their words, and ask for nothing that has no meaning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from wizard.errors import SlipwayError
from wizard.plans.status.model import Drift
from wizard.profile.load import ProfileError
from wizard.profile.load import load as load_profile
from wizard.remote.base import HostKeyUnknown
from wizard.ui.app import SlipwayApp
from wizard.ui.frame import Modal
from wizard.ui.screens.asking import AskChoice, AskText, Confirm
from wizard.ui.screens.deeds import BACK, OUT
from wizard.ui.screens.dialog_form import HostForm, LoginForm
from wizard.ui.screens.diff import DiffView
from wizard.ui.screens.drift import DriftView
from wizard.ui.screens.error import ErrorView, as_text
from wizard.ui.screens.form import Help
from wizard.ui.screens.help import HelpView
from wizard.ui.screens.hosts import HostsScreen
from wizard.ui.screens.keys import HostKeys
from wizard.ui.screens.paste import PasteHosts
from wizard.ui.screens.review import ReviewScreen
from wizard.ui.screens.welcome import WelcomeScreen
from wizard.ui.session import Step
from wizard.ui.widgets.field import Field

from .driving import NARROW, comes, field, in_dialog, press, sees, type_in, until, words

MakeApp = Callable[..., SlipwayApp]


async def at_hosts(pilot: Pilot[int]) -> SlipwayApp:
    """Go to the hosts once the profile is judged, the keys on the table."""
    await comes(pilot, ReviewScreen)
    await sees(pilot, "Ready to install")
    app = pilot.app
    assert isinstance(app, SlipwayApp)
    app.go(Step.HOSTS)
    await comes(pilot, HostsScreen)
    await press(pilot, "tab", "shift+tab")
    app.screen.query_one("#hosts").focus()
    await pilot.pause()
    return app


def foot(pilot: Pilot[int]) -> str:
    """Return the keys that are shown."""
    return words(pilot).rpartition("\n")[2]


UNKNOWN = {"m1": HostKeyUnknown("Not known", fingerprint="SHA256:x", key="", where="m1")}


@pytest.mark.parametrize(
    ("make", "keys"),
    [
        (lambda _app: Confirm("Really?"), "y Yes n No ? Help"),
        (lambda _app: AskText("Which?"), "f1 Help"),
        (lambda _app: AskChoice("Which?", "", ("one", "two")), "? Help"),
        (lambda app: LoginForm(app.session.draft), "tab Next field ^s OK f1 Help"),
        (lambda app: PasteHosts(app.session.draft), "tab Next field ^s Add f1 Help"),
        (lambda _app: DiffView(Path("x"), "+a"), "y Overwrite n No ? Help"),
        (lambda _app: HostKeys(UNKNOWN, {}), "a Accept all shown r Refuse ? Help"),
        (lambda _app: ErrorView(SlipwayError("No"), ways=("save",)), "s Save log c Copy ? Help"),
        (lambda _app: HelpView(()), "? Help"),
        (lambda _app: DriftView(Drift(looked=0.0), 0.0), "? Help"),
    ],
)
async def test_a_dialog_shows_its_own_keys_and_the_way_out(
    make_app: MakeApp, profile_file: Path, make: Callable[[SlipwayApp], Modal[object]], keys: str
) -> None:
    """Below stand the dialog's keys, not those of the step behind it, and all of them; Ctrl+Q leaves from there too."""
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await at_hosts(pilot)
        assert "d Delete" in foot(pilot)
        app.push_screen(make(app))
        await until(pilot, lambda: "esc Close" in foot(pilot), "the dialog's keys")
        assert " ".join(foot(pilot).split()) == f"{keys} esc Close ^q Quit"
        await press(pilot, "ctrl+q")
        await until(pilot, lambda: not app.is_running, "the wizard's end")


@pytest.mark.parametrize("dialog", ["host", "login"])
async def test_the_help_of_every_field_is_shown_whole(make_app: MakeApp, profile_file: Path, dialog: str) -> None:
    """In the narrowest terminal no sentence of help is cut off, and every field can be seen while it has the keys."""
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await at_hosts(pilot)
        await press(pilot, "a" if dialog == "host" else "l")
        await comes(pilot, HostForm if dialog == "host" else LoginForm)
        for item in app.screen.query(Field):
            item.take_focus()
            await until(pilot, lambda item=item: item.has_focus_within, item.spec.path)
            said = app.screen.query_one(Help)
            title = f"{item.spec.label}  {item.spec.help}"
            await until(pilot, lambda said=said, title=title: title in said.content.plain, title)
            whole = " ".join(said.content.plain.split())
            await until(pilot, lambda whole=whole: whole in in_dialog(pilot), whole)
            label = item.spec.label
            await until(pilot, lambda label=label: in_dialog(pilot).count(label) >= 2, "the field in sight as well")


async def test_no_etcd_address_is_asked_for_where_there_is_no_member(make_app: MakeApp, profile_file: Path) -> None:
    """The field goes with the role, and what was typed there holds nothing up and is not kept."""
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await at_hosts(pilot)
        await press(pilot, "a")
        await comes(pilot, HostForm)
        await press(pilot, "tab")
        await type_in(pilot, "198.18.0.51")
        await press(pilot, *["tab"] * 4)
        await type_in(pilot, "10.0.0.999")
        assert field(app, "etcd_ip").problem is not None
        await press(pilot, *["shift+tab"] * 3, "left")
        await sees(pilot, "(•) worker")
        await until(pilot, lambda: not field(app, "etcd_ip").display, "the field's end")
        await until(pilot, lambda: "etcd address" not in words(pilot), "a form without it")
        await press(pilot, "ctrl+s")
        await comes(pilot, HostsScreen)
        assert app.session.draft.hosts[3].to_plain() == {"name": "m4", "address": "198.18.0.51", "roles": ["worker"]}
        app.screen.query_one("#hosts").focus()
        await press(pilot, "e")
        await comes(pilot, HostForm)
        await press(pilot, "tab", "tab", "right")
        await sees(pilot, "etcd address")


async def test_an_error_names_all_that_it_is_made_of(make_app: MakeApp, tmp_path: Path) -> None:
    """A profile with errors that was opened: each with its key, its line and what to do; all of it is copied, too."""
    file = tmp_path / "broken.yaml"
    file.write_text("version: 1\nnmae: x\nhosts: []\nendpoint: {vip: 10.0.0.9, port: 70000}\n", encoding="utf-8")
    with pytest.raises(ProfileError) as caught:
        load_profile(file)
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, WelcomeScreen)
        app.push_screen(ErrorView(caught.value))
        await comes(pilot, ErrorView)
        for said in ("✗ error", "nmae: the profile has no key nmae. (line 2)", "Did you mean name?", "endpoint.port: "):
            await sees(pilot, said)
    copied = as_text(caught.value)
    assert "error: nmae: the profile has no key nmae. (line 2) Did you mean name?" in copied
    assert "endpoint.port" in copied


async def test_a_choice_has_room_for_all_of_its_buttons(make_app: MakeApp) -> None:
    """The longest that the wizard asks, in the narrow terminal."""
    app = make_app()
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, WelcomeScreen)
        app.push_screen(AskChoice("Maintenance of m2", "", (OUT, BACK)))
        await comes(pilot, AskChoice)
        for said in (f"{OUT} (1)", f"{BACK} (2)", "Later (esc)"):
            await sees(pilot, said)
