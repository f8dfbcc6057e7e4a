"""Opening one connection: the keys and passwords to try, and the questions to a person on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncssh

from wizard.errors import UsageError
from wizard.remote.base import HostKeyUnknown, LoginRefused, Secret, Target
from wizard.remote.secrets import SecretKind, Secrets
from wizard.remote.ssh.connection import SshConnection
from wizard.remote.ssh.hostkeys import KnownHosts, line_of, pattern
from wizard.remote.ssh.keys import KeyRing
from wizard.remote.ssh.login import Guard, login

asyncssh.set_log_level("WARNING")  # at INFO it writes commands down


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

    async def open(self, target: Target, tunnel: asyncssh.SSHClientConnection | None) -> SshConnection:
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

    async def _log_in(self, target: Target, tunnel: asyncssh.SSHClientConnection | None) -> SshConnection:
        keys = await self._keys.of(target)
        password: Secret | None = None
        for _ in range(3):
            guard = Guard(target, self._known_hosts.of(target), password)
            try:
                link = await login(guard, keys, tunnel)
            except LoginRefused:
                # A person may take longer than sshd waits: the password is asked for between two tries.
                if not guard.wants_password:
                    raise
                if password is not None:
                    self._secrets.rejected(SecretKind.PASSWORD, target.name, password)
                password = await self._secrets.get(
                    SecretKind.PASSWORD, target.name, f"password of {target.user} on {target.name}"
                )
                if password is None:
                    raise
                continue
            if target.fingerprint and guard.key is not None:
                self._remember(target, guard.key)
            return SshConnection(target, link, self._secrets)
        raise LoginRefused("The host refuses the password", where=target.name)

    def _remember(self, target: Target, key: asyncssh.SSHKey) -> None:
        """Put a pinned key on record, so that it stays known when the pin is taken out of the profile."""
        if key not in self._known_hosts.of(target).trusted:
            self._known_hosts.put(target, line_of(target, key))
