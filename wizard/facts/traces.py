"""What of a cluster is on a host: whose it is, what was put there, what it runs with. Frozen values, as all facts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Marker:
    """What ``/etc/slipway/cluster.json`` says: whose host this is. An empty `uid` means no marker."""

    uid: str = ""
    cluster: str = ""
    text: str = ""
    """The whole file as read, for `wizard.steps` to compare with."""


@dataclass(frozen=True, slots=True)
class ClusterTraces:
    """What of a cluster is already there, by whomever it was put."""

    marker: Marker = Marker()
    kubelet: bool = False
    """A kubelet has been set up: it has a configuration or a kubeconfig."""
    kubelet_server: str = ""
    """Where its kubeconfig says that the API is; empty without one."""
    kubelet_certificate: str = ""
    """The client certificate (PEM) that it keeps, as an API issued it; empty without one."""
    etcd_data: bool = False
    """The etcd data directory holds a member."""
    etcd_worked: bool = False
    """Slipway once saw the member healthy. Without that on any host no quorum was ever there: nothing to protect."""
    manifests: tuple[str, ...] = ()
    pki: tuple[str, ...] = ()
    cni: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    """Folders that only other Kubernetes distributions make (k3s, RKE2, MicroK8s …)."""
    running: tuple[str, ...] = ()
    """Units or processes of a cluster that run now."""
    lock: str = ""
    """Content of the host's run lock (JSON), or empty."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What a host of a cluster runs with, as its own files say; each is empty where they don't."""

    node: str = ""
    node_ip: str = ""
    member: str = ""
    """The name of its etcd member."""
    peer_ip: str = ""
    data_dir: str = ""
    leads: bool = False
    """Its etcd member is the leader now."""
    dns_domain: str = ""
    service_cidr: str = ""
    pod_cidr: str = ""
    kubernetes: str = ""
    """The version of its control plane."""
    vip: str = ""
    maintenance: str = ""
    """The note of hosts that are out for maintenance, as `wizard.facts.maintenance` reads it."""
