"""Renewing: which leaves are due, one host after the other, and what is never made behind a cluster's back."""

from __future__ import annotations

import asyncio
import datetime
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.checks.sites import healthy
from tests.unit.checks.sites import profile as site_profile
from tests.unit.plans.test_job import a_job, nobody, standing, unreachable
from wizard import pki
from wizard.engine.control import Control
from wizard.engine.events import RunResult
from wizard.engine.locks import HostLock
from wizard.engine.sink import Memory
from wizard.engine.step import Change, Plan
from wizard.facts.model import Survey
from wizard.plans import job as jobs
from wizard.plans.job import prepare
from wizard.plans.judging import site_of
from wizard.plans.kinds import KINDS
from wizard.plans.renew import BEFORE, due, renew, renewal
from wizard.plans.task import Kind, Task

MADE = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)
KEYS = pki.make(pki.wanted(site_profile()), None, MADE)[0]
DAY = 86400


def names(task: Task) -> set[str]:
    anew = due(task)
    return {
        name for name, pair in KEYS.pairs.items() if "ca" not in name.split("/")[-1] and anew(name, pair.certificate)
    }


def task(at: float, hosts: tuple[str, ...] = (), **options: int) -> Task:
    return Task(kind=Kind.RENEW, hosts=hosts, options={BEFORE: int(MADE.timestamp() + at), **options})


def test_all_leaves_that_were_there_are_due_and_none_that_was_made_since() -> None:
    everything = names(task(1))
    assert {"admin", "super-admin", "hosts/m1/apiserver", "hosts/m3/etcd/peer"} <= everything
    assert names(task(0)) == set(), "one made in the same second is the task's own"


@pytest.mark.parametrize(("days", "due_then"), [(364, False), (365, False), (366, True)])
def test_with_days_only_those_with_fewer_left(days: int, due_then: bool) -> None:
    assert bool(names(task(1, days=days - 1))) is (due_then and days - 1 > 364)
    assert bool(names(task(360 * DAY, days=days - 360))) is (days - 360 > 5)


def test_with_hosts_only_theirs_and_not_the_peoples() -> None:
    assert {name.split("/")[1] for name in names(task(1, hosts=("m2",)))} == {"m2"}
    assert len(names(task(1, hosts=("m2",)))) == 11


def test_a_task_goes_through_json_and_means_the_same() -> None:
    wanted = renewal(("m1",), 40)
    again = Task.model_validate(json.loads(wanted.model_dump_json()))
    assert (again, names(again)) == (wanted, names(wanted))


def planned(tmp_path: Path, wanted: Task, survey: Survey | None = None) -> Plan:
    job = replace(a_job(tmp_path), task=wanted)
    return prepare(job, survey or Survey(standing()), "uid-1", KEYS, "r1")


def order(plan: Plan) -> list[str]:
    """Return the only order in which the steps can run."""
    steps = {step.id: step for step in plan.steps}
    chain: list[str] = []
    while len(chain) < len(steps):
        (one,) = [id for id, step in steps.items() if id not in chain and set(step.before) <= set(chain)]
        chain.append(one)
    return chain


def test_one_host_after_the_other_and_each_serves_before_the_next(tmp_path: Path) -> None:
    steps = ("pki", "served", "controllers")
    plan = planned(tmp_path, renewal())
    assert order(plan) == [f"{host}/{step}" for host in ("m1", "m2", "m3") for step in steps]
    assert plan.title == "Renew the certificates of site"
    assert order(planned(tmp_path, renewal(("m2",)))) == [f"m2/{step}" for step in steps]


