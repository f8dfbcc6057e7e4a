"""Hosts that the profile names no more leave the cluster once a person has said so, and no others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from wizard.profile.model import Profile
from wizard.ui.app import SlipwayApp
from wizard.ui.screens.asking import Confirm
from wizard.ui.screens.done import DoneScreen
from wizard.ui.screens.removal import TakeOut
from wizard.ui.screens.review import ReviewScreen
from wizard.ui.session import Step
from wizard.ui.widgets.keys import Keys

from .driving import NARROW, comes, in_dialog, press, sees, type_in, until, words
from .fakes import FakeServices, bigger, sample

MakeApp = Callable[..., SlipwayApp]


def offered(app: SlipwayApp) -> bool:
    """Tell whether the key that takes hosts out is shown."""
    return any(key.words == "Take out" for key in app.screen.query_one(Keys).keys)


async def test_hosts_leave_once_the_cluster_was_named(
    make_app: MakeApp, services: FakeServices, profile_file: Path
) -> None:
    """They hold the install; x tells what is lost and wants the name; then it is asked once more, and they go along."""
    services.before = bigger()
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        await sees(pilot, "✗ 2 errors in the way of the install")
        await sees(pilot, "If that is meant, press x. Otherwise Enter goes to the hosts: add it again.")
        await press(pilot, "i")
        await sees(pilot, "Held: 2 hosts would leave. Is that meant? Press x.")
        await press(pilot, "x")
        await comes(pilot, TakeOut)
        await sees(pilot, "Take 2 hosts out of site-a?")
        await sees(pilot, "e1 is in the cluster and not in this profile any more. Its etcd member is removed")
        await sees(pilot, "w1 is in the cluster and not in this profile any more. Its Pods move to other nodes")
        await sees(pilot, "all it holds is destroyed")
        await press(pilot, "enter")
        await sees(pilot, "That is not the cluster's name. Nothing leaves.")
        await type_in(pilot, "site-a")
        await press(pilot, "enter")
        await sees(pilot, "Ready to install on 3 bare hosts: press i. 2 warnings accepted.")
        assert not offered(app)
        await press(pilot, "i")
        await comes(pilot, Confirm)
        await until(pilot, lambda: "e1 and w1 leave the cluster for good." in in_dialog(pilot), "who leaves")
        await press(pilot, "y")
        await comes(pilot, DoneScreen)
    assert [asked for asked in services.asked if asked[0] == "start"] == [("start", "site-a", "e1", "w1")]


async def test_nothing_leaves_without_the_name(make_app: MakeApp, services: FakeServices, profile_file: Path) -> None:
    """Escape leaves the errors where they are, and another name too."""
    services.before = bigger()
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        await sees(pilot, "2 errors in the way")
        await press(pilot, "x")
        await comes(pilot, TakeOut)
        await type_in(pilot, "site-b")
        await press(pilot, "enter")
        await comes(pilot, TakeOut)
        await press(pilot, "escape")
        await comes(pilot, ReviewScreen)
        await until(pilot, lambda: offered(app), "the key")
        assert app.session.out == frozenset()
        assert "2 errors in the way" in words(pilot)


async def test_a_yes_is_for_the_hosts_that_were_named(
    make_app: MakeApp, services: FakeServices, profile_file: Path
) -> None:
    """A further host that leaves is asked about again; one that is named again doesn't leave."""
    services.before = bigger()
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        await sees(pilot, "2 errors in the way")
        await press(pilot, "x")
        await comes(pilot, TakeOut)
        await type_in(pilot, "site-a")
        await press(pilot, "enter")
        await sees(pilot, "Ready to install")
        plain = bigger().model_dump(mode="json", exclude_none=True)
        plain["hosts"].append({"name": "w2", "address": "198.18.0.32", "roles": ["worker"], "zone": "rack2"})
        services.before = Profile.model_validate(plain)
        await press(pilot, "r")
        await sees(pilot, "3 errors in the way")
        await press(pilot, "x")
        await comes(pilot, TakeOut)
        await sees(pilot, "Take 3 hosts out of site-a?")
        await press(pilot, "escape")
        services.before = Profile.model_validate(sample())
        app.go(Step.REVIEW)
        await press(pilot, "r")
        await sees(pilot, "Ready to install on 3 bare hosts: press i.")
        assert app.session.taken_out() == ()
