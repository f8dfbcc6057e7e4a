"""The control plane as static Pods: what kubeadm writes, differing only on purpose; a test holds each reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wizard.profile.model import Host, Role
from wizard.render.arguments import with_flags
from wizard.render.files import RenderedFile, fill
from wizard.render.images import image_refs
from wizard.render.places import API_PORT, CONTROLLER_MANAGER_PORT, MANIFESTS, SCHEDULER_PORT
from wizard.render.site import Site, etcd_client_urls

SHUTDOWN_DELAY = "5s"
"""How long an apiserver that was told to stop still serves while `/readyz` fails, so that every haproxy has noticed."""

CREDENTIALS = "SLIPWAY_CREDENTIALS"
"""The variable that tells with which kubeconfig a Pod was started: a digest of it.

controller-manager and scheduler read theirs once: client-go keeps a certificate that is written inside a kubeconfig
(1.37 client-go/transport/transport.go, `staticCert`) and reads anew only what a kubeconfig names as files. A new
kubeconfig changes the manifest by this, so the kubelet starts the Pod anew, and its process tells which one it has.

kube-apiserver needs none, it reads every leaf anew (1.37): what it serves and its proxy client's (apiserver/pkg/server/
dynamiccertificates/dynamic_serving_content.go: at once, and each minute), its kubelet client's (`ReloadTLSFiles` in
pkg/kubelet/client/kubelet_client.go), its etcd client's (`GetClientCertificate` in etcd's client/pkg/transport/
listener.go: at each handshake; a connection that stands outlives its certificate).
"""


def static_pods(site: Site, host: Host, credentials: Mapping[str, str] | None = None) -> tuple[RenderedFile, ...]:
    """Return the manifests of kube-apiserver, kube-controller-manager and kube-scheduler.

    `credentials` are digests of the kubeconfigs that a Pod has to be started anew for, by the manifest's name.
    """
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
    digests = credentials or {}
    texts = {
        name: fill(
            f"control-plane/{name}.yaml", image=images[name],
            variable=CREDENTIALS, credentials=digests.get(name, ""), **own,
        )
        for name, own in values.items()
    }  # fmt: skip
    given = site.profile.extra_args
    return tuple(
        RenderedFile(
            f"{MANIFESTS}/{name}.yaml", with_flags(text, getattr(given, name.replace("-", "_"))).encode(), mode=0o600
        )
        for name, text in texts.items()
    )
