"""What goes into the API once it answers: RBAC, the Pod network, kube-proxy and DNS, in the order to apply."""

from __future__ import annotations

from wizard.render.arguments import proxy_flags
from wizard.render.files import Manifest, checksum, fill
from wizard.render.images import image_refs
from wizard.render.node import is_node, node_api_texts
from wizard.render.places import NODE_API
from wizard.render.pod_network import pod_network
from wizard.render.site import Site, service_ip


def manifests(site: Site) -> tuple[Manifest, ...]:
    """Return the cluster's own objects, always in the same order, the same bytes for the same site."""
    carrier = pod_network(site.profile.network)
    return (
        Manifest("rbac", fill("rbac/rbac.yaml")),
        *((Manifest(carrier.name, carrier.manifest(site)),) if carrier.manifest else ()),
        Manifest("kube-proxy", _kube_proxy(site)),
        Manifest("coredns", _coredns(site)),
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
        checksum=checksum(config, *node_api_texts(site.profile)),
        node_api=NODE_API,
        arguments=proxy_flags(config, given) if given else (),
    )


def _coredns(site: Site) -> str:
    nodes = sum(is_node(host) for host in site.profile.hosts)
    network = site.profile.network
    upstream = " ".join(network.upstream_dns) or ("/etc/resolv.conf" if site.upstream_dns else "")
    corefile = fill("coredns/Corefile", dns_domain=network.dns_domain, upstream=upstream)
    return fill(
        "coredns/coredns.yaml",
        image=image_refs(site.versions)["coredns"],
        corefile=corefile.rstrip(),
        dns_ip=service_ip(site.profile, 10),
        replicas=min(2, nodes),
        # With as many replicas as nodes there is no node for a surplus Pod.
        max_surge=0 if nodes <= 2 else 1,
    )
