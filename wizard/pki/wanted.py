"""Which certificates a profile asks for: the table of kubeadm's documentation, for every host of the profile.

https://kubernetes.io/docs/setup/best-practices/certificates/
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from wizard.pki.certificates import Wanted
from wizard.profile.model import Host, Profile, Role
from wizard.render.site import service_ip

CA = "ca"
ETCD_CA = "etcd/ca"
FRONT_PROXY_CA = "front-proxy-ca"
ADMIN = "admin"
SUPER_ADMIN = "super-admin"
SERVICE_ACCOUNTS = "sa"
"""The key pair that signs service account tokens; it has no certificate."""

AUTHORITIES = (
    Wanted(CA, "kubernetes"),
    Wanted(ETCD_CA, "etcd-ca"),
    Wanted(FRONT_PROXY_CA, "front-proxy-ca"),
)


def wanted(profile: Profile) -> tuple[Wanted, ...]:
    """Return every certificate the cluster needs, authorities first, then by host in the profile's order."""
    people = (
        Wanted(ADMIN, "kubernetes-admin", "kubeadm:cluster-admins", CA, client=True),
        Wanted(SUPER_ADMIN, "kubernetes-super-admin", "system:masters", CA, client=True),
    )
    return (*AUTHORITIES, *people, *(item for host in profile.hosts for item in of_host(profile, host)))


def of_host(profile: Profile, host: Host) -> tuple[Wanted, ...]:
    """Return the certificates that are one host's own."""
    found: tuple[Wanted, ...] = ()
    if Role.MASTER in host.roles or Role.WORKER in host.roles:
        found += _of_node(host)
    if Role.MASTER in host.roles:
        found += _of_master(profile, host)
    if Role.ETCD in host.roles:
        found += _of_member(host)
    return found


def node_client(host: Host) -> Wanted:
    """Return the certificate by which a node's kubelet is known to the API, whoever made it."""
    return Wanted(name_of(host, "kubelet-client"), f"system:node:{host.name}", "system:nodes", CA, client=True)


def name_of(host: Host, certificate: str) -> str:
    """Return a host's certificate's place in the store."""
    return f"hosts/{host.name}/{certificate}"


def alternative_names(candidates: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return names and addresses apart, each once, in order: what is an IP address must not be a DNS name."""
    dns: dict[str, None] = {}
    ips: dict[str, None] = {}
    for candidate in candidates:
        try:
            ips[str(ipaddress.ip_address(candidate))] = None
        except ValueError:
            dns[candidate] = None
    return tuple(dns), tuple(ips)


def _of_node(host: Host) -> tuple[Wanted, ...]:
    dns, ips = alternative_names((host.name, host.ip))
    server = Wanted(
        name_of(host, "kubelet"), f"system:node:{host.name}", "system:nodes", CA, server=True, dns=dns, ips=ips
    )
    # A worker's kubelet asks the API for its client certificate; a master's must work before there is an API.
    return (node_client(host), server) if Role.MASTER in host.roles else (server,)


def _of_master(profile: Profile, host: Host) -> tuple[Wanted, ...]:
    domain = profile.network.dns_domain
    endpoint = profile.endpoint
    service = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", f"kubernetes.default.svc.{domain}")
    points = (endpoint.vip, endpoint.dns_name) if endpoint.dns_name else (endpoint.vip,)
    # localhost: haproxy on this host, and a port forwarded over SSH.
    own = (host.name, host.ip, "localhost", "127.0.0.1")
    dns, ips = alternative_names((*service, service_ip(profile, 1), *own, *points))
    return (
        Wanted(name_of(host, "apiserver"), "kube-apiserver", "", CA, server=True, dns=dns, ips=ips),
        Wanted(name_of(host, "apiserver-kubelet-client"), "kube-apiserver-kubelet-client", "", CA, client=True),
        Wanted(name_of(host, "front-proxy-client"), "front-proxy-client", "", FRONT_PROXY_CA, client=True),
        Wanted(name_of(host, "apiserver-etcd-client"), "kube-apiserver-etcd-client", "", ETCD_CA, client=True),
        Wanted(name_of(host, "controller-manager"), "system:kube-controller-manager", "", CA, client=True),
        Wanted(name_of(host, "scheduler"), "system:kube-scheduler", "", CA, client=True),
    )


def _of_member(host: Host) -> tuple[Wanted, ...]:
    dns, ips = alternative_names((host.name, "localhost", host.peer_ip, host.ip, "127.0.0.1", "::1"))
    return (
        Wanted(name_of(host, "etcd/server"), host.name, "", ETCD_CA, server=True, client=True, dns=dns, ips=ips),
        Wanted(name_of(host, "etcd/peer"), host.name, "", ETCD_CA, server=True, client=True, dns=dns, ips=ips),
        Wanted(name_of(host, "etcd/healthcheck-client"), "kube-etcd-healthcheck-client", "", ETCD_CA, client=True),
    )
