"""The keys to log in with: the target's own file, else the agent's and the usual files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from wizard.remote.base import LoginRefused, Secret, Target
from wizard.remote.secrets import SecretKind, Secrets
from wizard.remote.ssh.library import asyncssh

USUAL = ("id_ed25519", "id_ecdsa", "id_rsa")
"""Key files looked for in ~/.ssh when a target names none (ssh(1))."""

TRIES = 3
"""How often a passphrase is asked for."""


class KeyRing:
    """Keys by file, each read and decrypted once a run; and the agent's, asked for at each login.

    `agent_gone` says why the agent that SSH_AUTH_SOCK names didn't answer when it was asked last.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._files: dict[Path, asyncssh.SSHKeyPair] = {}
        self.agent_gone = ""

    async def of(self, target: Target) -> Sequence[asyncssh.SSHKeyPair]:
        """Return the keys to offer to `target`, in order. Raises `LoginRefused` when its own key can't be read.

        A target with a key of its own gets that alone: the agent isn't asked, and no host counts needless tries.
        """
        if target.key_file is not None:
            return [await self._file(target, target.key_file.expanduser())]
        keys = list(await self.of_agent())
        for name in USUAL:
            path = Path.home() / ".ssh" / name
            try:
                keys.append(self._files.get(path) or self._read(path, None))
            except (OSError, asyncssh.KeyImportError):
                continue  # absent, encrypted or unreadable: nobody has named it, so nobody is asked about it
        return keys

    async def of_agent(self) -> Sequence[asyncssh.SSHKeyPair]:
        """Return the keys of the agent; none when there is no agent, or when it has gone (`agent_gone`)."""
        self.agent_gone = ""
        path = os.environ.get("SSH_AUTH_SOCK")
        if not path:
            return ()
        agent = asyncssh.SSHAgentClient(path)  # it connects when asked; a login may sign long after this
        try:
            return list(await agent.get_keys())
        except ValueError as error:
            self.agent_gone = f"the SSH agent at {path} has gone ({error or 'no answer'})"
            return ()

    async def _file(self, target: Target, path: Path) -> asyncssh.SSHKeyPair:
        if path in self._files:
            return self._files[path]
        passphrase: Secret | None = None
        for attempt in range(TRIES + 1):
            try:
                return self._read(path, passphrase)
            except OSError as error:
                raise unusable(target, path, error.strerror or "it can't be read") from None
            except (asyncssh.KeyImportError, UnicodeError) as error:
                # asyncssh tells a missing or wrong passphrase from a broken file by its words alone.
                if "bcrypt" in str(error):
                    raise unusable(target, path, "to decrypt it slipway needs the Python package bcrypt") from None
                if not any(word in str(error) for word in ("assphrase", "decrypt")):
                    raise unusable(target, path, "it is no private key in a known format") from None
            if attempt == 0 and (held := await self._held_by_agent(path)) is not None:
                return held
            if passphrase is not None:
                self._secrets.rejected(SecretKind.PASSPHRASE, str(path), passphrase)
            prompt = f"passphrase of the key {path}"
            prompt = f"That was wrong: {prompt}" if passphrase is not None else prompt
            passphrase = await self._secrets.get(SecretKind.PASSPHRASE, str(path), prompt)
            if passphrase is None:
                break
        raise unusable(target, path, "it is encrypted, and its passphrase was not given or is wrong")

    def _read(self, path: Path, passphrase: Secret | None) -> asyncssh.SSHKeyPair:
        key = asyncssh.read_private_key(path, passphrase.reveal() if passphrase else None)
        self._files[path] = asyncssh.load_keypairs([key])[0]
        return self._files[path]

    async def _held_by_agent(self, path: Path) -> asyncssh.SSHKeyPair | None:
        """Return the agent's key for the encrypted file `path`, found by the public key beside it."""
        try:
            public = asyncssh.read_public_key(path.with_name(f"{path.name}.pub")).public_data
        except (OSError, ValueError):
            return None
        return next((key for key in await self.of_agent() if key.public_data == public), None)


def unusable(target: Target, path: Path, why: str) -> LoginRefused:
    """Return the error for a key file that can't be used."""
    return LoginRefused(
        "The key can't be used",
        where=target.name,
        why=f"{path}: {why}",
        hint="Check the path and its rights (chmod 600), give the passphrase, put the key into the "
        "agent (ssh-add), or name another one in the profile.",
    )
