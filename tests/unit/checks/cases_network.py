"""Sites with something wrong about addresses, names, ports or software."""

from __future__ import annotations

from typing import Any

from wizard.errors import Level
from wizard.facts.model import Route
from wizard.facts.traces import Marker

from . import sites as site
from .case import Case

ERROR, WARNING, INFO = Level.ERROR, Level.WARNING, Level.INFO


def endpoint(**changes: Any) -> dict[str, Any]:
    return {"wanted": site.profile(endpoint={"vip": "10.20.0.100"} | changes)}


def network(**changes: Any) -> dict[str, Any]:
    return {"wanted": site.profile(network=changes)}


def worker(on: str = "", network: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Return three masters and a worker; `on` says which hosts are bent."""
    hosts: list[dict[str, Any]] = [{"name": f"m{number}", "address": f"10.20.0.1{number}"} for number in (1, 2, 3)]
    hosts.append({"name": "w1", "address": "10.20.0.14", "roles": ["worker"], **changes})
    return {"wanted": site.profile(hosts=hosts, network=network or {})} | ({"on": on} if on else {})


PROXY = site.system(proxy=("http_proxy=http://proxy:3128", "no_proxy=localhost,10.20.0.0/24,10.96.0.0/12"))

CASES = (
    Case(
        "network.address-missing",
        ERROR,
        site.interface(addresses=("10.99.0.11/24",)),
        ("10.20.0.11", "10.99.0.11 (eth0)", "NAT"),
        "hosts[0].node_ip",
    ),
    Case(
        "network.address-missing",
        ERROR,
        None,
        ("10.40.0.11", "etcd"),
        "hosts[0].etcd_ip",
        given={
            "wanted": site.profile(
                hosts=[
                    {"name": "m1", "address": "10.20.0.11", "etcd_ip": "10.40.0.11"},
                    {"name": "m2", "address": "10.20.0.12"},
                    {"name": "m3", "address": "10.20.0.13"},
                ]
            )
        },
    ),
    Case(
        "network.address-loopback",
        ERROR,
        None,
        ("127.0.0.1", "10.20.0.11 (eth0)"),
        "hosts[0].node_ip",
        given={"wanted": site.profile(hosts=[{"name": "m1", "address": "127.0.0.1"}])},
    ),
    Case("network.interface-down", ERROR, site.interface(up=False), ("eth0",), "hosts[0].node_ip"),
    Case(
        "network.cidr-connected",
        ERROR,
        site.interface(addresses=("10.20.0.11/24", "10.244.7.1/24")),
        ("Pod", "10.244.7.0/24", "eth0"),
        "network.pod_cidr",
    ),
    Case(
        "network.cidr-connected",
        ERROR,
        site.facts(routes=(Route("10.244.0.0/24", "cni0"),)),
        ("ip link delete cni0",),
        "network.pod_cidr",
    ),
    Case(
        "network.cidr-routed",
        WARNING,
        site.facts(routes=(Route("10.100.0.0/16", "eth0", "10.20.0.9"),)),
        ("Service", "10.100.0.0/16", "10.20.0.9"),
        "network.service_cidr",
    ),
    Case(
        "network.host-gw-segment",
        ERROR,
        site.interface(addresses=("10.20.0.11/32",)),
        ("m2 and m3 are outside of 10.20.0.11/32", "vxlan"),
        "network.backend",
        given=network(backend="host-gw"),
    ),
    Case(
        "network.host-gw-segment",
        ERROR,
        site.interface(addresses=("10.30.0.14/24",)),
        ("m1, m2 and m3 are outside of 10.30.0.0/24",),
        host="w1",
        given=worker(node_ip="10.30.0.14", network={"backend": "host-gw"}) | {"on": "w1"},
    ),
    Case(
        "network.mtu-differs",
        WARNING,
        site.interface(mtu=9000),
        ("1500 on m2 and m3; 9000 on m1", "network.mtu to 1450."),
        "network.mtu",
        host="",
    ),
    Case(
        "network.mtu-large",
        ERROR,
        site.interface(mtu=1400),
        ("1451", "eth0", "1400, less 50", "at most 1350"),
        "network.mtu",
        given=network(mtu=1451),
    ),
    Case(
        "network.mtu-large",
        ERROR,
        None,
        ("1501", "at most 1500"),
        given=network(mtu=1501, backend="host-gw"),
    ),
    Case(
        "network.plugin-changed",
        ERROR,
        site.traces(marker=Marker(site.UID, "site", "{}"), cni=("/etc/cni/net.d/10-flannel.conflist",)),
        ("are on flannel", "asks for cilium", "back to flannel"),
        "network.plugin",
        given=network(plugin="cilium", images="registry") | {"uid": site.UID},
    ),
    Case(
        "bundle.images-absent",
        ERROR,
        None,
        ("quay.io/calico/node:v", "quay.io/calico/cni:v", "slipway bundle add FILE", "network.images"),
        "network.plugin",
        host="",
        given=network(plugin="calico"),
    ),
    Case("port.taken", ERROR, site.listener("udp", "*", 4789), ("calico",), given=network(plugin="calico")),
    Case("firewall.active", WARNING, site.unit("ufw"), ("UDP 4789",), given=network(plugin="calico")),
    Case("vip.taken", ERROR, site.interface(addresses=("10.20.0.11/24", "10.20.0.100/32")), ("eth0",), "endpoint.vip"),
    Case("vip.outside-subnet", ERROR, None, ("10.20.0.0/24",), "endpoint.vip", given=endpoint(vip="10.21.0.100")),
    Case("vip.not-usable", ERROR, None, ("10.20.0.0/24",), "endpoint.vip", given=endpoint(vip="10.20.0.255")),
    Case("vip.no-subnet", ERROR, site.interface(addresses=("10.20.0.11/32",)), ("eth0",), "endpoint.vip"),
    Case(
        "vip.interface-missing",
        ERROR,
        None,
        ("eth7", "has eth0"),
        "endpoint.interface",
        given=endpoint(interface="eth7"),
    ),
    Case("vip.interface-down", ERROR, site.interface(up=False), ("eth0",), given=endpoint(interface="eth0")),
    Case("resolver.none", INFO, site.facts(nameservers=()), given={"on": "m1 m2 m3"}),
    Case("resolver.none", WARNING, site.facts(nameservers=()), ("in any Pod",)),
    Case("resolver.none", WARNING, site.facts(nameservers=()), host="w1", given=worker() | {"on": "w1"}),
    Case(
        "vip.no-route",
        ERROR,
        site.both(site.facts(routes=()), site.interface(addresses=("10.30.0.14/24",))),
        ("10.20.0.100", "default route"),
        "endpoint.vip",
        host="w1",
        given=worker(node_ip="10.30.0.14") | {"on": "w1"},
    ),
    Case("port.taken", ERROR, site.listener("tcp", "*", 10250, "odd"), ("kubelet",), host="w1", given=worker("w1")),
    Case("firewall.active", WARNING, site.unit("ufw"), ("10250", "30000"), host="w1", given=worker("w1")),
    Case("resolver.loopback", WARNING, site.facts(nameservers=("127.0.0.1", "::1")), ("127.0.0.1 and ::1",)),
    Case("proxy.set", WARNING, PROXY, ("http://proxy:3128", "no_proxy: 10.244.0.0/16.")),
    Case(
        "port.taken",
        ERROR,
        site.listener("tcp", "*", 2379, "docker-proxy", "docker.service", 4120),
        ("2379/tcp", "docker-proxy (PID 4120, unit docker.service)", "etcd", "systemctl disable --now docker.service"),
    ),
    Case(
        "port.taken",
        ERROR,
        site.listener("tcp", "10.20.0.100", 8443, "nginx", "", 77),
        ("nginx (PID 77)", "the API at the VIP"),
        "endpoint.port",
        given=endpoint(port=8443),
    ),
    Case("port.taken", ERROR, site.listener("udp", "*", 8472), ("a process that can't be seen", "flannel")),
    Case("port.taken", ERROR, site.listener("tcp", "127.0.0.1", 9443, "node", "dash.service", 9), ("haproxy",)),
    Case("software.runtime-active", ERROR, site.both(site.package("docker-ce"), site.unit("docker")), ("docker-ce",)),
    Case(
        "software.runtime-installed", WARNING, site.package("containerd.io"), ("containerd.io 1.0-1", "apt-get remove")
    ),
    Case("software.kubernetes-installed", WARNING, site.package("kubelet", "kubeadm"), ("kubelet 1.0-1 and kubeadm",)),
    Case("software.haproxy-active", ERROR, site.unit("haproxy"), ("haproxy",)),
    Case("software.keepalived-active", ERROR, site.unit("keepalived"), ("keepalived",)),
    Case("firewall.active", WARNING, site.unit("firewalld"), ("firewalld", "6443")),
    Case("firewall.active", WARNING, site.unit("ufw"), ("ufw disable", "VRRP")),
)
