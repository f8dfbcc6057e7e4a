"""Who we are: keys, the agent, passwords; and what is said when it doesn't do."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace

import asyncssh
import pytest

from wizard.remote.base import Command, LoginRefused, Secret
from wizard.remote.secrets import AskedSecrets, GivenSecrets
from wizard.remote.ssh import SshConnector

PHRASE = "open sesame"


@pytest.fixture
def connect(tmp_path):
    connectors = []

    async def connect(target, secrets=None):
        connectors.append(SshConnector(tmp_path / "known_hosts", secrets))
        connection = await connectors[-1].connect(target)
        assert (await connection.run(Command("echo in"))).text == "in\n"
        return connection

    return connect


@pytest.fixture
def stranger(tmp_path):
    """A key that no host knows."""
    path = tmp_path / "stranger"
    asyncssh.generate_private_key("ssh-ed25519", comment="stranger").write_private_key(path)
    return path


@pytest.fixture
def locked(tmp_path, key):
    """The right key, encrypted as PKCS#8, with its public key beside it."""
    path = tmp_path / "locked"
    key.write_private_key(path, "pkcs8-pem", passphrase=PHRASE)
    key.write_public_key(f"{path}.pub")
    return path


@pytest.fixture
def agent(tmp_path, monkeypatch):
    """A real ssh-agent; it ends with the test."""
    socket = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    while not socket.exists():
        assert process.poll() is None, "ssh-agent doesn't start: openssh-client is needed"
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
    yield process
    process.kill()
    process.wait()


def encrypt(path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", PHRASE, "-f", str(path)], check=True)


def add(path) -> None:
    subprocess.run(["ssh-add", "-q", str(path)], check=True)


async def test_a_wrong_key(connect, target, stranger):
    with pytest.raises(LoginRefused) as caught:
        await connect(replace(target, key_file=stranger, user="engineer"))
    told = str(caught.value) + caught.value.hint
    for word in ("m1", "engineer@127.0.0.1", f"port {target.port}", "key stranger", "authorized_keys", str(stranger)):
        assert word in told


async def test_without_any_key(connect, target):
    with pytest.raises(LoginRefused, match="nothing the host accepts"):
        await connect(replace(target, key_file=None))


async def test_a_usual_key_file_is_found(connect, target, home, key):
    key.write_private_key(home / ".ssh" / "id_ed25519")
    await connect(replace(target, key_file=None))


async def test_a_missing_key_file(connect, target, tmp_path):
    with pytest.raises(LoginRefused, match="No such file") as caught:
        await connect(replace(target, key_file=tmp_path / "none"))
    assert str(tmp_path / "none") in caught.value.why


async def test_a_file_that_is_no_key(connect, target, tmp_path):
    for content in (b"hello", b"\xff\xfe\x00", b""):
        (tmp_path / "junk").write_bytes(content)
        with pytest.raises(LoginRefused, match="no private key"):
            await connect(replace(target, key_file=tmp_path / "junk"))


async def test_an_encrypted_key(connect, target, locked):
    await connect(replace(target, key_file=locked), GivenSecrets({"passphrase": PHRASE}))


async def test_an_encrypted_key_in_the_format_of_openssh(connect, target, key_file):
    encrypt(key_file)
    await connect(replace(target, key_file=key_file), GivenSecrets({"passphrase": PHRASE}))


@pytest.mark.parametrize("given", [{}, {"passphrase": "wrong"}])
async def test_an_encrypted_key_without_its_passphrase(connect, target, locked, given):
    with pytest.raises(LoginRefused, match="passphrase was not given or is wrong"):
        await connect(replace(target, key_file=locked), GivenSecrets(given))


async def test_a_passphrase_is_asked_for_once_for_all_hosts(tmp_path, target, locked, server):
    questions = []

    async def ask(kind, host, prompt):
        questions.append((kind, host, prompt))
        return Secret("typo" if len(questions) == 1 else PHRASE)

    connector = SshConnector(tmp_path / "known_hosts", AskedSecrets(ask))
    targets = [replace(target, name=f"m{number}", key_file=locked) for number in range(3)]
    for one in targets:
        await connector.connect(one)
    await connector.close()
    assert [(kind, host) for kind, host, _ in questions] == [("passphrase", str(locked))] * 2
    assert questions[1][2].startswith("That was wrong")


async def test_the_agent_has_the_key(connect, target, agent, key_file):
    add(key_file)
    await connect(replace(target, key_file=None))


async def test_the_agent_has_the_encrypted_key_of_the_profile(connect, target, agent, key_file, locked):
    add(key_file)
    await connect(replace(target, key_file=locked))


async def test_an_agent_that_has_gone_is_told(connect, target, agent, key_file, tmp_path):
    add(key_file)
    connector = SshConnector(tmp_path / "known_hosts")
    assert await connector.agent_problem() is None
    agent.kill()
    agent.wait()
    problem = await connector.agent_problem()
    assert problem is not None
    assert "has gone" in problem.message
    with pytest.raises(LoginRefused, match="has gone"):
        await connect(replace(target, key_file=None))
    await connect(replace(target, key_file=key_file))


async def test_an_agent_that_goes_between_showing_and_signing(connect, target, agent, key_file, monkeypatch):
    add(key_file)
    sign = asyncssh.SSHAgentKeyPair.sign_async

    async def go_and_sign(self, data):
        agent.kill()
        agent.wait()
        return await sign(self, data)

    monkeypatch.setattr(asyncssh.SSHAgentKeyPair, "sign_async", go_and_sign)
    with pytest.raises(LoginRefused, match="has gone"):
        await connect(replace(target, key_file=None))


async def test_no_agent_is_no_problem(tmp_path):
    assert await SshConnector(tmp_path / "known_hosts").agent_problem() is None


@pytest.mark.parametrize("questions", [False, True], ids=["password", "keyboard-interactive"])
async def test_a_password(connect, target, server, stranger, questions):
    server.password, server.questions = "s3cret", questions
    await connect(replace(target, key_file=stranger), GivenSecrets({"password": "s3cret"}))


@pytest.mark.parametrize("questions", [False, True], ids=["password", "keyboard-interactive"])
@pytest.mark.parametrize("given", [{}, {"password": "wrong"}])
async def test_a_password_that_is_missing_or_wrong(connect, target, server, stranger, questions, given):
    server.password, server.questions = "s3cret", questions
    with pytest.raises(LoginRefused, match="password" if given else "no password") as caught:
        await connect(replace(target, key_file=stranger), GivenSecrets(given))
    assert "wrong" not in repr(caught.value) + str(caught.value)
    assert server.passwords_seen.count("wrong") <= 1


async def test_a_password_is_asked_for_again_and_only_when_needed(connect, target, server, key_file, stranger):
    server.password = "s3cret"
    prompts = []

    async def ask(kind, host, prompt):
        prompts.append(prompt)
        await asyncio.sleep(0)
        return Secret("typo" if len(prompts) == 1 else "s3cret")

    await connect(replace(target, key_file=key_file), AskedSecrets(ask))
    assert not prompts
    await connect(replace(target, key_file=stranger), AskedSecrets(ask))
    assert len(prompts) == 2


def test_the_module_alone_does_not_import_asyncssh():
    code = "import sys, wizard.remote.ssh, wizard.remote.targets; sys.exit('asyncssh' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
