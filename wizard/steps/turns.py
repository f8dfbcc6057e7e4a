"""One host at a time: what is touched in turns on a cluster that works, beside etcd's members and the apiservers."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from wizard.engine.step import Context, Step, VoterGroup
from wizard.errors import SlipwayError
from wizard.profile.model import Host, Profile
from wizard.remote.base import Command
from wizard.render.node import is_node
from wizard.render.places import CONTROLLER_MANAGER_PORT, SCHEDULER_PORT
from wizard.render.site import Site
from wizard.steps.etcd import HEALTH_SECONDS, health
from wizard.steps.kubectl import AGAIN, KUBECTL

_NODES = r'{range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}'


def nodes(profile: Profile, *, first_start: bool) -> VoterGroup:
    """Return the nodes as a group: one that is Ready is touched while no other one is. Any number may be down."""
    names = [host.name for host in profile.hosts if is_node(host)]
    masters = [host.name for host in profile.masters]
    # Where nobody tells, no node counts as Ready, and several would be touched at once: a moment is borne.
    look = f"{AGAIN}again 3 {KUBECTL} get nodes -o jsonpath='{_NODES}'"

    async def ready(context: Context) -> frozenset[str]:
        for master in masters:
            try:
                async with asyncio.timeout(HEALTH_SECONDS):
                    said = await context.run(master, Command(look, timeout=6))
            except (SlipwayError, TimeoutError):
                continue
            if said.ok:
                words = (line.split() for line in said.text.splitlines())
                return frozenset(f"node/{word[0]}" for word in words if word[1:] == ["True"])
        return frozenset()

    return VoterGroup("nodes", frozenset(f"node/{name}" for name in names), 0, ready, exempt=first_start, alone=True)


def controllers(profile: Profile, *, first_start: bool) -> VoterGroup:
    """Return controller-managers and schedulers, a pair a master, as a group: touched one at a time."""
    test = " && ".join(
        f"curl -skf -m 2 -o /dev/null https://127.0.0.1:{port}/healthz"
        for port in (CONTROLLER_MANAGER_PORT, SCHEDULER_PORT)
    )
    masters = profile.masters
    members = frozenset(f"controllers/{host.name}" for host in masters)
    asks = health("controllers", {host.name: test for host in masters})
    return VoterGroup("controllers", members, 0, asks, exempt=first_start, alone=True)


def in_turn(step: Step, site: Site, host: Host) -> Step:
    """Return `step` as one that disturbs the node on `host`; as it is where that is no node of the cluster yet.

    Hosts that join all do so at once, and nobody has to be asked whether they may.
    """
    facts = site.facts_of(host)
    if facts is None or not facts.traces.kubelet or facts.traces.marker.uid != site.uid:
        return step
    return replace(step, touches=step.touches | {f"node/{host.name}"})
