"""A fake connection: it runs every command with this machine's own `sh`, below a temporary root.

Nothing here is SSH. What it gives the tests is the real shell scripts, really run, and faults on purpose.
"""

from __future__ import annotations

import asyncio
import grp
import os
import pwd
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

from wizard.remote.base import Blob, Command, Result, Secret, Target, Unreachable

ME = f"{pwd.getpwuid(os.getuid()).pw_name}:{grp.getgrgid(os.getgid()).gr_name}"


def stdin_of(command: Command) -> bytes:
    pieces = []
    for piece in command.stdin:
        if isinstance(piece, Blob):
            pieces.append(piece.path.read_bytes())
        else:
            pieces.append(piece.reveal().encode() if isinstance(piece, Secret) else piece)
    return b"".join(pieces)


async def run_here(command: Command, environment: dict[str, str] | None = None) -> Result:
    """Run `command` with the local `sh`, the script over stdin as a long one goes over SSH."""
    body = command.script.encode()
    process = await asyncio.create_subprocess_exec(
        "sh",
        "-c",
        f'umask 022\neval "$(head -c {len(body)})"',
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C", **(environment or {})},
    )
    stdout, stderr = await process.communicate(body + stdin_of(command))
    return Result(process.returncode or 0, stdout, stderr, 0.0)


@dataclass
class FakeHost:
    """One fake host: a temporary root, and what goes wrong on it."""

    name: str
    root: Path
    dead: bool = False
    faults: int = 0
    """So many next commands fail as if the connection broke."""
    delay: float = 0.0
    commands: list[Command] = field(default_factory=list)
    running: int = 0
    most_running: int = 0

    def path(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def write(self, path: str, text: str | bytes) -> None:
        target = self.path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode() if isinstance(text, str) else text)


class FakeConnection:
    """A connection to a fake host (see the module's first line)."""

    def __init__(self, host: FakeHost) -> None:
        self.host = host
        self.target = Target(host.name, host.name)
        self.round_trips = 0

    async def run(self, command: Command, on_output: Callable[[str], None] | None = None) -> Result:
        host = self.host
        self.round_trips += 1
        host.commands.append(command)
        if host.dead:
            raise Unreachable("the connection broke", where=host.name, why="fake fault")
        if host.faults:
            host.faults -= 1
            raise Unreachable("the connection broke", where=host.name, why="fake fault, once")
        host.running += 1
        host.most_running = max(host.most_running, host.running)
        try:
            if host.delay:
                await asyncio.sleep(host.delay)
            result = await run_here(command, {"ROOT": str(host.root)})
        finally:
            host.running -= 1
        if host.dead:
            raise Unreachable("the connection broke", where=host.name, why="fake fault, meanwhile")
        if on_output:
            for line in (result.stdout + result.stderr).decode(errors="replace").splitlines():
                on_output(line)
        return result

    def forward(self, host: str, port: int) -> AbstractAsyncContextManager[tuple[str, int]]:
        raise NotImplementedError

    async def close(self) -> None:
        pass


async def until(test: Callable[[], object]) -> None:
    for _ in range(1000):
        if test():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("never came true")
