"""No secret in a log, an error, a repr, or a command line, whatever happens to it."""

from __future__ import annotations

import logging
import traceback
from dataclasses import replace

import asyncssh
import pytest

from wizard.errors import SlipwayError
from wizard.remote.base import Command, Secret
from wizard.remote.secrets import GivenSecrets
from wizard.remote.ssh import SshConnector
from wizard.remote.ssh import connection as connection_module

SECRET = "correct-horse-battery"


@pytest.fixture(autouse=True)
def log(caplog):
    caplog.set_level(logging.DEBUG)
    return caplog


def told(error: BaseException) -> str:
    """Return everything that could be shown of an error, its traceback and its causes included."""
    words = [repr(error), str(error), "".join(traceback.format_exception(error))]
    if isinstance(error, SlipwayError):
        words += [error.title, error.where, error.why, error.hint, error.details, str(error.as_problem("x"))]
    return "\n".join(words)


@pytest.fixture
def locked(tmp_path, key):
    path = tmp_path / "locked"
    key.write_private_key(path, "pkcs8-pem", passphrase="another")
    return path


@pytest.mark.parametrize("mode", ["password", "stranger", "tty", "absent", "nopasswd", "timeout", "cut"])
async def test_the_sudo_password_and_the_input(tmp_path, target, server, mode, log, monkeypatch):
    monkeypatch.setattr(connection_module, "KILL_AFTER", 0.1)
    monkeypatch.setattr(connection_module, "GRACE", 0.4)
    server.sudo("password" if mode == "password" else "nopasswd" if mode in ("timeout", "cut") else mode, SECRET)
    given = GivenSecrets({"sudo": SECRET + ("x" if mode == "password" else "")})
    connector = SshConnector(tmp_path / "kh", given)
    connection = await connector.connect(replace(target, sudo=True))
    script = {"timeout": "sleep 600", "cut": "kill -9 $PPID; sleep 600"}.get(mode, "cat >/dev/null; false")
    shown = f"{connector!r} {connection!r} {given!r}"
    try:
        result = await connection.run(Command(script, (Secret(SECRET),), timeout=1))
        shown += repr(result)
    except SlipwayError as error:
        shown += told(error)
    assert SECRET not in shown + log.text
    assert SECRET not in "".join(server.commands)
    await connector.close()


@pytest.mark.parametrize("script", [f"echo {SECRET} >/dev/null; sleep 600", f": {SECRET}; exit 1"])
async def test_a_script_that_holds_a_secret(connection, server, script, log):
    try:
        shown = repr(await connection.run(Command(script, timeout=1, secret=True)))
    except SlipwayError as error:
        shown = told(error)
    assert SECRET not in shown + log.text + "".join(server.commands)


@pytest.mark.parametrize("questions", [False, True])
async def test_the_login_password(tmp_path, target, server, questions, log):
    server.password, server.questions = "another", questions
    stranger = tmp_path / "stranger"
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(stranger)
    with pytest.raises(SlipwayError) as caught:
        await SshConnector(tmp_path / "kh", GivenSecrets({"password": SECRET})).connect(
            replace(target, key_file=stranger)
        )
    assert SECRET not in told(caught.value) + log.text


async def test_the_passphrase(tmp_path, target, locked, log):
    with pytest.raises(SlipwayError) as caught:
        await SshConnector(tmp_path / "kh", GivenSecrets({"passphrase": SECRET})).connect(
            replace(target, key_file=locked)
        )
    assert SECRET not in told(caught.value) + log.text
