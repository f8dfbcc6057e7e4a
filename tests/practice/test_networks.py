"""Other Pod networks than the default: none at first, then plain routes, nftables, an MTU, name servers of its own."""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from wizard import versions
from wizard.bundle.opened import Bundle
from wizard.engine.stepstate import State
from wizard.profile.model import Endpoint, Host, Network, Profile
from wizard.render.api import Site, manifests
from wizard.steps.objects import compare, parse

from .helpers import Lab, Labs, Said, until

pytestmark = pytest.mark.practice

MTU = 1380
NAME, ANSWER = "printer.site.example", "192.0.2.77"
LABELS = b"".join(bytes([len(label)]) + label.encode() for label in NAME.split(".")) + b"\0"


@contextmanager
def name_server(address: str) -> Iterator[None]:
    """Serve DNS at `address` for as long as the block lasts: `NAME` has the address `ANSWER`, there are no others."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, 53))
        server.settimeout(0.2)
        end = threading.Event()

        def serve() -> None:
            while not end.is_set():
                try:
                    asked, client = server.recvfrom(512)
                except TimeoutError:
                    continue
                # Header, the question as it came, and one answer that points to it (RFC 1035, 4.1).
                stop = asked.index(b"\0", 12) + 5
                known = asked[12 : stop - 4] == LABELS
                ours = known and asked[stop - 4 : stop - 2] == b"\0\x01"
                header = asked[:2] + struct.pack(">HHHHH", 0x8180 if known else 0x8183, 1, int(ours), 0, 0)
                record = struct.pack(">HHHIH", 0xC00C, 1, 1, 60, 4) + socket.inet_aton(ANSWER) if ours else b""
                server.sendto(header + asked[12:stop] + record, client)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            end.set()
            thread.join()


def upstream(site: Lab) -> str:
    """Return this machine's own address beside the hosts."""
    return site.hosts[0].address.rpartition(".")[0] + ".1"


def bent(site: Lab, name: str, **network: Any) -> Any:
    return site.written(name, lambda data: data.setdefault("network", {}).update(network))


@pytest.fixture(scope="module")
def site(labs: Labs, bundle: Bundle) -> Iterator[Lab]:
    """Three masters, at first without a Pod network."""
    made = labs.open("networks")
    common = {"kube_proxy": "nftables", "upstream_dns": [upstream(made)]}
    made.kept["profile"] = bent(made, "networks", **common, backend="host-gw", mtu=MTU)
    with name_server(upstream(made)):
        yield made.installed(bent(made, "none", **common, plugin="none"))
    labs.end("networks")


def test_a_site_may_bring_its_pod_network_itself(site: Lab) -> None:
    """The install waits for no node that is Ready and for no Pod that needs a network, and proves nothing."""
    said: Said = site.kept["first"]
    assert {"m1/node", "m2/node", "m3/node"} <= said.changed
    # What may run by its turn then counts as unchanged.
    assert site.journal().record(said.found["run"]).steps["cluster/rollout"].state in (State.DONE, State.UNCHANGED)
    assert not [step for step in said.changed if step.startswith("verify/")]
    assert site.ready_nodes() == set()
    phases = site.kubectl("-n", "kube-system", "get", "pods", "-o", "json")
    waiting = [pod["metadata"]["name"] for pod in json.loads(phases)["items"] if pod["status"]["phase"] == "Pending"]
    assert [name.partition("-")[0] for name in waiting] == ["coredns", "coredns"]


def test_once_it_is_there_the_nodes_are_ready_and_the_proof_is_made(site: Lab) -> None:
    """Here slipway brings it: an install that goes on from there, with Pods across nodes, Services and NodePorts."""
    said = site.apply(site.kept["profile"])
    assert (said.exit, said.result) == (0, "done"), said.words
    assert "verify/try" in said.changed
    assert site.ready_nodes() == {"m1", "m2", "m3"}


def test_pods_are_reached_by_the_hosts_own_routes(site: Lab) -> None:
    parts = {host.name: site.on(host.name, ". /run/flannel/subnet.env; echo $FLANNEL_SUBNET") for host in site.hosts}
    assert len(set(parts.values())) == 3
    for host in site.hosts:
        routes = site.on(host.name, "ip -4 route").splitlines()
        for other in site.hosts:
            if other != host:
                network = parts[other.name].replace(".1/24", ".0/24")
                assert f"{network} via {other.address} dev eth0" in " ".join(routes)
        links = site.on(host.name, "ls /sys/class/net").split()
        assert not [link for link in links if link.startswith("flannel")]
    # A bridge without ports has the default; those that Pods are at have theirs.
    ports = "for port in /sys/class/net/cni0/lower_*; do [ ! -e $port ] || cat $port/mtu; done"
    assert {size for host in site.hosts for size in site.on(host.name, ports).split()} == {str(MTU)}


