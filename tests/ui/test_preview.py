"""What an install would do is said before it is begun: on bare hosts, on a cluster that grows, on one that is well."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from wizard.errors import Level, Problem, SlipwayError
from wizard.plans.preview import Preview
from wizard.profile.model import Profile
from wizard.ui.app import SlipwayApp
from wizard.ui.draft import blank
from wizard.ui.planview import plan_words
from wizard.ui.previewview import deed, question, tally
from wizard.ui.screens.asking import Confirm
from wizard.ui.screens.review import ReviewScreen
from wizard.ui.session import Judgement

from .driving import NARROW, comes, in_dialog, press, sees, words
from .fakes import FakeServices, bigger, plan, sample

MakeApp = Callable[..., SlipwayApp]

PLAN = plan(Profile.model_validate(sample()))
NEW = frozenset({"m3/packages", "m3/etcd", "m1/haproxy", "cluster/objects"})


@pytest.mark.parametrize(
    ("preview", "said", "asked"),
    [
        (None, "Ready to install on 3 hosts", "Install on 3 hosts?"),
        (Preview(new=("m1", "m2", "m3")), "Ready to install on 3 bare hosts", "Install on 3 bare hosts?"),
        (Preview(changing=NEW), "Ready to go on with the install of c", "Go on with the install of c?"),
        (Preview(True, ("w1",), changing=NEW), "Adds w1 to c", "Add w1 to c?"),
        (Preview(True, ("w1",), ("m3",), NEW), "Adds w1 to c and takes m3 out", "Add w1 to c and take m3 out?"),
        (Preview(True, (), ("m3",), NEW), "Takes m3 out of c", "Take m3 out of c?"),
        (Preview(True, changing=NEW), "Changes c", "Change c?"),
        (
            Preview(True, changing=frozenset()),
            "Nothing to change: c is as this profile says",
            "Run the install all the same?",
        ),
    ],
)
def test_it_is_said_what_is_new(preview: Preview | None, said: str, asked: str) -> None:
    assert deed(preview, "c", 3) == said
    assert question(preview, PLAN, "c", ("m1", "m2", "m3")).title == asked


def test_who_can_not_be_looked_at_is_said_and_never_nothing_to_change() -> None:
    blind = Preview(True, changing=frozenset(), unseen=("m3",))
    assert deed(blind, "c", 3) == "No change seen; m3 could not be looked at"
    assert tally(blind, PLAN) == f"0 of {len(PLAN.steps)} steps would change something. m3 could not be looked at."


def test_many_hosts_are_counted_and_not_named() -> None:
    many = tuple(f"w{number}" for number in range(40))
    assert deed(Preview(True, many, changing=NEW), "c", 43) == "Adds 40 hosts to c"


def test_the_plan_names_what_would_change_alone() -> None:
    """Each with the hosts on which it would; no line is wider than there is room."""
    said = plan_words(Judgement(blank(), (), PLAN, Preview(True, ("m3",), changing=NEW)), 76).plain
    assert f"4 of {len(PLAN.steps)} steps would change something: 2 on m1 and 2 on m3." in " ".join(said.split())
    rows = {row.strip().rpartition("  ")[0].strip(): row.rpartition("  ")[2].strip() for row in said.splitlines()}
    assert rows["Packages of the distribution"] == "m3"
    assert rows["haproxy"] == "m1"
    assert "keepalived" not in said
    assert max(map(len, said.splitlines())) <= 76


async def test_a_worker_more_is_said_in_verdict_plan_and_question(
    make_app: MakeApp, services: FakeServices, profile_file: Path
) -> None:
    services.seen_before = Preview(True, ("w1",), changing=NEW)
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        await sees(pilot, "✓ Adds w1 to site-a: press i.")
        await press(pilot, "3")
        await sees(pilot, "would change something")
        await press(pilot, "i")
        await comes(pilot, Confirm)
        said = in_dialog(pilot)
        assert said.startswith("Add w1 to site-a?")
        assert "2 on m1 and 2 on m3. What is as wanted is left alone." in said
        assert "Packages, units and files" not in said


async def test_a_cluster_that_is_as_it_should_be_is_told_so(
    make_app: MakeApp, services: FakeServices, profile_file: Path
) -> None:
    """What is merely told is no problem either."""
    services.seen_before = Preview(True, changing=frozenset())
    services.problems = (Problem("x", Level.INFO, "Worth knowing."),)
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        await sees(pilot, "✓ Nothing to change: site-a is as this profile says.")
        await sees(pilot, "1 Findings 2")
        assert "Ready to install" not in words(pilot)


async def test_a_preview_that_fails_holds_nothing_up(
    make_app: MakeApp, services: FakeServices, profile_file: Path
) -> None:
    services.preview_error = SlipwayError("The keys of this cluster are not here")
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        await sees(pilot, "Ready to install on 3 hosts")
        await press(pilot, "3")
        await sees(pilot, "The keys of this cluster are not here")


async def test_hosts_that_leave_are_in_the_question(
    make_app: MakeApp, services: FakeServices, profile_file: Path
) -> None:
    services.before = bigger()
    services.seen_before = Preview(True, (), ("e1", "w1"), NEW)
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        await sees(pilot, "in the way of the install")
        await press(pilot, "x")
        await sees(pilot, "Take 2 hosts out of site-a?")
        await press(pilot, *"site-a", "enter")
        await sees(pilot, "Takes e1 and w1 out of site-a")
        await press(pilot, "i")
        await comes(pilot, Confirm)
        assert in_dialog(pilot).startswith("Take e1 and w1 out of site-a?")
        assert app.focused is not None
        assert app.focused.id == "no"
