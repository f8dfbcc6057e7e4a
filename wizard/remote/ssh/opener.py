"""Opening one connection: the keys and passwords to try, and the questions to a person on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from wizard.errors import UsageError
from wizard.remote.base import HostKeyChanged, HostKeyUnknown, LoginRefused, Secret, Target, Unreachable
from wizard.remote.secrets import SecretKind, Secrets
from wizard.remote.ssh import failures
from wizard.remote.ssh.connection import SshConnection
from wizard.remote.ssh.hostkeys import KnownHosts, line_of, other_families, pattern
from wizard.remote.ssh.keys import KeyRing
from wizard.remote.ssh.library import asyncssh
from wizard.remote.ssh.login import Guard, login

asyncssh.set_log_level("WARNING")  # at INFO it writes commands down

TRIES = 3
"""How often a password is asked for."""

Tunnel = asyncssh.SSHClientConnection | None
"""The connection to the last jump host, or None for a direct way."""


class Opener:
    """What a connector needs of asyncssh, imported with the first connection."""

    def __init__(
        self, known_hosts: Path, secrets: Secrets, confirm: Callable[[HostKeyUnknown], Awaitable[bool]] | None
    ) -> None:
        self._known_hosts = KnownHosts(known_hosts)
        self._secrets = secrets
        self._confirm = confirm
        self._keys = KeyRing(secrets)
        self._asking = asyncio.Lock()

    def accept(self, target: Target, key: str) -> None:
        """Record `key` for `target` or the hop of it that the line names."""
        for place in (target, *target.via):
            if key.split(" ", 1)[0] == pattern(place):
                return self._known_hosts.put(place, key)
        raise UsageError("That host key belongs to another host", where=target.name)

    async def open(self, target: Target, tunnel: Tunnel) -> SshConnection:
        """Return a connection logged in to `target`, through `tunnel` when given."""
        try:
            return await self._log_in(target, tunnel)
        except HostKeyUnknown as unknown:
            if self._confirm is None:
                raise
            async with self._asking:
                if not await self._confirm(unknown):
                    raise
            self._known_hosts.put(target, unknown.key)
        return await self._log_in(target, tunnel)

    async def agent_gone(self) -> str:
        """Return why the SSH agent doesn't answer any more; empty when it does, or when there is none."""
        await self._keys.of_agent()
        return self._keys.agent_gone

    async def _log_in(self, target: Target, tunnel: Tunnel) -> SshConnection:
        keys = await self._keys.of(target)
        password: Secret | None = None
        algorithms: Sequence[str] = ()
        asked = 0
        while True:
            guard = Guard(target, self._known_hosts.of(target), password, algorithms)
            try:
                link = await login(guard, keys, tunnel)
            except Unreachable:
                # An agent that goes between showing a key and signing with it looks like a broken connection.
                if guard.key is not None and (gone := await self.agent_gone()):
                    raise failures.refused(target, [gone]) from None
                raise
            except HostKeyChanged:
                if algorithms or not (algorithms := await self._kind_pinned(guard, tunnel)):
                    raise
            except LoginRefused as refused:
                if gone := await self.agent_gone():
                    refused.why = f"{refused.why}; {gone}"
                # A person may take longer than sshd waits: the password is asked for between two logins.
                if not guard.wants_password or asked == TRIES:
                    raise
                asked += 1
                password = await self._ask(target, password)
                if password is None:
                    raise
            else:
                if target.fingerprint and guard.key is not None:
                    self._remember(target, guard.key)
                return SshConnection(target, link, self._secrets)

    async def _ask(self, target: Target, wrong: Secret | None) -> Secret | None:
        prompt = f"password of {target.user} on {target.name}"
        if wrong is not None:
            self._secrets.rejected(SecretKind.PASSWORD, target.name, wrong)
            prompt = f"That was wrong: {prompt}"
        return await self._secrets.get(SecretKind.PASSWORD, target.name, prompt)

    async def _kind_pinned(self, guard: Guard, tunnel: Tunnel) -> Sequence[str]:
        """Return the algorithms of the host's other key that is the pinned one; empty when it has none.

        A host shows one of its keys at a time, and the profile may have the fingerprint of another one. Nothing is
        offered to log in with here.
        """
        if not guard.target.fingerprint or guard.key is None:
            return ()
        for family in other_families(guard.key):
            try:
                link = await login(Guard(guard.target, guard.known, algorithms=family), (), tunnel)
            except LoginRefused:
                return family
            except (HostKeyChanged, Unreachable):
                continue
            link.abort()
            return family
        return ()

    def _remember(self, target: Target, key: asyncssh.SSHKey) -> None:
        """Put a pinned key on record, so that it stays known when the pin is taken out of the profile."""
        if key not in self._known_hosts.of(target).trusted:
            self._known_hosts.put(target, line_of(target, key))
