"""The installation, as one list from top to bottom: booted hosts become a highly available cluster.

All masters are alike; there is no first one. What can overlap does: the graph says what has to wait for what.
"""

from __future__ import annotations

from dataclasses import replace

from wizard.bundle.opened import Bundle
from wizard.engine.step import Plan, Step
from wizard.pki.store import Pki
from wizard.plans import extras, workers
from wizard.plans.rolling import in_order
from wizard.profile.model import Host, Network, Role
from wizard.render import api as render
from wizard.render.node import is_node
from wizard.render.pod_network import images_wanted, pod_network
from wizard.render.site import Site
from wizard.steps import (
    balancer,
    cluster,
    control_plane,
    etcd,
    host,
    images,
    join,
    packages,
    pki,
    runtime,
    turns,
    verify,
)
from wizard.steps.join import Token
from wizard.steps.kubectl import turned


def addons(network: Network) -> tuple[str, ...]:
    """Return the images of what runs in the cluster itself."""
    return (*images_wanted(network), "image/kube-proxy", "image/coredns")


def install(site: Site, bundle: Bundle, keys: Pki | None, *, run: str = "", token: Token | None = None) -> Plan:
    """Return the plan that brings every host of `site` to what its profile says, from `bundle` and `keys` alone.

    The same plan mends a cluster that drifted: what is as wanted is left alone. Without `keys` (a new cluster that is
    only looked at) the plan says that they would be made, and likewise the `token` by which new workers join. `run` is
    the run it is made for, if any. Raises `BundleError` where the bundle lacks something.
    """
    profile = site.profile
    masters = [item.name for item in profile.masters]
    joining = [item.name for item in profile.workers if join.joins(site, item, keys)]
    hurried = joining if workers.at_work(site) else []
    # What somebody else brings is waited for by nobody: neither nodes that are Ready by it nor Pods that live on it.
    networked = pod_network(profile.network).manifest is not None
    first_start = not any(facts.traces.etcd_worked for facts in site.facts.values())
    steps: list[Step] = []
    for item in profile.hosts:
        steps += _ground(site, item, bundle, keys, hurried=item.name in hurried)
        if Role.ETCD in item.roles:
            steps += _database(site, item, bundle, first_start=first_start)
        if Role.MASTER in item.roles:
            steps += _master(site, item, bundle, keys)
        elif Role.WORKER in item.roles:
            steps += workers.worker_steps(site, item, bundle, keys, token, joining=item.name in joining)
        steps += extras.host_steps(site, item)
    parts = render.manifests(site)
    manifests = "\n---\n".join(part.yaml.strip().removeprefix("---") for part in parts)
    apis = tuple(f"{name}/apiserver" for name in masters)
    steps += [
        replace(
            cluster.objects_step(
                "cluster/objects", "Network, DNS and access rules", masters, manifests, needs_any=apis, weight=2,
                fresh=first_start,
            ),
            after=_images_first(site),
        ),
        cluster.endpoint_step(profile, masters, needs_any=apis, weight=1),
    ]  # fmt: skip
    for item in profile.masters:
        needs = ("cluster/objects", f"{item.name}/kubelet", f"{item.name}/cni", f"{item.name}/addon-images")
        steps.append(cluster.node_step(profile, item, needs=needs, weight=5, networked=networked))
    steps.append(
        cluster.rollout_step(
            "cluster/rollout",
            "Network and DNS run" if networked else "kube-proxy runs",
            turned(masters, 1),
            manifests if networked else next(part.yaml for part in parts if part.name == "kube-proxy"),
            needs=("cluster/objects",),
            after=(
                *(f"{name}/node" for name in (*masters, *(item.name for item in profile.workers))),
                # A node that was Ready by its turn counts as unchanged; that it is new is what its joining tells.
                *(f"{name}/join" for name in joining),
            ),
            weight=4,
            networked=networked,
        )
    )
    steps += extras.cluster_steps(site, masters, joining, first_start=first_start)
    steps += workers.token_steps(site, masters, joining, token)
    if networked:
        steps += verify.verify_steps(site, parts, run, needs=("cluster/endpoint", "cluster/rollout"), installing=True)
    plan = Plan(
        profile.name,
        f"Install {profile.name}: Kubernetes {site.versions.kubernetes} on {len(profile.hosts)} hosts",
        tuple(steps) if first_start else in_order(site, steps),
        groups=(
            etcd.voters(profile, first_start=first_start),
            etcd.apiservers(profile, first_start=first_start),
            turns.controllers(profile, first_start=first_start),
            turns.nodes(profile, first_start=first_start),
        ),
        hosts=tuple(item.name for item in profile.hosts),
    )
    return workers.ahead(plan, hurried)


