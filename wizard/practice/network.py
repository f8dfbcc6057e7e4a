"""The network of a practice datacenter: a bridge in a namespace of its own, a cable to each host and to this machine.

The bridge stands apart so that this machine's firewall and bridge settings don't reach it. This machine has one end of
one cable, ``slipN``, with the address .1; nothing that comes in there is forwarded.
"""

from __future__ import annotations

import json
from pathlib import Path

from wizard.practice.layout import JUMP, address, mac
from wizard.practice.shell import run

RULE = "5100"
"""Preference of the routing rule that refuses to forward what practice hosts send: before the main table (32766)."""


def jump_link(number: int) -> str:
    """Return the name of this machine's end of the cable."""
    return f"slip{number}"


def netns(number: int, port: str) -> str:
    """Return the name of the network namespace of a host, of an isolated namespace, or of the ``switch``."""
    return f"slip{number}-{port}"


def switch_up(number: int) -> None:
    """Make the bridge and this machine's cable to it; what is there stays."""
    switch, link = netns(number, "switch"), jump_link(number)
    if not exists(switch):
        run("ip", "netns", "add", switch)
        _quiet(switch)
        _batch(switch, "link set lo up", "link add br0 type bridge stp_state 0 mcast_snooping 0", "link set br0 up")
    if not Path("/sys/class/net", link).exists():
        run("ip", "link", "add", link, "address", mac(number, JUMP), "type", "veth", "peer", "jump", "netns", switch)
        settings = Path("/proc/sys/net")
        (settings / f"ipv4/conf/{link}/forwarding").write_text("0")
        if (ipv6 := settings / f"ipv6/conf/{link}/disable_ipv6").exists():
            ipv6.write_text("1")
        # Docker and others switch forwarding on for every link at any time; this rule holds then too.
        run("ip", "rule", "add", "iif", link, "preference", RULE, "prohibit")
        _batch(switch, "link set jump master br0 up", "link set jump type bridge_slave isolated on")
        run("ip", "address", "add", f"{address(number, JUMP)}/24", "dev", link)
        run("ip", "link", "set", link, "up")


def plug(number: int, port: str, octet: int, *, isolated: bool = False) -> None:
    """Make the namespace of `port` anew, with ``eth0`` at the address that ends in `octet`, plugged into the bridge.

    Isolated ports don't see each other, only the hosts; this machine's own is one of them.
    """
    unplug(number, port)
    name, switch = netns(number, port), netns(number, "switch")
    run("ip", "netns", "add", name)
    _batch(switch, f"link add {port} type veth peer eth0 address {mac(number, octet)} netns {name}")
    _batch(
        name,
        "link set lo up",
        f"address add {address(number, octet)}/24 brd + dev eth0",
        "link set eth0 up",
        *([] if isolated else [f"route add default via {address(number, JUMP)}"]),
    )
    _batch(switch, f"link set {port} master br0 up", f"link set {port} type bridge_slave isolated {_on(isolated)}")


def link_down(number: int, port: str) -> None:
    """Take the cable of `port` out, as a power loss does: nothing it sends arrives from now on."""
    run("ip", "-n", netns(number, "switch"), "link", "set", port, "down", check=False)


def unplug(number: int, port: str) -> None:
    """Remove a port's cable and namespace; those that are gone are no failure."""
    switch = netns(number, "switch")
    if exists(switch) and port != "switch":
        run("ip", "-n", switch, "link", "delete", port, check=False)
    if exists(netns(number, port)):
        run("ip", "netns", "delete", netns(number, port))


def switch_down(number: int) -> None:
    """Remove this machine's cable, its routing rule and the bridge; what is gone is no failure."""
    link = jump_link(number)
    if Path("/sys/class/net", link).exists():
        run("ip", "link", "delete", link)
    for rule in json.loads(run("ip", "-j", "rule", "show") or "[]"):
        if rule.get("iif") == link:
            run("ip", "rule", "delete", "iif", link, "preference", str(rule["priority"]))
    unplug(number, "switch")


def ports(number: int) -> list[str]:
    """Return the ports that have a namespace now, without the switch."""
    prefix = f"slip{number}-"
    folder = Path("/run/netns")
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return sorted(name.removeprefix(prefix) for name in names if name.startswith(prefix) and name != f"{prefix}switch")


def exists(namespace: str) -> bool:
    """Tell whether a network namespace of that name is there."""
    return Path("/run/netns", namespace).exists()


def _on(state: bool) -> str:
    return "on" if state else "off"


def _batch(namespace: str, *lines: str) -> None:
    run("ip", "-n", namespace, "-batch", "-", stdin="\n".join(lines) + "\n")


def _quiet(namespace: str) -> None:
    """Keep the switch out of what it carries: no IPv6 addresses of its own, no firewall on bridged frames."""
    script = (
        "for f in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e $f ] || echo 0 >$f; done;"
        "for f in /proc/sys/net/ipv6/conf/default/disable_ipv6; do [ ! -e $f ] || echo 1 >$f; done"
    )
    run("nsenter", f"--net=/run/netns/{namespace}", "sh", "-c", script)
