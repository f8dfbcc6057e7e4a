"""A run that is killed, and a host that dies in the middle: what is done stays done, and running again goes on."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from wizard import practice
from wizard.bundle.opened import Bundle
from wizard.engine.events import StepStarted
from wizard.engine.journal_reader import JournalReader, RunInfo
from wizard.plans.install import addons
from wizard.profile.model import Network

from .helpers import Lab, Labs, until

pytestmark = [pytest.mark.practice, pytest.mark.torture]

HALF_WRITTEN = "find /etc /opt /usr /var/lib/slipway -name '.slipway-*'"


@pytest.fixture(scope="module")
def site(labs: Labs, bundle: Bundle) -> Iterator[Lab]:
    yield labs.open("resume")
    labs.end("resume")


def begun(site: Lab, before: int, *steps: str) -> RunInfo:
    """Wait until the run after the first `before` ones has begun one of `steps`; return it."""
    reader = JournalReader(site.cluster)

    def there() -> RunInfo | None:
        runs = reader.runs()
        if len(runs) <= before:
            return None
        events = [event for _, event in reader.events(runs[0].run)]
        started = {event.step for event in events if isinstance(event, StepStarted)}
        assert runs[0].running or started & set(steps), f"it ended before any of {steps}"
        return runs[0] if started & set(steps) else None

    until(f"one of {steps} begins", there, pause=0.05)
    return reader.runs()[0]


def test_a_killed_run_is_told_as_interrupted(site: Lab) -> None:
    """Killed with etcd's members half started: one has data, and no quorum was ever there."""
    with site.started("apply", site.profile, "--yes") as command:
        run = begun(site, 0, "m1/etcd", "m2/etcd", "m3/etcd")
        os.kill(run.process.pid, signal.SIGKILL)
        out, _ = command.communicate(timeout=60)
    assert command.returncode == 130
    assert '"result": "interrupted"' in out
    shown = site.slipway("runs", "list", site.name).found["runs"]
    assert [one["state"] for one in shown] == ["interrupted"]
    for host in site.hosts:
        until(
            f"{host.name} has no half-written file",
            lambda name=host.name: not site.on(name, HALF_WRITTEN),
            60,
            lambda name=host.name: site.on(name, f"{HALF_WRITTEN}; ps axfo pid,etime,args"),
        )


def test_a_host_that_dies_in_the_middle_is_quarantined_and_the_others_work(site: Lab) -> None:
    with site.started("apply", site.profile, "--yes") as command:
        begun(site, 1, "m3/kubelet", "m3/apiserver-images", "m3/controller-images")
        practice.cut(site.host("m3"))
        out, err = command.communicate(timeout=420)
    assert command.returncode == 4, err
    assert '"result": "partial"' in out
    said = site.slipway("runs", "show", site.name)
    assert said.found["quarantined"] == ["m3"]
    problem = said.problem("host.unreachable", "m3")
    assert site.host("m3").address in problem["message"]
    assert problem["hint"]
    assert site.ready_nodes() == {"m1", "m2"}
    assert site.kubectl("create", "configmap", "kept", "--from-literal=by=two") == "configmap/kept created"


def test_a_rerun_completes_the_third(site: Lab) -> None:
    practice.power_on(site.host("m3"))
    said = site.apply()
    assert (said.exit, said.result, said.found["quarantined"]) == (0, "done", [])
    # With the third node the cluster is another one, to be verified anew.
    assert {step for step in said.changed if not step.startswith(("m3/", "cluster/"))} == {"verify/try"}
    assert site.ready_nodes() == {"m1", "m2", "m3"}
    assert site.kubectl("get", "configmap", "kept", "-o", "jsonpath={.data.by}") == "two"
    members = site.slipway("status", site.profile).found["etcd"]["members"]
    assert [member["healthy"] for member in members] == [True, True, True]
    again = site.apply()
    assert (again.exit, again.found["changed"]) == (0, [])


def test_ctrl_c_lets_steps_under_way_finish_and_ends_the_run(site: Lab, bundle: Bundle) -> None:
    controllers = ("image/kube-controller-manager", "image/kube-scheduler")
    refs = [bundle.artifact(name).ref for name in (*controllers, *addons(Network()))]
    site.on("m1", f"ctr -n k8s.io images rm {' '.join(refs)}")
    runs = len(site.journal().runs())
    with site.started("apply", site.profile, "--yes") as command:
        begun(site, runs, "m1/controller-images")
        command.send_signal(signal.SIGINT)
        out, err = command.communicate(timeout=240)
    assert command.returncode == 130, err
    assert '"result": "interrupted"' in out
    states = {step["id"]: step["state"] for step in site.slipway("runs", "show", site.name).found["steps"]}
    assert (states["m1/controller-images"], states["m1/addon-images"]) == ("done", "skipped")
    there = site.on("m1", "ctr -n k8s.io images ls -q").split()
    assert [ref in there for ref in refs] == [True, True, False, False, False]
    said = site.apply()
    assert (said.exit, said.found["changed"]) == (0, ["m1/addon-images"])
