"""The order of work on a cluster that works: what has to be done before what, so that no write fails on the way.

Whose turn it is among equals, the quorum rule decides as the run goes; this is only what is known before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from wizard.engine.step import Step
from wizard.render.site import Site


def in_order(site: Site, steps: Sequence[Step]) -> tuple[Step, ...]:
    """Return `steps` with the order of a cluster that works; each waits until the others have ended, however that was.

    Balancers go before the apiservers behind them: one that is reloaded forgets which are drained. They and keepalived
    go one after the other, the VIP's holder last; the member that leads etcd goes after all others. Hosts that are new
    to the cluster, or out of reach, hold up nobody.
    """
    names = {step.id for step in steps}
    known = [host for host in site.profile.hosts if host.name in site.facts]
    ours = [host for host in known if site.facts[host.name].traces.marker.uid == site.uid]
    vip = site.profile.endpoint.vip
    holds = [host.name for host in ours if site.facts[host.name].address_interface(vip)]
    leads = [host.name for host in ours if site.facts[host.name].settled.leads]

    def last(some: Sequence[str], kind: str) -> list[str]:
        """Return the steps of a kind on our hosts, in the profile's order but for those on `some`."""
        here = [host.name for host in ours if f"{host.name}/{kind}" in names]
        return [f"{name}/{kind}" for name in sorted(here, key=lambda name: name in some)]

    balancers, virtual, members = last(holds, "haproxy"), last(holds, "keepalived"), last(leads, "etcd")
    before: dict[str, list[str]] = {}
    for chain in (balancers, virtual):
        for earlier, later in pairwise(chain):
            before.setdefault(later, []).append(earlier)
    for id in (*members, *last((), "apiserver")):
        before.setdefault(id, []).extend(balancers)
    for id in members:
        if id.partition("/")[0] in leads:
            before[id] += [other for other in members if other.partition("/")[0] not in leads]
    return tuple(replace(step, after=(*step.after, *before.get(step.id, ()))) for step in steps)
