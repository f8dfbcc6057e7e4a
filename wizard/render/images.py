"""The names of the images that Pods use: the official ones, so that any registry or bundle can stand in."""

from __future__ import annotations

from collections.abc import Mapping

from wizard.versions import Versions

KUBERNETES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")


def image_refs(versions: Versions) -> Mapping[str, str]:
    """Return component → image reference, for one set of versions."""
    return {
        **{name: f"registry.k8s.io/{name}:v{versions.kubernetes}" for name in KUBERNETES},
        "pause": f"registry.k8s.io/pause:{versions.pause}",
        "coredns": f"registry.k8s.io/coredns/coredns:v{versions.coredns}",
        "flannel": f"ghcr.io/flannel-io/flannel:v{versions.flannel}",
    }
