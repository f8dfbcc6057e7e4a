"""What goes into the API once it answers: RBAC, the Pod network, kube-proxy and DNS, in the order to apply."""

from __future__ import annotations

import hashlib
import json

from wizard.render.arguments import proxy_flags
from wizard.render.files import Manifest, fill
from wizard.render.images import image_refs
from wizard.render.node import is_node, node_api_text
from wizard.render.places import CNI_NETWORK, LOCAL_API, NODE_API
from wizard.render.site import Site, endpoint_url, service_ip


def manifests(site: Site) -> tuple[Manifest, ...]:
    """Return the cluster's own objects, always in the same order, the same bytes for the same site."""
    return (
        Manifest("rbac", fill("rbac/rbac.yaml")),
        Manifest("flannel", _flannel(site)),
        Manifest("kube-proxy", _kube_proxy(site)),
        Manifest("coredns", _coredns(site)),
    )


def _flannel(site: Site) -> str:
    network = site.profile.network
    cni_conf = {
        "name": CNI_NETWORK,
        "cniVersion": "0.3.1",
        "plugins": [
            {"type": "flannel", "delegate": {"hairpinMode": True, "isDefaultGateway": True}},
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }
    net_conf = {
        "Network": network.pod_cidr,
        "EnableNFTables": network.kube_proxy == "nftables",
        "Backend": {"Type": "vxlan"},
    }
    texts = (json.dumps(cni_conf, indent=2), json.dumps(net_conf, indent=2))
    return fill(
        "flannel/flannel.yaml",
        image=image_refs(site.versions)["flannel"],
        cni_conf=texts[0],
        net_conf=texts[1],
        checksum=_checksum(*texts, *_ways(site)),
        node_api=NODE_API,
    )


def _kube_proxy(site: Site) -> str:
    network = site.profile.network
    given = site.profile.extra_args.kube_proxy
    config = fill(
        "kube-proxy/config.conf",
        pod_cidr=network.pod_cidr,
        mode=network.kube_proxy,
        container=any(facts.system.container for facts in site.facts.values()),
        node_api=NODE_API,
    )
    return fill(
        "kube-proxy/kube-proxy.yaml",
        image=image_refs(site.versions)["kube-proxy"],
        config=config.rstrip(),
        checksum=_checksum(config, *_ways(site)),
        node_api=NODE_API,
        arguments=proxy_flags(config, given) if given else (),
    )


def _ways(site: Site) -> tuple[str, str]:
    """Return what lies on nodes for these Pods, which read it at their start alone: the same whoever joins."""
    return node_api_text(LOCAL_API), node_api_text(endpoint_url(site.profile))


def _coredns(site: Site) -> str:
    nodes = sum(is_node(host) for host in site.profile.hosts)
    corefile = fill("coredns/Corefile", dns_domain=site.profile.network.dns_domain, upstream=site.upstream_dns)
    return fill(
        "coredns/coredns.yaml",
        image=image_refs(site.versions)["coredns"],
        corefile=corefile.rstrip(),
        dns_ip=service_ip(site.profile, 10),
        replicas=min(2, nodes),
        # With as many replicas as nodes there is no node for a surplus Pod.
        max_surge=0 if nodes <= 2 else 1,
    )


def _checksum(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]
