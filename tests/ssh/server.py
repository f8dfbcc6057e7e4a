"""A real SSH server in this process, on loopback, that runs commands with /bin/sh; and a wire that can be cut."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

from wizard.remote.base import Target

FAKE_SUDO = r"""#!/bin/sh
# A fake of sudo for tests of the protocol. Its mode lies in the file FAKE_SUDO_MODE. Like the real one it writes its
# prompt to stderr, reads one line and not a byte more, and asks three times. Practice hosts have the real one.
while [ $# -gt 0 ]; do case "$1" in -S) shift;; -p) prompt=$2; shift 2;; --) shift; break;; *) exit 64;; esac; done
read -r mode password < "$FAKE_SUDO_MODE"
case "$mode" in
nopasswd) exec "$@";;
lecture) printf 'We trust you have received the usual lecture.\n' >&2;;
absent) echo "sh: 1: sudo: command not found" >&2; exit 127;;
stranger) echo "mallory is not in the sudoers file." >&2; exit 1;;
tty) echo "sudo: sorry, you must have a tty to run sudo" >&2; exit 1;;
esac
for try in 1 2 3; do
    printf '%s' "$prompt" >&2
    IFS= read -r given || exit 1
    [ "$given" = "$password" ] && exec "$@"
    echo "Sorry, try again." >&2
done
exit 1
"""


class Door(asyncssh.SSHServer):
    """Lets in by key, and by password where the server has one."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.server.connections.append(conn)

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return key in self.server.authorized

    def password_auth_supported(self) -> bool:
        return self.server.password is not None and not self.server.questions

    def validate_password(self, username: str, password: str) -> bool:
        self.server.passwords_seen.append(password)
        return password == self.server.password

    def kbdint_auth_supported(self) -> bool:
        return self.server.questions

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str):
        return "", "", "en", [("Password: ", False)]

    def validate_kbdint_response(self, username: str, responses) -> bool:
        return list(responses) == [self.server.password]

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        if not self.server.forwarding:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "open failed")
        return True

    def session_requested(self):
        if self.server.running >= self.server.max_sessions:
            return False
        return Process(self.server)


class Process(asyncssh.SSHServerProcess):
    """One command, in a process group of its own. Signals do not reach it, as with sshd where root has logged in."""

    def __init__(self, server: Server) -> None:
        super().__init__(self.serve, None, 3, False)
        self.server = server
        self.child: asyncio.subprocess.Process | None = None

    async def serve(self, process: asyncssh.SSHServerProcess) -> None:
        if self.server.ended:
            return
        self.server.running += 1
        self.server.most_running = max(self.server.most_running, self.server.running)
        self.server.commands.append(process.command or "")
        try:
            beginning = asyncio.create_task(self.begun(process.command or ""))
            self.server.beginning.append(beginning)
            self.child = await beginning
            feeding = asyncio.create_task(self.feed())
            await asyncio.gather(
                self.tell(self.child.stdout, process.stdout), self.tell(self.child.stderr, process.stderr)
            )
            status = await self.child.wait()
            feeding.cancel()
            if status < 0:
                process.exit_with_signal(signal.Signals(-status).name.removeprefix("SIG"))
            else:
                process.exit(status)
        finally:
            self.server.running -= 1

    async def begun(self, command: str) -> asyncio.subprocess.Process:
        """Return the command's shell once it is there."""
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", self.server.greeting + command, stdin=pipe, stdout=pipe, stderr=pipe,
            start_new_session=True, env=self.server.environment(),
        )  # fmt: skip
        self.server.children.append(child)
        return child

    async def feed(self) -> None:
        with contextlib.suppress(ConnectionError, asyncssh.Error):
            while data := await self.stdin.read(1 << 16):
                self.child.stdin.write(data)
                await self.child.stdin.drain()
            self.child.stdin.close()

    async def tell(self, reader: asyncio.StreamReader, writer: asyncssh.SSHWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncssh.Error):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()


@dataclass
class Server:
    """What the server lets in and how it behaves; tests change it as they go."""

    folder: Path
    host_key: asyncssh.SSHKey = field(default_factory=lambda: asyncssh.generate_private_key("ssh-ed25519"))
    more_host_keys: tuple[asyncssh.SSHKey, ...] = ()
    authorized: list[asyncssh.SSHKey] = field(default_factory=list)
    password: str | None = None
    questions: bool = False
    forwarding: bool = True
    greeting: str = ""
    """What the login shell runs first, as its start files do."""
    max_sessions: int = 10
    ended: bool = False
    running: int = 0
    most_running: int = 0
    port: int = 0
    connections: list[asyncssh.SSHServerConnection] = field(default_factory=list)
    beginning: list[asyncio.Task[asyncio.subprocess.Process]] = field(default_factory=list)
    """What makes the shell of each command."""
    children: list[asyncio.subprocess.Process] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    passwords_seen: list[str] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        return {"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "FAKE_SUDO_MODE": str(self.folder / "sudo.mode")}

    def sudo(self, mode: str, password: str = "") -> None:
        """Choose what the fake sudo does."""
        (self.folder / "sudo.mode").write_text(f"{mode} {password}\n")

    def target(self, key_file: Path, name: str = "m1", **more) -> Target:
        return Target(name, "127.0.0.1", self.port, "root", key_file, **more)

    @property
    def fingerprint(self) -> str:
        return self.host_key.get_fingerprint()

    def cut(self) -> None:
        """End every connection at once, as a reset does."""
        for connection in self.connections:
            connection.abort()
        self.connections.clear()

    async def end_children(self) -> None:
        """End what still runs, and what is about to, as no host would: only when a test is over."""
        self.ended = True
        await asyncio.gather(*self.beginning, return_exceptions=True)
        for child in self.children:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.stdin.close()
            await child.wait()
            # By itself it closes only when nobody holds its pipes any more: what the loop leaves open is found out of
            # the blue by a test that comes later.
            child._transport.close()
        await asyncio.sleep(0.01)  # the loop lets go of their pipes

    @asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncIterator[Server]:
        listener = await asyncssh.listen(
            "127.0.0.1",
            port,
            server_factory=lambda: Door(self),
            server_host_keys=[self.host_key, *self.more_host_keys],
            encoding=None,
            gss_host=None,
        )
        self.port = listener.get_port()
        try:
            yield self
        finally:
            self.cut()
            listener.close()
            await listener.wait_closed()
            await self.end_children()


def install_fake_sudo(folder: Path) -> None:
    """Put the fake sudo where the server's commands find it first."""
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    fake = folder / "bin" / "sudo"
    fake.write_text(FAKE_SUDO)
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)


class Wire:
    """A TCP relay before a server that can go silent, as a host without power does."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._writers: list[asyncio.StreamWriter] = []
        self.port = 0

    def go_silent(self) -> None:
        self._flowing.clear()

    @asynccontextmanager
    async def up(self) -> AsyncIterator[Wire]:
        server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self._flowing.set()
            server.close()
            for writer in self._writers:
                writer.close()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to)
        self._writers += [writer, far_writer]
        await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer), return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._flowing.wait()
            writer.write(data)
            await writer.drain()
        writer.close()
