"""How a cluster stands, read from what its hosts answered."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.render.sites import profile
from wizard.plans.status import Status, read
from wizard.remote.base import Unreachable

HERE = profile(3, 0, 2)
NODES = ("m1", "m2", "m3", "w1", "w2")


def node(name: str, ready: bool = True) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": str(ready)}]
    return {"metadata": {"name": name}, "status": {"conditions": conditions, "nodeInfo": {"kubeletVersion": "v1.37.2"}}}


def answers(*nodes: dict[str, Any], w1: str = "active") -> dict[str, Any]:
    listing = json.dumps({"kind": "List", "items": nodes})
    member = json.dumps([{"Status": {"leader": 7, "header": {"member_id": 7}}}])
    units = "\n".join(f"unit {unit} active" for unit in ("etcd", "containerd", "kubelet", "haproxy", "keepalived"))
    masters = dict.fromkeys(("m1", "m2", "m3"), f"{units}\napi yes\nnodes {listing}\netcd yes\nmember []")
    masters["m1"] = masters["m1"].replace("member []", f"member {member}") + "\nvip"
    workers = dict.fromkeys(("w1", "w2"), "unit containerd active\nunit kubelet active")
    return {**masters, **workers, "w1": f"unit containerd active\nunit kubelet {w1}"}


def status(*names: str, **more: Any) -> Status:
    return read(HERE, answers(*(node(name) for name in names), **more))


def test_all_is_well_with_workers() -> None:
    found = status(*NODES)
    assert found.well
    assert [(host.name, host.api, dict(host.units)) for host in found.hosts if host.name.startswith("w")] == [
        ("w1", None, {"containerd": "active", "kubelet": "active"}),
        ("w2", None, {"containerd": "active", "kubelet": "active"}),
    ]


def test_a_worker_that_is_no_node_is_missing() -> None:
    found = status("m1", "m2", "m3", "w2")
    assert found.missing == ("w1",)
    assert not found.well


def test_a_worker_whose_kubelet_is_dead_or_that_is_not_ready_is_not_well() -> None:
    assert not status(*NODES, w1="failed").well
    assert not read(HERE, answers(*(node(name, name != "w2") for name in NODES))).well


def test_a_worker_that_does_not_answer_is_said() -> None:
    said = {**answers(*(node(name) for name in NODES)), "w2": Unreachable("Nobody answers", where="w2")}
    found = read(HERE, said)
    assert [host.name for host in found.hosts if host.failure] == ["w2"]
    assert not found.well
