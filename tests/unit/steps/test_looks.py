"""What hosts and the API answer, judged: images, packages, processes, nodes, workloads, settings, swap."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.render.sites import profile, site
from wizard.bundle import debian
from wizard.bundle.debian import Deb
from wizard.bundle.lock import Lock
from wizard.bundle.opened import Bundle
from wizard.engine.step import Blocked, Change, Satisfied, Step, Unknown
from wizard.steps import cluster, control_plane, etcd, host, images, packages, runtime

from .samples import RELEASE, answer, bundle, image, judged, package

PAUSE, PROXY = image("pause"), image("kube-proxy")
M1 = profile().hosts[0]


def listed(ref: str, digest: str, labels: str = images.PINNED) -> str:
    kind = "application/vnd.oci.image.manifest.v1+json"
    return f"{ref} {kind} {digest} 1.0 MiB linux/amd64 io.cri-containerd.image=managed,{labels}\n"


def noted(one: Any, digest: str) -> str:
    return f"{one.ref} {digest} {one.image_id}\n"


HEAD = "REF TYPE DIGEST SIZE PLATFORMS LABELS\n"
GOOD = HEAD + listed(PAUSE.ref, "sha256:1") + listed(PROXY.ref, "sha256:2")
NOTES = noted(PAUSE, "sha256:1") + noted(PROXY, "sha256:2")


@pytest.mark.parametrize(
    ("listing", "notes", "wrong"),
    [
        (GOOD, NOTES, {}),
        (HEAD, NOTES, {PAUSE.ref: "", PROXY.ref: ""}),
        ("", "", {PAUSE.ref: "", PROXY.ref: ""}),
        (HEAD + listed(PAUSE.ref, "sha256:1"), NOTES, {PROXY.ref: ""}),
        (GOOD.replace("sha256:2", "sha256:9"), NOTES, {PROXY.ref: "another image: sha256:9"}),
        (GOOD, NOTES.replace(PROXY.image_id, "sha256:older"), {PROXY.ref: "another image: sha256:2"}),
        (GOOD, noted(PAUSE, "sha256:1"), {PROXY.ref: "another image: sha256:2"}),
        (HEAD + listed(PAUSE.ref, "sha256:1") + listed(PROXY.ref, "sha256:2", "x=y"), NOTES, {PROXY.ref: "not pinned"}),
    ],
    ids=["good", "removed", "none", "one removed", "retagged", "of another bundle", "not slipway's", "unpinned"],
)
def test_an_image_is_known_by_name_digest_identity_and_pin(listing: str, notes: str, wrong: dict[str, str]) -> None:
    found = images.differences([PAUSE, PROXY], listing, notes)
    assert {diff.subject: diff.before for diff in found} == {f"image {ref}": before for ref, before in wrong.items()}


def test_only_the_missing_images_are_sent_again() -> None:
    step = images.images_step(
        "m1", "images", "Images", bundle(), ("image/pause", "image/kube-proxy"), needs=(), weight=1
    )
    missing = judged(step, f"{HEAD}{listed(PAUSE.ref, 'sha256:1')}--slipway-cut--\n{NOTES}")
    assert isinstance(step.change, Change)
    assert [pipe.subject for pipe in step.change.narrowed(frozenset(missing)).pipes] == [f"image {PROXY.ref}"]


@pytest.mark.parametrize(
    ("listing", "there"),
    [
        ("haproxy ii  2.6\nkeepalived ii  2.2\n", {"haproxy", "keepalived"}),
        ("haproxy hi  2.6\n", {"haproxy"}),
        ("haproxy rc  2.6\nkeepalived iU  2.2\nnftables iF  1\nzstd un \n", set()),
        ("", set()),
        ("dpkg-query: no packages found matching haproxy\n", set()),
    ],
)
def test_a_package_counts_only_where_it_is_installed_whole(listing: str, there: set[str]) -> None:
    assert packages.installed(listing) == there
    step = packages.packages_step("m1", bundle(), RELEASE)
    assert judged(step, listing) == [f"package {name}" for name in ("haproxy", "keepalived") if name not in there]


def test_tools_come_first_and_a_worker_gets_nothing_that_only_a_balancer_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    needs = {
        "haproxy": {"liblua"}, "keepalived": {"libsnmp", "iproute2"}, "libsnmp": {"libperl"}, "chrony": {"libcap"},
        "iproute2": {"libelf"}, "curl": {"libcap"}, "liblua": set(), "libperl": set(), "libelf": set(), "libcap": set(),
    }  # fmt: skip
    asked = ("haproxy", "keepalived", "chrony", "iproute2", "curl")
    artifacts = tuple(replace(package(name), requested=name in asked) for name in sorted(needs))
    some = Bundle(Path("/bundle"), Lock("1.37.2", "amd64", artifacts, {}, (RELEASE,)))
    known = {some.path(item): Deb(frozenset(needs[item.package]), frozenset()) for item in artifacts}
    monkeypatch.setattr(debian, "read", known.get)

    def names(step: Step) -> set[str]:
        assert isinstance(step.change, Change)
        return {pipe.subject.removeprefix("package ") for pipe in step.change.pipes}

    tools = names(packages.tools_step("w1", some, RELEASE))
    assert tools == {"iproute2", "libelf", "curl", "libcap"}, "also what a service needs as well"
    assert names(packages.packages_step("w1", some, RELEASE, balancer=False, after_tools=True)) == {"chrony"}
    master = {"haproxy", "keepalived", "chrony", "liblua", "libsnmp", "libperl"}
    assert names(packages.packages_step("m1", some, RELEASE, after_tools=True)) == master
    known.pop(some.path(artifacts[0]))
    assert names(packages.tools_step("w1", some, RELEASE)) == needs.keys() - packages.SERVICES, "too many, not too few"
    assert names(packages.packages_step("w1", some, RELEASE, balancer=False, after_tools=True)) == {"chrony"}
    assert names(packages.packages_step("m1", some, RELEASE, after_tools=True)) == packages.SERVICES
    assert names(packages.packages_step("m1", some, RELEASE)) == needs.keys(), "all of them where nobody is in a hurry"


RUNNING = "kube-apiserver ready=yes\nkube-apiserver command=kube-apiserver --a=1 --b=2 \n"


@pytest.mark.parametrize(
    ("state", "wrong"),
    [
        (RUNNING, []),
        (RUNNING.replace("yes", "no"), ["kube-apiserver ready"]),
        (RUNNING.replace("--b=2", "--b=3"), ["process kube-apiserver"]),
        (RUNNING.replace(" --b=2", ""), ["process kube-apiserver"]),
        ("kube-apiserver ready=yes\nkube-apiserver command=kube-apiserver --old \n" + RUNNING, []),
        ("", ["process kube-apiserver", "kube-apiserver ready"]),
    ],
    ids=["good", "not ready", "another value", "an argument less", "the old one still ends", "not there"],
)
def test_a_process_runs_as_its_manifest_says(state: str, wrong: list[str]) -> None:
    found = control_plane.processes(state, {"kube-apiserver": ("kube-apiserver", "--a=1", "--b=2")})
    assert [diff.subject for diff in found] == wrong


NAME = "slipway-unit-test"
"""Longer than the 15 characters that the kernel keeps."""


@contextmanager
def process(tmp_path: Path, *words: str, **environment: str) -> Iterator[str]:
    program = tmp_path / NAME
    shutil.copy(shutil.which("sleep") or "", program)
    with subprocess.Popen([str(program), *words], env={**os.environ, **environment}) as running:
        try:
            end = time.monotonic() + 10
            while Path(f"/proc/{running.pid}/comm").read_text().strip() != NAME[:15]:
                assert time.monotonic() < end
                time.sleep(0.01)
            yield str(program)
        finally:
            running.kill()


def shell(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": os.environ["PATH"], **environment},
    )


def test_a_real_process_is_told_from_one_with_other_arguments(tmp_path: Path) -> None:
    with process(tmp_path, "60", "0.5") as program:
        state = f"{NAME} ready=yes\n{shell(control_plane._process(NAME)).stdout}"
        assert control_plane.processes(state, {NAME: (program, "60", "0.5")}) == ()
        assert len(control_plane.processes(state, {NAME: (program, "60")})) == 1
        for words, status in (((program, "60", "0.5"), 0), ((program, "60"), 1), ((program, "60", "0.5", ""), 1)):
            assert shell(control_plane._runs_as(NAME, words)).returncode == status, words
    assert shell(control_plane._process(NAME)).stdout == ""


def test_a_real_process_tells_with_which_credentials_it_was_started(tmp_path: Path) -> None:
    with process(tmp_path, "60", **{control_plane.CREDENTIALS: "0123", "OTHER": "x"}) as program:
        state = f"{NAME} ready=yes\n{shell(control_plane._process(NAME)).stdout}"
        mine = f"{control_plane.CREDENTIALS}=0123"
        assert control_plane.processes(state, {NAME: (mine, program, "60")}) == ()
        for words, status in (((mine, program, "60"), 0), ((f"{mine}4", program, "60"), 1), ((program, "60"), 1)):
            assert bool(control_plane.processes(state, {NAME: words})) is bool(status)
            assert shell(control_plane._runs_as(NAME, words)).returncode == status, words


def node(**changes: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "kind": "Node",
        "metadata": {"name": "m1", "labels": {cluster.CONTROL_PLANE: ""}},
        "spec": {"taints": [{"key": cluster.CONTROL_PLANE, "effect": "NoSchedule"}]},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "addresses": [{"type": "InternalIP", "address": M1.ip}],
        },
    }
    return {**plain, **changes}


NOT_READY = {"conditions": [{"type": "Ready", "status": "False", "message": "no network"}], "addresses": []}
ELSEWHERE = {
    "conditions": [{"type": "Ready", "status": "True"}],
    "addresses": [{"type": "InternalIP", "address": "::1"}],
}


@pytest.mark.parametrize(
    ("seen", "schedulable", "wrong"),
    [
        (node(), False, []),
        (node(spec={}), True, []),
        (node(spec={}), False, [f"taint {cluster.CONTROL_PLANE}"]),
        (node(), True, [f"taint {cluster.CONTROL_PLANE}"]),
        (node(metadata={"name": "m1"}), False, ["label"]),
        (node(status=NOT_READY), False, ["condition Ready"]),
        (node(status={}), False, ["condition Ready"]),
        (node(status=ELSEWHERE), False, ["InternalIP"]),
        (node(spec={"taints": [{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]}), True, []),
    ],
)
def test_a_node_is_ready_labelled_and_tainted_as_the_profile_says(
    seen: dict[str, Any], schedulable: bool, wrong: list[str]
) -> None:
    found = cluster.master_differences(seen, M1, schedulable=schedulable)
    assert [diff.subject.removeprefix("node m1 ") for diff in found] == wrong


def test_a_node_that_never_came_is_drift_and_a_silent_api_is_unknown() -> None:
    step = cluster.node_step(profile(), M1, needs=(), weight=1)
    assert judged(step, json.dumps(node())) == []
    assert judged(step, "") == ["node m1"]
    assert isinstance(step.probe.judge("", 1), Unknown)


def workload(kind: str, observed: int = 2, **status: int) -> dict[str, Any]:
    meta = {"name": "dns", "namespace": "kube-system", "generation": 2}
    return {
        "kind": kind,
        "metadata": meta,
        "spec": {"replicas": 2},
        "status": {"observedGeneration": observed, **status},
    }


SET = {"desiredNumberScheduled": 3, "numberReady": 3, "updatedNumberScheduled": 3}
DEPLOYED = {"readyReplicas": 2, "updatedReplicas": 2}


@pytest.mark.parametrize(
    ("kind", "there", "before"),
    [
        ("DaemonSet", [workload("DaemonSet", **SET)], None),
        ("DaemonSet", [workload("DaemonSet", **{**SET, "numberReady": 2})], "2 of 3 Pods ready"),
        ("DaemonSet", [workload("DaemonSet", **{**SET, "updatedNumberScheduled": 1})], "3 of 3 Pods ready"),
        ("DaemonSet", [workload("DaemonSet", observed=1, **SET)], "3 of 3 Pods ready"),
        ("DaemonSet", [workload("DaemonSet")], "0 of 0 Pods ready"),
        ("DaemonSet", [workload("Deployment", **DEPLOYED)], ""),
        ("DaemonSet", [], ""),
        ("Deployment", [workload("Deployment", **DEPLOYED)], None),
        ("Deployment", [workload("Deployment", readyReplicas=1, updatedReplicas=2)], "1 of 2 Pods ready"),
        ("Deployment", [workload("Deployment", readyReplicas=2, updatedReplicas=1)], "2 of 2 Pods ready"),
    ],
)
def test_a_workload_is_ready_when_all_its_newest_pods_are(kind: str, there: list[Any], before: str | None) -> None:
    diff = cluster.not_ready({"kind": kind, "metadata": {"name": "dns", "namespace": "kube-system"}}, there)
    assert (diff.before if diff else None) == before


@pytest.mark.parametrize(
    ("nodes", "wrong"),
    [
        (["True"] * 3, ["DaemonSet kube-system/dns"]),
        (["True", "Unknown", "True"], []),
        (["True", "False", "True"], []),
        (["True", "", "True"], []),
        ([], ["DaemonSet kube-system/dns"]),
    ],
    ids=["all up", "one silent", "one sick", "one that never said", "no word of nodes"],
)
def test_a_node_that_is_down_holds_no_daemon_set_up(nodes: list[str], wrong: list[str]) -> None:
    manifest = "{kind: DaemonSet, metadata: {name: dns, namespace: kube-system}}"
    step = cluster.rollout_step("cluster/rollout", "Rollout", ["m1"], manifest, weight=1)
    there = workload("DaemonSet", **{**SET, "numberReady": 2})
    lines = [json.dumps(there), *(f"node {ready}" for ready in nodes)]
    assert judged(step, "\n".join(lines)) == wrong


def test_a_namesake_in_another_namespace_is_not_the_workload() -> None:
    there = workload("DaemonSet", **SET)
    there["metadata"] = {**there["metadata"], "namespace": "default"}
    assert cluster.not_ready({"kind": "DaemonSet", "metadata": {"name": "dns", "namespace": "kube-system"}}, [there])


def test_settings_are_drift_in_their_file_in_the_kernel_and_where_never_applied() -> None:
    step = host.settings_step(site(), M1)
    assert isinstance(step.change, Change)
    files = step.change.files
    parameters = host.sysctls(files)
    assert parameters["net.ipv4.ip_nonlocal_bind"] == "1"
    stamp = step.change.script.split("echo ")[-1].split(" ")[0]
    running = "".join(f"/proc/sys/{key.replace('.', '/')}:{value}\n" for key, value in parameters.items())
    good = f"{answer(files)}--slipway-cut--\n{running}applied={stamp}\n"
    assert judged(step, good) == []
    assert judged(step, good.replace(f"applied={stamp}", "applied=")) == ["settings applied"]
    key, path = "net.ipv4.ip_nonlocal_bind", "/proc/sys/net/ipv4/ip_nonlocal_bind"
    assert judged(step, good.replace(f"{path}:1", f"{path}:0")) == [f"sysctl {key}"]
    assert judged(step, good.replace(f"{path}:1\n", "")) == [], "a kernel without the parameter is no drift"
    first = files[0]
    altered = answer(files, {first.path: b"# by hand\n"})
    assert judged(step, good.replace(answer(files), altered)) == [first.path]


def test_the_kernels_values_are_read_whole() -> None:
    """The look itself, on this machine: it changes nothing."""
    said = subprocess.run(["sh", "-c", host.settings_step(site(), M1).probe.script], capture_output=True, text=True)
    path = "/proc/sys/fs/inotify/max_user_watches"
    assert f"{path}:{Path(path).read_text()}" in said.stdout


SWAPS = "Filename\tType\tSize\tUsed\tPriority\n"


def test_swap_is_drift_by_device() -> None:
    step = host.swap_step(M1)
    assert judged(step, SWAPS) == []
    assert judged(step, f"{SWAPS}/dev/sda2 partition 1 0 -2\n/swap.img file 1 0 -3\n") == [
        "swap /dev/sda2",
        "swap /swap.img",
    ]


def test_swap_is_turned_off_in_fstab_once_and_the_old_one_kept(tmp_path: Path) -> None:
    fstab, before = tmp_path / "etc/fstab", tmp_path / "before/etc/fstab"
    fstab.parent.mkdir()
    text = "UUID=1 / ext4 defaults 0 1\n# /old none swap sw 0 0\n/swap.img none swap sw 0 0\n"
    fstab.write_text(text)
    (tmp_path / "bin").mkdir()
    for name in ("swapoff", "systemctl"):
        (tmp_path / "bin" / name).write_text("#!/bin/sh\n")
        (tmp_path / "bin" / name).chmod(0o755)
    script = host._SWAP_OFF.replace("/var/lib/slipway/before", f"{tmp_path}/before").replace("/etc/fstab ", f"{fstab} ")
    script = (
        script.replace("/var/lib/slipway/found", f"{tmp_path}/found")
        .replace("/etc/fstab\n", f"{fstab}\n")
        .replace(f"before{fstab}", "before/etc/fstab")
    )
    for _ in range(2):
        done = shell(f"set -eu\n{script}", PATH=f"{tmp_path}/bin:{os.environ['PATH']}")
        assert done.returncode == 0, done.stderr
        assert fstab.read_text() == text.replace("\n/swap.img", "\n# turned off by slipway: /swap.img")
        assert before.read_text() == text


def test_etcd_that_lost_its_data_is_never_started_empty() -> None:
    step = etcd.etcd_step(site(), M1, needs=(), first_start=False, weight=1)
    verdict = step.probe.judge("--slipway-cut--\n--slipway-data--\nonce\n", 0)
    assert isinstance(verdict, Blocked)
    assert verdict.problem.code == "etcd.data-gone"
    assert verdict.problem.host == "m1"
    for data in ("data\nonce\n", "", "data\n"):
        assert not isinstance(step.probe.judge(f"--slipway-cut--\n--slipway-data--\n{data}", 0), Blocked)


@pytest.mark.parametrize(("members", "needed"), [(1, 1), (3, 2), (5, 3), (7, 4)])
def test_a_quorum_of_voters_and_one_other_apiserver_must_stay(members: int, needed: int) -> None:
    wanted = profile(members)
    voters = etcd.voters(wanted, first_start=False)
    assert (len(voters.members), voters.needed, voters.exempt) == (members, needed, False)
    assert etcd.voters(wanted, first_start=True).exempt
    assert etcd.apiservers(wanted, first_start=False).needed == 1


def test_executables_are_unpacked_and_known_by_their_own_hash() -> None:
    step = runtime.binaries_step(M1, "etcd-binaries", "etcd", bundle(), runtime.ETCD, needs=(), weight=1)
    assert isinstance(step.change, Change)
    for file in step.change.files:
        found = bundle().artifact(file.path.rpartition("/")[2])
        assert (file.mode, file.unpack, file.sha256) == (0o755, "zstd", found.content_sha256)


def test_the_endpoint_answers_or_does_not() -> None:
    step = cluster.endpoint_step(profile(), ["m1"], needs_any=(), weight=1)
    assert isinstance(step.probe.judge("", 0), Satisfied)
    assert judged(step, "", 7) == ["API at https://198.18.0.100:6443/readyz"]
