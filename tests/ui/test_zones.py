"""Zones: seen and set at the hosts, and said in the review, one by one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from wizard.ui.app import SlipwayApp
from wizard.ui.screens.asking import AskText
from wizard.ui.screens.hosts import HostsScreen
from wizard.ui.screens.paste import PasteHosts
from wizard.ui.screens.review import ReviewScreen

from .driving import NARROW, comes, in_dialog, press, sees, type_in, until, words
from .fakes import sample, write
from .test_dialogs import at_hosts

MakeApp = Callable[..., SlipwayApp]


async def test_a_hosts_zone_is_set_by_one_key(make_app: MakeApp, profile_file: Path) -> None:
    """Z asks for it, with the zones there are; what can't be one is said and not taken."""
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await at_hosts(pilot)
        await sees(pilot, "Zones rack1: m1, rack2: m2, rack3: m3 z sets a host's")
        await press(pilot, "down", "z")
        await comes(pilot, AskText)
        await sees(pilot, "Zone of m2")
        await until(pilot, lambda: "Zones so far: rack1, rack2, rack3." in in_dialog(pilot), "the zones there are")
        await press(pilot, *["backspace"] * 5, "a", "space", "b", "enter")
        await comes(pilot, AskText)
        await until(pilot, lambda: "✗" in in_dialog(pilot), "the rule")
        await press(pilot, *["backspace"] * 3)
        await type_in(pilot, "rack1")
        await press(pilot, "enter")
        await comes(pilot, HostsScreen)
        await sees(pilot, "Zones rack1: m1 m2, rack3: m3")
        await sees(pilot, "Zone rack1 holds 2 of 3 etcd members (m1 and m2)")
        assert [host.text("zone") for host in app.session.draft.hosts] == ["rack1", "rack1", "rack3"]


async def test_pasted_hosts_stand_in_the_zone_given_with_them(make_app: MakeApp, profile_file: Path) -> None:
    """A rack is pasted at a time."""
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await at_hosts(pilot)
        await press(pilot, "p")
        await comes(pilot, PasteHosts)
        await type_in(pilot, "198.18.0.21-22")
        await press(pilot, "tab", "left", "tab")
        await type_in(pilot, "rack2")
        await press(pilot, "enter")
        await comes(pilot, HostsScreen)
        await sees(pilot, "rack2: m2 w1 w2")
        assert [host.text("zone") for host in app.session.draft.hosts[3:]] == ["rack2", "rack2"]


async def test_the_review_says_what_goes_with_each_zone(make_app: MakeApp, tmp_path: Path) -> None:
    """Two masters in one rack: its death stops the cluster, which is warned of, and the other's doesn't."""
    plain = sample()
    hosts = plain["hosts"]
    assert isinstance(hosts, list)
    hosts[1]["zone"] = "rack1"
    hosts.append({"name": "w1", "address": "198.18.0.21", "roles": ["worker"], "zone": "rack3"})
    write(tmp_path / "site.yaml", plain)
    app = make_app(profile=tmp_path / "site.yaml")
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        await sees(pilot, "1 warning: read them, then press w")
        await sees(pilot, "Zone rack1 holds 2 of 3 etcd members (m1 and m2): when it dies, 1 is left and 2 are needed")
        await sees(pilot, "Survives any 1 of 3 masters, any 1 of 3 etcd members, not the loss of rack1.")
        await press(pilot, "2")
        await sees(
            pilot,
            "✗ Zone rack1 takes 2 of 3 masters and 2 of 3 etcd members: etcd loses its quorum (1 left, 2 needed), so "
            "the API stops.",
        )
        await sees(
            pilot,
            "✓ Zone rack3 takes 1 of 3 masters, 1 of 3 etcd members and 1 of 1 worker: etcd keeps its quorum (2 left, "
            "2 needed), the API stays up; no worker is left for ordinary Pods.",
        )
        assert "When a zone dies" in words(pilot)
