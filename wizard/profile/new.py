"""A new profile from a few words, as the command line takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wizard.errors import UsageError, errors_of
from wizard.profile.counts import ETCD_SIZES
from wizard.profile.finding import listed
from wizard.profile.load import ProfileError, build
from wizard.profile.model import Profile, Role
from wizard.profile.roles import spread_roles
from wizard.profile.rules import rules
from wizard.profile.text import Document
from wizard.versions import default


def new_profile(
    name: str,
    masters: Sequence[str],
    etcd_hosts: Sequence[str] = (),
    etcd_size: int | None = None,
    zones: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
    where: str = "profile",
    workers: Sequence[str] = (),
) -> Profile:
    """Return a profile of `masters`, of hosts for etcd alone and of `workers`.

    Each is ``NAME=ADDRESS`` or an address (names are made).

    `etcd_size` is the number of etcd members; without it: every host for etcd alone and every master, or the largest
    odd number of masters. `zones` are ``HOST=ZONE``. `settings` is plain data of the other keys, laid over the rest.
    Raises `UsageError` where words are no pairs or hosts too few, `ProfileError` where it makes no profile that could
    be installed anew.
    """
    addresses = {**_hosts(masters, "m"), **_hosts(etcd_hosts, "e"), **_hosts(workers, "w")}
    if len(addresses) < len(masters) + len(etcd_hosts) + len(workers):
        raise UsageError("A host's name stands twice", hint="Give each host a name of its own: NAME=ADDRESS.")
    zone_of = dict(_pair(word, "--zone", "HOST=ZONE") for word in zones)
    if strangers := [host for host in zone_of if host not in addresses]:
        raise UsageError(f"--zone names {listed(strangers)}, and there is no such host", hint="Use the hosts' names.")
    names = list(addresses)
    size = _size(len(masters), len(etcd_hosts)) if etcd_size is None else etcd_size
    able = names[: len(masters) + len(etcd_hosts)]
    roles = spread_roles(able[: len(masters)], able[len(masters) :], size, zone_of)
    roles |= dict.fromkeys(names[len(able) :], (Role.WORKER,))
    hosts = [
        {
            "name": host,
            "address": address,
            "roles": [str(role) for role in roles[host]],
            **({"zone": zone_of[host]} if host in zone_of else {}),
        }
        for host, address in addresses.items()
    ]
    data = {"version": 1, "name": name, "kubernetes": default(), "hosts": hosts, **(settings or {})}
    profile = build(Document(data), where)
    problems = rules(profile)
    if errors_of(problems):
        raise ProfileError(
            "The profile has errors",
            where=where,
            why="a new install of it would be refused",
            hint="Change what is marked as an error; nothing was written.",
            problems=problems,
        )
    return profile


def _size(masters: int, etcd_hosts: int) -> int:
    """Return the etcd size that was meant when none was said."""
    if etcd_hosts:
        return masters + etcd_hosts
    return max((size for size in ETCD_SIZES if size <= masters), default=masters)


def _hosts(words: Sequence[str], prefix: str) -> dict[str, str]:
    pairs = (_pair(word, "a host", "NAME=ADDRESS") if "=" in word else ("", word) for word in words)
    return {name or f"{prefix}{index}": address for index, (name, address) in enumerate(pairs, start=1)}


def _pair(word: str, what: str, form: str) -> tuple[str, str]:
    name, sign, value = word.partition("=")
    if not (name and sign and value):
        raise UsageError(f"'{word}' does not say {what}", hint=f"Write {form}.")
    return name.strip(), value.strip()
