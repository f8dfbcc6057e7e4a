"""All certificates of a cluster: those of the store, those on the hosts, and whether they agree. Nothing is changed."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cryptography import x509

from wizard.checks.reach import code_of
from wizard.errors import Level, Problem, SlipwayError
from wizard.pki import inventory
from wizard.pki.inventory import AUTHORITY_NAMES, Seen, pem_of, purpose_of
from wizard.pki.judge import Expectation, judge_certificate
from wizard.pki.store import Pki
from wizard.pki.wanted import wanted
from wizard.plans.look import Connect
from wizard.profile.model import Host, Profile
from wizard.remote.base import Command

WARN_DAYS = 60
"""What ends within so many days is warned of."""


@dataclass(frozen=True, slots=True)
class Lies:
    """Where a certificate lies: host, file, and whether it agrees with the store (None: the store has none)."""

    host: str
    path: str
    agrees: bool | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One certificate: `name` is its place in the store, `stored` tells whether it is the one there."""

    name: str
    purpose: str
    subject: str
    issuer: str
    ends: datetime.datetime
    days: int
    stored: bool
    lies: tuple[Lies, ...] = ()


@dataclass(frozen=True, slots=True)
class Certificates:
    """Every certificate, the one that ends soonest first, and what is wrong with them."""

    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]


async def ask(profile: Profile, connect: Connect, keys: Pki | None, seconds: float = 20.0) -> Certificates:
    """Ask every host of `profile` at once, one round trip each; one that doesn't answer is a problem."""

    async def one(host: Host) -> Seen | SlipwayError:
        try:
            result = await (await connect(host.name)).run(Command(inventory.look(host), timeout=seconds, looks=True))
            return inventory.read(result.text)
        except SlipwayError as error:
            return error

    answers = await asyncio.gather(*(one(host) for host in profile.hosts))
    now = datetime.datetime.now(datetime.UTC)
    return compare(profile, keys, {host.name: answer for host, answer in zip(profile.hosts, answers, strict=True)}, now)


def compare(
    profile: Profile, keys: Pki | None, answers: Mapping[str, Seen | SlipwayError], now: datetime.datetime
) -> Certificates:
    """Return the certificates that the store and the hosts' answers tell of. Judged by meaning, never by bytes."""
    lies: dict[tuple[str, bytes], list[Lies]] = {}
    stored = {name: pair.certificate for name, pair in keys.pairs.items()} if keys else {}
    for name, pem in stored.items():
        lies[name, pem_of(x509.load_pem_x509_certificate(pem))] = []
    expected = _expectations(profile, keys, now)
    problems: list[Problem] = []
    if keys is None:
        words = "The store of this cluster's keys is not on this jump host"
        problems.append(Problem("certs.no-store", Level.WARNING, words, "Use the jump host that installed it."))
    for host in profile.hosts:
        seen = answers[host.name]
        if isinstance(seen, SlipwayError):
            problems.append(seen.as_problem(code_of(seen), host=host.name))
            continue
        for place in inventory.places(host):
            certificate = seen.get(place.path)
            if certificate is None:
                if not place.own:
                    problems.append(_gone(host, place))
                continue
            pem = pem_of(certificate)
            agrees = None if place.own or place.name not in stored else _agrees(place.name, pem, stored, expected)
            lies.setdefault((place.name, pem), []).append(Lies(host.name, place.path, agrees))
            if agrees is False:
                problems.append(_differs(host, place))
    entries = sorted(
        (_entry(name, pem, stored, tuple(where), now) for (name, pem), where in lies.items()),
        key=lambda entry: (entry.ends, entry.name),
    )
    return Certificates(tuple(entries), (*problems, *_ends(entries)))


