"""Passwords and passphrases: asked for when they are needed, kept in memory only, never written down."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Protocol

from wizard.errors import UsageError
from wizard.remote.base import Secret


class SecretKind(StrEnum):
    """What a secret is for. A passphrase belongs to a key file, a registry's to a registry, the others to a host."""

    SUDO = "sudo"
    PASSWORD = "password"  # noqa: S105 (a name, no password)
    PASSPHRASE = "passphrase"  # noqa: S105
    REGISTRY = "registry"


class Secrets(Protocol):
    """Where secrets come from."""

    async def get(self, kind: SecretKind, host: str, prompt: str) -> Secret | None:
        """Return the secret of `kind` for `host` (for a passphrase: the key file's path), or None when there is none.

        `prompt` is the question for a person. It may take as long as the person takes.
        """

    def rejected(self, kind: SecretKind, host: str, secret: Secret) -> None:
        """Note that `host` didn't take `secret`: it is not offered to that host again."""


Ask = Callable[[SecretKind, str, str], Awaitable[Secret | None]]
"""Asks a person: kind, host and question in, the answer or None (declined) out."""


class GivenSecrets:
    """Secrets known beforehand. Keys are a kind (``sudo``), for all hosts, or ``kind@host``, which goes first."""

    def __init__(self, given: Mapping[str, str] | None = None) -> None:
        self._given = {key: Secret(text) for key, text in (given or {}).items()}
        self._refused: set[tuple[str, str, Secret]] = set()

    async def get(self, kind: SecretKind, host: str, prompt: str) -> Secret | None:
        """Return the secret given for `host`, else the one for all, unless the host has refused it."""
        for key in (f"{kind}@{host}", str(kind)):
            secret = self._given.get(key)
            if secret is not None and (kind, host, secret) not in self._refused:
                return secret
        return None

    def rejected(self, kind: SecretKind, host: str, secret: Secret) -> None:
        """Never offer `secret` to `host` again."""
        self._refused.add((kind, host, secret))


class AskedSecrets:
    """Secrets asked of a person, once: an answer is tried on every host, and asked again only for a host that refuses.

    `given` is looked into first. Two hosts that need the same secret at the same time cause one question.
    """

    def __init__(self, ask: Ask, given: Secrets | None = None) -> None:
        self._ask = ask
        self._given = given
        self._answers: dict[tuple[str, str], Secret] = {}
        self._refused: set[tuple[str, str, Secret]] = set()
        self._asking = asyncio.Lock()

    async def get(self, kind: SecretKind, host: str, prompt: str) -> Secret | None:
        """Return the secret given, answered before, or asked for now."""
        if self._given is not None and (secret := await self._given.get(kind, host, prompt)) is not None:
            return secret
        async with self._asking:
            if (secret := self._known(kind, host)) is not None:
                return secret
            answer = await self._ask(kind, host, prompt)
            if answer is not None:
                self._answers[kind, host] = answer
                if kind not in (SecretKind.PASSPHRASE, SecretKind.REGISTRY):
                    self._answers.setdefault((kind, ""), answer)
            return answer

    def rejected(self, kind: SecretKind, host: str, secret: Secret) -> None:
        """Note it; the next `get` for this host asks again. An answer that its own host refuses was a typo for all."""
        self._refused.add((kind, host, secret))
        if self._answers.get((kind, host)) == secret:
            del self._answers[kind, host]
            if self._answers.get((kind, "")) == secret:
                del self._answers[kind, ""]
        if self._given is not None:
            self._given.rejected(kind, host, secret)

    def _known(self, kind: SecretKind, host: str) -> Secret | None:
        for place in ((kind, host), (kind, "")):
            secret = self._answers.get(place)
            if secret is not None and (kind, host, secret) not in self._refused:
                return secret
        return None


def read_secrets(descriptor: int) -> GivenSecrets:
    """Read secrets from an open file descriptor to its end and close it.

    Either one JSON object (``{"sudo": "…", "password@m1": "…"}``) or lines ``sudo=…``. Raises `UsageError` on anything
    else, never quoting what was read.
    """
    try:
        with os.fdopen(descriptor, encoding="utf-8") as stream:
            text = stream.read()
    except (OSError, ValueError):  # no such descriptor, or no text (UnicodeError is a ValueError)
        raise _unreadable(f"file descriptor {descriptor} can't be read as text") from None
    return GivenSecrets(parse_secrets(text))


def parse_secrets(text: str) -> dict[str, str]:
    """Return the secrets in `text` by key. Raises `UsageError` when it is neither JSON nor ``kind=value`` lines."""
    if text.lstrip().startswith("{"):
        try:
            found = json.loads(text)
        except ValueError:
            raise _unreadable("it is no valid JSON") from None
        if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
            raise _unreadable("every value must be a string")
    else:
        found = {}
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                key, equals, value = line.partition("=")
                if not equals:
                    raise _unreadable(f"line {number} has no '='")
                found[key.strip()] = value
    for key in found:
        if key.partition("@")[0] not in set(SecretKind):
            raise _unreadable("a key is none of " + ", ".join(SecretKind))
    return dict(found)


def _unreadable(why: str) -> UsageError:
    return UsageError(
        "The secrets can't be read",
        why=why,
        hint="Give one JSON object, or lines such as sudo=PASSWORD or password@HOST=PASSWORD.",
    )
