"""What every room may ask of a host: a command as a value, its result, and the connection that runs it.

Only `wizard.remote.ssh` knows how the bytes travel. Nothing here opens a socket.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from wizard.errors import SlipwayError


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that is never shown: its `repr` and `str` are a mask. `reveal` is the only way to the text."""

    _text: str = field(repr=False)

    def reveal(self) -> str:
        """Return the secret itself; only the code that hands it to the host calls this."""
        return self._text

    def __str__(self) -> str:
        return "•••"

    def __repr__(self) -> str:
        return "Secret(•••)"


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes on the jump host's disk that go to a host as they are: `path`, whose content has `sha256` and `size`."""

    path: Path
    sha256: str
    size: int


Stdin = bytes | Secret | Blob
"""One piece of what a command reads: bytes in memory, a secret, or a file streamed from disk."""


@dataclass(frozen=True, slots=True)
class Command:
    """A POSIX shell script to run on a host, once.

    `script` is run by ``sh -c``; build it from words with `Command.of` so that quoting happens once. `stdin` is
    streamed to it in order. `sudo` asks for root (a no-op when logged in as root). `timeout` is in seconds and ends
    the command on the host's side as well. `secret` keeps the script itself out of logs and errors. `looks`: it changes
    nothing, and on a host with no processor to spare it waits for those that work there (``nice``). Never for what
    starts or reloads a service: that would inherit it.
    """

    script: str
    stdin: tuple[Stdin, ...] = ()
    sudo: bool = True
    timeout: float = 60.0
    secret: bool = False
    looks: bool = False

    @classmethod
    def of(cls, *words: str, sudo: bool = True, timeout: float = 60.0) -> Command:
        """Return the command made of `words`, each quoted for the shell."""
        return cls(shlex.join(words), sudo=sudo, timeout=timeout)


@dataclass(frozen=True, slots=True)
class Result:
    """What a command left: exit `status` (-1 when it was ended by a signal), output, and how long it took (seconds).

    Of each stream the first 16 MiB are kept; `truncated` tells that there was more.
    """

    status: int
    stdout: bytes
    stderr: bytes
    seconds: float
    truncated: bool = False

    @property
    def ok(self) -> bool:
        """Tell whether the command exited with 0."""
        return self.status == 0

    @property
    def text(self) -> str:
        """Return stdout as text; bytes that are no UTF-8 are replaced."""
        return self.stdout.decode(errors="replace")

    @property
    def complaint(self) -> str:
        """Return the last ten lines of stderr, or of stdout when stderr is empty."""
        text = (self.stderr or self.stdout).decode(errors="replace").strip()
        return "\n".join(text.splitlines()[-10:])


@dataclass(frozen=True, slots=True)
class Target:
    """Where and how to log in to one host. Addresses may be names; `via` is the jump chain, nearest hop first.

    `fingerprint` (``SHA256:…``) pins the host key; otherwise the cluster's known_hosts decides. `sudo` is False when
    the user is root.
    """

    name: str
    address: str
    port: int = 22
    user: str = "root"
    key_file: Path | None = None
    fingerprint: str = ""
    sudo: bool = False
    via: tuple[Target, ...] = ()
    connect_timeout: float = 10.0


class Connection(Protocol):
    """An open way to one host. One channel a command; several commands may run at once."""

    target: Target
    round_trips: int
    """Commands sent so far, for the budget of one look and one change."""

    async def run(self, command: Command, on_output: Callable[[str], None] | None = None) -> Result:
        """Run `command` and return its result, whatever its exit status.

        `on_output` gets complete lines of stdout and stderr as they come. Raises `RemoteError` where the transport
        fails, sudo refuses, or the time is up.
        """

    def forward(self, host: str, port: int) -> AbstractAsyncContextManager[tuple[str, int]]:
        """Open a forwarded port: whoever connects to the yielded (address, port) reaches `host`:`port` from there."""

    async def close(self) -> None:
        """Close the connection; a second call does nothing."""


class Connector(Protocol):
    """Opens connections and keeps them: asking twice for a target gives the same open connection."""

    async def connect(self, target: Target) -> Connection:
        """Return an open connection to `target`. Raises `RemoteError` saying why it can't be had."""

    async def close(self) -> None:
        """Close every connection."""


class RemoteError(SlipwayError):
    """A host can't be reached or won't do as asked. `transient` tells whether another try may help."""

    transient = False


class Unreachable(RemoteError):
    """Nobody answers at the address, or the connection broke."""

    transient = True


class LoginRefused(RemoteError):
    """The host answered, and refused user, key or password."""


class HostKeyUnknown(RemoteError):
    """First sight of a host: its key must be confirmed. `fingerprint` is ``SHA256:…``, `key` the known_hosts line."""

    def __init__(self, title: str, *, fingerprint: str, key: str, **words: str) -> None:
        super().__init__(title, **words)
        self.fingerprint = fingerprint
        self.key = key


class HostKeyChanged(RemoteError):
    """The host shows another key than the one on record. `fingerprint` is the one it shows."""

    def __init__(self, title: str, *, fingerprint: str, **words: str) -> None:
        super().__init__(title, **words)
        self.fingerprint = fingerprint


class SudoRefused(RemoteError):
    """The user may not become root, or the sudo password is wrong or missing."""


class TimedOut(RemoteError):
    """The command did not end in its time; `details` has what it had said."""

    transient = True
