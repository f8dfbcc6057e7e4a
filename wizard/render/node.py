"""A node's own services: containerd and the kubelet."""

from __future__ import annotations

import re
from dataclasses import dataclass

from wizard.facts.model import Facts
from wizard.profile.extras_syntax import taint_parts
from wizard.profile.model import Host, Profile, Role
from wizard.render.arguments import command_line
from wizard.render.files import RenderedFile, fill, rendered
from wizard.render.images import image_refs
from wizard.render.places import BOOTSTRAP_KUBECONFIG, KUBELET_CONFIG, KUBERNETES, LOCAL_API, NODE_API
from wizard.render.proxy import environment
from wizard.render.site import Site, endpoint_url, node_api_url, service_ip

MEBIBYTE = 1024 * 1024


def is_node(host: Host) -> bool:
    """Tell whether the host is a Kubernetes node: an etcd-only host is not."""
    return Role.MASTER in host.roles or Role.WORKER in host.roles


def containerd(site: Site, host: Host) -> tuple[RenderedFile, ...]:
    """Return containerd's configuration and unit."""
    if not is_node(host):
        return ()
    restrict_oom = site.lacks_sys_resource(host)
    return (
        rendered(
            "/etc/containerd/config.toml",
            "containerd/config.toml",
            pause=image_refs(site.versions)["pause"],
            restrict_oom=restrict_oom,
            systemd_cgroup=not site.cgroup_v1(host),
        ),
        rendered(
            "/etc/systemd/system/containerd.service",
            "containerd/containerd.service",
            restrict_oom=restrict_oom,
            container=_in_container(site.facts_of(host)),
            environment=environment(site, host),
        ),
    )


def kubelet(site: Site, host: Host) -> tuple[RenderedFile, ...]:
    """Return the kubelet's configuration, its unit, the arguments that are this node's own, and where its Pods find
    the API.
    """
    if not is_node(host):
        return ()
    facts = site.facts_of(host)
    reserved = reserved_memory(facts)
    cgroup_v1 = site.cgroup_v1(host)
    return (
        rendered(
            KUBELET_CONFIG,
            "kubelet/config.yaml",
            mode=0o600,
            cgroup_driver="cgroupfs" if cgroup_v1 else "systemd",
            cgroup_v1=cgroup_v1,
            fail_swap_on=not _in_container(facts),
            dns_ip=service_ip(site.profile, 10),
            dns_domain=site.profile.network.dns_domain,
            taints=_taints(site, host),
            resolv_conf="/run/systemd/resolve/resolv.conf" if facts and facts.system.systemd_resolved else "",
            system_memory=reserved.system,
            kube_memory=reserved.kube,
        ),
        rendered(
            "/etc/systemd/system/kubelet.service",
            "kubelet/kubelet.service",
            mode=0o600,
            restrict_oom=site.lacks_sys_resource(host),
        ),
        rendered(
            f"{KUBERNETES}/kubelet.env",
            "kubelet/kubelet.env",
            mode=0o600,
            name=host.name,
            node_ip=host.ip,
            zone=zone_label(host.zone),
            bootstrap="" if Role.MASTER in host.roles else BOOTSTRAP_KUBECONFIG,
            arguments=command_line(site.profile.extra_args.kubelet),
        ),
        RenderedFile(NODE_API, node_api_text(node_api_url(site.profile, host)).encode(), mode=0o600),
    )


def _taints(site: Site, host: Host) -> list[dict[str, str]]:
    """Return the taints with which a node comes: no Pod shall be on it before they are there."""
    found = []
    if Role.MASTER in host.roles and not site.profile.masters_schedulable:
        found.append({"effect": "NoSchedule", "key": "node-role.kubernetes.io/control-plane", "value": ""})
    for key, value, effect in map(taint_parts, host.taints):
        found.append({"effect": effect, "key": key, "value": value})
    return found


def node_api_text(server: str) -> str:
    """Return the kubeconfig by which flannel and kube-proxy find the API at `server`; they add their own tokens.

    One DaemonSet serves all nodes so, though masters must come up without the VIP and workers have nothing else.
    """
    return fill("kubelet/node-api.conf", server=server)


def node_api_texts(profile: Profile) -> tuple[str, str]:
    """Return both that lie on nodes, for Pods that read theirs at their start alone: the same whoever joins."""
    return node_api_text(LOCAL_API), node_api_text(endpoint_url(profile))


@dataclass(frozen=True, slots=True)
class Reserved:
    """Memory that Pods never get, in MiB."""

    system: int
    kube: int


def reserved_memory(facts: Facts | None) -> Reserved:
    """Return what is kept for the system and for kubelet and containerd: 5 % of memory each, within sane bounds.

    The control plane's own Pods are not counted here: they are Pods.
    """
    memory = (facts.hardware.memory if facts else 0) // MEBIBYTE
    share = memory // 20
    return Reserved(system=max(128, min(share, 1024)), kube=max(192, min(share, 1024)))


def zone_label(zone: str) -> str:
    """Return `zone` as a label's value: at most 63 letters, digits, ``-_.``, starting and ending with one of the first.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
    """
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", zone)[:63].strip("-_.")


def _in_container(facts: Facts | None) -> bool:
    """Tell whether swap, modules and the like are another machine's."""
    return bool(facts and facts.system.container)
