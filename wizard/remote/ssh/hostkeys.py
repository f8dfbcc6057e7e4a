"""Which host keys are trusted: the pin of the profile first, then the cluster's own known_hosts.

The file has OpenSSH's format (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT), so hashed names, ``@revoked`` and
``@cert-authority`` lines that a person puts there count as well.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from wizard.errors import UsageError
from wizard.remote.base import HostKeyChanged, HostKeyUnknown, RemoteError, Target
from wizard.remote.ssh.library import asyncssh


@dataclass(frozen=True, slots=True)
class KnownKeys:
    """What is on record for one host."""

    trusted: tuple[asyncssh.SSHKey, ...]
    authorities: tuple[asyncssh.SSHKey, ...]
    revoked: tuple[asyncssh.SSHKey, ...]


FAMILIES = (
    ("ssh-ed25519",),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    ("rsa-sha2-512", "rsa-sha2-256"),
)
"""Host key algorithms by kind of key: sshd has up to one key of each kind."""


def algorithms(known: KnownKeys) -> Sequence[str]:
    """Return the host key algorithms to ask for, those on record first; empty means asyncssh's defaults.

    A host shows one key only: the kind that is asked for first.
    """
    if known.authorities:
        return ()
    on_record = [name.decode() for key in known.trusted for name in key.sig_algorithms if name != b"ssh-rsa"]
    return list(dict.fromkeys([*on_record, *(name for family in FAMILIES for name in family)]))


def other_families(key: asyncssh.SSHKey) -> Sequence[Sequence[str]]:
    """Return the algorithms of the kinds of key that `key` is not."""
    mine = {name.decode() for name in key.sig_algorithms}
    return [family for family in FAMILIES if mine.isdisjoint(family)]


class KnownHosts:
    """A known_hosts file, mode 0600, read again when it has changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read: tuple[tuple[int, int], asyncssh.SSHKnownHosts] | None = None

    def of(self, target: Target) -> KnownKeys:
        """Return what is on record for `target`. Raises `UsageError` when the file can't be read."""
        name = target.address
        port = None if target.port == 22 else target.port
        match = self._load().match(name, "", port)
        return KnownKeys(tuple(match[0]), tuple(match[1]), tuple(match[2]))

    def put(self, target: Target, line: str) -> None:
        """Record `line` for `target` in place of every other line of that very name."""
        name = pattern(target)
        if line.split(" ", 1)[0] != name:
            raise UsageError(f"That host key is not one of {target.name}", where=str(self.path))
        with self._alone():
            text = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
            kept = [old for old in text.splitlines() if old.split(" ", 1)[0] != name]
            self._write("\n".join([*kept, line.strip(), ""]))

    def _load(self) -> asyncssh.SSHKnownHosts:
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return asyncssh.import_known_hosts("")
        version = (status.st_mtime_ns, status.st_ino)
        if self._read is None or self._read[0] != version:
            try:
                self._read = version, asyncssh.import_known_hosts(self.path.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise UsageError(
                    "The known_hosts file can't be read",
                    where=str(self.path),
                    why=str(error),
                    hint="Mend the file, or move it away: each host's key is then asked for again.",
                ) from None
        return self._read[1]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self.path.parent / f".{self.path.name}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(self, text: str) -> None:
        descriptor, beside = tempfile.mkstemp(dir=self.path.parent, prefix=".known_hosts.")
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(beside).replace(self.path)


def pattern(target: Target) -> str:
    """Return how known_hosts names `target`: its address, as ``[address]:port`` when the port is not 22."""
    return target.address if target.port == 22 else f"[{target.address}]:{target.port}"


def line_of(target: Target, key: asyncssh.SSHKey) -> str:
    """Return the known_hosts line that records `key` for `target`."""
    words = key.export_public_key("openssh").decode().split()
    return f"{pattern(target)} {words[0]} {words[1]}"


def judge(target: Target, known: KnownKeys, key: asyncssh.SSHKey) -> RemoteError | None:
    """Return None when `key` may be trusted, else the error to show."""
    shown = key.get_fingerprint()
    if target.fingerprint:
        return None if shown == target.fingerprint else changed(target, shown, f"the profile has {target.fingerprint}")
    if key in known.revoked:
        return changed(target, shown, "known_hosts marks that key as revoked")
    if key in known.trusted:
        return None
    if known.trusted:
        return changed(target, shown, "on record is " + ", ".join(key.get_fingerprint() for key in known.trusted))
    return HostKeyUnknown(
        "The host's key is not known yet",
        where=target.name,
        why=f"{target.address} port {target.port} shows {shown} ({key.get_algorithm()})",
        hint="Compare it with the host's console (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then accept it, "
        "or put it into the profile as this host's fingerprint.",
        fingerprint=shown,
        key=line_of(target, key),
    )


def changed(target: Target, shown: str, on_record: str) -> HostKeyChanged:
    """Return the error for a host that shows another key than it should."""
    return HostKeyChanged(
        "The host shows another key than before",
        where=target.name,
        why=f"{target.address} port {target.port} shows {shown}; {on_record}. Either the machine was installed anew, "
        "or another machine answers at this address",
        hint="Look at the host's console. If the new key is right, put it into the profile as this host's fingerprint.",
        fingerprint=shown,
    )
