"""In the narrowest terminal nothing that matters is cut off; what has to be cut says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from wizard.facts.model import DiskKind
from wizard.ui.app import SlipwayApp
from wizard.ui.draft import blank
from wizard.ui.hostview import login_words
from wizard.ui.screens.etcd import EtcdScreen
from wizard.ui.screens.hosts import HostsScreen
from wizard.ui.screens.network import NetworkScreen
from wizard.ui.screens.review import ReviewScreen
from wizard.ui.session import Step

from .driving import NARROW, comes, press, sees, type_in, words
from .fakes import FakeServices

MakeApp = Callable[..., SlipwayApp]


async def test_what_a_host_is_stands_there_whole(make_app: MakeApp, services: FakeServices, profile_file: Path) -> None:
    """The other columns give what they don't need; a zone that is too long says so."""
    services.disks = dict.fromkeys((f"198.18.0.1{n}" for n in (1, 2, 3)), DiskKind.VIRTUAL)
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        await sees(pilot, "Ready to install")
        app.go(Step.HOSTS)
        await comes(pilot, HostsScreen)
        await sees(pilot, "✓ Debian 12, 2 CPU, 8 GB, virtual disk")
        await press(pilot, "z")
        await type_in(pilot, "-of-the-long-name")
        await press(pilot, "enter")
        await sees(pilot, "rack1-… · not tested")


def test_the_key_that_changes_the_login_is_never_cut_off() -> None:
    draft = blank().typed("ssh.user", "ops").typed("ssh.key", f"/root/.local/state/{'x' * 60}/id_ed25519")
    said = login_words(draft, 72).plain
    assert said.endswith("   l changes it")
    assert len(said) == 72


async def test_a_suggested_vip_is_said_whole(make_app: MakeApp, services: FakeServices, profile_file: Path) -> None:
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        await sees(pilot, "Ready to install")
        app.session.draft = app.session.draft.typed("endpoint.vip", "")
        app.go(Step.NETWORK)
        await comes(pilot, NetworkScreen)
        await sees(pilot, "→ takes 198.18.0.100: no host here has it")


async def test_what_holds_the_way_on_is_said_whole(make_app: MakeApp, profile_file: Path) -> None:
    """Beside the buttons, in as many lines as it takes."""
    app = make_app(profile=profile_file)
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ReviewScreen)
        await sees(pilot, "Ready to install")
        app.go(Step.ETCD)
        await comes(pilot, EtcdScreen)
        app.screen.query_one("#members").focus()
        await press(pilot, "space")
        await sees(pilot, "✗ 2 etcd members need both for every write, so")
        rows = words(pilot).splitlines()
        start = next(number for number, row in enumerate(rows) if row.strip().startswith("✗ 2 etcd") and "Back" in row)
        assert rows[start + 1].strip(), "the rest of the sentence"
