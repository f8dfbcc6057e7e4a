"""The cluster's keys and certificates on the jump host: made once, kept, renewed one by one.

    <cluster>/pki/ca.pem                     an authority: its key and its certificate
    <cluster>/pki/hosts/m1/apiserver.pem     a leaf, likewise
    <cluster>/pki/sa.pem                     the service accounts' signing key

A pair lies in one file, so that no crash can leave a key without its certificate. Files are 0600 in folders of 0700,
written beside their place, flushed, then renamed over it.
"""

from __future__ import annotations

import datetime
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509

from wizard.errors import SlipwayError
from wizard.pki.certificates import Pair, Wanted, new_authority, new_key, new_leaf, public_key
from wizard.pki.judge import Expectation, days_left, judge_certificate
from wizard.pki.wanted import AUTHORITIES, SERVICE_ACCOUNTS

RENEW_DAYS = 30
"""A leaf with fewer days left is made anew."""

Anew = Callable[[str, bytes], bool]
"""Tells of a leaf, by its name in the store and its certificate (PEM), that it is made anew though it still serves."""

_KEY = re.compile(rb"-----BEGIN EC PRIVATE KEY-----\n.+?-----END EC PRIVATE KEY-----\n", re.S)
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----\n.+?-----END CERTIFICATE-----\n", re.S)


class PkiError(SlipwayError):
    """The cluster's keys or certificates are missing or broken."""


@dataclass(frozen=True, slots=True)
class Pki:
    """All keys and certificates of a cluster: pairs by name, and the key that signs service account tokens (PEM)."""

    pairs: Mapping[str, Pair] = field(repr=False)
    service_accounts: bytes = field(repr=False)

    def pair(self, name: str) -> Pair:
        """Return the pair of that name. Raises `PkiError` where it was never made."""
        found = self.pairs.get(name)
        if found is None:
            raise PkiError(
                f"There is no certificate {name}",
                why="it was not made yet for this profile",
                hint="Run `slipway apply`, which makes what is missing.",
            )
        return found

    @property
    def service_accounts_public(self) -> bytes:
        """Return the public key that verifies service account tokens (PEM)."""
        return public_key(self.service_accounts)


def load(folder: Path) -> Pki | None:
    """Read the store. None where nothing was ever made there.

    Raises `PkiError` where a file can't be read, or an authority is gone while certificates it issued are there.
    """
    contents = {path.relative_to(folder).with_suffix("").as_posix(): path for path in sorted(_stored(folder))}
    if not contents:
        return None
    pairs = {name: _read(path) for name, path in contents.items() if name != SERVICE_ACCOUNTS}
    signing = contents.get(SERVICE_ACCOUNTS)
    authorities = {authority.name for authority in AUTHORITIES}
    missing = sorted(authorities - set(pairs)) + ([] if signing else [SERVICE_ACCOUNTS])
    if missing and set(pairs) - authorities:
        raise PkiError(
            "The cluster's authorities are incomplete",
            where=str(folder),
            why=f"{', '.join(missing)} is gone, and new ones would not be trusted by the hosts",
            hint="Copy the folder back from where it is whole. Every master has them in /etc/kubernetes/pki.",
        )
    return Pki(pairs, _match(_KEY, signing) if signing else b"")


def lost(folder: Path) -> PkiError:
    """Return the error that says: a cluster stands, and its keys are not in `folder`."""
    return PkiError(
        "The cluster's keys are not here",
        where=str(folder),
        why="hosts of a cluster trust the authorities it was installed with, and no new ones",
        hint="Copy the folder from the jump host that installed it. Every master has the authorities in "
        "/etc/kubernetes/pki.",
    )


def never(_name: str, _certificate: bytes) -> bool:
    """Make nothing anew that still serves."""
    return False


