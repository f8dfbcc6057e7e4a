"""The review in the narrowest terminal: what matters is in sight, and the keys are where they are needed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from wizard.errors import Level, Problem, SlipwayError
from wizard.ui.app import SlipwayApp
from wizard.ui.screens.asking import Confirm
from wizard.ui.screens.error import ErrorView
from wizard.ui.screens.hosts import HostsScreen
from wizard.ui.screens.network import NetworkScreen
from wizard.ui.screens.review import Findings, ReviewScreen
from wizard.ui.session import Step
from wizard.ui.widgets.keys import Keys

from .driving import NARROW, comes, press, sees, until, words
from .fakes import FakeServices, sample, write

MakeApp = Callable[..., SlipwayApp]

VIP_TAKEN = Problem(
    "vip.taken",
    Level.ERROR,
    "Somebody answers at 198.18.0.100, the VIP, with a hardware address that none of these hosts has.",
    "Ask the network people for an address that nobody has, on the segment of the masters, and put it in here.",
    "endpoint.vip",
)


def shown(app: SlipwayApp, words: str) -> bool:
    """Tell whether the key with those words is shown as one that does something."""
    return next(key.enabled for key in app.screen.query_one(Keys).keys if key.words == words)


def bars(app: SlipwayApp) -> list[str | None]:
    """Return what has a scroll bar in sight."""
    return [item.id for item in app.screen.query("*") if item.show_vertical_scrollbar and item.region.height]


async def test_an_error_has_the_keys_and_enter_goes_to_its_field(
    make_app: MakeApp, services: FakeServices, profile_file: Path
) -> None:
    """The list has the focus where there is something in it; Install is dim, and says why when it is pressed."""
    services.problems = (VIP_TAKEN,)
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        await sees(pilot, "✗ 1 error in the way of the install")
        await until(pilot, lambda: isinstance(app.focused, Findings), "the keys in the list")
        foot = "⏎ Go to it esc Back ^s Save r Look again i Install ? Help ^q Quit"
        await until(pilot, lambda: foot == " ".join(words(pilot).rpartition("\n")[2].split()), foot)
        assert not shown(app, "Install")
        await press(pilot, "i")
        await sees(pilot, "Held by 1 error: Enter goes where it is mended.")
        await press(pilot, "ctrl+n")
        assert isinstance(app.screen, ReviewScreen)
        await press(pilot, "enter")
        await comes(pilot, NetworkScreen)


async def test_lines_that_wrap_stand_beneath_their_own_beginning(
    make_app: MakeApp, services: FakeServices, profile_file: Path
) -> None:
    """Nothing stands below the mark and the level but the next mark."""
    services.problems = (VIP_TAKEN,)
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        await sees(pilot, "hardware address that none of these hosts has. Ask the network people")
        rows = words(pilot).splitlines()
        first = next(number for number, row in enumerate(rows) if "✗ error" in row)
        column = rows[first].index("Somebody")
        until_next = next(number for number, row in enumerate(rows) if "i info" in row)
        assert until_next - first >= 4, "message and hint take two lines each"
        assert all(row[:column].strip() == "" and row[column] != " " for row in rows[first + 1 : until_next])


async def test_warnings_hold_until_they_are_accepted_and_that_is_said(
    make_app: MakeApp, services: FakeServices, profile_file: Path
) -> None:
    """I says what to do; after w it installs, and the word below is gone."""
    services.problems = (Problem("disk.slow", Level.WARNING, "etcd's disk spins.", "Take an SSD.", host="m3"),)
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        await sees(pilot, "1 warning: read them, then press w")
        await press(pilot, "i")
        await sees(pilot, "Read the 1 warning first, then press w.")
        await press(pilot, "w")
        await sees(pilot, "1 warning accepted.")
        await until(pilot, lambda: "Read the 1 warning" not in words(pilot), "the end of the request")
        assert shown(app, "Install")
        await press(pilot, "i")
        await comes(pilot, Confirm)


async def test_a_look_that_fails_leaves_no_judging_behind(
    make_app: MakeApp, services: FakeServices, profile_file: Path
) -> None:
    """Once the error is closed, the screen says that nothing goes on, and r looks again."""
    services.survey_error = SlipwayError("The SSH key can't be read", hint="Name another one.")
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ErrorView)
        await press(pilot, "escape")
        await comes(pilot, ReviewScreen)
        await sees(pilot, "✗ Not judged: The SSH key can't be read. Press r to look again.")
        await press(pilot, "i")
        await sees(pilot, "Not judged: press r to look again.")
        app.go(Step.HOSTS)
        await comes(pilot, HostsScreen)
        await sees(pilot, "198.18.0.13")
        assert "▸ connect" not in words(pilot)
        app.go(Step.REVIEW)
        await comes(pilot, ErrorView)
        await press(pilot, "escape")
        await comes(pilot, ReviewScreen)
        services.survey_error = None
        await press(pilot, "r")
        await sees(pilot, "press i.")
        assert shown(app, "Install")


@pytest.mark.parametrize("workers", [0, 9])
async def test_what_matters_is_in_sight_without_scrolling(make_app: MakeApp, tmp_path: Path, workers: int) -> None:
    """Count of findings and what the site survives stand on top; the pages have their digits, and one scroll bar."""
    plain = sample()
    hosts = plain["hosts"]
    assert isinstance(hosts, list)
    for n in range(workers):
        hosts.append({"name": f"w{n}", "address": f"198.18.0.5{n}", "roles": ["worker"], "zone": "rack1"})
    write(tmp_path / "site.yaml", plain)
    app = make_app(profile=tmp_path / "site.yaml")
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        await sees(pilot, "Ready to install")
        await sees(pilot, "Survives any 1 of 3 masters, any 1 of 3 etcd members, any 1 of 3 zones.")
        await sees(pilot, "( ) 1 Findings 1 (•) 2 Site ( ) 3 Plan")
        await sees(pilot, "Any 1 of 3 masters may die and the API stays up.")
        await sees(pilot, "Zone rack3 takes 1 of 3 masters and 1 of 3 etcd members: etcd keeps its quorum")
        for page, name in (("2", "Site"), ("3", "Plan"), ("1", "Findings")):
            await press(pilot, page)
            await until(pilot, lambda name=name: app.screen.query_one(f"#{name}").has_focus, f"the keys on {name}")
            await until(pilot, lambda name=name: bars(app) in ([], [name]), f"no bar but that of {name}")
        await press(pilot, "2")
        await until(pilot, lambda: app.screen.query_one("#Site").max_scroll_y > 0, "the picture below")
