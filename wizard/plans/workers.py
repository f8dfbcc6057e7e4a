"""Workers: what each gets, what is done for all that join together, and what goes ahead where a cluster stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from wizard.bundle.opened import Bundle
from wizard.engine.step import Plan, Step
from wizard.pki.store import Pki
from wizard.profile.model import Host, Role
from wizard.render.pod_network import images_wanted, pod_network
from wizard.render.site import Site
from wizard.steps import control_plane, images, join, runtime
from wizard.steps.join import Token

LATER = ("packages", "dns-images", "cni-more")
"""What a worker that joins a cluster at work gets once its node is there: no Pod that is on its way to it needs it.
Services of the host itself, CoreDNS's image, plugins that no Pod network of slipway's uses."""


def worker_steps(
    site: Site, item: Host, bundle: Bundle, keys: Pki | None, token: Token | None, *, joining: bool
) -> list[Step]:
    """Return what a worker needs: runtime, kubelet, the images of what runs on every node, and its way in."""
    name, network = item.name, site.profile.network
    networked = pod_network(network).manifest is not None
    joins: tuple[str, ...] = ()
    steps = [
        *runtime.runtime_steps(site, item, bundle),
        # After the runtime's, for these have longer to wait anyway: for images, which come after containerd.
        runtime.binaries_step(
            item, "kubernetes-binaries", "Kubernetes' binaries", bundle, runtime.KUBELET,
            needs=(f"{name}/runtime-binaries",), weight=2,
        ),
        runtime.cni_step(
            item, "cni", "CNI plugins of the Pod network", bundle, runtime.CNI_USED,
            needs=(f"{name}/runtime-binaries",), weight=1,
        ),
        runtime.cni_step(
            item, "cni-more", "CNI plugins", bundle, runtime.cni_unused(bundle), needs=(f"{name}/cni",), weight=1
        ),
        images.images_step(
            name, "node-images", "Images: network", bundle,
            ("image/pause", *images_wanted(network), "image/kube-proxy"), needs=(f"{name}/containerd",), weight=4,
        ),
        images.images_step(
            name, "dns-images", "Images: DNS", bundle, ("image/coredns",), needs=(f"{name}/node-images",), weight=1
        ),
    ]  # fmt: skip
    if joining:
        steps.append(join.join_step(site, item, keys, token, needs=("cluster/join-token", f"{name}/pki"), weight=0.2))
        joins = (f"{name}/join",)
    return [
        *steps,
        # The images first: a Pod that finds none is tried again after ten seconds only.
        control_plane.kubelet_step(
            site, item,
            needs=(
                f"{name}/kubernetes-binaries", f"{name}/pki", f"{name}/node-images", f"{name}/dns-images", *joins,
            ),
            weight=2,
        ),
        join.worker_step(site, item, needs=(f"{name}/kubelet", f"{name}/cni"), weight=5, networked=networked),
        join.joined_step(item, needs=(f"{name}/node", *joins)),
    ]  # fmt: skip


def image_steps(host: Host) -> tuple[str, ...]:
    """Return the ids of the steps that hold the images of Pods on `host`, which is a node."""
    kinds = ("addon-images",) if Role.MASTER in host.roles else ("node-images", "dns-images")
    return tuple(f"{host.name}/{kind}" for kind in kinds)


def token_steps(site: Site, masters: Sequence[str], joining: Sequence[str], token: Token | None) -> list[Step]:
    """Return what is done for all new workers together: a token, made only where one joins, and its end."""
    if not site.profile.workers:
        return []
    if not joining:
        return [join.no_token_step(masters, after=(), weight=0.5)]
    needs = ("cluster/objects", "cluster/endpoint")
    made = join.token_step(token, masters, joining, needs=needs, weight=0.5)
    tried = tuple(f"{name}/node" for name in joining)
    return [made, join.no_token_step(masters, after=(made.id, *tried), weight=0.5)]


def at_work(site: Site) -> bool:
    """Tell whether the cluster is at work as far as a look tells: each of its masters answers and has an apiserver."""
    found = [site.facts_of(host) for host in site.profile.masters]
    return all(
        facts and facts.traces.marker.uid == site.uid and "kube-apiserver" in facts.traces.running for facts in found
    )


def ahead(plan: Plan, joining: Sequence[str]) -> Plan:
    """Return `plan` with the workers that join a cluster at work ahead of everything else.

    They wait for nothing but a token, for which the cluster has all that it needs; should it lack something all the
    same, they wait for their node until the cluster's own steps have mended that.
    """
    if not joining:
        return plan
    ids = {f"{name}/{kind}" for name in joining for kind in LATER}
    later = {step.id: step for step in plan.steps if step.id in ids}

    def before(step: Step) -> tuple[str, ...]:
        """Return what a step needs, with what came later taken out of the chain."""
        found = (before(later[need]) if need in later else (need,) for need in step.needs)
        return tuple(dict.fromkeys(need for needs in found for need in needs))

    def placed(step: Step) -> Step:
        if step.id == "cluster/join-token":
            return replace(step, needs=())
        if step.id == "verify/try":
            # The proof finds all in its place, and doesn't share the processor with what comes late.
            return replace(step, after=(*step.after, *later))
        if step.id in later:
            return replace(step, needs=(*before(step), f"{step.host}/node"), background=True)
        return replace(step, needs=before(step))

    return replace(plan, steps=tuple(map(placed, plan.steps)), ahead=tuple(f"{name}/node" for name in joining))
