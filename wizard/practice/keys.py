"""SSH keys of a practice datacenter: one to log in with, and one of its own for each host."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An Ed25519 key pair in OpenSSH's formats: `private` is the file's text, `public` is ``ssh-ed25519 AAAA…``."""

    private: str
    public: str

    @property
    def fingerprint(self) -> str:
        """Return the public key's fingerprint as OpenSSH shows it: ``SHA256:`` and unpadded base 64."""
        return fingerprint(self.public)


def fingerprint(public: str) -> str:
    """Return the fingerprint of a public key line (``ssh-ed25519 AAAA… comment``)."""
    blob = base64.b64decode(public.split()[1])
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def new_key() -> KeyPair:
    """Return a new Ed25519 key pair without a passphrase."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return KeyPair(private, public)
