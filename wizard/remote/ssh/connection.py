"""An open connection to one host: commands, and forwarded ports."""

from __future__ import annotations

import asyncio
import contextlib
import secrets as random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from wizard.remote.base import Command, Result, Secret, Target
from wizard.remote.launch import KILL_AFTER, Gate, Launch, launch, limit
from wizard.remote.secrets import SecretKind, Secrets
from wizard.remote.ssh import failures
from wizard.remote.ssh.library import asyncssh
from wizard.remote.ssh.places import Places
from wizard.remote.ssh.session import CommandSession

GRACE = 10.0
"""How much longer than the host's own time limit this side waits for the end of a command, in seconds."""

SUDO_WAIT = 60.0
"""How long sudo may take to ask or to run, in seconds: a name service that is down makes it slow."""

END_WAIT = 10.0
"""How long a cancelled command may take to be ended, in seconds."""

CLOSE_WAIT = 2.0
"""How long a connection may take to close, in seconds."""

OnOutput = Callable[[str], None]


class _NeedsPassword(Exception):
    """sudo asked, and there was no password at hand or it took none; nothing has run."""


class _NoPlace(Exception):
    """The host opens no further session on this connection for now."""


class SshConnection:
    """`wizard.remote.base.Connection` over asyncssh."""

    def __init__(self, target: Target, link: asyncssh.SSHClientConnection, secrets: Secrets) -> None:
        self.target = target
        self.round_trips = 0
        self.link = link
        self._secrets = secrets
        self._places = Places()
        self._password: Secret | None = None

    @property
    def closed(self) -> bool:
        """Tell whether the connection is gone."""
        return self.link.is_closed()

    async def run(self, command: Command, on_output: OnOutput | None = None) -> Result:
        """Run `command`; see `wizard.remote.base.Connection.run`."""
        self.round_trips += 1
        refusals = 0
        while True:
            password = self._password
            try:
                async with self._places.one():
                    return await self._once(command, password, on_output)
            except _NoPlace:
                continue
            except _NeedsPassword:
                # sudo asks before anything has run. A person may take longer than sudo waits, so the command is
                # started anew with the answer.
                refusals += password is not None
                if refusals == 3:
                    raise failures.sudo_wrong_password(self.target) from None
                if self._password is password:
                    self._password = await self._ask(password)

    async def _ask(self, wrong: Secret | None) -> Secret:
        target = self.target
        prompt = f"sudo password of {target.user} on {target.name}"
        if wrong is not None:
            self._secrets.rejected(SecretKind.SUDO, target.name, wrong)
            prompt = f"That was wrong: {prompt}"
        password = await self._secrets.get(SecretKind.SUDO, target.name, prompt)
        if password is None:
            raise failures.sudo_wrong_password(target) if wrong else failures.sudo_needs_password(target)
        return password

    async def _once(self, command: Command, password: Secret | None, on_output: OnOutput | None) -> Result:
        sudo = command.sudo and self.target.sudo
        nonce = random.token_hex(8)
        start = launch(command, sudo=sudo, nonce=nonce)
        session = CommandSession(nonce, on_output)
        sent = began = time.monotonic()
        try:
            await self._open(start, session)
            if sudo:
                await self._pass_sudo(session, session.gate, password)
                began = time.monotonic()
            await self._exchange(session, start, command)
        except asyncio.CancelledError:
            await self._end(command, session)
            raise
        finally:
            if session.channel is not None:
                session.channel.abort()
        seconds = time.monotonic() - began
        if session.failure is not None:
            raise session.failure
        if session.status is None:
            raise failures.lost(self.target, session.lost)
        if not session.gate.opened:
            raise failures.not_run(self.target, session.gate.said or session.preface.said, session.status)
        # timeout(1) exits with 124; after SIGKILL it ends by that signal, which a shell or sudo tells as 137.
        if session.status in (124, 137, -1) and time.monotonic() - sent >= limit(command):
            raise failures.too_slow(self.target, command, session.result(seconds), "the host has ended it")
        return session.result(seconds)

    async def _open(self, start: Launch, session: CommandSession) -> None:
        try:
            async with asyncio.timeout(GRACE + self.target.connect_timeout):
                await self.link.create_session(lambda: session, start.line, encoding=None, request_pty=False)
        except asyncssh.ChannelOpenError as error:
            if self.link.is_closed():
                raise failures.lost(self.target, error) from None
            if self._places.shrink():
                raise _NoPlace from None
            raise failures.no_session(self.target, error) from None
        except (asyncssh.Error, OSError) as error:
            raise failures.lost(self.target, error) from None

    async def _pass_sudo(self, session: CommandSession, gate: Gate, password: Secret | None) -> None:
        """Answer sudo until the script runs. The input of the script is not sent before that."""
        assert session.channel is not None
        answered = 0
        while not gate.opened:
            session.moved.clear()
            if gate.asked > answered:
                if answered or password is None:
                    raise _NeedsPassword
                answered = gate.asked
                session.channel.write(password.reveal().encode() + b"\n")
            elif session.done.is_set():
                if session.status is None:
                    raise failures.lost(self.target, session.lost)
                raise failures.sudo_refused(self.target, gate.said)
            try:
                async with asyncio.timeout(SUDO_WAIT):
                    await session.moved.wait()
            except TimeoutError:
                raise failures.sudo_refused(self.target, gate.said) from None

    async def _exchange(self, session: CommandSession, start: Launch, command: Command) -> None:
        feeding = asyncio.create_task(session.feed(start.first, command.stdin))
        ending = asyncio.create_task(session.done.wait())
        try:
            async with asyncio.timeout(limit(command) + KILL_AFTER + GRACE):
                await asyncio.wait((feeding, ending), return_when=asyncio.FIRST_COMPLETED)
                if feeding.done():
                    feeding.result()
                await ending
        except TimeoutError:
            said = session.result(command.timeout)
            raise failures.too_slow(self.target, command, said, "the host doesn't tell whether it has ended") from None
        finally:
            feeding.cancel()
            ending.cancel()
            await asyncio.gather(feeding, ending, return_exceptions=True)
        session.finish()

    async def _end(self, command: Command, session: CommandSession) -> None:
        """End a command that nobody waits for any more, on the host as well, as far as the host still listens."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(END_WAIT):
                while session.channel is not None and not session.gate.opened and not session.done.is_set():
                    session.moved.clear()
                    await session.moved.wait()
                if session.gate.opened and not session.done.is_set():
                    stop = Command(f"kill -TERM {session.gate.parent}", sudo=command.sudo, timeout=END_WAIT)
                    await self._once(stop, self._password, None)

    def forward(self, host: str, port: int) -> AbstractAsyncContextManager[tuple[str, int]]:
        """Open a forwarded port on 127.0.0.1; see `wizard.remote.base.Connection.forward`."""
        return self._forward(host, port)

    @asynccontextmanager
    async def _forward(self, host: str, port: int) -> AsyncIterator[tuple[str, int]]:
        if self.closed:
            raise failures.lost(self.target, None)
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
        try:
            async with asyncio.timeout(CLOSE_WAIT):
                await self.link.wait_closed()
        except TimeoutError:
            self.link.abort()  # what was still to be sent reaches nobody
