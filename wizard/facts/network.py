"""Interfaces, addresses, routes and resolver of a host. IPv4 routes only: the cluster's own addresses are IPv4."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from wizard.facts.model import Interface, Route
from wizard.facts.text import by_file, first, integer, parts

SCRIPT = r"""
part network/addresses
if command -v ip >/dev/null; then ip addr show; else
  part network/links
  grep -sH '' /sys/class/net/*/address /sys/class/net/*/mtu /sys/class/net/*/flags /sys/class/net/*/operstate
  part network/local
  cat /proc/net/fib_trie
fi
part network/routes
cat /proc/net/route
part network/resolver
grep -E '^[[:space:]]*nameserver' /etc/resolv.conf
"""


@dataclass(frozen=True, slots=True)
class Net:
    """What a host knows of the network."""

    interfaces: tuple[Interface, ...] = ()
    routes: tuple[Route, ...] = ()
    nameservers: tuple[str, ...] = ()


_HEAD = re.compile(r"^\d+: ([^:@\s]+)(?:@\S+)?: <([^>]*)> mtu (\d+)")
_UP = 0x1
"""IFF_UP and RTF_UP (linux/if.h, linux/route.h)."""


def parse(text: str) -> Net:
    """Return interfaces (loopback included), the main table's routes and the resolver's name servers."""
    part = parts(text)
    routes = tuple(route for route in map(_route, part.get("network/routes", "").splitlines()) if route)
    interfaces = _from_ip(part.get("network/addresses", ""))
    if not interfaces:
        interfaces = _from_proc(part.get("network/links", ""), part.get("network/local", ""), routes)
    resolver = [line.split() for line in part.get("network/resolver", "").splitlines()]
    return Net(interfaces, routes, tuple(words[1] for words in resolver if len(words) > 1))


def _from_ip(text: str) -> tuple[Interface, ...]:
    """Read ``ip addr show`` (iproute2 or busybox)."""
    found: list[Interface] = []
    name, mac, mtu, up = "", "", 0, False
    addresses: list[str] = []

    def finish() -> None:
        if name:
            found.append(Interface(name, mac, mtu, up, tuple(addresses)))

    for line in text.splitlines():
        words = line.split()
        if head := _HEAD.match(line):
            finish()
            flags = head[2].split(",")
            name, mac, mtu, up = head[1], "", integer(head[3]), "UP" in flags and "NO-CARRIER" not in flags
            addresses = []
        elif len(words) > 1 and words[0].startswith("link/"):
            mac = words[1].lower() if words[1].count(":") == 5 else ""
        elif len(words) > 1 and words[0] in ("inet", "inet6"):
            # A point-to-point address has no length of its own: `inet 10.0.0.1 peer 10.0.0.2/32`.
            addresses.append(words[1] if "/" in words[1] else f"{words[1]}/{32 if words[0] == 'inet' else 128}")
    finish()
    return tuple(found)


def _from_proc(links: str, local: str, routes: tuple[Route, ...]) -> tuple[Interface, ...]:
    """Do without ``ip``: names from sysfs, IPv4 addresses from the kernel's table, placed by the connected routes."""
    files = by_file(links)
    names = sorted({path.split("/")[4] for path in files if path.count("/") == 5})
    addresses: dict[str, list[str]] = {name: [] for name in names}
    for address in _local(local):
        if address.is_loopback:
            addresses.setdefault("lo", []).append(f"{address}/8")
            continue
        for route in routes:
            if not route.gateway and route.destination != "default" and address in IPv4Network(route.destination):
                length = route.destination.partition("/")[2]
                addresses.setdefault(route.interface, []).append(f"{address}/{length}")
                break
    found = []
    for name in names:
        folder = f"/sys/class/net/{name}"
        flags = first(files, f"{folder}/flags").removeprefix("0x")
        down = first(files, f"{folder}/operstate") in ("down", "lowerlayerdown", "notpresent")
        up = bool(flags) and bool(_hex(flags) & _UP) and not down
        mac = first(files, f"{folder}/address").lower()
        found.append(Interface(name, mac, integer(first(files, f"{folder}/mtu")), up, tuple(addresses[name])))
    return tuple(found)


def _local(trie: str) -> list[IPv4Address]:
    """Return the addresses of this host in /proc/net/fib_trie, each once."""
    found: list[IPv4Address] = []
    last = ""
    for line in trie.splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == "|--":
            last = words[1]
        elif words[:3] == ["/32", "host", "LOCAL"]:
            try:
                address = IPv4Address(last)
            except ValueError:
                continue
            if address not in found:
                found.append(address)
    return found


def _route(line: str) -> Route | None:
    """Read a line of /proc/net/route, whose addresses are little-endian hexadecimal (proc_net(5))."""
    words = line.split()
    if len(words) < 8 or not all(len(words[place]) == 8 for place in (1, 2, 7)):
        return None
    try:
        flags = int(words[3], 16)
        destination, gateway, mask = (int.from_bytes(bytes.fromhex(words[at]), "little") for at in (1, 2, 7))
        network = IPv4Network((destination, mask.bit_count()), strict=False)
    except ValueError:
        return None
    if not flags & _UP:
        return None
    text = "default" if network.prefixlen == 0 else str(network)
    return Route(text, words[0], str(IPv4Address(gateway)) if gateway else "")


def _hex(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError:
        return 0
