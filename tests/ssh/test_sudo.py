"""sudo, by a fake that follows the real one's protocol: the password and the script's input never mix."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from wizard.remote.base import Command, Secret, SudoRefused
from wizard.remote.secrets import AskedSecrets, GivenSecrets
from wizard.remote.ssh import SshConnector

SECRET = "correct horse %s battery"


@pytest.fixture
def target(target):
    return replace(target, sudo=True)


@pytest.fixture
def connect(tmp_path, target):
    async def connect(secrets=None):
        return await SshConnector(tmp_path / "known_hosts", secrets).connect(target)

    return connect


CAT = Command("cat; echo oops >&2; exit 3", (b"input\n", Secret("more")))


@pytest.mark.parametrize("mode", ["nopasswd", "password", "lecture"])
async def test_the_script_reads_its_input_and_nothing_else(connect, server, mode):
    server.sudo(mode, SECRET)
    connection = await connect(GivenSecrets({"sudo": SECRET}))
    for _ in range(2):
        result = await connection.run(CAT)
        assert (result.status, result.stdout, result.stderr) == (3, b"input\nmore", b"oops\n")
    assert connection.round_trips == 2


async def test_a_script_by_stdin_under_sudo(connect, server):
    server.sudo("password", SECRET)
    connection = await connect(GivenSecrets({"sudo": SECRET}))
    result = await connection.run(replace(CAT, secret=True))
    assert (result.status, result.stdout) == (3, b"input\nmore")


async def test_without_sudo_nobody_is_asked(connect, server):
    server.sudo("stranger")
    assert (await (await connect()).run(Command("echo plain", sudo=False))).text == "plain\n"


@pytest.mark.parametrize(
    ("mode", "given", "why", "hint"),
    [
        ("password", "wrong", "password is wrong", "Give the password of root"),
        ("password", None, "none was given", "NOPASSWD"),
        ("stranger", SECRET, "not in sudoers", "wheel"),
        ("tty", SECRET, "requiretty", "!requiretty"),
        ("absent", SECRET, "not installed", "Log in as root"),
    ],
)
async def test_refusals_name_host_cause_and_remedy(connect, server, mode, given, why, hint):
    server.sudo(mode, SECRET)
    connection = await connect(GivenSecrets({"sudo": given} if given else {}))
    with pytest.raises(SudoRefused, match=why) as caught:
        await connection.run(CAT)
    assert caught.value.where == "m1"
    assert hint in caught.value.hint


async def test_after_a_wrong_answer_the_person_is_asked_again(connect, server):
    server.sudo("password", SECRET)
    prompts: list[str] = []

    async def ask(kind, host, prompt):
        prompts.append(prompt)
        return Secret("typo" if len(prompts) == 1 else SECRET)

    connection = await connect(AskedSecrets(ask))
    assert (await connection.run(CAT)).status == 3
    assert len(prompts) == 2
    assert prompts[1].startswith("That was wrong")


async def test_one_question_serves_commands_at_once(connect, server):
    server.sudo("password", SECRET)
    questions = 0

    async def ask(kind, host, prompt):
        nonlocal questions
        questions += 1
        await asyncio.sleep(0.05)
        return Secret(SECRET)

    connection = await connect(AskedSecrets(ask))
    results = await asyncio.gather(*(connection.run(CAT) for _ in range(5)))
    assert {result.status for result in results} == {3}
    assert questions == 1


async def test_output_that_looks_like_a_prompt_fools_nobody(connect, server):
    server.sudo("password", SECRET)
    connection = await connect(GivenSecrets({"sudo": SECRET}))
    result = await connection.run(
        Command("printf 'Password: ' >&2; printf '0000000000000000? 0000000000000000! 1\\n' >&2; cat")
    )
    assert result.stdout == b""
    assert result.stderr.startswith(b"Password: 0000")
