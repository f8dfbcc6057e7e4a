"""The keys to log in with: the target's own file, else the agent's and the usual files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import asyncssh

from wizard.remote.base import LoginRefused, Secret, Target
from wizard.remote.secrets import SecretKind, Secrets

USUAL = ("id_ed25519", "id_ecdsa", "id_rsa")
"""Key files looked for in ~/.ssh when a target names none (ssh(1))."""


class KeyRing:
    """Keys by file, each read and decrypted once a run."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._files: dict[Path, asyncssh.SSHKeyPair] = {}
        self._agent: asyncssh.SSHAgentClient | None = None

    async def of(self, target: Target) -> Sequence[asyncssh.SSHKeyPair]:
        """Return the keys to offer to `target`, in order. Raises `LoginRefused` when its own key can't be read."""
        if target.key_file is not None:
            return [await self._file(target, target.key_file.expanduser())]
        keys = list(await self._of_agent())
        for name in USUAL:
            path = Path.home() / ".ssh" / name
            if path.exists():
                try:
                    keys.append(self._load(path, None))
                except (OSError, asyncssh.KeyImportError):
                    continue  # encrypted or unreadable: not named by anybody, so not asked about
        return keys

    async def _of_agent(self) -> Sequence[asyncssh.SSHKeyPair]:
        path = os.environ.get("SSH_AUTH_SOCK")
        if not path:
            return ()
        if self._agent is None:
            self._agent = asyncssh.SSHAgentClient(path)
        try:
            return list(await self._agent.get_keys())
        except ValueError:
            return ()

    async def _file(self, target: Target, path: Path) -> asyncssh.SSHKeyPair:
        if path in self._files:
            return self._files[path]
        passphrase: Secret | None = None
        for _ in range(4):
            try:
                self._files[path] = self._load(path, passphrase)
                return self._files[path]
            except (OSError, UnicodeError) as error:
                raise unusable(target, path, getattr(error, "strerror", None) or "it can't be read") from None
            except asyncssh.KeyImportError as error:
                if not isinstance(error, asyncssh.KeyEncryptionError) and "assphrase" not in str(error):
                    raise unusable(target, path, "it is no private key in a known format") from None
            if passphrase is not None:
                self._secrets.rejected(SecretKind.PASSPHRASE, str(path), passphrase)
            passphrase = await self._secrets.get(SecretKind.PASSPHRASE, str(path), f"passphrase of the key {path}")
            if passphrase is None:
                break
        raise unusable(target, path, "it is encrypted, and its passphrase was not given or is wrong")

    @staticmethod
    def _load(path: Path, passphrase: Secret | None) -> asyncssh.SSHKeyPair:
        key = asyncssh.read_private_key(path, passphrase.reveal() if passphrase else None)
        return asyncssh.load_keypairs([key])[0]


def unusable(target: Target, path: Path, why: str) -> LoginRefused:
    """Return the error for a key file that can't be used."""
    return LoginRefused(
        "The key can't be used",
        where=target.name,
        why=f"{path}: {why}",
        hint="Check the path and its rights (chmod 600), or name another key in the profile.",
    )
