"""The names of the images that Pods use: the official ones, so that any registry or bundle can stand in."""

from __future__ import annotations

from collections.abc import Mapping

from wizard.versions import Versions

OFFICIAL = ("calico-node", "calico-cni", "calico-kube-controllers", "cilium", "cilium-operator")
"""Images that their makers build; a bundle has those that were added to it."""

KUBERNETES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")


def image_refs(versions: Versions) -> Mapping[str, str]:
    """Return component → image reference, for one set of versions."""
    return {
        **{name: f"registry.k8s.io/{name}:v{versions.kubernetes}" for name in KUBERNETES},
        "pause": f"registry.k8s.io/pause:{versions.pause}",
        "coredns": f"registry.k8s.io/coredns/coredns:v{versions.coredns}",
        "flannel": f"ghcr.io/flannel-io/flannel:v{versions.flannel}",
        "calico-node": f"quay.io/calico/node:v{versions.calico}",
        "calico-cni": f"quay.io/calico/cni:v{versions.calico}",
        "calico-kube-controllers": f"quay.io/calico/kube-controllers:v{versions.calico}",
        "cilium": f"quay.io/cilium/cilium:v{versions.cilium}",
        "cilium-operator": f"quay.io/cilium/operator-generic:v{versions.cilium}",
    }
