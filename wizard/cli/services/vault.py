"""Secrets of one site while the wizard is open: asked for once, kept in memory, handed over to the run."""

from __future__ import annotations

from wizard.remote.base import Secret
from wizard.remote.secrets import AskedSecrets, SecretKind
from wizard.ui.services import AskSecret

_OWN = (SecretKind.PASSPHRASE, SecretKind.REGISTRY)
"""Kinds that belong to one thing, which no other takes."""


class Vault:
    """The secrets of one site, which one `sitting` after another asks for; `collected` are those that were not refused.

    A person who declines is not asked again for the same kind in that sitting: three hosts make one question.
    """

    def __init__(self) -> None:
        self._ask: AskSecret | None = None
        self._asked = AskedSecrets(self._ask_now)
        self._taken: dict[tuple[SecretKind, str], Secret] = {}
        self._declined: set[tuple[SecretKind, str]] = set()

    def sitting(self, ask: AskSecret) -> Vault:
        """Begin anew to ask, by way of `ask`: what was declined before may be asked for again."""
        self._ask = ask
        self._declined.clear()
        return self

    async def get(self, kind: SecretKind, host: str, prompt: str) -> Secret | None:
        """Return the secret known, or asked for now; None where the person declined."""
        secret = await self._asked.get(kind, host, prompt)
        if secret is not None:
            self._taken[kind, host] = secret
        return secret

    def rejected(self, kind: SecretKind, host: str, secret: Secret) -> None:
        """Never offer `secret` to `host` again."""
        if self._taken.get((kind, host)) == secret:
            del self._taken[kind, host]
        self._asked.rejected(kind, host, secret)

    def collected(self) -> dict[str, str]:
        """Return the secrets as a run takes them: ``{"sudo@m1": "…"}``. Only for the pipe to the run's process."""
        return {f"{kind}@{host}": secret.reveal() for (kind, host), secret in self._taken.items()}

    async def _ask_now(self, kind: SecretKind, host: str, prompt: str) -> Secret | None:
        about = (kind, host if kind in _OWN else "")
        if self._ask is None or about in self._declined:
            return None
        words = prompt[:1].upper() + prompt[1:]
        if kind not in _OWN:
            words += ". The other hosts are tried with it too, and asked about only where they refuse it."
        secret = await self._ask(kind.value, host, words)
        if secret is None:
            self._declined.add(about)
        return secret
