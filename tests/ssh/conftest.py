from __future__ import annotations

from pathlib import Path

import asyncssh
import pytest

from tests.ssh.server import Server, install_fake_sudo
from wizard.remote.base import Target
from wizard.remote.ssh import SshConnector


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """No test sees the person's own keys, agent or settings."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    (tmp_path / "home" / ".ssh").mkdir(parents=True)
    return tmp_path / "home"


@pytest.fixture
def key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519", comment="engineer@jump")


@pytest.fixture
def key_file(tmp_path, key) -> Path:
    path = tmp_path / "id"
    key.write_private_key(path)
    path.chmod(0o600)
    return path


@pytest.fixture
async def server(tmp_path, key):
    install_fake_sudo(tmp_path / "server")
    async with Server(tmp_path / "server", authorized=[key.convert_to_public()]).listening() as server:
        yield server


@pytest.fixture
def target(server, key_file) -> Target:
    """The server as a target whose host key is pinned; the login is root's."""
    return server.target(key_file, fingerprint=server.fingerprint)


@pytest.fixture(autouse=True)
async def _closed(monkeypatch):
    """Whatever connectors a test makes, none of their connections outlives its loop."""
    made: list[SshConnector] = []
    make = SshConnector.__init__

    def noted(self: SshConnector, *args, **more) -> None:
        make(self, *args, **more)
        made.append(self)

    monkeypatch.setattr(SshConnector, "__init__", noted)
    yield
    for connector in made:
        await connector.close()


@pytest.fixture
async def connector(tmp_path):
    return SshConnector(tmp_path / "state" / "known_hosts")


@pytest.fixture
async def connection(connector, target):
    return await connector.connect(target)