def _images_first(site: Site) -> tuple[str, ...]:
    """Return the steps that bring images to nodes that run: a Pod begins there as soon as its object is in the API.

    One that finds no image asks a registry for it, and where names resolve and nobody answers that takes minutes.
    """
    running = [item for item in site.profile.hosts if (facts := site.facts_of(item)) and facts.traces.kubelet]
    return tuple(id for item in running if is_node(item) for id in workers.image_steps(item))


def _ground(site: Site, item: Host, bundle: Bundle, keys: Pki | None, *, hurried: bool) -> list[Step]:
    """Return what every host needs first. Where it is `hurried`, tools come by themselves before all other packages."""
    name, facts = item.name, site.facts_of(item)
    release = facts.system.release if facts else bundle.lock.releases[0]
    balancer = Role.MASTER in item.roles
    steps = [
        *([packages.tools_step(name, bundle, release)] if hurried else []),
        packages.packages_step(name, bundle, release, balancer=balancer, after_tools=hurried),
        host.settings_step(site, item, needs=(f"{name}/packages",)),
        pki.pki_step(site, item, keys, needs=(f"{name}/settings",)),
    ]
    if not (facts and facts.system.container):
        steps.append(host.swap_step(item))
    return steps


def _database(site: Site, item: Host, bundle: Bundle, *, first_start: bool) -> list[Step]:
    """Return what an etcd member needs, master or not."""
    name = item.name
    return [
        runtime.binaries_step(
            item, "etcd-binaries", "etcd's binaries", bundle, runtime.ETCD, needs=(f"{name}/packages",), weight=2
        ),
        etcd.etcd_step(
            site, item, needs=(f"{name}/etcd-binaries", f"{name}/pki"), first_start=first_start, weight=3
        ),
    ]  # fmt: skip


def _master(site: Site, item: Host, bundle: Bundle, keys: Pki | None) -> list[Step]:
    """Return what a master needs: runtime, endpoint, kubelet, control plane, and the images of the add-ons."""
    name = item.name
    return [
        # The way to the first apiserver is the longest: its image comes before all that isn't needed for it.
        *runtime.runtime_steps(site, item, bundle),
        runtime.binaries_step(
            item, "kubernetes-binaries", "Kubernetes' binaries", bundle, runtime.KUBERNETES,
            needs=(f"{name}/packages",), weight=2,
        ),
        # Without the images there is no Pod that needs them.
        runtime.cni_step(
            item, "cni", "CNI plugins", bundle, tuple(one.name for one in bundle.cni()),
            needs=(f"{name}/apiserver-images",), weight=1,
        ),
        balancer.haproxy_step(site, item, needs=(f"{name}/packages", f"{name}/settings"), weight=0.5),
        balancer.keepalived_step(site, item, needs=(f"{name}/haproxy",), weight=0.5),
        images.images_step(
            name, "apiserver-images", "Images: apiserver", bundle, ("image/pause", "image/kube-apiserver"),
            needs=(f"{name}/containerd",), weight=3,
        ),
        images.images_step(
            name, "controller-images", "Images: controllers", bundle,
            ("image/kube-controller-manager", "image/kube-scheduler"),
            needs=(f"{name}/apiserver-images",), weight=3, background=True,
        ),
        images.images_step(
            name, "addon-images", "Images: network and DNS", bundle, addons(site.profile.network),
            needs=(f"{name}/controller-images",), weight=3, background=True,
        ),
        # A kubelet that finds no API asks ever more rarely: it comes when its apiserver can follow at once. So do the
        # controllers, which would find nothing to do before.
        control_plane.kubelet_step(
            site, item,
            needs=(
                f"{name}/kubernetes-binaries", f"{name}/pki", f"{name}/apiserver-images",
            ),
            weight=2,
        ),
        _apiserver(site, item),
        control_plane.controllers_step(
            site, item, keys, needs=(f"{name}/apiserver", f"{name}/controller-images"), weight=3
        ),
    ]  # fmt: skip


def _apiserver(site: Site, item: Host) -> Step:
    """Return the step of a master's apiserver: after its own etcd member, or a quorum of the others' where it has none.

    An apiserver that starts without etcd ends again, and the kubelet waits longer each time before it tries anew.
    """
    needs = (f"{item.name}/kubelet", f"{item.name}/apiserver-images")
    if Role.ETCD in item.roles:
        return control_plane.apiserver_step(site, item, needs=(*needs, f"{item.name}/etcd"), weight=8)
    members = tuple(f"{member.name}/etcd" for member in site.profile.etcd_members)
    step = control_plane.apiserver_step(site, item, needs=needs, weight=8)
    return replace(step, needs_any=members, enough=len(members) // 2 + 1)
