"""Many addresses at once: what a person pastes into the hosts screen becomes a list."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

MOST = 256
"""More addresses than this in one paste are surely a slip."""

_LAST_OCTETS = re.compile(r"^(\d+\.\d+\.\d+)\.(\d+)-(\d+)$")
_FULL_RANGE = re.compile(r"^(\d+\.\d+\.\d+\.\d+)-(\d+\.\d+\.\d+\.\d+)$")
_NAMED = re.compile(r"^([a-z0-9][-a-z0-9]*)=(.+)$", re.IGNORECASE)
_HOSTNAME = re.compile(r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pasted:
    """One host of a paste: `name` is empty where only an address was given."""

    address: str
    name: str = ""


class Unclear(ValueError):
    """A piece of the paste can't be read; the message says which and what would be right."""


def expand(text: str) -> tuple[Pasted, ...]:
    """Return the hosts that `text` names, in order, each address once.

    Pieces are separated by white space, commas or semicolons; each is an address, a name, a range of last octets
    (``198.18.0.11-13``), a full range (``198.18.0.11-198.18.0.13``) or ``name=address``. Lines of an ``/etc/hosts``
    file work too: an address followed by its name. Text after ``#`` is left out. Raises `Unclear`.
    """
    found: dict[str, Pasted] = {}
    for line in text.splitlines():
        pieces = re.split(r"[\s,;]+", line.partition("#")[0].strip())
        for host in _line([piece for piece in pieces if piece]):
            found.setdefault(host.address, host)
            if len(found) > MOST:
                raise Unclear(f"more than {MOST} addresses: that is surely a slip")
    return tuple(found.values())


def _line(pieces: list[str]) -> list[Pasted]:
    if len(pieces) >= 2 and _is_ip(pieces[0]) and not any(_looks_like_address(piece) for piece in pieces[1:]):
        return [Pasted(pieces[0], pieces[1].partition(".")[0].lower())]
    return [host for piece in pieces for host in _piece(piece)]


def _piece(piece: str) -> list[Pasted]:
    named = _NAMED.match(piece)
    if named:
        return [Pasted(_one(named[2]), named[1].lower())]
    last = _LAST_OCTETS.match(piece)
    if last:
        return _range(piece, f"{last[1]}.{last[2]}", f"{last[1]}.{last[3]}")
    full = _FULL_RANGE.match(piece)
    if full:
        return _range(piece, full[1], full[2])
    return [Pasted(_one(piece))]


def _range(piece: str, first: str, last: str) -> list[Pasted]:
    try:
        low, high = ipaddress.IPv4Address(first), ipaddress.IPv4Address(last)
    except ValueError as error:
        raise Unclear(f"{piece}: {error}") from None
    if high < low:
        raise Unclear(f"{piece}: the range ends before it begins")
    if int(high) - int(low) >= MOST:
        raise Unclear(f"{piece}: more than {MOST} addresses: that is surely a slip")
    return [Pasted(str(ipaddress.IPv4Address(number))) for number in range(int(low), int(high) + 1)]


def _one(text: str) -> str:
    if re.fullmatch(r"[\d.]+", text):
        if not _is_ip(text):
            raise Unclear(f"{text} is no IPv4 address; write one such as 198.18.0.11")
        return text
    if not _HOSTNAME.match(text):
        raise Unclear(f"{text} is neither an address, a range such as 198.18.0.11-13, nor a host's name")
    return text.lower()


def _is_ip(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _looks_like_address(text: str) -> bool:
    return bool(re.match(r"^\d+\.\d+\.", text)) or "=" in text
