from __future__ import annotations

import asyncio
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wizard.errors import UsageError
from wizard.remote.base import Command, Secret
from wizard.remote.secrets import AskedSecrets, GivenSecrets, SecretKind, parse_secrets, read_secrets

SUDO, PASSWORD, PASSPHRASE = SecretKind.SUDO, SecretKind.PASSWORD, SecretKind.PASSPHRASE


async def text(secrets, kind, host):
    secret = await secrets.get(kind, host, "?")
    return secret.reveal() if secret else None


async def test_a_hosts_own_secret_goes_before_the_common_one():
    secrets = GivenSecrets({"sudo": "common", "sudo@m2": "own"})
    assert [await text(secrets, SUDO, host) for host in ("m1", "m2")] == ["common", "own"]
    assert await text(secrets, PASSWORD, "m1") is None


async def test_what_a_host_refused_is_not_offered_to_it_again():
    secrets = GivenSecrets({"sudo": "common", "sudo@m2": "own"})
    secrets.rejected(SUDO, "m2", Secret("own"))
    assert await text(secrets, SUDO, "m2") == "common"
    secrets.rejected(SUDO, "m2", Secret("common"))
    assert await text(secrets, SUDO, "m2") is None
    assert await text(secrets, SUDO, "m1") == "common"


class Person:
    def __init__(self, *answers: str | None) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str]] = []

    async def __call__(self, kind, host, prompt):
        self.asked.append((str(kind), host))
        await asyncio.sleep(0)
        answer = self.answers.pop(0)
        return None if answer is None else Secret(answer)


async def test_one_answer_serves_all_hosts():
    person = Person("one")
    secrets = AskedSecrets(person)
    assert await asyncio.gather(*(text(secrets, SUDO, f"m{number}") for number in range(5))) == ["one"] * 5
    assert person.asked == [("sudo", "m0")]


async def test_a_host_that_refuses_is_asked_about_and_the_others_are_not():
    person = Person("one", "other")
    secrets = AskedSecrets(person)
    await secrets.get(SUDO, "m1", "?")
    secrets.rejected(SUDO, "m2", Secret("one"))
    assert await text(secrets, SUDO, "m2") == "other"
    assert await text(secrets, SUDO, "m2") == "other"
    assert await text(secrets, SUDO, "m3") == "one"


async def test_a_typo_on_the_first_host_is_not_carried_to_the_next_ones():
    person = Person("typo", "right")
    secrets = AskedSecrets(person)
    await secrets.get(SUDO, "m1", "?")
    secrets.rejected(SUDO, "m1", Secret("typo"))
    assert await text(secrets, SUDO, "m1") == "right"
    assert await text(secrets, SUDO, "m2") == "right"


async def test_a_passphrase_belongs_to_its_key_alone():
    person = Person("first", "second")
    secrets = AskedSecrets(person)
    assert await text(secrets, PASSPHRASE, "/k1") == "first"
    assert await text(secrets, PASSPHRASE, "/k2") == "second"


async def test_what_is_given_is_not_asked_for_and_a_refusal_leads_to_a_question():
    person = Person("asked", None)
    secrets = AskedSecrets(person, GivenSecrets({"sudo": "given"}))
    assert await text(secrets, SUDO, "m1") == "given"
    secrets.rejected(SUDO, "m1", Secret("given"))
    assert await text(secrets, SUDO, "m1") == "asked"
    assert await text(secrets, PASSWORD, "m1") is None


def test_secrets_come_as_lines_or_as_json():
    lines = "sudo=a=b c \n\npassword@m1= x\n"
    assert parse_secrets(lines) == {"sudo": "a=b c ", "password@m1": " x"}
    assert parse_secrets(json.dumps({"sudo": "a", "passphrase@/k": "b"})) == {"sudo": "a", "passphrase@/k": "b"}
    assert parse_secrets("") == {}


def test_a_descriptor_is_read_and_closed():
    reader, writer = os.pipe()
    os.write(writer, b"sudo=pass\n")
    os.close(writer)
    secrets = read_secrets(reader)
    assert asyncio.run(text(secrets, SUDO, "m1")) == "pass"
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(reader)


@pytest.mark.parametrize("descriptor", [9999, -3])
def test_a_descriptor_that_is_none_is_told(descriptor):
    with pytest.raises(UsageError) as caught:
        read_secrets(descriptor)
    assert str(descriptor) in caught.value.why


@given(st.sampled_from(["{", "{}x", '{"sudo": 1, "x": "%s"}', "%s", "hunter2 no equals", "unknown=%s", '{"%s": "x"}']))
def test_what_cannot_be_read_is_never_quoted(text):
    with pytest.raises(UsageError) as caught:
        parse_secrets(text.replace("%s", "hunter2"))
    error = caught.value
    assert "hunter2" not in f"{error} {error.hint} {error.details} {error.__cause__} {error.__context__}"


@given(st.text(min_size=1))
def test_a_secret_never_shows(text):
    secret = Secret(text)
    assert str(secret) == f"{secret}" == "•••"
    assert repr([secret, {"key": secret}]) == "[Secret(•••), {'key': Secret(•••)}]"
    assert repr(Command("cat", (secret,))).count("•••") == 1
    assert secret.reveal() == text
