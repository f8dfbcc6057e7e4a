"""Writes through the endpoint at a steady pace: what a failure costs, as its users feel it.

A write creates a ConfigMap of its own name over a new, verified TLS connection and counts when the API says 201. One is
started every 50 ms and none waits for another, so a gap shows at its true length; a failed write counts at its start.
It has a second to be answered in, not counting moments in which this process itself got no processor (`Pulse`).
Afterwards every acknowledged one must still exist.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import ssl
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from wizard.drill.pulse import Pulse
from wizard.errors import SlipwayError


@dataclass(frozen=True, slots=True)
class Write:
    """One write: its number, when it started and ended (monotonic seconds), and why it failed (empty: acknowledged)."""

    number: int
    started: float
    ended: float
    failure: str = ""

    @property
    def ok(self) -> bool:
        """Tell whether the API acknowledged it."""
        return not self.failure


@dataclass(frozen=True, slots=True)
class Access:
    """Who writes where: `server` (``https://…``) and a TLS context with the client's certificate."""

    server: str
    context: ssl.SSLContext


def access_of(kubeconfig: Path) -> Access:
    """Return the access that a kubeconfig with embedded certificates gives.

    Raises `SlipwayError` when the file is not such a kubeconfig.
    """
    try:
        config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        cluster = config["clusters"][0]["cluster"]
        user = config["users"][0]["user"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        context = ssl.create_default_context(cadata=authority)
        # A TLS context reads certificate and key from files alone: they exist for this moment, readable by us only.
        with tempfile.NamedTemporaryFile("wb", prefix="slipway-") as pair:
            pair.write(base64.b64decode(user["client-certificate-data"]) + b"\n")
            pair.write(base64.b64decode(user["client-key-data"]))
            pair.flush()
            context.load_cert_chain(pair.name)
        return Access(cluster["server"], context)
    except (OSError, KeyError, IndexError, TypeError, ValueError, yaml.YAMLError) as error:
        raise SlipwayError(
            "This kubeconfig can't be used", where=str(kubeconfig), why=f"{type(error).__name__}: {error}",
            hint="Ask for it again with `slipway kubeconfig PROFILE`.",
        ) from error  # fmt: skip


async def request(
    access: Access, method: str, path: str, body: Any = None, seconds: float = 1.0, pulse: Pulse | None = None
) -> tuple[int, bytes]:
    """Make one request on a connection of its own; return its status and body. Raises OSError or TimeoutError.

    With a `pulse` only those of the `seconds` count in which this process ran.
    """
    url = urlsplit(access.server)
    data = b"" if body is None else json.dumps(body).encode()
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {url.netloc}\r\nConnection: close\r\nAccept: application/json\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    writer = None
    try:
        async with pulse.limit(seconds) if pulse else asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(url.hostname, url.port or 443, ssl=access.context)
            writer.write(head.encode() + data)
            answer = await reader.read(-1)
    finally:
        if writer is not None:
            writer.transport.abort()
    headers, _, content = answer.partition(b"\r\n\r\n")
    words = headers.split(None, 2)
    if len(words) < 2 or not words[1].isdigit():
        raise ConnectionError("the connection ended without an answer")
    if b"chunked" in headers.lower():
        content = _joined(content)
    return int(words[1]), content


class Writer:
    """Starts a write every `interval` seconds until stopped, into `namespace`."""

    def __init__(self, access: Access, *, namespace: str = "default", prefix: str = "write", interval: float = 0.05):
        self.access = access
        self.namespace = namespace
        self.prefix = prefix
        self.interval = interval
        self.writes: list[Write] = []
        self.pulse = Pulse()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Writer:
        self.pulse.start()
        self._loop = asyncio.create_task(self._start_all())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._loop:
            self._loop.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._loop
        await asyncio.gather(*self._tasks)
        self.pulse.stop()

    async def _start_all(self) -> None:
        began = time.monotonic()
        number = 0
        while True:
            # By the clock, not by sleeping: a busy moment must not stretch the pace.
            await asyncio.sleep(max(0.0, began + number * self.interval - time.monotonic()))
            task = asyncio.create_task(self._write(number))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            number += 1

    async def _write(self, number: int) -> None:
        started = time.monotonic()
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{self.prefix}-{number}"}}
        failure = ""
        try:
            path = f"/api/v1/namespaces/{self.namespace}/configmaps"
            status, content = await request(self.access, "POST", path, body, pulse=self.pulse)
            if status != 201:
                failure = f"{status} {content[:200].decode(errors='replace')}"
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            failure = f"{type(error).__name__} {error}".strip()
        self.writes.append(Write(number, started, time.monotonic(), failure))

    async def lost(self) -> tuple[str, ...]:
        """Return the names of acknowledged writes that the API no longer has. Raises OSError or TimeoutError."""
        path = f"/api/v1/namespaces/{self.namespace}/configmaps"
        status, content = await request(self.access, "GET", path, seconds=20.0)
        if status != 200:
            raise ConnectionError(f"listing the writes gave {status}")
        there = {item["metadata"]["name"] for item in json.loads(content)["items"]}
        return tuple(
            name for write in self.writes if write.ok and (name := f"{self.prefix}-{write.number}") not in there
        )


def failed(writes: Sequence[Write]) -> tuple[Write, ...]:
    """Return the writes that were not acknowledged, in the order of their starts."""
    return tuple(sorted((write for write in writes if not write.ok), key=lambda write: write.started))


def outage(writes: Sequence[Write], since: float) -> float:
    """Return the seconds from `since` (monotonic) to the start of the last failed write after it; 0 with none."""
    return max((write.started - since for write in failed(writes) if write.started >= since), default=0.0)


def _joined(content: bytes) -> bytes:
    """Return the body of a chunked answer (RFC 9112, section 7.1)."""
    parts = []
    while content:
        size, _, rest = content.partition(b"\r\n")
        length = int(size.split(b";")[0] or b"0", 16)
        if not length:
            break
        parts.append(rest[:length])
        content = rest[length + 2 :]
    return b"".join(parts)
