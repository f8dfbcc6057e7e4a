"""What of a cluster is on a host already, and whose it is."""

from __future__ import annotations

from wizard.engine.locks import LOCK
from wizard.engine.marker import MARKER
from wizard.engine.marker import parse as parse_marker
from wizard.facts.text import parts
from wizard.facts.traces import ClusterTraces, Marker

OTHER_FOLDERS = (
    *("/var/lib/rancher/k3s", "/var/lib/rancher/rke2", "/etc/rancher", "/var/lib/k0s", "/var/snap/microk8s"),
    *("/etc/origin", "/var/lib/minikube", "/system/state"),
)
"""Folders of k3s, RKE2, k0s, MicroK8s, OpenShift, minikube and Talos."""

ETCD_WORKED = "/var/lib/slipway/units/etcd.service"
"""Slipway's note on a host whose etcd member has once been healthy: a quorum has been there."""

KUBELET_CONF = "/etc/kubernetes/kubelet.conf"
"""The kubelet's kubeconfig."""
KUBELET_CLIENT = "/var/lib/kubelet/pki/kubelet-client-current.pem"
"""A kubelet's client certificate and key in one file; only the certificate is looked at."""

SCRIPT = rf"""
part cluster/marker
cat {MARKER}
part cluster/lock
cat {LOCK}
part cluster/files
for file in /etc/kubernetes/manifests/*.yaml /etc/kubernetes/manifests/*.yml /etc/kubernetes/manifests/*.json \
  /etc/kubernetes/*.conf /etc/kubernetes/pki/* /etc/kubernetes/pki/etcd/* /etc/cni/net.d/* \
  /var/lib/kubelet/config.yaml /var/lib/kubelet/kubeconfig {" ".join(OTHER_FOLDERS)}; do
  [ -e "$file" ] && printf '%s\n' "$file"
done
part cluster/kubelet
[ -f {KUBELET_CONF} ] && sed -n 's/^ *server: */server /p' {KUBELET_CONF}
[ -f {KUBELET_CLIENT} ] && sed -n '/-BEGIN CERTIFICATE-/,/-END CERTIFICATE-/p' {KUBELET_CLIENT}
part cluster/etcd
for file in "$ETCD_DIR"/member "$ETCD_DIR"/member/*; do [ -e "$file" ] && printf '%s\n' "$file"; done
part cluster/etcd-worked
[ -e {ETCD_WORKED} ] && echo yes
"""

CLUSTER_UNITS = frozenset(
    (
        *("kubelet", "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"),
        *("k3s", "k3s-agent", "rke2-server", "rke2-agent", "k0scontroller", "k0sworker"),
        "snap.microk8s.daemon-kubelite",
    )
)
"""Units of a cluster, by whomever it was built."""

CLUSTER_PROCESSES = frozenset(
    (
        *("kube-apiserver", "kube-controller", "kube-scheduler", "kube-proxy", "kubelet", "kubelite", "etcd"),
        *("k3s-server", "k3s-agent", "k3s", "rke2", "k0s", "flanneld", "coredns"),
    )
)
"""Names of a cluster's processes that hold ports, as Linux cuts them (15 characters)."""


def parse(text: str) -> ClusterTraces:
    """Return what lies on the host; what runs is told by units and ports, in `wizard.facts.look`."""
    part = parts(text)
    files = [line for line in part.get("cluster/files", "").splitlines() if line.startswith("/") and "*" not in line]
    under = {
        folder: tuple(file for file in files if file.startswith(folder))
        for folder in ("/etc/kubernetes/manifests/", "/etc/kubernetes/pki/", "/etc/cni/net.d/", "/var/lib/kubelet/")
    }
    server, _, certificate = part.get("cluster/kubelet", "").strip().partition("-----BEGIN")
    return ClusterTraces(
        marker=_marker(part.get("cluster/marker", "")),
        kubelet=KUBELET_CONF in files or bool(under["/var/lib/kubelet/"]),
        kubelet_server=server.strip().removeprefix("server ").strip('"'),
        kubelet_certificate=f"-----BEGIN{certificate}\n" if certificate else "",
        etcd_data=bool(part.get("cluster/etcd", "").strip()),
        etcd_worked=bool(part.get("cluster/etcd-worked", "").strip()),
        manifests=under["/etc/kubernetes/manifests/"],
        pki=under["/etc/kubernetes/pki/"],
        cni=under["/etc/cni/net.d/"],
        folders=tuple(file for file in files if file in OTHER_FOLDERS),
        lock=part.get("cluster/lock", "").strip(),
    )


def _marker(text: str) -> Marker:
    """Read the marker; one that is there and can't be read has a text and no UID."""
    try:
        found = parse_marker(text)
    except (ValueError, RecursionError):
        return Marker(text=text)
    return Marker(found.uid, found.cluster, text)
