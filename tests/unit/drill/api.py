"""A stand-in for the API: keeps ConfigMaps over TLS with client certificates, and fails in the ways that APIs do."""

from __future__ import annotations

import asyncio
import datetime
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from wizard.pki.certificates import Pair, Wanted, new_authority, new_leaf
from wizard.pki.hosts import kubeconfig
from wizard.profile.model import Endpoint, Host, Profile

SITE = Profile(name="demo", hosts=(Host(name="m1", address="198.18.0.11"),), endpoint=Endpoint(vip="198.18.0.100"))
NOW = datetime.datetime.now(datetime.UTC)


class Api:
    """`mode` is what it does with a request: ``ok``, ``refuse`` (500), ``hang``, ``drop`` (close without an answer)."""

    def __init__(self) -> None:
        self.mode = "ok"
        self.names: list[str] = []
        self.users: set[str] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
            body = json.loads(await reader.readexactly(int(fields["Content-Length"])) or b"null")
            self.users.add(dict(item[0] for item in writer.get_extra_info("peercert")["subject"])["commonName"])
            if self.mode == "hang":
                await asyncio.sleep(60)
            if self.mode != "drop":
                writer.write(self.answer(head.split()[0], body))
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def answer(self, method: str, body: dict[str, dict[str, str]] | None) -> bytes:
        if self.mode == "refuse":
            return b"HTTP/1.1 500 Internal Server Error\r\n\r\netcdserver: no leader"
        if method == "POST":
            assert body is not None
            self.names.append(body["metadata"]["name"])
            return b"HTTP/1.1 201 Created\r\n\r\n{}"
        content = json.dumps({"items": [{"metadata": {"name": name}} for name in self.names]}).encode()
        parts = [content[start : start + 50] for start in range(0, len(content), 50)]
        chunks = b"".join(f"{len(part):x};x=y\r\n".encode() + part + b"\r\n" for part in parts)
        return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


def authority(name: str = "ca") -> Pair:
    return new_authority(Wanted(name, "kubernetes"), NOW)


@asynccontextmanager
async def serving(folder: Path, ca: Pair, trusted: Pair | None = None) -> AsyncIterator[tuple[Api, Path]]:
    """Yield the API and a kubeconfig for it that trusts `trusted` (by default the API's own authority)."""
    own = new_leaf(Wanted("apiserver", "kube-apiserver", server=True, ips=("127.0.0.1",)), ca, NOW)
    user = new_leaf(Wanted("admin", "kubernetes-admin", client=True), ca, NOW)
    for name, content in (("own.pem", own.certificate + own.key), ("ca.pem", ca.certificate)):
        (folder / name).write_bytes(content)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(folder / "ca.pem"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(folder / "own.pem")
    api = Api()
    server = await asyncio.start_server(api.serve, "127.0.0.1", 0, ssl=context)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    path = folder / "admin.conf"
    path.write_bytes(kubeconfig(SITE, url, (trusted or ca).certificate, "kubernetes-admin", user))
    try:
        yield api, path
    finally:
        server.close()
