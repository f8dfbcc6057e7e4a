"""Single steps of the wizard: what they accept, what they hold, where they lead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.events import Paste
from textual.pilot import Pilot

from wizard.errors import Level, Problem
from wizard.profile.rules import check_etcd_size
from wizard.remote.base import LoginRefused
from wizard.ui.app import SlipwayApp
from wizard.ui.screens.asking import Confirm
from wizard.ui.screens.dialog_form import HostForm
from wizard.ui.screens.error import ErrorView
from wizard.ui.screens.etcd import EtcdScreen
from wizard.ui.screens.hosts import HostsScreen
from wizard.ui.screens.keys import HostKeys
from wizard.ui.screens.network import NetworkScreen
from wizard.ui.screens.paste import PasteHosts
from wizard.ui.screens.review import ReviewScreen
from wizard.ui.session import Step
from wizard.ui.widgets.field import Line
from wizard.ui.widgets.picks import Picks

from .driving import NARROW, comes, field, press, sees, type_in, until, words
from .fakes import FakeServices

MakeApp = Callable[..., SlipwayApp]


async def at(pilot: Pilot[int], step: Step, kind: type[Any]) -> None:
    """Go to a step, once the profile is open and judged."""
    await comes(pilot, ReviewScreen)
    await until(pilot, lambda: pilot.app.session.judgement, "the judgement")  # type: ignore[attr-defined]
    pilot.app.go(step)  # type: ignore[attr-defined]
    await comes(pilot, kind)


async def test_five_members_by_adding_two_hosts(make_app: MakeApp, profile_file: Path) -> None:
    """Five members on three masters: the way on is held until two etcd-only hosts are there."""
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await at(pilot, Step.ETCD, EtcdScreen)
        await press(pilot, "right")
        await sees(pilot, "5 members need 5 hosts, and there are 3")
        await press(pilot, "ctrl+n")
        assert isinstance(app.screen, EtcdScreen), "too few hosts hold the way on"
        for number in (1, 2):
            await press(pilot, "ctrl+e")
            await comes(pilot, HostForm)
            assert field(app, "name").text == f"e{number}"
            await press(pilot, "tab")
            await type_in(pilot, f"198.18.0.{20 + number}")
            await press(pilot, "ctrl+s")
            await comes(pilot, EtcdScreen)
        await sees(pilot, "5 members: any 2 may die")
        await press(pilot, "ctrl+n")
        await comes(pilot, ReviewScreen)
        await sees(pilot, "Ready to install on 5 bare hosts")
        assert [host.name for host in app.session.draft.members] == ["m1", "m2", "m3", "e1", "e2"]
        assert [host.name for host in app.session.draft.masters] == ["m1", "m2", "m3"]


async def test_a_worker_is_added_and_never_offered_as_a_member(make_app: MakeApp, profile_file: Path) -> None:
    """By keys alone, in a narrow terminal; seven members still need seven other hosts."""
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await at(pilot, Step.HOSTS, HostsScreen)
        app.screen.query_one("#hosts").focus()
        await press(pilot, "a")
        await comes(pilot, HostForm)
        await press(pilot, "tab")
        await type_in(pilot, "198.18.0.51")
        await press(pilot, "tab", "left")
        await sees(pilot, "(•) worker")
        await press(pilot, "ctrl+s")
        await comes(pilot, HostsScreen)
        await sees(pilot, "3 masters, 3 etcd members, 1 worker")
        app.go(Step.ETCD)
        await comes(pilot, EtcdScreen)
        assert app.screen.query_one("#members", Picks).option_count == 3
        await press(pilot, "right")
        await sees(pilot, "5 members need 5 hosts besides workers, and there are 3")
        await press(pilot, "left", "ctrl+n")
        await comes(pilot, ReviewScreen)
        await sees(pilot, "Ready to install on 4 bare hosts")
        assert [host.roles for host in app.session.draft.hosts][3] == ("worker",)


async def test_an_even_size_picked_by_hand_is_refused(make_app: MakeApp, profile_file: Path) -> None:
    """Taking one member away leaves two: refused in the rule's own words."""
    app = make_app(profile=profile_file)
    said = check_etcd_size(2)
    assert said is not None
    async with app.run_test(size=NARROW) as pilot:
        await at(pilot, Step.ETCD, EtcdScreen)
        await press(pilot, "tab", "space")
        await sees(pilot, said.message)
        await press(pilot, "ctrl+n")
        assert isinstance(app.screen, EtcdScreen)
        await press(pilot, "space")
        await press(pilot, "ctrl+n")
        await comes(pilot, ReviewScreen)


async def test_warnings_have_to_be_accepted(make_app: MakeApp, services: FakeServices, profile_file: Path) -> None:
    """A warning holds the install until w; an info never does."""
    services.problems = (Problem("disk.slow", Level.WARNING, "etcd's disk spins.", "Take an SSD.", host="m3"),)
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        await sees(pilot, "1 warning: read them, then press w")
        await sees(pilot, "m3: etcd's disk spins.")
        await press(pilot, "i")
        assert isinstance(app.screen, ReviewScreen), "nothing is asked before the warning is accepted"
        await press(pilot, "w")
        await sees(pilot, "Ready to install on 3 bare hosts: press i. 1 warning accepted.")
        await press(pilot, "i")
        await comes(pilot, Confirm)


