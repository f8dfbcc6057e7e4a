"""Ports in use on a host, with the process and the systemd unit that hold them."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address

from wizard.facts.model import Listener
from wizard.facts.text import by_file, integer, parts

SCRIPT = r"""
if command -v ss >/dev/null; then
  part ports/ss
  rest=$(ss -lntupH)
  printf '%s\n' "$rest"
  set --
  while :; do
    case $rest in *pid=*) rest=${rest#*pid=} ;; *) break ;; esac
    file=/proc/${rest%%,*}/cgroup
    case " $* " in *" $file "*) ;; *) set -- "$@" "$file" ;; esac
  done
  part ports/cgroups
  [ $# -eq 0 ] || grep -sHE '^(0::|[0-9]+:name=systemd:)' "$@"
else
  part ports/sockets
  grep -sHE ': [0-9A-F]+:[0-9A-F]{4} [0-9A-F]+:0000 (0A|07) ' /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6
  part ports/descriptors
  ls -l /proc/[0-9]*/fd | grep -e '^/proc' -e 'socket:'
  part ports/names
  grep -sH '' /proc/[0-9]*/comm
  part ports/cgroups
  grep -sHE '^(0::|[0-9]+:name=systemd:)' /proc/[0-9]*/cgroup
fi
"""

_USER = re.compile(r'\("((?:[^"\\]|\\.)*)",pid=(\d+)')
_SOCKET = re.compile(r"socket:\[(\d+)\]")
_FOLDER = re.compile(r"^/proc/(\d+)/fd/?:")
_STATES = {"tcp": "0A", "udp": "07"}
"""What a waiting socket's state is in /proc/net (net/tcp_states.h): LISTEN, and for UDP the unconnected CLOSE."""


def parse(text: str) -> tuple[Listener, ...]:
    """Return the TCP and UDP ports that wait for others, sorted by port; one entry for each protocol and address."""
    part = parts(text)
    units = _units(part.get("ports/cgroups", ""))
    if "ports/ss" in part:
        found = _from_ss(part["ports/ss"], units)
    else:
        owners = _owners(part.get("ports/descriptors", ""), part.get("ports/names", ""))
        found = _from_proc(part.get("ports/sockets", ""), owners, units)
    unique = {(item.protocol, item.address, item.port): item for item in found}
    return tuple(sorted(unique.values(), key=lambda item: (item.port, item.protocol, item.address)))


def _from_ss(text: str, units: dict[int, str]) -> list[Listener]:
    """Read ``ss -lntup``: protocol, state, two queues, local address, peer, users."""
    found = []
    for line in text.splitlines():
        words = line.split(None, 6)
        if len(words) < 6 or words[0] not in _STATES:
            continue
        address, _, port = words[4].rpartition(":")
        number = integer(port)
        if not number:
            continue
        users = [(name, integer(pid)) for name, pid in _USER.findall(words[6] if len(words) > 6 else "")]
        # systemd keeps the sockets it hands to services: the service is the one to be named.
        process, pid = next((user for user in users if user[0] != "systemd"), users[0] if users else ("", 0))
        found.append(Listener(words[0], _plain(address), number, process, units.get(pid, ""), pid))
    return found


def _plain(address: str) -> str:
    """Return an address as ss writes it without brackets and interface; any address is ``*``."""
    address = address.partition("%")[0].strip("[]")
    return "*" if address in ("*", "0.0.0.0", "::") else address.removeprefix("::ffff:")  # noqa: S104


def _from_proc(text: str, owners: dict[str, tuple[str, int]], units: dict[int, str]) -> list[Listener]:
    """Read the waiting sockets of /proc/net/{tcp,udp}*."""
    found = []
    for path, lines in by_file(text).items():
        protocol = path.rpartition("/")[2].removesuffix("6")
        for line in lines:
            words = line.split()
            if len(words) < 10 or words[3] != _STATES.get(protocol):
                continue
            address, _, port = words[1].partition(":")
            process, pid = owners.get(words[9], ("", 0))
            try:
                shown, number = _plain(_address(address)), int(port, 16)
            except ValueError:
                continue
            found.append(Listener(protocol, shown, number, process, units.get(pid, ""), pid))
    return found


def _address(text: str) -> str:
    """Return an address of /proc/net: hexadecimal words of 32 bits in the machine's (little-endian) order."""
    raw = b"".join(bytes.fromhex(text[at : at + 8])[::-1] for at in range(0, len(text), 8))
    if len(raw) == 4:
        return str(IPv4Address(raw))
    six = IPv6Address(raw)
    return str(six.ipv4_mapped or six)


def _owners(descriptors: str, names: str) -> dict[str, tuple[str, int]]:
    """Return socket inode → (process name, PID)."""
    called = {}
    for path, lines in by_file(names).items():
        called[integer(path.split("/")[2])] = lines[0].strip()
    found: dict[str, tuple[str, int]] = {}
    pid = 0
    for line in descriptors.splitlines():
        if folder := _FOLDER.match(line):
            pid = integer(folder[1])
        elif socket := _SOCKET.search(line):
            name = called.get(pid, "")
            if socket[1] not in found or found[socket[1]][0] == "systemd":
                found[socket[1]] = (name, pid)
    return found


def _units(cgroups: str) -> dict[int, str]:
    """Return PID → systemd unit: the service in its cgroup's path, else the scope."""
    found = {}
    for path, lines in by_file(cgroups).items():
        for line in lines:
            names = line.split(":", 2)[-1].split("/")
            services = [name for name in names if name.endswith(".service")]
            scopes = [name for name in names if name.endswith(".scope")]
            if services or scopes:
                found[integer(path.split("/")[2])] = (services[:1] or scopes[-1:])[0]
    return found
