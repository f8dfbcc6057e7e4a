"""Whom we speak to: unknown, known, pinned and changed host keys."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from tests.ssh.server import Server
from wizard.errors import UsageError
from wizard.remote.base import Command, HostKeyChanged, HostKeyUnknown
from wizard.remote.ssh import SshConnector


@pytest.fixture
def target(server, key_file):
    return server.target(key_file)


@pytest.fixture
def known_hosts(tmp_path) -> Path:
    return tmp_path / "state" / "known_hosts"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_first_sight_is_refused_and_can_be_accepted(connector, target, server, known_hosts):
    with pytest.raises(HostKeyUnknown) as caught:
        await connector.connect(target)
    unknown = caught.value
    assert unknown.where == "m1"
    assert unknown.fingerprint == server.fingerprint
    assert server.fingerprint in str(unknown)
    assert unknown.key.startswith(f"[127.0.0.1]:{server.port} ssh-ed25519 ")
    assert not known_hosts.exists()
    connector.accept(target, unknown.key)
    assert mode(known_hosts) == 0o600
    assert mode(known_hosts.parent) == 0o700
    assert (await (await connector.connect(target)).run(Command("echo in"))).text == "in\n"
    await SshConnector(known_hosts).connect(target)


async def test_a_key_of_another_host_is_not_recorded(connector, target, known_hosts):
    with pytest.raises(UsageError):
        connector.accept(target, "[192.0.2.1]:22 ssh-ed25519 AAAA")
    assert not known_hosts.exists()


async def test_a_person_is_asked_and_says_yes_or_no(known_hosts, target):
    asked = []

    def connector(answer: bool) -> SshConnector:
        async def confirm(unknown: HostKeyUnknown) -> bool:
            asked.append(unknown.fingerprint)
            return answer

        return SshConnector(known_hosts, confirm=confirm)

    with pytest.raises(HostKeyUnknown):
        await connector(False).connect(target)
    assert not known_hosts.exists()
    await connector(True).connect(target)
    await connector(False).connect(target)
    assert len(asked) == 2


async def test_a_changed_key_stops_and_nobody_is_asked(known_hosts, target, server, key, tmp_path):
    first = SshConnector(known_hosts)
    with pytest.raises(HostKeyUnknown) as caught:
        await first.connect(target)
    first.accept(target, caught.value.key)
    before = known_hosts.read_text()

    async def confirm(unknown):
        raise AssertionError("a changed key is never a question")

    async with Server(tmp_path / "other", authorized=[key.convert_to_public()]).listening() as impostor:
        # The same address and port as on record, another key.
        line = f"[127.0.0.1]:{impostor.port} {before.split(' ', 1)[1]}"
        known_hosts.write_text(before + line)
        changed = replace(target, port=impostor.port)
        with pytest.raises(HostKeyChanged) as stopped:
            await SshConnector(known_hosts, confirm=confirm).connect(changed)
        assert stopped.value.fingerprint == impostor.fingerprint
        assert server.fingerprint in stopped.value.why
        assert "profile" in stopped.value.hint
        assert known_hosts.read_text() == before + line
        # The way out: the new fingerprint in the profile; from then on it is the one on record.
        await SshConnector(known_hosts).connect(replace(changed, fingerprint=impostor.fingerprint))
        await SshConnector(known_hosts).connect(changed)
        assert known_hosts.read_text().count(f":{impostor.port} ") == 1
        assert before.strip() in known_hosts.read_text()


async def test_a_pin_that_does_not_fit_stops(connector, target):
    wrong = asyncssh.generate_private_key("ssh-ed25519").get_fingerprint()
    with pytest.raises(HostKeyChanged, match="the profile has") as caught:
        await connector.connect(replace(target, fingerprint=wrong))
    assert wrong in caught.value.why


@pytest.mark.parametrize("kind", ["ecdsa-sha2-nistp256", "ssh-rsa"])
async def test_the_pin_may_be_of_any_of_the_hosts_keys(tmp_path, key, key_file, known_hosts, kind):
    other = asyncssh.generate_private_key(kind)
    async with Server(tmp_path, authorized=[key.convert_to_public()], more_host_keys=(other,)).listening() as server:
        target = server.target(key_file, fingerprint=other.get_fingerprint())
        await SshConnector(known_hosts).connect(target)
        # On record is now the pinned kind; without a pin the host is asked for that one.
        await SshConnector(known_hosts).connect(replace(target, fingerprint=""))


async def test_a_revoked_key_stops(connector, target, server, known_hosts):
    known_hosts.parent.mkdir()
    line = server.host_key.export_public_key().decode()
    known_hosts.write_text(f"@revoked * {line}")
    with pytest.raises(HostKeyChanged, match="revoked"):
        await connector.connect(target)


async def test_a_broken_file_is_told(connector, target, known_hosts):
    known_hosts.parent.mkdir()
    known_hosts.write_bytes(b"\xff\xfe broken")
    with pytest.raises(UsageError, match="known_hosts") as caught:
        await connector.connect(target)
    assert caught.value.where == str(known_hosts)