def test_services_are_kept_by_nftables_and_nothing_of_it_by_iptables(site: Lab) -> None:
    for host in site.hosts:
        tables = site.on(host.name, "nft list tables")
        assert {"table ip kube-proxy", "table ip flannel-ipv4"} <= set(tables.splitlines())
        saved = site.on(host.name, "for kind in nft legacy; do iptables-$kind-save 2>/dev/null; done")
        assert not re.findall(r"KUBE-(?:SERVICES|NODEPORTS|SVC)\S*|FLANNEL\S*", saved)
        assert "10.96.0.1" in site.on(host.name, "nft list table ip kube-proxy")


def test_names_outside_the_cluster_are_asked_of_the_sites_servers(site: Lab) -> None:
    found = site.kubectl("-n", "kube-system", "get", "pods", "-l", "k8s-app=kube-proxy", "-o", "name").split()[0]
    ask = ("-n", "kube-system", "exec", found, "--", "nslookup", NAME, "10.96.0.10")
    until("CoreDNS asks the site's server", lambda: ANSWER in site.kubectl(*ask, check=False), 20)
    spread = site.kubectl("-n", "kube-system", "get", "pods", "-l", "k8s-app=kube-dns", "-o", "json")
    assert len({pod["spec"]["nodeName"] for pod in json.loads(spread)["items"]}) == 2
    budget = site.kubectl("-n", "kube-system", "get", "pdb", "coredns", "-o", "jsonpath={.status.disruptionsAllowed}")
    assert budget == "1"


def test_all_of_it_is_as_the_profile_says(site: Lab) -> None:
    said = site.slipway("plan", site.kept["profile"])
    assert (said.exit, said.found["changed"]) == (0, []), said.words


def test_what_does_not_fit_is_held_before_anything_is_touched(site: Lab) -> None:
    said = site.slipway("check", bent(site, "cilium", plugin="cilium", backend="vxlan", mtu=None))
    assert said.exit == 3
    assert "slipway bundle add" in said.problem("bundle.images-absent")["hint"]
    assert {code for code in said.errors() if "plugin" in code} == {"change.plugin"}
    said = site.slipway("check", bent(site, "large", mtu=1500))
    assert {f"m{n} network.mtu-large" for n in (1, 2, 3)} <= set(said.errors())


@pytest.mark.parametrize("plugin", ["calico", "cilium"])
def test_the_api_takes_manifests_that_never_ran_here_as_they_are(site: Lab, plugin: Any) -> None:
    """Every field is one that the API knows, and what it makes of them is no drift."""
    hosts = tuple(Host(name=host.name, address=host.address) for host in site.hosts)
    wanted = Profile(name="dry", hosts=hosts, endpoint=Endpoint(vip=site.vip), network=Network(plugin=plugin, mtu=MTU))
    parts = {part.name: part.yaml for part in manifests(Site(wanted, versions.components(versions.default()), "dry"))}
    options = ("--dry-run=server", "--server-side", "--validate=strict", "-o", "json")
    taken = site.kubectl("apply", *options, "-f", "-", stdin=parts[plugin])
    objects = parse(parts[plugin])
    listing = json.dumps({"kind": "List", "items": _stream(taken)})
    assert len(objects) > 10
    assert compare(objects, listing) == ()


def _stream(text: str) -> list[Any]:
    """Return the objects of JSON documents that follow one another, lists taken apart."""
    found, decoder, at = [], json.JSONDecoder(), 0
    while at < len(text):
        item, at = decoder.raw_decode(text, at)
        found += item["items"] if item["kind"] == "List" else [item]
        at += len(text[at:]) - len(text[at:].lstrip())
    return found


NOTHING_LEFT = """
nft list tables | grep -E 'kube-proxy|flannel'; ip -4 route | grep '^10[.]244[.]'; ls -d /sys/class/net/cni0
for kind in nft legacy; do iptables-$kind-save 2>/dev/null; done | grep -E 'KUBE-|FLANNEL-|CNI-'
ls /etc/cni/net.d/* /run/flannel
"""


def test_a_reset_leaves_no_route_and_no_table(site: Lab) -> None:
    said = site.slipway("reset", site.kept["profile"], "--yes", "--cluster", site.name)
    assert (said.exit, said.result) == (0, "done"), said.words
    assert {host.name: site.on(host.name, f"{{ {NOTHING_LEFT} }} 2>/dev/null", check=False) for host in site.hosts} == {
        host.name: "" for host in site.hosts
    }