def test_of_a_worker_what_its_kubelet_serves_is_renewed_and_nothing_else(tmp_path: Path) -> None:
    masters = [{"name": f"m{n}", "address": f"10.20.0.1{n}"} for n in (1, 2, 3)]
    site = site_profile(hosts=[*masters, {"name": "w1", "address": "10.20.0.51", "roles": ["worker"]}])
    before = pki.make(pki.wanted(site), None, MADE)[0]
    wanted = task(1, hosts=("w1",))
    keys, made = pki.make(pki.wanted(site), before, MADE, anew=due(wanted))
    assert made == {"hosts/w1/kubelet"}
    job = replace(a_job(tmp_path), profile=site, task=wanted)
    survey = Survey({**standing(), "w1": replace(healthy("w1", 4), traces=standing()["m1"].traces)})
    plan = prepare(job, survey, "uid-1", keys, "r1")
    assert order(plan) == ["w1/pki", "w1/served"], "its kubelet reads the new ones by itself"
    given, had = ({f.path: f.content for f in pki.host_files(each, site, site.host("w1"))} for each in (keys, before))
    changed = {path for path in given if given[path] != had[path]}
    assert changed == {"/etc/kubernetes/pki/kubelet.crt", "/etc/kubernetes/pki/kubelet.key"}
    change = plan.steps[0].change
    assert isinstance(change, Change)
    assert {file.path for file in change.files} == given.keys() == {*changed, "/etc/kubernetes/pki/ca.crt"}


def test_a_host_out_of_reach_holds_up_none(tmp_path: Path) -> None:
    facts = {name: there for name, there in standing().items() if name != "m1"}
    plan = planned(tmp_path, renewal(), Survey(facts, {"m1": unreachable("m1")}))
    needs = {step.id: step.before for step in plan.steps}
    assert (needs["m1/pki"], needs["m2/pki"], needs["m3/pki"]) == ((), (), ("m2/controllers",))


def test_a_host_that_never_joined_is_left_alone(tmp_path: Path) -> None:
    plan = planned(tmp_path, renewal(), Survey({**standing(), "m3": healthy("m3", 3)}))
    assert {step.host for step in plan.steps} == {"m1", "m2"}


def test_without_a_store_there_is_nothing_to_renew(tmp_path: Path) -> None:
    site = site_of(a_job(tmp_path), Survey(standing()), "uid-1")
    with pytest.raises(pki.PkiError, match="no certificates of site"):
        renew(site, None, renewal())


def run(tmp_path: Path, wanted: Task, monkeypatch: pytest.MonkeyPatch) -> list[pki.Pki | None]:
    """Do the task on a cluster that stands, with a plan without steps (a fake); return the keys it was given."""
    given: list[pki.Pki | None] = []

    async def look(*_: object, **__: object) -> Survey:
        return Survey(standing())

    async def give_back(*_: object) -> None:
        return None

    def plan(what: Any) -> Plan:
        given.append(what.keys)
        return Plan("site", "Nothing", ())

    monkeypatch.setattr(jobs, "look", look)
    monkeypatch.setattr(jobs, "give_back", give_back)
    monkeypatch.setitem(KINDS, wanted.kind, replace(KINDS[wanted.kind], plan=plan, installs=False))  # type: ignore[arg-type]
    (tmp_path / "cluster.json").write_text('{"uid": "uid-1", "name": "site"}')
    memory, job = Memory(), replace(a_job(tmp_path), task=wanted)
    outcome = asyncio.run(jobs.apply(job, nobody, memory, Control(memory), lock=HostLock("r7", "here")))
    assert outcome.result is RunResult.DONE
    return given


@pytest.mark.parametrize("kind", [Kind.INSTALL, Kind.RENEW])
def test_no_authority_is_made_for_a_cluster_that_stands(
    tmp_path: Path, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(pki.PkiError) as caught:
        run(tmp_path, renewal() if kind is Kind.RENEW else Task(), monkeypatch)
    assert "/etc/kubernetes/pki" in caught.value.hint
    assert not (tmp_path / "pki").exists()


def test_the_store_has_the_new_ones_before_a_plan_is_made_and_a_resumed_task_makes_none_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hour_ago = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    old = pki.ensure(tmp_path / "pki", pki.wanted(site_profile()), hour_ago)
    wanted = renewal()
    (keys,) = run(tmp_path, wanted, monkeypatch)
    assert keys is not None
    assert keys == pki.load(tmp_path / "pki")
    assert {name for name in old.pairs if keys.pair(name) == old.pair(name)} == {"ca", "etcd/ca", "front-proxy-ca"}
    assert run(tmp_path, wanted, monkeypatch) == [keys]
    assert (tmp_path / "admin.conf").read_bytes() == pki.admin_kubeconfig(keys, site_profile())
    assert not (tmp_path / "profile.json").exists(), "only an install says what was applied"
