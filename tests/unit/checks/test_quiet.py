"""What is no problem is not said: healthy sites, near misses, and the cluster's own doings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from wizard.checks import BundleSummary
from wizard.errors import Level
from wizard.facts.model import DiskKind, Facts, Listener, Route
from wizard.facts.traces import Marker

from . import sites as site
from .cases_network import worker
from .sites import GIB, UID


def codes(mend: site.Mend | None = None, **given: Any) -> set[str]:
    return {problem.code for problem in site.judged(mend, **given)}


def test_a_healthy_site_has_no_problem() -> None:
    assert site.judged() == ()


@pytest.mark.parametrize(
    ("mend", "given"),
    [
        (site.system(hostname="m1.site.example"), {}),
        (site.system(kernel="5.4.0-100-generic"), {}),
        (site.system(kernel="unknown"), {}),
        (site.system(kernel="5.15.0-1"), {"wanted": site.profile(network={"kube_proxy": "nftables"})}),
        (None, {"wanted": site.profile(network={"backend": "host-gw", "mtu": 1500})}),
        (None, {"wanted": site.profile(network={"mtu": 1450})}),
        (site.interface(mtu=9000), {"wanted": site.profile(network={"mtu": 1450})}),
        (site.interface(mtu=9000), {"wanted": site.profile(network={"plugin": "none"})}),
        (None, {"wanted": site.profile(network={"plugin": "calico", "images": "registry"})}),
        (None, {"wanted": site.profile(network={"plugin": "cilium"}), "bundle": None}),
        (site.listener("udp", "*", 8472), {"wanted": site.profile(network={"backend": "host-gw"})}),
        (site.facts(nameservers=()), {"wanted": site.profile(network={"upstream_dns": ["10.20.0.2"]})}),
        (site.system(selinux="permissive", apparmor=True), {}),
        (site.system(os_id="ubuntu", os_version="24.04"), {"bundle": None}),
        (site.system(os_id="ubuntu", os_version="22.04"), {"bundle": None}),
        (site.hardware(cpus=2, memory=4 * GIB), {}),
        (site.hardware(cpus=0, memory=0), {}),
        (site.disk(free=61 * GIB), {}),
        (site.disk(inodes_free=None), {}),
        (site.disk(size=0, free=0), {}),
        (site.disk(kind=DiskKind.SSD), {}),
        (site.clock(offset=1.9), {}),
        (site.clock(offset=20.0, error=19.0), {}),
        (site.clock(offset=1e6, known=False), {}),
        (site.clock(synchronized=None, service="ntpsec"), {}),
        (site.interface(addresses=("10.20.0.11/24", "bogus", "10.50.0.1/24")), {}),
        (site.facts(nameservers=("127.0.0.53",), units=frozenset({"chrony"})), {"resolved": True}),
        (site.facts(nameservers=("127.0.0.1", "10.20.0.2")), {}),
        (site.facts(routes=(Route("192.168.0.0/16", "eth0", "10.20.0.9"), Route("bogus", "eth0"))), {}),
        (site.system(proxy=("http_proxy=http://p:1", "no_proxy=10.20.0.0/16,10.96.0.0/11,10.244.0.0/16")), {}),
        (site.system(proxy=("http_proxy=http://p:1", "no_proxy=*")), {}),
        (site.system(proxy=("no_proxy=localhost",)), {}),
        (site.listener("tcp", "*", 8080, "java", "", 1), {}),
        (site.listener("udp", "*", 6443, "odd", "", 1), {}),
        (site.listener("tcp", "192.0.2.1", 2379, "odd", "", 1), {}),
        (site.listener("tcp", "127.0.0.1", 2380, "odd", "", 1), {}),
        (site.package("podman"), {}),
        (site.unit("nftables"), {}),
        (site.system(machine_id=""), {"on": "m1 m2"}),
        (site.system(product_uuid=""), {"on": "m1 m2"}),
    ],
)
def test_near_misses(mend: site.Mend, given: dict[str, Any]) -> None:
    if given.pop("resolved", False):
        mend = site.both(mend, site.system(systemd_resolved=True))
    assert codes(mend, **given) == set()


def test_an_etcd_host_needs_less() -> None:
    hosts = [{"name": f"m{index}", "address": f"10.20.0.1{index}"} for index in (1, 2, 3)]
    hosts.append({"name": "e1", "address": "10.20.0.14", "roles": ["etcd"]})  # type: ignore[dict-item]
    busy = site.listener("tcp", "*", 10250, "odd", "", 1)
    small = site.both(site.hardware(cpus=1, memory=2 * GIB), busy)
    assert codes(small, on="e1", wanted=site.profile(hosts=hosts)) == set()


@pytest.mark.parametrize(
    "mend",
    [
        site.hardware(cpus=1, memory=2 * GIB),
        site.disk(kind=DiskKind.ROTATIONAL),
        site.listener("tcp", "*", 2379, "odd", "", 1),
        site.listener("tcp", "*", 10257, "odd", "", 1),
        site.unit("haproxy"),
        # Another subnet than the masters': the VIP is a way off, and that is fine.
        site.both(
            site.interface(addresses=("10.30.0.14/24", "10.20.0.14/32")),
            site.facts(routes=(Route("default", "eth0", "10.30.0.1"),)),
        ),
        site.facts(routes=(Route("10.20.0.0/16", "eth0", "10.30.0.1"),)),
    ],
)
def test_a_worker_needs_less(mend: site.Mend) -> None:
    assert codes(mend, **worker("w1")) == set()


def test_a_master_without_etcd_is_not_asked_for_its_disk() -> None:
    hosts: list[dict[str, Any]] = [{"name": f"m{index}", "address": f"10.20.0.1{index}"} for index in (1, 2, 3)]
    hosts[0]["roles"] = ["master"]
    slow = site.both(site.disk(kind=DiskKind.ROTATIONAL), site.listener("tcp", "*", 2380, "odd", "", 1))
    assert codes(slow, wanted=site.profile(hosts=hosts)) == set()


def converged(found: Facts) -> Facts:
    """Return what a look at a master of a running cluster finds."""
    card = replace(found.interfaces[1], addresses=(*found.interfaces[1].addresses, "10.20.0.100/32"))
    pods = replace(card, name="cni0", mac="0a:58:0a:f4:00:01", addresses=("10.244.0.1/24",))
    ports = (
        *(("10.20.0.11", 6443, "kube-apiserver"), ("10.20.0.100", 6443, "haproxy"), ("127.0.0.1", 6443, "haproxy")),
        *(("127.0.0.1", 2379, "etcd"), ("10.20.0.11", 2379, "etcd"), ("10.20.0.11", 2380, "etcd")),
        *(("127.0.0.1", 2381, "etcd"), ("*", 10250, "kubelet"), ("127.0.0.1", 10248, "kubelet")),
        *(("127.0.0.1", 10257, "kube-controller"), ("127.0.0.1", 10259, "kube-scheduler")),
        *(("127.0.0.1", 9443, "haproxy"), ("127.0.0.1", 9444, "haproxy")),
        *(("127.0.0.1", 10249, "kube-proxy"), ("*", 10256, "kube-proxy")),
    )
    mine = tuple(Listener("tcp", address, port, process, "", 100) for address, port, process in ports)
    return replace(
        found,
        interfaces=(found.interfaces[0], card, pods),
        routes=(*found.routes, Route("10.244.0.0/24", "cni0"), Route("10.244.1.0/24", "eth0", "10.20.0.12")),
        listeners=(*found.listeners, *mine, Listener("udp", "*", 8472)),
        units=found.units | {"kubelet", "etcd", "containerd", "haproxy", "keepalived"},
        filesystems=(replace(found.filesystems[0], free=2 * GIB, size=8 * GIB),),
        traces=replace(
            found.traces,
            marker=Marker(UID, "site", "{}"),
            kubelet=True,
            etcd_data=True,
            manifests=("/etc/kubernetes/manifests/kube-apiserver.yaml",),
            pki=("/etc/kubernetes/pki/ca.crt",),
            cni=("/etc/cni/net.d/10-flannel.conflist",),
            running=("etcd", "kube-apiserver", "kubelet"),
        ),
    )


def test_the_cluster_itself_is_no_problem() -> None:
    found = site.judged(converged, uid=UID)
    assert {problem.code for problem in found if problem.level is Level.ERROR} == set()
    # A route to another node's Pods goes by that node, on the ordinary interface (host-gw).
    assert {problem.code for problem in found} <= {"network.cidr-routed"}


def test_the_same_host_without_our_marker_is_a_foreign_cluster_told_once() -> None:
    strange = site.both(converged, site.traces(marker=Marker()))
    errors = [problem for problem in site.judged(strange, uid=UID) if problem.level is Level.ERROR]
    assert "host.foreign-cluster" in {problem.code for problem in errors}
    assert not [problem for problem in errors if problem.code == "port.taken" and "kube" in problem.message]


def test_another_process_on_a_port_of_our_own_host_is_told() -> None:
    thief = site.both(
        converged,
        lambda found: replace(
            found,
            listeners=tuple(replace(item, process="nc") if item.port == 10250 else item for item in found.listeners),
        ),
    )
    assert "port.taken" in codes(thief, uid=UID)


def test_practice_hosts_share_product_swap_and_clock() -> None:
    practice = site.both(
        site.system(container="slipway", product_uuid="same"), site.clock(service="", synchronized=None)
    )
    found = site.judged(practice, on="m1 m2 m3")
    assert {problem.level for problem in found} == {Level.INFO}


def test_one_host_has_no_median_to_differ_from() -> None:
    one = site.profile(hosts=[{"name": "m1", "address": "10.20.0.11"}])
    assert codes(site.clock(offset=20.0), wanted=one) == set()


def test_errors_come_first() -> None:
    found = site.judged(site.both(site.hardware(cpus=1, swap=GIB), site.system(hostname="x")))
    assert [problem.level for problem in found] == [Level.ERROR, Level.WARNING, Level.INFO]


def test_two_networks_on_one_card_are_fine_for_the_vip() -> None:
    both = site.interface(addresses=("10.20.0.11/24", "172.16.0.11/24"))
    assert codes(both, on="m1", wanted=site.profile(endpoint={"vip": "10.20.0.100", "interface": "eth0"})) == set()


def test_the_bundle_is_not_judged_without_one() -> None:
    assert codes(site.system(architecture="arm64"), bundle=None) == set()
    newest = BundleSummary(frozenset({"debian-12"}), frozenset({"amd64"}), "1.36.1")
    assert codes(bundle=newest, wanted=site.profile(kubernetes="1.36.1")) == set()