def make(
    wanted: Iterable[Wanted], before: Pki | None, now: datetime.datetime, renew_days: int = RENEW_DAYS,
    anew: Anew = never,
) -> tuple[Pki, frozenset[str]]:  # fmt: skip
    """Return a PKI that has all that is wanted, and the names of what had to be made for it.

    What `before` has and still serves is kept as it is, but for leaves that `anew` names. Nothing is written. Raises
    `PkiError` where a leaf has to be issued by an authority that has expired.
    """
    pairs = dict(before.pairs) if before else {}
    signing = before.service_accounts if before else b""
    made: set[str] = set()
    if not signing:
        signing = new_key()
        made.add(SERVICE_ACCOUNTS)
    ordered = sorted(wanted, key=lambda item: bool(item.authority))
    for item in ordered:
        if not item.authority:
            if item.name not in pairs:
                pairs[item.name] = new_authority(item, now)
                made.add(item.name)
            continue
        authority = pairs[item.authority]
        there = pairs.get(item.name)
        if there is not None:
            # No leaf outlives its authority: when that one is near its end, a new leaf would be no better.
            days = min(renew_days, days_left(authority.certificate, now))
            expectation = Expectation(item, authority.certificate, now, there.key, days)
            if not judge_certificate(there.certificate, expectation) and not anew(item.name, there.certificate):
                continue
        if days_left(authority.certificate, now) < 0:
            raise _expired(item.authority, authority)
        pairs[item.name] = new_leaf(item, authority, now)
        made.add(item.name)
    return Pki(pairs, signing), frozenset(made)


def ensure(
    folder: Path, wanted: Iterable[Wanted], now: datetime.datetime | None = None, renew_days: int = RENEW_DAYS,
    anew: Anew = never,
) -> Pki:  # fmt: skip
    """Return the stored PKI after making what is missing, no longer fits, is about to expire, or is named by `anew`.

    A process that is killed in between leaves some pairs new and some old: hosts trust both, for authorities stay.
    Authorities are written before anything they issued, and are never made anew. The caller holds the cluster's lock.
    Raises `PkiError` where the store is broken or can't be written, or an authority has expired.
    """
    pki, made = make(wanted, load(folder), now or datetime.datetime.now(datetime.UTC), renew_days, anew)
    authorities = {SERVICE_ACCOUNTS} | {item.name for item in AUTHORITIES}
    try:
        for name in sorted(made, key=lambda item: (item not in authorities, item)):
            if name == SERVICE_ACCOUNTS:
                content = pki.service_accounts
            else:
                content = pki.pairs[name].key + pki.pairs[name].certificate
            _write(folder, folder / f"{name}.pem", content)
    except OSError as error:
        raise PkiError(
            "The cluster's keys can't be written",
            where=str(folder),
            why=error.strerror or str(error),
            hint="Make room, or make the folder writable, and run it again: what is there is kept.",
        ) from error
    return pki


def forget(folder: Path, host: str) -> None:
    """Remove the certificates and keys of a host that has left. What can't be removed is judged when it returns."""
    shutil.rmtree(folder / "hosts" / host, ignore_errors=True)


def _expired(name: str, authority: Pair) -> PkiError:
    ended = x509.load_pem_x509_certificate(authority.certificate).not_valid_after_utc
    return PkiError(
        f"The authority {name} has expired",
        why=f"it ended on {ended:%Y-%m-%d}, and nothing that it issues now would be trusted",
        hint="Is this machine's clock right? Authorities are kept for a cluster's whole life: with one that really "
        "ended, a new cluster has to be made.",
    )


def _stored(folder: Path) -> Iterable[Path]:
    return (path for path in folder.rglob("*.pem") if not path.name.startswith("."))


def _read(path: Path) -> Pair:
    return Pair(_match(_CERTIFICATE, path), _match(_KEY, path))


def _match(pattern: re.Pattern[bytes], path: Path) -> bytes:
    try:
        found = pattern.search(path.read_bytes())
    except OSError as error:
        raise _broken(path, error.strerror or str(error)) from error
    if found is None:
        raise _broken(path, "it does not hold the key and certificate it should")
    return found.group()


def _broken(path: Path, why: str) -> PkiError:
    return PkiError(
        "A stored key can't be read",
        where=str(path),
        why=why,
        hint="Copy the file back from where it is whole. A host's certificate may be removed: it is made anew.",
    )


def _write(root: Path, path: Path, content: bytes) -> None:
    for folder in (root, *reversed([parent for parent in path.parents if parent.is_relative_to(root)])):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
