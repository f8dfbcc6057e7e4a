"""A small private registry on the jump host's side of a practice network: TLS of its own authority, a login, one image.

It stands in for a real one: it answers what containerd asks in a pull and nothing else, and notes who asked for what.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import http.server
import ipaddress
import json
import ssl
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from wizard.bundle.opened import Bundle

PORT = 5000
USER = "pull"
PASSWORD = "v3ry-s3cret-practice"
REPOSITORY = "site/pause"


@dataclass(frozen=True)
class Registry:
    """What runs: its name as images begin with, its authority's file, another authority's, and the paths asked for."""

    name: str
    ca: Path
    wrong_ca: Path
    asked: list[str] = field(default_factory=list)
    """A line a request that was answered: status, host it came from, path."""


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, signer: ec.EllipticCurvePrivateKey, address: str = ""
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(_name(subject)).issuer_name(_name(issuer)).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=not address, path_length=None), critical=True)
    )  # fmt: skip
    if address:
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        made = made.add_extension(names, critical=False)
    return made.sign(signer, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def image(bundle: Bundle) -> dict[str, tuple[str, bytes]]:
    """Return the bundle's pause image as a registry serves it: path → media type and content."""
    with tarfile.open(bundle.blob("image/pause").path) as archive:
        files = {item.name: file.read() for item in archive if (file := archive.extractfile(item))}
    (told,) = json.loads(files["index.json"])["manifests"]
    kind, digest = told["mediaType"], told["digest"]
    served = {
        f"/v2/{REPOSITORY}/blobs/{name.removeprefix('blobs/').replace('/', ':')}": ("application/octet-stream", content)
        for name, content in files.items()
        if name.startswith("blobs/")
    }
    manifest = kind, served[f"/v2/{REPOSITORY}/blobs/{digest}"][1]
    return {**served, f"/v2/{REPOSITORY}/manifests/1": manifest, f"/v2/{REPOSITORY}/manifests/{digest}": manifest}


class _Server(http.server.ThreadingHTTPServer):
    """Serves TLS, and shakes hands in the thread of each client: one that breaks off holds nobody up."""

    daemon_threads = True
    context: ssl.SSLContext

    def finish_request(self, request: Any, client_address: Any) -> None:
        with self.context.wrap_socket(request, server_side=True) as wrapped:
            super().finish_request(wrapped, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: who breaks off tells it himself."""


@contextmanager
def running(
    address: str, folder: Path, served: Mapping[str, tuple[str, bytes]], port: int = PORT, *, token: bool = False
) -> Iterator[Registry]:
    """Serve at `address` for as long as the block lasts; certificates go into `folder`. Port 0 takes any.

    With `token` it asks for a token of its token server, as large registries do, else for the password itself.
    """
    login = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, *, body: bool) -> None:
            path = self.path.partition("?")[0]
            said = self.headers.get("Authorization")
            if token and path == "/token":
                self._send(200 if said == login else 401, "application/json", b'{"token": "t0ken"}', body, {})
            elif said != ("Bearer t0ken" if token else login):
                asks = f'Bearer realm="https://{made.name}/token",service="practice"' if token else 'Basic realm="x"'
                self._send(401, "text/plain", b"no", body, {"WWW-Authenticate": asks})
            elif path == "/v2/":
                self._send(200, "application/json", b"{}", body, {})
            elif path in served:
                kind, content = served[path]
                digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
                self._send(200, kind, content, body, {"Docker-Content-Digest": digest})
            else:
                self._send(404, "text/plain", b"no", body, {})

        def _send(self, status: int, kind: str, content: bytes, body: bool, more: Mapping[str, str]) -> None:
            made.asked.append(f"{status} {self.client_address[0]} {self.path}")
            self.send_response(status)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **more}.items():
                self.send_header(name, value)
            self.end_headers()
            if body:
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: what was asked is noted."""

    with _Server((address, port), Handler) as server:
        made = Registry(f"{address}:{server.server_address[1]}", folder / "registry-ca.crt", folder / "wrong-ca.crt")
        leaf = folder / "registry.pem"
        leaf.write_bytes(_certificates(made, address))
        server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.context.load_cert_chain(leaf)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()


def _certificates(made: Registry, address: str) -> bytes:
    """Write both authorities; return the registry's own key and certificate."""
    authority, other, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    made.ca.write_bytes(_pem(_certificate("practice registry CA", authority, "practice registry CA", authority)))
    made.wrong_ca.write_bytes(_pem(_certificate("another CA", other, "another CA", other)))
    key = own.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )  # fmt: skip
    return key + _pem(_certificate(address, own, "practice registry CA", authority, address))
