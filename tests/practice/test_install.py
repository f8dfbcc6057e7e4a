"""`slipway apply` makes three masters a cluster, keeps it as wanted, and leaves alone what is so already."""

from __future__ import annotations

import json
import re
import stat
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from wizard import practice, versions
from wizard.bundle.opened import Bundle
from wizard.engine.record import State

from .helpers import Lab, Said, until
from .looks import ASK, MARKER, PROBE, alive, counted, marked, written

pytestmark = pytest.mark.practice

MASTERS = {"m1", "m2", "m3"}
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"


@pytest.fixture(scope="module")
def site(cluster: Lab) -> Iterator[Lab]:
    yield cluster
    cluster.kubectl("delete", "daemonset/probe", "service/probe", "--ignore-not-found", "--wait=false", check=False)


@pytest.fixture(scope="module")
def pods(site: Lab, bundle: Bundle) -> dict[str, str]:
    """A Pod on each node that answers to HTTP behind one Service: node → Pod."""
    site.kubectl("apply", "-f", "-", stdin=PROBE.format(image=bundle.artifact("image/flannel").ref))
    site.kubectl("rollout", "status", "daemonset/probe", "--timeout=180s")
    path = r'{range .items[*]}{.spec.nodeName}={.metadata.name}{"\n"}{end}'
    lines = site.kubectl("get", "pods", "-l", "app=probe", "-o", f"jsonpath={path}").splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_apply_says_what_it_did(site: Lab) -> None:
    first: Said = site.kept["first"]
    assert first.exit == 0
    for key, want in {"result": "done", "cluster": site.name, "failed": [], "quarantined": []}.items():
        assert first.found[key] == want
    assert re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{4}", first.found["run"])
    assert first.found["seconds"] > 0
    assert {f"{host}/{step}" for host in MASTERS for step in ("etcd", "apiserver", "node")} <= first.changed
    assert "verify/try" in first.changed
    assert {problem["level"] for problem in first.found["problems"]} <= {"info", "warning"}


def test_three_masters_are_ready_labelled_and_tainted(site: Lab) -> None:
    nodes = {node["metadata"]["name"]: node for node in json.loads(site.kubectl("get", "nodes", "-o", "json"))["items"]}
    assert nodes.keys() == MASTERS
    assert site.ready_nodes() == MASTERS
    for name, node in nodes.items():
        assert CONTROL_PLANE in node["metadata"]["labels"]
        assert [(taint["key"], taint["effect"]) for taint in node["spec"]["taints"]] == [(CONTROL_PLANE, "NoSchedule")]
        assert {"type": "InternalIP", "address": site.host(name).address} in node["status"]["addresses"]
        assert node["status"]["nodeInfo"]["kubeletVersion"] == f"v{versions.default()}"


def test_status_tells_how_the_cluster_stands(site: Lab) -> None:
    said = site.slipway("status", site.profile)
    assert said.exit == 0, said.found
    assert said.found["vip"]["holder"] in MASTERS
    members = said.found["etcd"]["members"]
    assert {member["name"] for member in members if member["healthy"]} == MASTERS
    assert [member["leader"] for member in members].count(True) == 1
    assert {node["name"] for node in said.found["nodes"] if node["ready"]} == MASTERS


def test_every_run_is_on_record(site: Lab) -> None:
    run = site.kept["first"].found["run"]
    runs = site.slipway("runs", "list").found["runs"]
    assert [one["state"] for one in runs if one["run"] == run] == ["done"]
    shown = site.slipway("runs", "show", site.name, run)
    assert {step["id"] for step in shown.found["steps"] if step["state"] == "done"} == site.kept["first"].changed
    record = site.journal().record(run)
    assert {step.state for step in record.steps.values()} <= {State.DONE, State.UNCHANGED}


