"""Workers join a new cluster, and one that stands: with a token that is gone afterwards, and nobody else is touched."""

from __future__ import annotations

import json
import re

import pytest

from wizard import practice, versions
from wizard.bundle.opened import Bundle

from .helpers import Lab, Said, until
from .looks import ASK, PROBE, alive, counted, marked, written

pytestmark = pytest.mark.practice

MASTERS, WORKERS = {"m1", "m2", "m3"}, {"w1", "w2"}
EVERYONE = MASTERS | WORKERS
BOOTSTRAP = "/etc/kubernetes/bootstrap-kubelet.conf"


def tokens(site: Lab) -> list[str]:
    listed = site.kubectl("-n", "kube-system", "get", "secrets", "-o", "name").split()
    return [name for name in listed if "bootstrap-token" in name]


def leaked(site: Lab) -> list[str]:
    """Return the files on hosts and jump host that hold a token of any run; a token's first part is public."""
    journal = b"".join(path.read_bytes() for path in site.cluster.glob("journal.db*"))
    ids = {found.decode() for found in re.findall(rb"kube-system/bootstrap-token-([a-z0-9]{6})", journal)}
    assert len(ids) == 2, "one a run"
    token = f"({'|'.join(sorted(ids))})[.][a-z0-9]{{16}}"
    look = f"grep -rlE '{token}' /etc /run /var/log /var/lib/slipway /var/lib/kubelet /proc/[0-9]*/cmdline 2>/dev/null"
    found = [f"{host.name}:{path}" for host in site.hosts for path in site.on(host.name, look, check=False).split()]
    return found + re.findall(token, journal.decode(errors="replace"))


def test_a_new_cluster_has_its_worker_after_one_apply(workers: Lab) -> None:
    said: Said = workers.kept["first"]
    assert (said.exit, said.result) == (0, "done")
    assert {"w1/join", "w1/node", "w1/joined", "cluster/join-token", "cluster/no-join-token"} <= said.changed
    assert workers.ready_nodes() == {*MASTERS, "w1"}


def test_a_worker_more_joins_and_nobody_else_is_touched(workers: Lab) -> None:
    before = {name: pid for name, pid in alive(workers).items() if not name.startswith("w2 ")}
    planned = workers.slipway("plan", workers.profile)
    marked(workers)
    with counted(workers) as commands:
        said = workers.kept["second"] = workers.apply()
    assert (said.exit, said.result) == (0, "done"), said
    others = {name for name in said.changed if not name.startswith("w2/")}
    # The proof tries the new node with all the others.
    assert others - {"cluster/rollout"} == {"cluster/join-token", "cluster/no-join-token", "verify/try"}
    assert planned.exit == 0
    assert {"w2/join", "w2/node", "cluster/join-token"} <= planned.changed
    # Where the proof was made it is noted.
    proof = {"/var/lib/slipway/verified", "/etc/slipway/cluster.json"}
    assert {host: written(workers, host) - proof for host in EVERYONE - {"w2"}} == {
        host: set() for host in EVERYONE - {"w2"}
    }
    assert {name: pid for name, pid in alive(workers).items() if not name.startswith("w2 ")} == before
    # Facts and probes; a run that lasts keeps its lease alive by one more now and then, and gives it back.
    renewals = said.found["seconds"] // 5 + 1
    assert all(commands[host] <= 2 + renewals for host in ("m2", "m3", "w1")), (commands, said.found["seconds"])


def test_all_nodes_are_ready_and_workers_are_without_taint_or_role(workers: Lab) -> None:
    assert workers.ready_nodes() == EVERYONE
    # The API takes its own taint of nodes that are not Ready away a moment after they are.
    untainted = ("get", "nodes", *sorted(WORKERS), "-o", "jsonpath={.items[*].spec.taints}")
    until("workers are without taint", lambda: workers.kubectl(*untainted) == "", 20)
    items = json.loads(workers.kubectl("get", "nodes", "-o", "json"))["items"]
    nodes = {node["metadata"]["name"]: node for node in items}
    for name in WORKERS:
        assert not [label for label in nodes[name]["metadata"]["labels"] if "node-role" in label]
        assert {"type": "InternalIP", "address": workers.host(name).address} in nodes[name]["status"]["addresses"]
        assert nodes[name]["status"]["nodeInfo"]["kubeletVersion"] == f"v{versions.default()}"


def test_status_tells_of_workers(workers: Lab) -> None:
    said = workers.slipway("status", workers.profile)
    assert said.exit == 0, said.found
    assert {node["name"] for node in said.found["nodes"] if node["ready"]} == EVERYONE
    units = {host["name"]: host["units"] for host in said.found["hosts"]}
    assert all(units[name] == {"containerd": "active", "kubelet": "active"} for name in WORKERS)


