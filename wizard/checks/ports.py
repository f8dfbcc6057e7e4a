"""Ports the cluster will use: free, or used by the cluster itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wizard.checks.case import Case, Found
from wizard.errors import Level, Problem
from wizard.facts.cluster import CLUSTER_PROCESSES
from wizard.facts.model import Listener
from wizard.profile.model import Role
from wizard.render import places
from wizard.render.pod_network import pod_network

KUBELET_HEALTH_PORT = 10248
PROXY_METRICS_PORT = 10249
PROXY_HEALTH_PORT = 10256

LOOPBACK = "127.0.0.1"
ANY = "*"


@dataclass(frozen=True, slots=True)
class Use:
    """One port wanted on a host: on `address` (``*`` is every one), for `what`, held by `process` once it runs."""

    port: int
    address: str
    what: str
    process: str
    protocol: str = "tcp"
    field: str = ""


def uses(case: Case, found: Found) -> Iterator[Use]:
    """Yield the ports that the host's roles need. Process names are cut at 15 characters, as Linux does."""
    ip, endpoint = found.host.ip, case.profile.endpoint
    if Role.MASTER in found.host.roles:
        yield Use(places.API_PORT, ip, "kube-apiserver", "kube-apiserver")
        yield Use(places.API_PORT, LOOPBACK, "the local load balancer (haproxy)", "haproxy")
        yield Use(endpoint.port, endpoint.vip, "the API at the VIP (haproxy)", "haproxy", field="endpoint.port")
        yield Use(places.CONTROLLER_MANAGER_PORT, LOOPBACK, "kube-controller-manager", "kube-controller")
        yield Use(places.SCHEDULER_PORT, LOOPBACK, "kube-scheduler", "kube-scheduler")
        yield Use(places.BALANCER_HEALTH_PORT, LOOPBACK, "haproxy's health", "haproxy")
        yield Use(places.BALANCER_CHECK_PORT, LOOPBACK, "haproxy's checks", "haproxy")
    if Role.MASTER in found.host.roles or Role.WORKER in found.host.roles:
        yield Use(places.KUBELET_PORT, ANY, "kubelet", "kubelet")
        yield Use(KUBELET_HEALTH_PORT, LOOPBACK, "kubelet's health", "kubelet")
        yield Use(PROXY_METRICS_PORT, LOOPBACK, "kube-proxy", "kube-proxy")
        yield Use(PROXY_HEALTH_PORT, ANY, "kube-proxy's health", "kube-proxy")
        carrier = pod_network(case.profile.network)
        for protocol, port in carrier.ports:
            yield Use(port, ANY, carrier.name, "", protocol)
        for port in carrier.local_ports:
            yield Use(port, LOOPBACK, carrier.name, "")
    if Role.ETCD in found.host.roles:
        for address in dict.fromkeys((LOOPBACK, found.host.peer_ip)):
            yield Use(places.ETCD_CLIENT_PORT, address, "etcd", "etcd")
        yield Use(places.ETCD_PEER_PORT, found.host.peer_ip, "etcd's peers", "etcd")
        yield Use(places.ETCD_METRICS_PORT, LOOPBACK, "etcd's metrics", "etcd")


def judge(case: Case) -> Iterator[Problem]:
    """Yield each port that another process has, once."""
    for found in case.found():
        told: set[tuple[str, int, int]] = set()
        for use in uses(case, found):
            for listener in found.facts.listeners:
                if not _clash(use, listener) or _expected(use, listener, found):
                    continue
                key = (listener.protocol, listener.port, listener.pid)
                if key not in told:
                    told.add(key)
                    yield _taken(found, use, listener)


def _clash(use: Use, listener: Listener) -> bool:
    """Tell whether the listener keeps `use` from binding its port."""
    if (listener.protocol, listener.port) != (use.protocol, use.port):
        return False
    return ANY in (use.address, listener.address) or use.address == listener.address


def _expected(use: Use, listener: Listener, found: Found) -> bool:
    """Tell whether it is the cluster's own process; what can't be seen on a host of this cluster counts as that.

    A cluster's process on a host that isn't of this cluster is told by `wizard.checks.identity`, once for all ports.
    """
    if found.ours:
        return listener.process in (use.process, "")
    return listener.process in CLUSTER_PROCESSES


def _taken(found: Found, use: Use, listener: Listener) -> Problem:
    where = f"{'every address' if listener.address == ANY else listener.address}, port {listener.port}/{use.protocol}"
    if listener.process:
        unit = f", unit {listener.unit}" if listener.unit else ""
        holder = f"{listener.process} (PID {listener.pid}{unit})"
    else:
        holder = "a process that can't be seen"
    stop = f"systemctl disable --now {listener.unit}" if listener.unit.endswith(".service") else ""
    return found.problem(
        "port.taken",
        Level.ERROR,
        f"{where}, is used by {holder}; slipway needs it for {use.what}",
        f"Stop it (`{stop}`), or let it use another port." if stop else "Stop it, or let it use another port.",
        use.field or found.field(),
    )
