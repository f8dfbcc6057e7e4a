"""The run's Unix socket: the server in the run's process, and the helpers with which screens and commands speak to it.

A path longer than 107 bytes doesn't fit into a socket's address (unix(7)), so both ends go through the open folder:
``/proc/self/fd/N/<run>.sock``. The folder is 0700 and the socket 0600, and the peer's user is asked for all the same.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from wizard.engine.control import Control, Intent, intent_of
from wizard.engine.events import Question
from wizard.errors import SlipwayError

LONGEST = 64 * 1024
"""Longest line either way, in bytes."""
ANSWER_SECONDS = 10.0
"""How long a client waits for the run to take an intent."""


class NoRun(SlipwayError):
    """Nobody answers at the run's socket: the run has ended, or was killed."""


def socket_path(cluster_dir: Path, run: str) -> Path:
    """Return where the socket of `run` lies."""
    return cluster_dir / f"{run}.sock"


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """Give `path` in a form that fits into a socket's address, whatever its length."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _listen(path: Path) -> socket.socket:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with _short(path) as short:
        listener.bind(short)
    path.chmod(0o600)
    return listener


@asynccontextmanager
async def serve(control: Control, cluster_dir: Path, run: str) -> AsyncIterator[Path]:
    """Serve `control` at the run's socket while the block lasts; yield its path."""
    path = socket_path(cluster_dir, run)
    listener = _listen(path)
    try:
        clients: set[asyncio.Task[None]] = set()

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task
            clients.add(task)
            try:
                await _client(control, reader, writer)
            finally:
                clients.discard(task)

        server = await asyncio.start_unix_server(handle, sock=listener, limit=LONGEST)
        try:
            yield path
        finally:
            server.close()
            for task in tuple(clients):
                task.cancel()
            await asyncio.gather(*clients, return_exceptions=True)
    finally:
        listener.close()
        path.unlink(missing_ok=True)


class _Attached:
    """Tells an attached client of questions."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def asked(self, question: Question) -> None:
        _send(self._writer, {"question": asdict(question)})

    def answered(self, question: str) -> None:
        _send(self._writer, {"answered": question})


async def _client(control: Control, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one client until it goes."""
    attached = _Attached(writer)
    try:
        if not _same_user(writer):
            _send(writer, {"ok": False, "why": "this run belongs to another user"})
            return
        while line := await reader.readline():
            try:
                intent = intent_of(json.loads(line))
            except ValueError as error:
                _send(writer, {"ok": False, "why": str(error)})
                continue
            why = control.submit(intent)
            _send(writer, {"ok": False, "why": why} if why else {"ok": True})
            if intent.intent == "attach" and attached not in control.listeners:
                control.listeners.add(attached)
                for question in control.questions:
                    attached.asked(question)
            await writer.drain()
    except (ConnectionError, ValueError):
        pass  # a client that goes, or sends a line without end, is no matter of the run
    finally:
        control.listeners.discard(attached)
        with suppress(ConnectionError):
            writer.close()


def _same_user(writer: asyncio.StreamWriter) -> bool:
    """Tell whether the peer is this user, or root (SO_PEERCRED, unix(7))."""
    peer = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return struct.unpack("3i", peer)[1] in (os.getuid(), 0)


def _send(writer: asyncio.StreamWriter, data: dict[str, Any]) -> None:
    writer.write(json.dumps(data).encode() + b"\n")


@asynccontextmanager
async def _connected(cluster_dir: Path, run: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    path = socket_path(cluster_dir, run)
    try:
        with _short(path) as short:
            reader, writer = await asyncio.open_unix_connection(short, limit=LONGEST)
    except OSError as error:
        raise NoRun(
            "The run does not answer",
            where=f"{cluster_dir.name}/{run}",
            why="it has ended, or its process was killed",
            hint="See `slipway runs list`; an interrupted run is resumed by starting it again.",
        ) from error
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def submit(cluster_dir: Path, run: str, intent: Intent) -> str:
    """Send `intent` to the run; return why it can't be done, or an empty text. Raises `NoRun`."""
    async with _connected(cluster_dir, run) as (reader, writer):
        _send(writer, asdict(intent))
        try:
            line = await asyncio.wait_for(reader.readline(), ANSWER_SECONDS)
        except (TimeoutError, ConnectionError):
            line = b""
        try:
            reply = json.loads(line)
            return "" if reply["ok"] else str(reply["why"])
        except (ValueError, KeyError, TypeError):
            return "the run did not answer"


async def attach(cluster_dir: Path, run: str) -> AsyncIterator[Question | str]:
    """Yield the run's open questions and each new one, and the id of each that was answered, until the run ends.

    Raises `NoRun` where nobody answers.
    """
    async with _connected(cluster_dir, run) as (reader, writer):
        _send(writer, asdict(Intent("attach")))
        while True:
            try:
                line = await reader.readline()
            except ConnectionError:
                return
            if not line:
                return
            data = json.loads(line)
            if "question" in data:
                question = data["question"]
                yield Question(**{**question, "choices": tuple(question["choices"])})
            elif "answered" in data:
                yield str(data["answered"])
