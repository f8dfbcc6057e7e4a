"""What an install does for the extras: a site's registries on nodes, its labels, its folder of manifests."""

from __future__ import annotations

from collections.abc import Sequence

from wizard.engine.step import Step
from wizard.profile.model import Host, Role
from wizard.render.node import is_node
from wizard.render.site import Site
from wizard.steps import manifests, nodes, registries
from wizard.steps.kubectl import turned


def host_steps(site: Site, host: Host) -> list[Step]:
    """Return what `host` itself gets."""
    if not is_node(host):
        return []
    steps = [registries.registries_step(site, host, needs=(f"{host.name}/settings",))]
    if Role.MASTER in host.roles:
        steps.append(manifests.folder_step(site, host, needs=(f"{host.name}/settings",)))
    return [step for step in steps if step]


def cluster_steps(site: Site, masters: Sequence[str], joining: Sequence[str], *, first_start: bool) -> list[Step]:
    """Return what the cluster gets once its nodes are there and its network runs."""
    profile = site.profile
    there = [host for host in profile.hosts if is_node(host)]
    steps: list[Step] = []
    # On a cluster that stands there may be something to take away, which only its nodes tell.
    if not first_start or any(host.labels or host.taints for host in there):
        after = (*(f"{host.name}/node" for host in there), *(f"{name}/join" for name in joining))
        steps.append(nodes.nodes_step(profile, turned(masters, 2), needs=("cluster/objects",), after=after))
    holding = tuple(step.id for host in profile.masters if (step := manifests.folder_step(site, host)))
    step = manifests.manifests_step(
        site, masters, needs=("cluster/objects",), needs_any=holding, after=("cluster/rollout",)
    )
    return [*steps, step] if step else steps