async def test_an_error_holds_and_leads_to_its_field(make_app: MakeApp, profile_file: Path) -> None:
    """Enter on an error goes to the field it is about."""
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await at(pilot, Step.REVIEW, ReviewScreen)
        app.session.draft = app.session.draft.typed("network.pod_cidr", "10.96.0.0/16")
        await press(pilot, "r")
        await sees(pilot, "in the way of the install")
        await press(pilot, "i")
        assert isinstance(app.screen, ReviewScreen)
        await sees(pilot, "Held by 1 error: Enter goes where it is mended.")
        await press(pilot, "enter")
        await comes(pilot, NetworkScreen)
        await until(pilot, lambda: isinstance(app.focused, Line), "the keys in the field")
        assert app.focused is not None
        assert app.focused.value.startswith("10.96.")  # type: ignore[attr-defined]


async def test_refused_keys_are_not_accepted(make_app: MakeApp, services: FakeServices, profile_file: Path) -> None:
    """Escape at the host keys accepts nothing; the hosts stay unknown and the install is held."""
    services.unknown_keys = {"198.18.0.11"}
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, HostKeys)
        await press(pilot, "escape")
        await comes(pilot, ReviewScreen)
        await sees(pilot, "in the way of the install")
        assert not any(item[0] == "accept" for item in services.asked)


async def test_why_a_host_failed(make_app: MakeApp, services: FakeServices, profile_file: Path) -> None:
    """Enter on a host that failed shows why and what to do; r tries again."""
    services.errors = {
        "198.18.0.12": LoginRefused(
            "The login was refused", where="m2", why="No key was accepted", hint="Name another."
        )
    }
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await at(pilot, Step.HOSTS, HostsScreen)
        await sees(pilot, "✗ The login was refused")
        await press(pilot, "down")
        await sees(pilot, "No key was accepted")
        await press(pilot, "enter")
        await comes(pilot, ErrorView)
        services.errors = {}
        await press(pilot, "r")
        await comes(pilot, HostsScreen)
        await until(pilot, lambda: "✗" not in words(pilot), "all hosts answered")


async def test_a_host_is_removed_after_asking(make_app: MakeApp, profile_file: Path) -> None:
    """D asks; only a yes takes the host out of the list."""
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await at(pilot, Step.HOSTS, HostsScreen)
        await press(pilot, "down", "d")
        await comes(pilot, Confirm)
        await press(pilot, "escape")
        await comes(pilot, HostsScreen)
        assert len(app.session.draft.hosts) == 3
        await press(pilot, "d")
        await comes(pilot, Confirm)
        await press(pilot, "y")
        await until(pilot, lambda: [host.name for host in app.session.draft.hosts] == ["m1", "m3"], "two hosts")
        await sees(pilot, "2 masters are not highly available")
        await sees(pilot, "to put right")
        await press(pilot, "ctrl+n")
        assert isinstance(app.screen, HostsScreen)


async def test_a_paste_onto_the_hosts_is_taken_as_hosts(make_app: MakeApp, profile_file: Path) -> None:
    """What the terminal pastes while no field has the keys opens the dialog with it."""
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await at(pilot, Step.HOSTS, HostsScreen)
        app.post_message(Paste("198.18.0.21\n198.18.0.22\n"))
        await comes(pilot, PasteHosts)
        await sees(pilot, "2 new hosts: m4 198.18.0.21, m5 198.18.0.22")
        await press(pilot, "ctrl+s")
        await comes(pilot, HostsScreen)
        assert len(app.session.draft.hosts) == 5


async def test_a_changed_host_is_looked_at_again(make_app: MakeApp, services: FakeServices, profile_file: Path) -> None:
    """A look counts only for the hosts as they were: after a change the review looks anew."""
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await at(pilot, Step.HOSTS, HostsScreen)
        looks = sum(item[0] == "survey" for item in services.asked)
        await press(pilot, "e")
        await comes(pilot, HostForm)
        await press(pilot, "tab", "backspace", "9", "ctrl+s")
        await comes(pilot, HostsScreen)
        await sees(pilot, "not tested")
        app.go(Step.REVIEW)
        await comes(pilot, ReviewScreen)
        await sees(pilot, "Ready to install")
        assert sum(item[0] == "survey" for item in services.asked) == looks + 1
        assert services.asked[-1] == ("survey", ("198.18.0.19", "198.18.0.12", "198.18.0.13"))


async def test_hosts_that_are_left_are_not_drawn_anew(make_app: MakeApp, profile_file: Path) -> None:
    """A change of size, or news of the hosts, may come to a screen whose table is gone already; that is no crash."""
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await at(pilot, Step.HOSTS, HostsScreen)
        screen = app.screen
        assert isinstance(screen, HostsScreen)
        await screen.table.remove()
        screen.draw_anew()
        screen.looked()


async def test_markup_in_names_is_shown_as_it_is(make_app: MakeApp, profile_file: Path) -> None:
    """Brackets that a person or a host's error puts into a text are no markup."""
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await at(pilot, Step.HOSTS, HostsScreen)
        # What the screen's own fields say of their first values is heard before the draft is changed behind them.
        await pilot.pause()
        draft = app.session.draft
        app.session.draft = draft.typed("name", "[red]x[/]").typed("ssh.user", "[b]u")
        app.go(Step.HOSTS)
        await sees(pilot, "[red]x[/]")
        await sees(pilot, "Login [b]u")
