"""Keys seen for the first time: whose they are is told truly, and behind a jump host they come in two rounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wizard.facts.model import Survey
from wizard.profile.model import Profile
from wizard.remote.base import HostKeyUnknown
from wizard.ui.app import SlipwayApp
from wizard.ui.screens.keys import HostKeys
from wizard.ui.screens.review import ReviewScreen
from wizard.ui.services import AskSecret, HostLook

from .driving import NARROW, comes, press, sees, words
from .fakes import FakeServices, sample, write


@dataclass
class BehindABastion(FakeServices):
    """Hosts that are reached through a bastion whose key is unknown as well: it is seen on the way to each of them."""

    bastion_known: bool = False

    async def survey(self, profile: Profile, ask: AskSecret, seen: Callable[[HostLook], None]) -> Survey:
        """Fail at the bastion for every host while its key is unknown."""
        if self.bastion_known:
            return await super().survey(profile, ask, seen)
        key, line = "SHA256:bastion", "[bastion.example]:2222 ssh-ed25519 AAAA"
        error = HostKeyUnknown("Its key is not known yet", fingerprint=key, key=line, where="bastion.example")
        return Survey(failures={host.name: error for host in profile.hosts})

    async def accept_keys(self, profile: Profile, hosts: tuple[str, ...]) -> None:
        """Know the bastion first, then the hosts."""
        if self.bastion_known:
            await super().accept_keys(profile, hosts)
        self.bastion_known = True


async def test_a_bastions_key_is_shown_once_as_its_own_and_the_hosts_keys_after_it(tmp_path):
    services = BehindABastion(folder=tmp_path, unknown_keys={f"198.18.0.1{n}" for n in (1, 2, 3)})
    write(tmp_path / "site.yaml", sample())
    app = SlipwayApp(services, profile=tmp_path / "site.yaml")
    async with app.run_test(size=NARROW) as pilot:
        first = await comes(pilot, HostKeys)
        assert list(first.unknown) == ["bastion.example"]
        await sees(pilot, "[bastion.example]:2222")
        assert words(pilot).count("SHA256:bastion") == 1
        assert "198.18.0.11" not in words(pilot), "it is not that host's key"
        await press(pilot, "a")
        await sees(pilot, "SHA256:m1m1")
        second = await comes(pilot, HostKeys)
        assert list(second.unknown) == ["m1", "m2", "m3"]
        await sees(pilot, "198.18.0.11")
        await press(pilot, "a")
        await comes(pilot, ReviewScreen)
        await sees(pilot, "Ready to install on 3 bare hosts")