def test_a_pod_on_a_worker_resolves_and_reaches_services(workers: Lab, bundle: Bundle) -> None:
    workers.kubectl("apply", "-f", "-", stdin=PROBE.format(image=bundle.artifact("image/flannel").ref))
    workers.kubectl("rollout", "status", "daemonset/probe", "--timeout=180s")
    path = r'{range .items[*]}{.spec.nodeName}={.metadata.name}{"\n"}{end}'
    lines = workers.kubectl("get", "pods", "-l", "app=probe", "-o", f"jsonpath={path}").splitlines()
    pods = dict(line.split("=", 1) for line in lines)
    assert pods.keys() == EVERYONE
    for node in ("w1", "w2", "m1"):
        words = ("exec", pods[node], "--", "sh", "-c", f"{ASK}\n{ASK}")

        def all_answer(words: tuple[str, ...] = words) -> bool:
            return {f"served by {name}" for name in EVERYONE} <= set(workers.kubectl(*words).splitlines())

        until(f"all nodes' Pods answer on {node}", all_answer, 60, evidence=lambda w=words: workers.said(*w))
        assert workers.kubectl("logs", pods[node]) == f"served by {node}"
    workers.kubectl("delete", "daemonset/probe", "service/probe", "--wait=false")


def test_ordinary_pods_run_on_workers_alone(workers: Lab, bundle: Bundle) -> None:
    image = bundle.artifact("image/pause").ref
    workers.kubectl("create", "deployment", "plain", f"--image={image}", "--replicas=4")
    try:
        workers.kubectl("rollout", "status", "deployment/plain", "--timeout=60s")
        where = workers.kubectl("get", "pods", "-l", "app=plain", "-o", "jsonpath={.items[*].spec.nodeName}")
        assert set(where.split()) == WORKERS
    finally:
        workers.kubectl("delete", "deployment/plain", "--wait=false")


def test_no_token_is_left_anywhere(workers: Lab) -> None:
    assert tokens(workers) == []
    assert leaked(workers) == []
    for name in WORKERS:
        assert workers.on(name, f"ls {BOOTSTRAP} 2>/dev/null", check=False) == ""


def test_a_worker_has_no_authoritys_key_and_asks_at_the_vip(workers: Lab) -> None:
    for name in WORKERS:
        assert workers.on(name, "find /etc/kubernetes /etc/etcd -name '*.key' 2>/dev/null", check=False).split() == [
            "/etc/kubernetes/pki/kubelet.key"
        ]
        config = workers.on(name, "cat /etc/kubernetes/kubelet.conf")
        assert f"server: https://{workers.vip}:6443" in config
        assert "token" not in config
        assert workers.on(name, "stat -c '%a %U' /etc/kubernetes/*.conf").split("\n") == ["600 root"] * 2
        assert workers.on(name, "ls /usr/local/bin").split() == [
            "containerd", "containerd-shim-runc-v2", "ctr", "kubelet", "runc",
        ]  # fmt: skip
        assert workers.on(name, "dpkg-query -W haproxy keepalived 2>/dev/null | wc -l", check=False) == "0"


def test_dns_stands_on_two_nodes_and_drains_one_at_a_time(workers: Lab) -> None:
    where = ("-n", "kube-system", "get", "pods", "-l", "k8s-app=kube-dns", "-o", "jsonpath={.items[*].spec.nodeName}")
    assert len(set(workers.kubectl(*where).split())) == 2
    budget = ("-n", "kube-system", "get", "pdb", "coredns", "-o", "jsonpath={.status.disruptionsAllowed}")
    assert workers.kubectl(*budget) == "1"


def test_apply_again_changes_nothing_in_two_round_trips_a_host(workers: Lab) -> None:
    with counted(workers) as commands:
        marked(workers)
        said = workers.apply()
        assert {host: written(workers, host) for host in EVERYONE} == {host: set() for host in EVERYONE}
    assert (said.exit, said.result, said.found["changed"]) == (0, "done", [])
    assert commands == dict.fromkeys(sorted(EVERYONE), 2)


def test_a_worker_whose_certificate_is_gone_joins_anew(workers: Lab) -> None:
    workers.on("w1", "rm /var/lib/kubelet/pki/kubelet-client-*.pem; systemctl restart kubelet")
    said = workers.apply()
    assert (said.exit, said.result) == (0, "done"), said
    assert "w1/join" in said.changed
    assert not [name for name in said.changed if name.startswith(("m", "w2"))]
    assert workers.ready_nodes() == EVERYONE
    assert tokens(workers) == []
    again = workers.apply()
    assert (again.exit, again.found["changed"]) == (0, [])


def test_a_dead_worker_holds_nobody_up_and_comes_back_unaided(workers: Lab) -> None:
    practice.power_off(workers.host("w2"))
    until("the dead worker is seen to be dead", lambda: workers.ready_nodes() == EVERYONE - {"w2"}, 120)
    said = workers.apply()
    assert (said.exit, said.result, said.found["quarantined"]) == (4, "partial", ["w2"]), said
    assert said.found["changed"] == []
    practice.power_on(workers.host("w2"))
    until("all nodes are Ready", lambda: workers.ready_nodes() == EVERYONE, 120, workers.pods)
    until("their Pods are ready", lambda: not workers.unready(), 120, workers.pods)
    again = workers.apply()
    assert (again.exit, again.found["changed"]) == (0, []), again
