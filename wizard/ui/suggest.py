"""What the facts allow us to suggest. A suggestion is never put in by itself: the network people have the last word."""

from __future__ import annotations

import ipaddress

from wizard.facts.model import Survey
from wizard.ui.draft import Draft

FAVOURITES = (100, 200, 250, 50, 10)
"""Last octets that people like for a VIP, tried first."""


def suggest_vip(survey: Survey, draft: Draft) -> str:
    """Return an address in the masters' common subnet that no host of the survey has, or nothing.

    Whether somebody else on the segment uses it can't be known from here.
    """
    networks: set[ipaddress.IPv4Network] = set()
    taken: set[str] = {host.address for host in draft.hosts} | {host.text("node_ip") for host in draft.hosts}
    for host in draft.masters:
        facts = survey.facts.get(host.name)
        if facts is None:
            return ""
        address = host.text("node_ip").strip() or host.address
        for interface in facts.interfaces:
            for item in interface.addresses:
                taken.add(item.partition("/")[0])
                if item.partition("/")[0] == address:
                    networks.add(ipaddress.IPv4Interface(item).network)
        taken |= {route.gateway for route in facts.routes}
    if len(networks) != 1:
        return ""
    network = networks.pop()
    base = int(network.network_address)
    for number in (*FAVOURITES, *range(2, 250)):
        candidate = ipaddress.IPv4Address(base + number)
        inside = candidate in network and candidate != network.broadcast_address
        if inside and str(candidate) not in taken:
            return str(candidate)
    return ""
