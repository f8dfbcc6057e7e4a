"""One command on one channel: what it says, how it ends, and the feeding of its stdin."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from wizard.errors import SlipwayError
from wizard.remote.base import Blob, Result, Secret, Stdin
from wizard.remote.launch import Gate
from wizard.remote.output import Capture
from wizard.remote.ssh.library import asyncssh

CHUNK = 1024 * 1024
"""How much of a blob is read from disk at once, in bytes."""


class CommandSession(asyncssh.SSHClientSession[bytes]):
    """Collects output and exit status; `done` is set when the channel has closed."""

    def __init__(self, nonce: str, on_line: Callable[[str], None] | None) -> None:
        self.stdout = Capture(on_line)
        self.stderr = Capture(on_line)
        self.gate = Gate(nonce)
        self.preface = Gate(nonce)
        """What stands before the script's own output: on stderr (where sudo speaks) and on stdout."""
        self.status: int | None = None
        self.lost: Exception | None = None
        self.failure: Exception | None = None
        self.done = asyncio.Event()
        self.moved = asyncio.Event()
        """Set whenever the gate may have moved: sudo has asked, the script runs, or all is over."""
        self._may_write = asyncio.Event()
        self._may_write.set()
        self.channel: asyncssh.SSHClientChannel[bytes] | None = None

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """Keep the channel."""
        self.channel = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Take output; what comes before the script's marker is sudo's or the login shell's."""
        # An exception of a line callback must not end the whole connection: it is kept for `run`.
        try:
            if datatype is None:
                self.stdout.feed(self.preface.feed(data))
            else:
                self.stderr.feed(self.gate.feed(data))
                self.moved.set()
        except Exception as error:
            self.failure = self.failure or error

    def eof_received(self) -> bool:
        """Keep the channel open: the command may still read after it has closed its output."""
        return True

    def exit_status_received(self, status: int) -> None:
        """Note the exit status."""
        self.status = status

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        """Note that a signal ended the command."""
        self.status = -1

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake up everyone who waits: the channel is closed, with or without its connection."""
        self.lost = exc
        self.done.set()
        self.moved.set()
        self._may_write.set()

    def pause_writing(self) -> None:
        """Hold the feeding back: the host takes no more for now."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """Let the feeding go on."""
        self._may_write.set()

    def finish(self) -> None:
        """Hand out what is left of the last lines."""
        self.stdout.finish()
        self.stderr.finish()

    def result(self, seconds: float) -> Result:
        """Return what has been said so far, and the status (-1 while there is none)."""
        status = -1 if self.status is None else self.status
        truncated = self.stdout.truncated or self.stderr.truncated
        return Result(status, self.stdout.data, self.stderr.data, seconds, truncated)

    async def feed(self, first: bytes, pieces: tuple[Stdin, ...]) -> None:
        """Write `first`, then all `pieces`, then end of file; stop quietly when the command reads no more."""
        assert self.channel is not None
        try:
            if first:
                await self._write(first)
            for piece in pieces:
                async for data in bytes_of(piece):
                    await self._write(data)
                    if self.done.is_set():
                        return
            self.channel.write_eof()
        except (BrokenPipeError, OSError):
            if not self.channel.is_closing():
                raise

    async def _write(self, data: bytes) -> None:
        assert self.channel is not None
        self.channel.write(data)
        await self._may_write.wait()


async def bytes_of(piece: Stdin) -> AsyncIterator[bytes]:
    """Yield the bytes of one piece; a blob's are read from disk beside the event loop."""
    if isinstance(piece, bytes):
        yield piece
    elif isinstance(piece, Secret):
        yield piece.reveal().encode()
    else:
        async for data in _blob(piece):
            yield data


async def _blob(blob: Blob) -> AsyncIterator[bytes]:
    rest = blob.size
    try:
        stream = await asyncio.to_thread(Path.open, blob.path, "rb", buffering=0)
    except OSError as error:
        raise altered(blob, error.strerror or str(error)) from None
    with stream:
        while data := await asyncio.to_thread(stream.read, CHUNK):
            rest -= len(data)
            if rest < 0:
                break
            yield data
    if rest:
        raise altered(blob, f"it has not the {blob.size} bytes it should have")


def altered(blob: Blob, why: str) -> SlipwayError:
    """Return the error for a file on the jump host that is not what it was."""
    return SlipwayError(
        "A file to be sent is not what it was",
        where=str(blob.path),
        why=why,
        hint="Run slipway bundle verify, and build or copy the bundle again.",
    )
