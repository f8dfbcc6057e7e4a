"""How a host leaves: what is seen of its Pods, its VIP, its control plane; and what is said of Pods that stay."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest

from tests.unit.render.sites import profile, site
from wizard.engine.step import Change, Drifted, Satisfied
from wizard.errors import SlipwayError
from wizard.remote.base import Command, Result
from wizard.steps import leave
from wizard.steps.leave import drain_step, gone_step, ordinary, silent_step, stuck, vip_step

from .samples import judged

SITE = site(profile(3, 0, 1))
M1, W1 = SITE.profile.hosts[0], SITE.profile.hosts[-1]
MASTERS = ("m1", "m2", "m3")


def pod(name: str, owner: str = "ReplicaSet", phase: str = "Running", **annotations: str) -> dict[str, Any]:
    meta = {"namespace": "shop", "name": name, "ownerReferences": [{"kind": owner}], "annotations": annotations}
    return {"kind": "Pod", "metadata": meta, "status": {"phase": phase}}


def listed(*pods: dict[str, Any]) -> str:
    return json.dumps({"kind": "List", "items": pods})


def node(*, closed: bool) -> str:
    return json.dumps({"kind": "Node", "metadata": {"name": "w1"}, "spec": {"unschedulable": closed} if closed else {}})


def test_pods_that_a_drain_moves_are_those_that_could_run_elsewhere() -> None:
    pods = [
        pod("web"), pod("proxy", "DaemonSet"), pod("done", phase="Succeeded"),
        pod("apiserver", **{"kubernetes.io/config.mirror": "x"}), {"metadata": {"namespace": "shop", "name": "bare"}},
    ]  # fmt: skip
    assert ordinary(pods) == ["shop/web", "shop/bare"]


@pytest.mark.parametrize(
    ("closed", "pods", "want"),
    [
        (False, [], ["node w1"]),
        (True, [pod("web")], ["Pod shop/web"]),
        (True, [pod("proxy", "DaemonSet")], []),
    ],
)
def test_a_node_is_empty_when_no_pod_is_on_it_and_none_comes(closed: bool, pods: list[Any], want: list[str]) -> None:
    step = drain_step(W1, MASTERS, seconds=10)
    assert judged(step, f"{node(closed=closed)}\n{leave._CUT}\n{listed(*pods)}") == want
    assert isinstance(step.probe.judge(f"\n{leave._CUT}\n{listed()}", 0), Satisfied), "no such node"
    assert not isinstance(step.probe.judge("", 1), Satisfied | Drifted)


class Master:
    """A `Context` on a master whose kubectl drains as told (a fake)."""

    host = "m2"

    def __init__(self, status: int) -> None:
        self.status = status
        self.ran: list[str] = []

    async def run(self, host: str, command: Command) -> Result:
        self.ran.append(command.script)
        drains = " drain " in command.script
        said = "cannot evict" if drains else listed(pod("web"), pod("proxy", "DaemonSet"))
        return Result(self.status if drains else 0, said.encode(), b"", 0.1)

    def say(self, text: str) -> None:
        raise AssertionError(text)

    def progress(self, fraction: float, text: str = "") -> None:
        raise AssertionError(text)


@pytest.mark.parametrize("force", [False, True])
async def test_who_holds_the_drain_is_named(force: bool) -> None:
    wait = drain_step(W1, MASTERS, seconds=5, force=force).wait
    assert wait is not None
    good, bad = Master(0), Master(1)
    await wait(good)
    assert ("--force" in good.ran[0]) is force
    assert "again 5 drained" in good.ran[0]
    with pytest.raises(SlipwayError) as raised:
        await wait(bad)
    assert raised.value.why == "shop/web: did not end"
    assert raised.value.details == "cannot evict"
    assert ("--force" in raised.value.hint) is not force


def test_pods_that_stay_are_named_with_what_holds_them() -> None:
    said = (
        'error when evicting pods/"web" -n "shop" (will retry after 5s): Cannot evict pod as it would violate the '
        "pod's disruption budget.\nerror: unable to drain node w1"
    )
    error = stuck("w1", 10, ["shop/web", "shop/slow"], said, force=True, until="it is let")
    assert error.why == "shop/web: a PodDisruptionBudget forbids to evict; shop/slow: did not end"
    assert "w1" in error.title
    assert "until it is let" in error.hint
    assert stuck("w1", 10, [], said, force=True, until="then").why == "error: unable to drain node w1"


def test_the_vip_is_let_go_of_for_good() -> None:
    step = vip_step(SITE, M1, needs=(), after=())
    assert judged(step, "active\n2: eth0 inet 198.18.0.100/32 scope global eth0\n") == ["keepalived.service", "VIP"]
    assert judged(step, "inactive\n") == []
    assert isinstance(step.change, Change)
    assert "disable" in step.change.script


def test_a_control_plane_has_ended_when_nothing_starts_it_and_nothing_runs() -> None:
    step = silent_step(M1, SITE.profile.masters, needs=())
    path = "/etc/kubernetes/manifests/kube-apiserver.yaml"
    assert judged(step, f"{path}\nrunning\n") == [path, "process kube-apiserver"]
    assert judged(step, "running\n") == ["process kube-apiserver"], "it is waited for"
    assert judged(step, "") == []


class Fleet:
    """A `Context` whose hosts note what they are told (a fake); those in `dead` can't be reached."""

    host = "m1"

    def __init__(self, dead: str) -> None:
        self.dead = dead
        self.did: list[str] = []

    async def run(self, host: str, command: Command) -> Result:
        if host == self.dead:
            raise SlipwayError("gone", where=host)
        self.did.append(f"{host} {'drain' if 'state drain' in command.script else 'ready'}")
        return Result(0, b"", b"", 0.0)

    def say(self, text: str) -> None: ...
    def progress(self, fraction: float, text: str = "") -> None: ...


@pytest.mark.parametrize("fails", [False, True])
async def test_an_apiserver_that_ends_gets_requests_again_only_where_it_did_not_end(fails: bool) -> None:
    around = silent_step(M1, SITE.profile.masters, needs=()).around
    assert around is not None
    fleet = Fleet("m2")
    with suppress(ValueError):
        async with around(fleet):
            fleet.did.append("work")
            if fails:
                raise ValueError
    assert fleet.did == ["m1 drain", "m3 drain", "work", *(["m1 ready", "m3 ready"] if fails else [])]


def test_a_node_is_gone_when_the_api_knows_none() -> None:
    step = gone_step(W1, MASTERS, needs=())
    assert judged(step, "node/w1\n") == ["node w1"]
    assert judged(step, "") == []
    assert not isinstance(step.probe.judge("", 1), Satisfied | Drifted)