def ending(profile: Profile, found: Mapping[str, Seen], now: datetime.datetime) -> tuple[Problem, ...]:
    """Return a warning for each host of which certificates end within `WARN_DAYS` (an error where one has ended)."""
    within = now + datetime.timedelta(days=WARN_DAYS)
    problems = []
    for host in profile.hosts:
        soon = inventory.ending(host, found.get(host.name, {}), within)
        if soon:
            place, ends = soon[0]
            leaf = any(item.name not in AUTHORITY_NAMES for item, _ in soon)
            words = f"{len(soon)} of its certificates end within {WARN_DAYS} days"
            words += f", the first ({place.purpose}) {_when(ends, now)}"
            problems.append(Problem("certs.ends", _level(ends, now), words, _hint(leaf=leaf), host=host.name))
    return tuple(problems)


def gone(host: Host, seen: Seen) -> tuple[Problem, ...]:
    """Return an error where certificates of `host` are not where they should be."""
    missing = [place for place in inventory.places(host) if not place.own and seen.get(place.path) is None]
    if len(missing) < 2:
        return tuple(_gone(host, place) for place in missing)
    words = f"{len(missing)} of its certificates are gone, {missing[0].path} ({missing[0].purpose}) among them"
    return (Problem("certs.missing", Level.ERROR, words, "`slipway apply` puts them there again.", host=host.name),)


def _expectations(profile: Profile, keys: Pki | None, now: datetime.datetime) -> dict[str, Expectation]:
    if keys is None:
        return {}
    return {
        item.name: Expectation(item, keys.pair(item.authority).certificate, now, keys.pair(item.name).key)
        for item in wanted(profile)
        if item.authority and item.name in keys.pairs
    }


def _agrees(name: str, pem: bytes, stored: Mapping[str, bytes], expected: Mapping[str, Expectation]) -> bool:
    """Tell whether a host's certificate is the store's, or one of the same meaning and key."""
    if pem == pem_of(x509.load_pem_x509_certificate(stored[name])):
        return True
    return name in expected and not judge_certificate(pem, expected[name])


def _entry(
    name: str, pem: bytes, stored: Mapping[str, bytes], lies: tuple[Lies, ...], now: datetime.datetime
) -> Entry:  # fmt: skip
    certificate = x509.load_pem_x509_certificate(pem)
    ends = certificate.not_valid_after_utc
    kept = name in stored and pem == pem_of(x509.load_pem_x509_certificate(stored[name]))
    return Entry(
        name, purpose_of(name), certificate.subject.rfc4514_string(), certificate.issuer.rfc4514_string(), ends,
        (ends - now).days, kept, lies,
    )  # fmt: skip


def _gone(host: Host, place: inventory.Place) -> Problem:
    words = f"{place.path} holds no certificate ({place.purpose})"
    return Problem("certs.missing", Level.ERROR, words, "`slipway apply` puts it there again.", host=host.name)


def _differs(host: Host, place: inventory.Place) -> Problem:
    words = f"{place.path} is not the store's and does not serve in its place ({place.purpose})"
    hint = "`slipway apply` brings the store's to the host."
    return Problem("certs.differs", Level.WARNING, words, hint, host=host.name)


def _ends(entries: Iterable[Entry]) -> tuple[Problem, ...]:
    soon = [entry for entry in entries if entry.days < WARN_DAYS and not _renewed_by_itself(entry)]
    problems = []
    for entry in soon:
        level = Level.ERROR if entry.days < 0 else Level.WARNING
        words = f"{entry.name} ({entry.purpose}) " + (
            f"ended on {entry.ends:%Y-%m-%d}" if entry.days < 0 else f"ends in {entry.days} days"
        )
        problems.append(Problem("certs.ends", level, words, _hint(leaf=entry.name not in AUTHORITY_NAMES)))
    return tuple(problems)


def _renewed_by_itself(entry: Entry) -> bool:
    return entry.name.endswith("/kubelet-own")


def _level(ends: datetime.datetime, now: datetime.datetime) -> Level:
    return Level.ERROR if ends <= now else Level.WARNING


def _when(ends: datetime.datetime, now: datetime.datetime) -> str:
    return f"on {ends:%Y-%m-%d}: it has expired" if ends <= now else f"in {(ends - now).days} days"


def _hint(*, leaf: bool) -> str:
    if leaf:
        return "Run `slipway certs renew` with this profile: no write fails meanwhile."
    return "An authority lasts as long as its cluster: plan a new cluster before it ends."
