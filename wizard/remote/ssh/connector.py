"""Opens SSH connections and keeps them, through jump hosts where the target says so."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from wizard.errors import Level, Problem
from wizard.remote.base import HostKeyUnknown, Target
from wizard.remote.secrets import GivenSecrets, Secrets

if TYPE_CHECKING:
    from wizard.remote.ssh.connection import SshConnection
    from wizard.remote.ssh.opener import Opener

Confirm = Callable[[HostKeyUnknown], Awaitable[bool]]
"""Asks a person whether the key of a host seen for the first time is right."""


class SshConnector:
    """`wizard.remote.base.Connector` over SSH.

    `known_hosts` is the cluster's own file. `secrets` answers when a password or passphrase is needed; without it none
    is known. `confirm` is asked at the first sight of a host; without it `HostKeyUnknown` is raised, and the caller may
    `accept` the key. A host whose key has changed is never asked about.
    """

    def __init__(self, known_hosts: Path, secrets: Secrets | None = None, confirm: Confirm | None = None) -> None:
        self._known_hosts = known_hosts
        self._secrets = secrets or GivenSecrets()
        self._confirm = confirm
        self._open: dict[Target, SshConnection] = {}
        self._attempts: dict[Target, asyncio.Task[SshConnection]] = {}
        self._opener: Opener | None = None

    async def connect(self, target: Target) -> SshConnection:
        """Return the open connection to `target`, opened now or anew when there is none. Raises `RemoteError`.

        Who asks while it is being opened shares the attempt and its end: a dead host is knocked at once, not in turn.
        """
        connection = self._open.get(target)
        if connection is not None and not connection.closed:
            return connection
        attempt = self._attempts.get(target)
        if attempt is None or attempt.done():
            attempt = self._attempts[target] = asyncio.create_task(self._keep(target))
            attempt.add_done_callback(_heard)
        return await asyncio.shield(attempt)

    def accept(self, target: Target, key: str) -> None:
        """Record `key` (`HostKeyUnknown.key`) for `target` or one of its hops, after a person has said yes."""
        self._opening().accept(target, key)

    async def agent_problem(self) -> Problem | None:
        """Tell whether the SSH agent that was there has gone, before it is needed for a new login."""
        why = await self._opening().agent_gone()
        if not why:
            return None
        hint = "Name a key in the profile (ssh.key), or log in to this machine anew with agent forwarding."
        return Problem("ssh.agent-gone", Level.WARNING, f"{why}: a lost connection could not be opened again", hint)

    async def close(self) -> None:
        """Close every connection, those through a jump host before the jump host."""
        attempts, self._attempts = list(self._attempts.values()), {}
        for attempt in attempts:
            attempt.cancel()
        await asyncio.gather(*attempts, return_exceptions=True)
        connections, self._open = list(self._open.values()), {}
        for depth in sorted({len(connection.target.via) for connection in connections}, reverse=True):
            level = [connection for connection in connections if len(connection.target.via) == depth]
            await asyncio.gather(*(connection.close() for connection in level))

    async def _keep(self, target: Target) -> SshConnection:
        connection = self._open[target] = await self._connect(target)
        return connection

    async def _connect(self, target: Target) -> SshConnection:
        tunnel = None
        if target.via:
            *before, last = target.via
            tunnel = (await self.connect(replace(last, via=tuple(before)))).link
        return await self._opening().open(target, tunnel)

    def _opening(self) -> Opener:
        if self._opener is None:
            from wizard.remote.ssh.opener import Opener  # asyncssh takes a while to import

            self._opener = Opener(self._known_hosts, self._secrets, self._confirm)
        return self._opener


def _heard(attempt: asyncio.Task[SshConnection]) -> None:
    """Take note of how an attempt ended, whether or not anybody still waits for it."""
    if not attempt.cancelled():
        attempt.exception()
