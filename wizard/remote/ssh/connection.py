"""An open connection to one host: commands, and forwarded ports."""

from __future__ import annotations

import asyncio
import secrets as random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import asyncssh

from wizard.remote.base import Command, RemoteError, Result, Secret, Target, TimedOut
from wizard.remote.launch import KILL_AFTER, Gate, launch, limit
from wizard.remote.secrets import SecretKind, Secrets
from wizard.remote.ssh import failures
from wizard.remote.ssh.session import CommandSession

AT_ONCE = 8
"""Commands at once on one connection: sshd allows 10 sessions by default (MaxSessions, sshd_config(5))."""

GRACE = 10.0
"""How much longer than the host's own time limit this side waits for the end of a command, in seconds."""

SUDO_WAIT = 60.0
"""How long sudo may take to ask or to run, in seconds: a name service that is down makes it slow."""


class NeedsPassword(Exception):
    """sudo asked and there was no password at hand; nothing has run."""


class SshConnection:
    """`wizard.remote.base.Connection` over asyncssh."""

    def __init__(self, target: Target, link: asyncssh.SSHClientConnection, secrets: Secrets) -> None:
        self.target = target
        self.round_trips = 0
        self.link = link
        self._secrets = secrets
        self._places = asyncio.Semaphore(AT_ONCE)
        self._password: Secret | None = None

    @property
    def closed(self) -> bool:
        """Tell whether the connection is gone."""
        return self.link.is_closed()

    async def run(self, command: Command, on_output: Callable[[str], None] | None = None) -> Result:
        """Run `command`; see `wizard.remote.base.Connection.run`."""
        sudo = command.sudo and self.target.sudo
        for attempt in range(3):
            try:
                async with self._places:
                    return await self._once(command, sudo, on_output)
            except NeedsPassword:
                self._password = await self._ask(again=attempt > 0)
        raise failures.sudo_wrong_password(self.target)

    async def _ask(self, again: bool) -> Secret:
        target = self.target
        if again and self._password is not None:
            self._secrets.rejected(SecretKind.SUDO, target.name, self._password)
        prompt = f"sudo password of {target.user} on {target.name}"
        password = await self._secrets.get(SecretKind.SUDO, target.name, prompt)
        if password is None:
            raise failures.sudo_wrong_password(target) if again else failures.sudo_needs_password(target)
        return password

    async def _once(self, command: Command, sudo: bool, on_output: Callable[[str], None] | None) -> Result:
        nonce = random.token_hex(8) if sudo else ""
        start = launch(command, sudo=sudo, nonce=nonce)
        gate = Gate(nonce) if sudo else None
        self.round_trips += 1
        began = time.monotonic()
        session = await self._open(start.line, gate, on_output)
        assert session.channel is not None
        try:
            if gate is not None:
                async with asyncio.timeout(SUDO_WAIT):
                    await self._pass_sudo(session, gate)
                began = time.monotonic()
            async with asyncio.timeout(limit(command) + KILL_AFTER + GRACE):
                await self._exchange(session, start.first, command)
        except TimeoutError:
            if gate is not None and not gate.opened:
                raise failures.sudo_refused(self.target, gate.said) from None
            raise self._timed_out(command, session, "it did not end when it was told to") from None
        finally:
            session.channel.abort()
        seconds = time.monotonic() - began
        if session.failure is not None:
            raise session.failure
        if session.status is None:
            raise failures.lost(self.target, session.lost)
        # timeout(1) exits with 124; after SIGKILL it ends by that signal, which a shell or sudo tells as 137.
        if session.status in (124, 137, -1) and seconds >= limit(command):
            raise self._timed_out(command, session, "the host has ended it")
        return Result(session.status, session.stdout.data, session.stderr.data, seconds)

    async def _open(self, line: str, gate: Gate | None, on_output: Callable[[str], None] | None) -> CommandSession:
        try:
            async with asyncio.timeout(GRACE + self.target.connect_timeout):
                session = CommandSession(gate, on_output)
                await self.link.create_session(lambda: session, line, encoding=None, request_pty=False)
        except (asyncssh.Error, OSError) as error:
            raise failures.lost(self.target, error) from None
        return session

    async def _pass_sudo(self, session: CommandSession, gate: Gate) -> None:
        """Answer sudo until the script runs. The input of the script is not sent before that."""
        assert session.channel is not None
        answered = 0
        while not gate.opened:
            await session.moved.wait()
            session.moved.clear()
            if gate.opened:
                return
            if gate.asked > answered:
                if answered or self._password is None:
                    raise NeedsPassword
                answered = gate.asked
                session.channel.write(self._password.reveal().encode() + b"\n")
            elif session.done.is_set():
                if session.lost is not None:
                    raise failures.lost(self.target, session.lost)
                raise failures.sudo_refused(self.target, gate.said)

    async def _exchange(self, session: CommandSession, first: bytes, command: Command) -> None:
        feeding = asyncio.create_task(session.feed(first, command.stdin))
        ending = asyncio.create_task(session.done.wait())
        try:
            await asyncio.wait((feeding, ending), return_when=asyncio.FIRST_COMPLETED)
            if feeding.done():
                feeding.result()
            await ending
        finally:
            feeding.cancel()
            ending.cancel()
        session.stdout.finish()
        session.stderr.finish()

    def _timed_out(self, command: Command, session: CommandSession, how: str) -> RemoteError:
        said = Result(-1, session.stdout.data, session.stderr.data, 0).complaint
        return TimedOut(
            "The command took too long",
            where=self.target.name,
            why=f"it had {command.timeout:g} s; {how}",
            hint="Look at the host's load and disk, then try again.",
            details="" if command.secret else said,
        )

    def forward(self, host: str, port: int) -> AbstractAsyncContextManager[tuple[str, int]]:
        """Open a forwarded port on 127.0.0.1; see `wizard.remote.base.Connection.forward`."""
        return self._forward(host, port)

    @asynccontextmanager
    async def _forward(self, host: str, port: int) -> AsyncIterator[tuple[str, int]]:
        try:
            listener = await self.link.forward_local_port("127.0.0.1", 0, host, port)
        except (asyncssh.Error, OSError) as error:
            raise failures.lost(self.target, error) from None
        try:
            yield "127.0.0.1", listener.get_port()
        finally:
            listener.close()
            await listener.wait_closed()

    async def close(self) -> None:
        """Close the connection; a second call does nothing."""
        self.link.close()
        await self.link.wait_closed()
