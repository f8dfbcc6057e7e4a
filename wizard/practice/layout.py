"""How a practice datacenter is laid out: names, addresses, roles. Pure.

Each datacenter has a /24 of 198.18.0.0/15, the network set aside for benchmarks (RFC 2544, RFC 6890): .1 is the jump
host, .2 to .9 are isolated namespaces, .11 on masters, .31 on etcd-only hosts, .51 on workers, .100 the VIP.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Network

from wizard.errors import UsageError

SITE = IPv4Network("198.18.0.0/15")
SUBNETS: tuple[IPv4Network, ...] = tuple(SITE.subnets(new_prefix=24))
"""All /24 networks a datacenter may get; its place in this tuple is the datacenter's number."""

NAME = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")
USER = re.compile(r"[a-z_][a-z0-9_-]{0,30}")

JUMP, VIP = 1, 100
NAMESPACES = range(2, 10)
MASTERS, ETCD_ONLY, WORKERS = range(11, 30), range(31, 50), range(51, 100)


@dataclass(frozen=True, slots=True)
class Spec:
    """What datacenter is wanted. `user` is who logs in: root, or a user with sudo who is made for it.

    `password` is for that user; empty means one is made up. It plays no part for root, who logs in by key alone.
    """

    name: str = "lab"
    masters: int = 3
    workers: int = 0
    etcd: int = 0
    user: str = "root"
    password: str = ""


@dataclass(frozen=True, slots=True)
class Seat:
    """One host's place: its name, the last number of its address, its roles as the profile writes them."""

    name: str
    octet: int
    roles: tuple[str, ...]


def demand_sound(spec: Spec) -> None:
    """Raise `UsageError` when no datacenter can be made of `spec`."""
    demand_name(spec.name)
    if not USER.fullmatch(spec.user):
        raise UsageError(f"{spec.user!r} is no user name", hint="use lower-case letters, digits, '-' and '_'")
    for what, count, room in (
        ("masters", spec.masters, MASTERS),
        ("workers", spec.workers, WORKERS),
        ("etcd", spec.etcd, ETCD_ONLY),
    ):
        if not 0 <= count <= len(room):
            raise UsageError(f"--{what} {count} does not fit", hint=f"choose a number from 0 to {len(room)}")
    if spec.masters + spec.workers + spec.etcd == 0:
        raise UsageError("a datacenter without hosts is none", hint="ask for at least one host, such as --masters 3")


def demand_name(name: str) -> None:
    """Raise `UsageError` when `name` is no name for a datacenter."""
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name for a practice datacenter",
            hint="use a letter, then lower-case letters, digits and '-', at most 32",
        )


def seats(spec: Spec) -> tuple[Seat, ...]:
    """Return the hosts of `spec`: m1… (masters with etcd), e1… (etcd only), w1… (workers)."""
    groups = (
        ("m", spec.masters, MASTERS, ("master", "etcd")),
        ("e", spec.etcd, ETCD_ONLY, ("etcd",)),
        ("w", spec.workers, WORKERS, ("worker",)),
    )
    return tuple(
        Seat(f"{letter}{number}", room[number - 1], roles)
        for letter, count, room, roles in groups
        for number in range(1, count + 1)
    )


def address(number: int, octet: int) -> str:
    """Return the address that ends in `octet` in datacenter `number`."""
    return str(SUBNETS[number][octet])


def mac(number: int, octet: int) -> str:
    """Return the MAC address that belongs to `address(number, octet)`: locally administered, and always the same."""
    return "02:00:" + ":".join(f"{byte:02x}" for byte in SUBNETS[number][octet].packed)