def test_the_admin_kubeconfig_points_to_the_vip(site: Lab) -> None:
    path = site.cluster / "admin.conf"
    assert site.slipway("kubeconfig", site.profile).found["kubeconfig"] == str(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert yaml.safe_load(path.read_text())["clusters"][0]["cluster"]["server"] == f"https://{site.vip}:6443"
    assert site.kubectl("auth", "can-i", "*", "*", "--all-namespaces") == "yes"
    holders = [host.name for host in site.hosts if site.vip in site.on(host.name, "ip -o -4 address")]
    assert len(holders) == 1


def test_a_pod_on_each_node_resolves_and_reaches_a_service(site: Lab, pods: dict[str, str]) -> None:
    assert pods.keys() == MASTERS
    address = site.kubectl("get", "service", "probe", "-o", "jsonpath={.spec.clusterIP}")
    everyone = {f"served by {name}" for name in MASTERS}
    for node, pod in pods.items():
        words = ("exec", pod, "--", "sh", "-c", ASK)

        def all_answer(words: tuple[str, ...] = words, node: str = node) -> bool:
            resolved, *answers = site.kubectl(*words).splitlines()
            assert resolved == address, f"on {node}"
            assert len(answers) == 9, f"on {node}: not each was answered"
            assert set(answers) <= everyone
            return set(answers) == everyone

        # Each answer is by random choice, and a node's kube-proxy hears of a ready Pod a moment after the rollout
        # has: ask until all nodes have answered. A broken way between nodes never gets there.
        until(f"all nodes' Pods answer on {node}", all_answer, seconds=60, evidence=lambda w=words: site.said(*w))


def test_logs_and_exec_work_through_the_vip_on_every_node(site: Lab, pods: dict[str, str]) -> None:
    for node, pod in pods.items():
        assert site.kubectl("logs", pod) == f"served by {node}"
        assert site.kubectl("exec", pod, "--", "sh", "-c", "echo $NODE") == node


def test_the_images_are_the_bundles_own_and_pinned(site: Lab, bundle: Bundle) -> None:
    for host in MASTERS:
        rows = {row.split()[0]: row for row in site.on(host, "ctr -n k8s.io images ls | tail -n +2").splitlines()}
        for image in bundle.images():
            assert "io.cri-containerd.pinned=pinned" in rows[image.ref], f"{host}: {rows[image.ref]}"


def test_files_have_the_modes_of_the_cis_benchmark(site: Lab) -> None:
    """CIS Kubernetes Benchmark 1.1.1 to 1.1.21, 4.1.1 to 4.1.10."""
    rules = {
        "/etc/kubernetes/manifests/*.yaml": (0o600, "root:root"),
        "/etc/kubernetes/*.conf": (0o600, "root:root"),
        "/etc/kubernetes/pki/*.key /etc/kubernetes/pki/etcd/*.key": (0o600, "root:root"),
        "/etc/kubernetes/pki/*.crt /etc/kubernetes/pki/etcd/*.crt": (0o644, "root:root"),
        "/etc/kubernetes/pki": (0o755, "root:root"),
        "/etc/cni/net.d/*": (0o600, "root:root"),
        "/var/lib/etcd": (0o700, "etcd:etcd"),
        "/etc/etcd/pki/server.key /etc/etcd/pki/peer.key": (0o600, "etcd:etcd"),
        "/etc/etcd/pki/healthcheck-client.key": (0o600, "root:root"),
        "/etc/systemd/system/kubelet.service": (0o600, "root:root"),
        "/var/lib/kubelet/config.yaml": (0o600, "root:root"),
        MARKER: (0o600, "root:root"),
    }
    loose = []
    for host in MASTERS:
        for paths, (most, owner) in rules.items():
            for line in site.on(host, f"stat -c '%a %U:%G %n' {paths}").splitlines():
                mode, who, path = line.split(" ", 2)
                if int(mode, 8) & ~most or who != owner:
                    loose.append(f"{host} {path}: {mode} {who}, wanted at most {most:o} {owner}")
    assert loose == [], "\n".join(loose)


def test_hosts_of_one_cluster_are_not_taken_for_another(site: Lab) -> None:
    markers = {host: site.on(host, f"cat {MARKER}") for host in MASTERS}
    before = alive(site)
    other = site.written("other", lambda data: data.update(name="other"))
    for profile, state, hint in (
        (other, site.state, "Use the profile of that cluster"),
        (site.profile, site.folder / "elsewhere", "jump host that installed it"),
    ):
        said = site.apply(profile, state=state)
        assert (said.exit, said.result) == (3, "held")
        for host in MASTERS:
            problem = said.problem("host.another-cluster", host)
            assert f"{site.name} (" in problem["message"]
            assert hint in problem["hint"]
        assert {host: site.on(host, f"cat {MARKER}") for host in MASTERS} == markers
    assert alive(site) == before
    assert site.ready_nodes() == MASTERS


def test_a_plan_of_the_converged_cluster_changes_nothing_and_touches_nothing(site: Lab) -> None:
    marked(site)
    said = site.slipway("plan", site.profile)
    drifted = {step["id"]: [diff["subject"] for diff in step["diff"]] for step in said.found["steps"] if step["diff"]}
    assert (said.exit, said.found["changed"], drifted) == (0, [], {})
    assert {host: written(site, host) for host in MASTERS} == {host: set() for host in MASTERS}
    assert len(site.journal().runs()) == 1


def test_apply_again_changes_nothing_in_two_round_trips_a_host(site: Lab) -> None:
    with counted(site) as commands:
        marked(site)
        before = alive(site)
        said = site.apply()
        assert {host: written(site, host) for host in MASTERS} == {host: set() for host in MASTERS}
    assert (said.exit, said.result, said.found["changed"]) == (0, "done", [])
    assert alive(site) == before
    assert commands == {"m1": 2, "m2": 2, "m3": 2}


def test_one_apply_mends_exactly_what_was_altered_by_hand(site: Lab, bundle: Bundle) -> None:
    flannel, proxy, dns = (bundle.artifact(f"image/{name}").ref for name in ("flannel", "kube-proxy", "coredns"))
    config = site.on("m1", "ls /etc/sysctl.d/*slipway*.conf")
    stamp = "/var/lib/slipway/units/keepalived.service"
    client = "/etc/kubernetes/pki/apiserver-kubelet-client"
    sound = site.on("m2", f"cat {client}.crt {client}.key")
    site.on("m1", f"echo 'net.core.somaxconn = 77' >> {config}")
    site.on("m1", f"ctr -n k8s.io images tag --force {flannel} {proxy}")
    site.on("m2", "systemctl disable -q --now keepalived")
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -subj /CN=someone"
    site.on("m2", f"{make} -keyout {client}.key -out {client}.crt 2>/dev/null")
    site.on("m3", f"ctr -n k8s.io images rm {dns}")
    workload = ("-n", "kube-flannel", "daemonset/kube-flannel-ds")
    patch = '[{"op":"replace","path":"/spec/template/spec/priorityClassName","value":"system-cluster-critical"}]'
    site.kubectl("patch", *workload, "--type=json", "-p", patch)
    wanted = {
        "m1/settings", "m1/addon-images", "m2/keepalived", "m2/pki", "m3/addon-images", "cluster/objects",
    }  # fmt: skip
    planned = site.slipway("plan", site.profile)
    assert wanted <= planned.changed
    before = alive(site)
    marked(site)

    said = site.apply()
    assert (said.exit, said.result) == (0, "done"), said
    # The DaemonSet's Pods are replaced; to wait for them is a step too.
    assert said.changed - {"cluster/rollout"} == wanted
    assert planned.changed - {"cluster/rollout"} == wanted

    # Images are noted as they are taken in; flannel's new Pods write their network anew.
    passing = ("/var/lib/slipway/images/", "/etc/cni/net.d/10-flannel")
    found = {host: {path for path in written(site, host) if not path.startswith(passing)} for host in MASTERS}
    unit = "/etc/systemd/system/multi-user.target.wants/keepalived.service"
    assert found["m1"] == {config, MARKER, "/var/lib/slipway/units/settings"}
    assert found["m2"] - {unit} == {f"{client}.crt", f"{client}.key", MARKER, stamp}
    assert found["m3"] <= {MARKER}
    assert "77" not in site.on("m1", f"cat {config}")
    assert site.on("m2", f"cat {client}.crt {client}.key") == sound
    assert site.on("m2", "systemctl is-active keepalived; systemctl is-enabled keepalived") == "active\nenabled"
    after = alive(site)
    assert {name for name in before if before[name] != after[name]} == {"m2 keepalived"}
    assert (
        site.kubectl("get", *workload, "-o", "jsonpath={.spec.template.spec.priorityClassName}")
        == "system-node-critical"
    )

    again = site.apply()
    assert (again.exit, again.found["changed"]) == (0, [])


def test_all_masters_lose_power_and_the_cluster_comes_back_unaided(site: Lab, pods: dict[str, str]) -> None:
    with ThreadPoolExecutor() as pool:
        list(pool.map(practice.power_off, site.hosts))
        assert site.ready_nodes() == set()
        list(pool.map(practice.power_on, site.hosts))

    until("the API answers through the VIP", lambda: site.kubectl("get", "--raw", "/readyz", check=False) == "ok")
    words = ("--", "sh", "-c", ASK)
    for node, pod in pods.items():
        until(
            f"DNS and Services work on {node}",
            lambda pod=pod: site.kubectl("exec", pod, *words, check=False).count("served by ") == 9,
            evidence=lambda pod=pod: f"{site.said('exec', pod, *words)}\n{site.pods()}",
        )
    until("all nodes are Ready", lambda: site.ready_nodes() == MASTERS)
    until("their Pods are ready", lambda: not site.unready(), evidence=site.pods)
    said = site.apply()
    assert (said.exit, said.found["changed"]) == (0, []), said.found


def test_the_cluster_left_no_trace_outside_of_its_places(site: Lab) -> None:
    """Nothing lands in the user's own kubeconfig, and all keys on the jump host are for root alone."""
    loose = subprocess.run(
        ["find", str(site.cluster), "-not", "-type", "l", "-perm", "/077"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert loose == [], "\n".join(loose)
