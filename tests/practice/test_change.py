"""Ordinary days of a cluster: options changed in turns, hosts out for maintenance, and what can't be changed: refused.

What is changed, and who is out, is no business of those who write: a write each 50 ms goes on all the while.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from wizard.engine.record import Record

from .failover import Site, beside, to_themselves, writing
from .helpers import ADMIN, Lab, until
from .looks import marked, written

pytestmark = pytest.mark.practice

NOTE = "/etc/slipway/maintenance"
PLANNED = 0.2
"""Writes may fail for so long while the VIP moves as planned, in seconds."""
HELD_BACK = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: held}}
spec:
  selector: {{matchLabels: {{app: held}}}}
  template:
    metadata: {{labels: {{app: held}}}}
    spec:
      terminationGracePeriodSeconds: 0
      nodeSelector: {{kubernetes.io/hostname: w1}}
      containers: [{{name: held, image: {image}, imagePullPolicy: Never, command: [sleep, infinity]}}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{name: held}}
spec: {{maxUnavailable: 0, selector: {{matchLabels: {{app: held}}}}}}
"""


class Masters(Site):
    """The cluster's masters; workers hold neither a part of etcd nor the VIP."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(host.name for host in self.lab.hosts if host.name.startswith("m"))


@pytest.fixture(scope="module")
def site(workers: Lab) -> Iterator[Masters]:
    found = Masters(workers)
    with to_themselves(found):
        found.settle()
        asyncio.run(found.namespace("POST"))
        yield found


@pytest.fixture(scope="module")
def plain(site: Masters) -> dict[str, Any]:
    """Return the profile of the hosts that are in the cluster, with what is changed on it, as plain data."""
    kept = json.loads((site.lab.cluster / "profile.json").read_text())
    data = site.lab.plain()
    there = {host["name"] for host in kept["hosts"]}
    hosts = [host for host in data["hosts"] if host["name"] in there]
    endpoint = {**data["endpoint"], "dns_name": "api.site.example"}
    return {**data, "hosts": hosts, "endpoint": endpoint, "etcd": {"tuning": "slow-disk"}}


@pytest.fixture(scope="module")
def profile(site: Masters, plain: dict[str, Any]) -> Path:
    return bent(site, "changed", plain)


def bent(site: Masters, name: str, data: dict[str, Any], **groups: dict[str, Any]) -> Path:
    """Write the profile with some keys of some groups changed; return its file."""
    whole = {**data, **{group: {**data.get(group, {}), **keys} for group, keys in groups.items()}}
    return site.lab.written(name, lambda plain: (plain.clear(), plain.update(whole)))


def worked(record: Record, kind: str) -> list[tuple[str, float, float]]:
    """Return who was changed, when and until when (UTC seconds), of the steps of a kind, in order."""
    steps = [step for name, step in record.steps.items() if name.endswith(f"/{kind}") and step.seconds]
    return sorted(((step.host, step.started, step.started + step.seconds) for step in steps), key=lambda row: row[1])


def one_at_a_time(record: Record, kind: str) -> list[str]:
    rows = worked(record, kind)
    assert all(earlier[2] <= later[1] for earlier, later in pairwise(rows)), rows
    return [row[0] for row in rows]


async def test_options_are_changed_host_by_host_and_no_write_fails(site: Masters, profile: Path) -> None:
    manifest = "/etc/kubernetes/manifests/kube-apiserver.yaml"
    site.lab.on("m2", f"sed -i 's/^    - --secure-port=.*/&\\n    - --v=1/' {manifest}")
    for name in (*site.names, "w1"):
        site.lab.on(name, "echo '# by hand' >> /var/lib/kubelet/config.yaml")
    running = "tr '\\0' '\\n' < /proc/$(pgrep -x kube-apiserver)/cmdline | grep -x -e --v=1"
    until("the altered apiserver runs", lambda: site.all(running).keys() == {"m2"}, 120)
    await asyncio.to_thread(site.settle)
    leader = site.leader()
    controllers = "cd /etc/kubernetes/manifests && sha256sum kube-controller-manager.yaml kube-scheduler.yaml"
    unaltered = site.all(controllers)
    async with writing(site, "changed") as measured:
        said = await asyncio.to_thread(site.lab.apply, profile)
    print(f"\nchanged in {said.found['seconds']} s under {len(measured.writes)} writes: {measured!r}")
    assert said.exit == 0, said.words
    members, nodes = [f"{name}/etcd" for name in site.names], [f"{name}/kubelet" for name in (*site.names, "w1")]
    # Who led the others and could not say so for a while begins anew, by itself: it is waited for, and no more.
    waited = {f"{name}/controllers" for name in site.names}
    assert site.all(controllers) == unaltered
    assert said.changed - waited == {*members, *nodes, "m2/apiserver", *(f"{name}/pki" for name in site.names)}
    record = site.lab.journal().record(said.found["run"])
    assert one_at_a_time(record, "etcd")[-1] == leader, "it leads until all others had their turn"
    assert set(one_at_a_time(record, "kubelet")) == {*site.names, "w1"}
    assert not measured.failures, beside(measured, record)
    assert not await measured.lost(), "an acknowledged write is gone"
    again = site.lab.apply(profile)
    assert (again.exit, again.found["changed"]) == (0, [])


async def test_a_master_goes_out_and_comes_back_and_its_power_is_nobodys_business(site: Masters, profile: Path) -> None:
    """It holds the VIP and leads etcd, and its power is cut while it is out."""
    await asyncio.to_thread(site.settle)
    host = site.holder()
    site.lead(host)
    another = next(name for name in site.names if name != host)
    async with writing(site, "maintained") as measured:
        begun = await asyncio.to_thread(site.lab.slipway, "maintain", profile, host, "begin", "--yes")
        assert (begun.exit, begun.result) == (0, "done"), begun
        assert site.holder() != host
        assert site.leader() != host
        assert unschedulable(site) == {host}
        notes = site.all(f"tail -n +2 {NOTE}")
        assert {name: text.split()[0] for name, text in notes.items()} == dict.fromkeys(site.names, host)
        held = [
            await asyncio.to_thread(site.lab.slipway, *words, "--yes")
            for words in (
                ("apply", profile),
                ("certs", "renew", profile),
                ("maintain", profile, another, "begin"),
            )
        ]
        assert [(said.exit, said.found["problems"][0]["code"]) for said in held] == [
            *((3, "maintain.out"), (3, "maintain.out"), (3, "maintain.another-out"))
        ]  # fmt: skip
        await asyncio.to_thread(site.cut, host, measured)
        away = await asyncio.to_thread(site.lab.slipway, "maintain", profile, host, "end", "--yes")
        assert (away.exit, away.found["problems"][0]["code"]) == (3, "maintain.unreachable")
        await asyncio.to_thread(site.power_on, host)
        ended = await asyncio.to_thread(site.lab.slipway, "maintain", profile, host, "end", "--yes")
    times = f"out in {begun.found['seconds']} s, back in {ended.found['seconds']} s"
    print(f"\n{times} under {len(measured.writes)} writes: {measured!r}")
    assert (ended.exit, ended.result) == (0, "done"), ended
    starts = [write.started for write in measured.failures]
    assert not starts or max(starts) - min(starts) <= PLANNED, measured
    assert not measured.failed_after(measured.began), measured
    assert not await measured.lost(), "an acknowledged write is gone"
    assert unschedulable(site) == set()
    assert site.all(f"tail -n +2 {NOTE}") == {}
    await asyncio.to_thread(site.settle)
    again = site.lab.apply(profile)
    assert (again.exit, again.found["changed"]) == (0, [])


def unschedulable(site: Masters) -> set[str]:
    path = r'{range .items[?(@.spec.unschedulable==true)]}{.metadata.name}{"\n"}{end}'
    return set(site.lab.kubectl("get", "nodes", "-o", f"jsonpath={path}").split())


def test_a_worker_waits_for_its_pods_and_says_which_hold_it(site: Masters, profile: Path) -> None:
    image = site.lab.on("w1", "ctr -n k8s.io images ls -q | grep kube-proxy: | head -n 1")
    site.lab.kubectl("apply", "-f", "-", stdin=HELD_BACK.format(image=image))
    site.lab.kubectl("wait", "--for=condition=Available", "deployment/held", "--timeout=60s")
    said = site.lab.slipway("maintain", profile, "w1", "begin", "--yes", "--timeout", "3")
    assert (said.exit, said.result) == (1, "failed"), said
    assert "default/held-" in said.problem("step.failed")["message"]
    site.lab.kubectl("delete", "pdb/held")
    said = site.lab.slipway("maintain", profile, "w1", "begin", "--yes")
    assert (said.exit, unschedulable(site)) == (0, {"w1"}), said
    site.lab.on("w1", "echo '# by hand' >> /etc/tmpfiles.d/slipway.conf")
    drifted = site.lab.slipway("status", profile).problem("drift.changed", "w1")
    assert "/etc/tmpfiles.d/slipway.conf" in drifted["message"], "also while it is out"
    site.lab.on("w1", "sed -i '$d' /etc/tmpfiles.d/slipway.conf")
    assert "held" not in site.lab.on("m1", f"{ADMIN} get pods -A --field-selector spec.nodeName=w1 -o name")
    site.lab.kubectl("delete", "deployment/held")
    said = site.lab.slipway("maintain", profile, "w1", "end", "--yes")
    assert (said.exit, unschedulable(site)) == (0, set()), said
    site.lab.kubectl("cordon", "w1")
    for action in ("begin", "end"):
        assert site.lab.slipway("maintain", profile, "w1", action, "--yes").exit == 0
    assert unschedulable(site) == {"w1"}, "a person made it so"
    site.lab.kubectl("uncordon", "w1")


def test_what_can_not_be_changed_is_refused_and_nothing_is_touched(site: Masters, plain: dict[str, Any]) -> None:
    marked(site.lab)
    values = bent(
        *(site, "values", plain),
        network={"pod_cidr": "10.245.0.0/16", "service_cidr": "10.112.0.0/12", "dns_domain": "other.local"},
        etcd={"data_dir": "/var/lib/etcd-other"},
        endpoint={"vip": site.lab.vip.rpartition(".")[0] + ".99", "port": 8443},
    )  # fmt: skip
    names = {"pod-cidr", "service-cidr", "dns-domain", "data-dir", "vip", "port"}
    hosts = json.loads(json.dumps(plain["hosts"]))
    (m1, m2, m3), w1 = hosts[:3], next(host for host in hosts if host["name"] == "w1")
    m2["address"], m3["address"] = m3["address"], m2["address"]
    m1["node_ip"] = m1["address"].rpartition(".")[0] + ".77"
    m1["roles"] = ["master"]
    w1["name"] = "w9"
    for words, path, wanted in (
        ("check", values, {f"change.{name}" for name in names}),
        ("plan", bent(site, "hosts", {**plain, "hosts": hosts}),
         {"m2 change.swapped", "m3 change.swapped", "w9 change.renamed", "m1 change.address", "m1 change.role"}),
        ("apply", bent(site, "version", {**plain, "kubernetes": "1.36.1"}), {"change.kubernetes"}),
    ):  # fmt: skip
        said = site.lab.slipway(words, path, *(["--yes"] if words == "apply" else []))
        assert (said.exit, said.result) == (3, "held"), said
        assert wanted <= set(said.errors()), said.errors()
        for problem in said.found["problems"]:
            assert problem["hint"] or problem["level"] == "info"
            assert problem["field"] or not problem["code"].startswith("change.")
    assert {host.name: written(site.lab, host.name) for host in site.lab.hosts} == {
        host.name: set() for host in site.lab.hosts
    }
