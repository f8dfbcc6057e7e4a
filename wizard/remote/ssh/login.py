"""Logging in to one host: reach it, judge its key, prove who we are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from wizard.remote.base import RemoteError, Secret, Target
from wizard.remote.ssh import failures, hostkeys
from wizard.remote.ssh.hostkeys import KnownKeys
from wizard.remote.ssh.library import asyncssh

CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes128-ctr",
    "aes256-ctr",
)
"""Fastest first: AES-GCM needs no MAC of its own and runs in the processor's AES unit."""

LOGIN_TIME = 30.0
"""How long key exchange and login may take, in seconds; sshd that looks names up without DNS takes 10 to 20."""

KEEPALIVE = 5
"""Seconds between keepalives; after two without an answer the host is given up, 15 s after its last word."""


class Guard(asyncssh.SSHClient):
    """asyncssh's questions during one login, and what became of them.

    `algorithms` are the host key algorithms to accept, by preference; empty means those on record, then the others.
    """

    def __init__(
        self, target: Target, known: KnownKeys, password: Secret | None = None, algorithms: Sequence[str] = ()
    ) -> None:
        self.target = target
        self.known = known
        self.algorithms = algorithms or hostkeys.algorithms(known)
        self.reached = asyncio.Event()
        self.verdict: RemoteError | None = None
        self.key: asyncssh.SSHKey | None = None
        self.wants_password = False
        self.gave_password = False
        self._password = password

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        """Note that the address answers."""
        self.reached.set()

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Judge the key the host shows; the host then proves that it owns it."""
        self.key = key
        self.verdict = hostkeys.judge(self.target, self.known, key)
        return self.verdict is None

    def password_auth_requested(self) -> str | None:
        """Hand out the password once, and note that one is wanted."""
        self.wants_password = True
        return self._password_once()

    def kbdint_auth_requested(self) -> str | None:
        """Take part in keyboard-interactive login when there is a password."""
        self.wants_password = True
        return "" if self._password is not None else None

    def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> list[str] | None:
        """Answer a single question with the password; anything else is beyond us."""
        if not prompts:
            return []
        answer = self._password_once() if len(prompts) == 1 else None
        return None if answer is None else [answer]

    def _password_once(self) -> str | None:
        password, self._password = self._password, None
        self.gave_password = self.gave_password or password is not None
        return password.reveal() if password is not None else None


async def login(
    guard: Guard, keys: Sequence[asyncssh.SSHKeyPair], tunnel: asyncssh.SSHClientConnection | None
) -> asyncssh.SSHClientConnection:
    """Return a connection logged in to ``guard.target``. Raises `RemoteError` saying why not."""
    target = guard.target
    opening = asyncio.ensure_future(_connect(guard, keys, tunnel))
    reaching = asyncio.create_task(guard.reached.wait())
    try:
        await asyncio.wait((opening, reaching), timeout=target.connect_timeout, return_when=asyncio.FIRST_COMPLETED)
        if not opening.done() and not guard.reached.is_set():
            raise failures.unreachable(target, TimeoutError())
        async with asyncio.timeout(LOGIN_TIME):
            return await opening
    except TimeoutError as error:
        late = (
            failures.unanswered(target, LOGIN_TIME) if guard.reached.is_set() else failures.unreachable(target, error)
        )
        raise late from None
    except asyncssh.PermissionDenied:
        raise failures.refused(target, tried(guard, keys)) from None
    except asyncssh.HostKeyNotVerifiable as error:
        raise guard.verdict or hostkeys.changed(target, "an unusable key", str(error)) from None
    except (asyncssh.Error, OSError) as error:
        if "authentication failures" in str(error):
            raise failures.refused(target, [*tried(guard, keys), "too many for this host"]) from None
        raise failures.unreachable(target, error) from None
    finally:
        reaching.cancel()
        opening.cancel()
        await asyncio.gather(reaching, opening, return_exceptions=True)


async def _connect(
    guard: Guard, keys: Sequence[asyncssh.SSHKeyPair], tunnel: asyncssh.SSHClientConnection | None
) -> asyncssh.SSHClientConnection:
    return await asyncssh.connect(
        guard.target.address,
        guard.target.port,
        username=guard.target.user,
        tunnel=tunnel or (),
        config=None,
        client_factory=lambda: guard,
        client_keys=list(keys) or None,
        known_hosts=([], list(guard.known.authorities), list(guard.known.revoked)),
        server_host_key_algs=guard.algorithms,
        encryption_algs=CIPHERS,
        compression_algs=["none"],
        agent_path=None,
        gss_host=None,
        x509_trusted_certs=None,
        connect_timeout=None,
        login_timeout=0,  # `login` has the time in hand
        keepalive_interval=KEEPALIVE,
        keepalive_count_max=2,
    )


def tried(guard: Guard, keys: Sequence[asyncssh.SSHKeyPair]) -> list[str]:
    """Return in words what was offered to the host."""
    words = [f"key {key.get_comment() or key.get_algorithm()}" for key in keys]
    if guard.wants_password:
        words.append("password" if guard.gave_password else "no password, which the host would take")
    return words
