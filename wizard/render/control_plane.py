"""The control plane as static Pods: what kubeadm writes, differing only on purpose; a test holds each reason."""

from __future__ import annotations

from typing import Any

from wizard.profile.model import Host, Role
from wizard.render.files import RenderedFile, rendered
from wizard.render.images import image_refs
from wizard.render.places import API_PORT, CONTROLLER_MANAGER_PORT, MANIFESTS, SCHEDULER_PORT
from wizard.render.site import Site, etcd_client_urls

SHUTDOWN_DELAY = "5s"
"""How long an apiserver that was told to stop still serves while `/readyz` fails, so that every haproxy has noticed."""


def static_pods(site: Site, host: Host) -> tuple[RenderedFile, ...]:
    """Return the manifests of kube-apiserver, kube-controller-manager and kube-scheduler."""
    if Role.MASTER not in host.roles:
        return ()
    images = image_refs(site.versions)
    network = site.profile.network
    values: dict[str, dict[str, Any]] = {
        "kube-apiserver": {
            "ip": host.ip,
            "port": API_PORT,
            "etcd_servers": ",".join(etcd_client_urls(site.profile, host)),
            "service_cidr": network.service_cidr,
            "dns_domain": network.dns_domain,
            "shutdown_delay": SHUTDOWN_DELAY,
        },
        "kube-controller-manager": {
            "port": CONTROLLER_MANAGER_PORT,
            "pod_cidr": network.pod_cidr,
            "service_cidr": network.service_cidr,
        },
        "kube-scheduler": {"port": SCHEDULER_PORT},
    }
    return tuple(
        rendered(f"{MANIFESTS}/{name}.yaml", f"control-plane/{name}.yaml", mode=0o600, image=images[name], **own)
        for name, own in values.items()
    )
