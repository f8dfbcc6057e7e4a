"""The whole of rendering: one pure function a component, from a `Site` and a host to files.

    system      modules, sysctls, the etcd user, tmpfiles, time servers         every host
    containerd  config.toml, its unit                                           nodes
    registries  how images are fetched: mirrors, authorities, logins            nodes
    etcd        unit, etcd.env, bootstrap.env                                   etcd members
    haproxy     haproxy.cfg, drop-in                                            masters
    keepalived  keepalived.conf, check script, drop-in                          masters
    kubelet     config.yaml, unit, its arguments, its Pods' way to the API      nodes
    static_pods the three manifests of the control plane                        masters
    manifests   objects for the API: RBAC, Pod network, kube-proxy, CoreDNS     once a cluster

Every function gives an empty tuple for a host that the component does not belong on.
"""

from __future__ import annotations

from wizard.render.balancer import haproxy, keepalived
from wizard.render.cluster import manifests
from wizard.render.control_plane import static_pods
from wizard.render.database import etcd
from wizard.render.files import Manifest, RenderedFile
from wizard.render.node import containerd, kubelet
from wizard.render.registries import registries
from wizard.render.site import Site
from wizard.render.system import system

__all__ = [
    "Manifest",
    "RenderedFile",
    "Site",
    "containerd",
    "etcd",
    "haproxy",
    "keepalived",
    "kubelet",
    "manifests",
    "registries",
    "static_pods",
    "system",
]
