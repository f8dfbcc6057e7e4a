"""The reset as a job: whom it is about, what stands against it, what is put away after it."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.checks.sites import healthy
from tests.unit.checks.sites import profile as site
from wizard.engine.control import Control
from wizard.engine.graph import checked
from wizard.engine.locks import HostLock
from wizard.engine.marker import HostMarker, Owner, dump, with_change
from wizard.engine.outcome import Outcome
from wizard.engine.runner import RunResult
from wizard.engine.sink import Memory
from wizard.engine.step import Change, Plan
from wizard.errors import HeldError, SlipwayError, errors_of
from wizard.facts.model import Facts, Survey
from wizard.facts.traces import ClusterTraces, Marker
from wizard.plans import job as jobs
from wizard.plans.archive import archive, archived
from wizard.plans.closing import close
from wizard.plans.job import prepare
from wizard.plans.judging import judge
from wizard.plans.reset import KEEP_PACKAGES, ends, judge_member, still_needed
from wizard.plans.task import Job, Kind, Task
from wizard.profile.model import Role
from wizard.remote.base import Command, LoginRefused, Result, Unreachable

UID = "uid-1"
HOSTS = [
    *({"name": f"m{n}", "address": f"10.20.0.1{n}"} for n in (1, 2, 3)),
    {"name": "e1", "address": "10.20.0.21", "roles": ["etcd"]},
    {"name": "e2", "address": "10.20.0.22", "roles": ["etcd"]},
]


def a_job(folder: Path, *hosts: str, **options: Any) -> Job:
    return Job(site(hosts=HOSTS), None, folder, Task(kind=Kind.RESET, hosts=hosts, options=options))


def marked(name: str, uid: str = UID) -> Facts:
    text = dump(with_change(HostMarker(), Owner(uid, "site"), "s", Change()))
    traces = ClusterTraces(etcd_data=name[0] != "w", marker=Marker(uid, "site", text))
    return replace(healthy(name, int(name[1]) + {"m": 0, "e": 3, "w": 6}[name[0]]), traces=traces)


def standing(*without: str) -> dict[str, Facts]:
    return {host["name"]: marked(host["name"]) for host in HOSTS if host["name"] not in without}  # type: ignore[arg-type]


def away(host: str) -> SlipwayError:
    return Unreachable("Can't reach the host", where=host, why="no route", hint="Check power.")


def against(job: Job, survey: Survey, uid: str = UID) -> list[str]:
    return [f"{problem.host} {problem.code}" for problem in errors_of(judge(job, survey, uid).problems)]


def test_all_hosts_go_their_own_way(tmp_path: Path) -> None:
    plan = prepare(a_job(tmp_path), Survey(standing()), UID, None)
    assert plan.title == "Reset site"
    assert plan.groups == ()
    steps = checked(plan)
    assert {step.host for step in steps.values()} == {"m1", "m2", "m3", "e1", "e2"}
    assert all(need.partition("/")[0] == step.host for step in steps.values() for need in step.before)
    assert not any("leave" in name for name in steps), "no cluster is left to leave"


def test_one_host_leaves_the_cluster_first_and_packages_may_stay(tmp_path: Path) -> None:
    job = a_job(tmp_path, "m3", **{KEEP_PACKAGES: True})
    plan = prepare(job, Survey(standing("m1")), UID, None)
    assert plan.title == "Reset m3 of site"
    steps = checked(plan)
    assert steps["m3/leave"].hosts == ("m2",), "who answered is asked"
    assert steps["m3/stop"].after == ("m3/leave",)
    assert "m3/packages" not in steps
    assert plan.hosts == ("m2", "m3")
    no_node = prepare(a_job(tmp_path, "e1"), Survey(standing()), UID, None)
    assert "e1/leave" not in {step.id for step in no_node.steps}


def test_what_is_no_cluster_of_ours_needs_not_stand(tmp_path: Path) -> None:
    bare = {name: replace(facts, traces=ClusterTraces()) for name, facts in standing().items()}
    assert against(a_job(tmp_path), Survey(bare), "") == []
    assert {step.id.partition("/")[2] for step in prepare(a_job(tmp_path), Survey(bare), "", None).steps} == {"free"}
    foreign = {**bare, "m2": replace(bare["m2"], traces=ClusterTraces(running=("k3s",)))}
    assert against(a_job(tmp_path), Survey(foreign), "") == [], "it is left alone"


def test_hosts_of_another_cluster_hold_where_they_are_meant(tmp_path: Path) -> None:
    survey = Survey({**standing(), "m2": marked("m2", "another")})
    assert against(a_job(tmp_path), survey) == ["m2 host.another-cluster"]
    assert against(a_job(tmp_path, "m2"), survey) == ["m2 host.another-cluster"]
    assert against(a_job(tmp_path, "e1"), survey) == []


def test_hosts_out_of_reach_are_left_for_later_and_a_refused_login_holds(tmp_path: Path) -> None:
    found = judge(a_job(tmp_path), Survey(standing("m3"), {"m3": away("m3")}), UID)
    assert (errors_of(found.problems), set(found.dead)) == ((), {"m3"})
    bare = {"m1": healthy("m1", 1)}
    assert set(judge(a_job(tmp_path), Survey(bare, {"m3": away("m3")}), "").dead) == {"m3"}
    refused = LoginRefused("The host refuses the login", where="m3", hint="Check the key.")
    assert against(a_job(tmp_path), Survey(standing("m3"), {"m3": refused})) == ["m3 host.login-refused"]


MEMBERS = "".join(
    f"8e9e05c5{n}, started, m{n}, https://10.20.0.1{n}:2380, https://10.20.0.1{n}:2379, false\n" for n in "12"
)
NODES = "--slipway-cut--\nnode/m1\nnode/m2\n"


@pytest.mark.parametrize(
    ("name", "said", "code"),
    [
        ("m1", MEMBERS + NODES, "reset.still-member"),
        ("m3", MEMBERS + NODES, None),
        ("m3", MEMBERS + NODES + "node/m3\n", "reset.still-member"),
        ("m3", MEMBERS + "9, unstarted, , https://10.20.0.13:2380, , true\n" + NODES, "reset.still-member"),
        ("m1", None, "reset.no-quorum"),
    ],
    ids=["member", "removed", "still a node", "not started yet", "no quorum"],
)
def test_a_host_that_the_cluster_counts_on_is_refused(name: str, said: str | None, code: str | None) -> None:
    problem = judge_member(site(hosts=HOSTS).host(name), said)
    assert (problem.code if problem else None) == code
    if problem:
        assert problem.host == name
        assert "whole cluster" in problem.hint


class Asked:
    """Members as a question finds them (a fake): some out of reach, some without a quorum, one that answers."""

    def __init__(self, **answers: str | None) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def connect(self, name: str) -> Any:
        self.asked.append(name)
        if name not in self.answers:
            raise away(name)
        self.name = name
        return self

    async def run(self, command: Command, _on_output: object = None) -> Result:
        assert "etcdctl member list" in command.script
        said = self.answers[self.name]
        return Result(0 if said else 1, (said or "").encode(), b"", 0.0)


async def test_members_that_stay_are_asked_until_one_answers(tmp_path: Path) -> None:
    asked = Asked(m2=None, m3=MEMBERS + NODES, e1="never asked")
    (problem,) = await still_needed(a_job(tmp_path, "m1"), Survey(standing("e2")), asked.connect)
    assert (problem.code, asked.asked) == ("reset.still-member", ["m2", "m3"])


async def test_nobody_is_asked_where_the_whole_cluster_goes_or_nothing_is_on_the_host(tmp_path: Path) -> None:
    asked = Asked()
    assert await still_needed(a_job(tmp_path), Survey(standing()), asked.connect) == ()
    everyone = a_job(tmp_path, "e2", "e1", "m3", "m2", "m1")
    assert everyone.whole
    assert await still_needed(everyone, Survey(standing()), asked.connect) == ()
    bare = {**standing(), "m1": healthy("m1", 1)}
    assert await still_needed(a_job(tmp_path, "m1"), Survey(bare), asked.connect) == ()
    assert asked.asked == []


async def test_a_profile_that_lacks_a_host_of_the_cluster_is_not_the_whole_cluster(tmp_path: Path) -> None:
    job = a_job(tmp_path)
    (tmp_path / "profile.json").write_text(job.profile.model_dump_json())
    assert await still_needed(job, Survey(standing()), Asked().connect) == ()
    cut = replace(job, profile=job.profile.model_copy(update={"hosts": job.profile.hosts[:1]}))
    assert cut.whole
    found = await still_needed(cut, Survey(standing()), Asked().connect)
    assert {problem.code for problem in found} == {"reset.host-left-out"}
    assert [problem.host for problem in found] == [host.name for host in job.profile.hosts[1:]]


async def test_a_host_that_holds_data_is_asked_about_whatever_the_profile_calls_it(tmp_path: Path) -> None:
    job = a_job(tmp_path, "m1")
    edited = job.profile.hosts[0].model_copy(update={"roles": (Role.WORKER,)})
    profile = job.profile.model_copy(update={"hosts": (edited, *job.profile.hosts[1:])})
    known = standing()
    known["m1"] = replace(known["m1"], traces=replace(known["m1"].traces, etcd_data=True))
    asked = Asked(m2=MEMBERS + NODES)
    (problem,) = await still_needed(replace(job, profile=profile), Survey(known), asked.connect)
    assert (problem.code, problem.host) == ("reset.still-member", "m1")


def state(folder: Path) -> Path:
    (folder / "pki/hosts").mkdir(parents=True)
    for name in ("cluster.json", "admin.conf", "journal.db", "pki/ca.pem", "known_hosts"):
        (folder / name).write_text(name)
    (folder / "cluster.json").write_text(json.dumps({"uid": UID, "name": "site"}))
    return folder


def test_keys_and_identity_are_put_away_and_the_history_stays(tmp_path: Path) -> None:
    folder = state(tmp_path / "site")
    archive(folder, "r1")
    place = archived(folder, "r1")
    assert {path.name for path in folder.iterdir()} == {"journal.db", "known_hosts", place.name}
    assert {path.name for path in place.iterdir()} == {"pki", "admin.conf", "cluster.json"}
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    archive(folder, "r2")
    assert not archived(folder, "r2").exists(), "there was nothing any more"


def test_what_can_not_be_put_away_is_told_and_the_identity_stays(tmp_path: Path) -> None:
    folder = state(tmp_path / "site")
    archived(folder, "r1").write_text("in the way")
    with pytest.raises(SlipwayError) as raised:
        archive(folder, "r1")
    assert "reset again" in raised.value.hint
    assert (folder / "cluster.json").exists()


@pytest.mark.parametrize(
    ("hosts", "free", "away", "result", "kept"),
    [
        ((), (), (), RunResult.DONE, False),
        ((), (), (), RunResult.PARTIAL, True),
        (("w1",), ("e1",), (), RunResult.DONE, True),
        (("w1",), ("m1", "m2", "m3", "e1", "e2"), (), RunResult.DONE, False),
        (("w1",), ("m1", "m2", "m3", "e1", "e2"), (), RunResult.FAILED, True),
        (("w1",), ("m1", "m2", "m3", "e1"), ("e2",), RunResult.DONE, True),
        (("w1", "w2"), ("m1", "m2", "m3", "e1", "e2"), (), RunResult.DONE, False),
    ],
    ids=["all", "one is away", "one of them", "the last one", "it failed", "who knows of another", "one twice gone"],
)
async def test_keys_are_put_away_with_the_last_of_the_hosts(
    tmp_path: Path, hosts: tuple[str, ...], free: tuple[str, ...], away: tuple[str, ...], result: RunResult, kept: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    folder = state(tmp_path / "site")
    rows = [*HOSTS, *({"name": name, "address": f"10.20.0.3{name[1]}", "roles": ["worker"]} for name in ("w1", "w2"))]
    job = replace(a_job(folder, *hosts), profile=site(hosts=rows if "w2" in hosts else rows[:-1]))
    facts = {name: marked(name) for name in job.hosts}
    facts |= {name: replace(facts[name], traces=ClusterTraces()) for name in free}
    failures = {name: Unreachable("Can't reach the host", where=name) for name in away}

    async def look(*_: object, **__: object) -> Survey:
        return Survey({name: found for name, found in facts.items() if name not in away}, failures)

    async def run(plan: Plan, *_: object, last: Any, **__: object) -> Outcome:
        assert plan.steps
        ended: Outcome = last(Outcome(result, 1.0))
        return ended

    monkeypatch.setattr(jobs, "look", look)
    monkeypatch.setattr(jobs, "run", run)
    memory = Memory()
    await jobs.apply(job, Asked().connect, memory, Control(memory), lock=HostLock("r7", "here"))
    assert (folder / "cluster.json").exists() == kept
    assert archived(folder, "r7").exists() != kept


def test_a_host_that_only_the_last_install_knew_keeps_the_keys_here(tmp_path: Path) -> None:
    job = a_job(tmp_path, "e2")
    bare = {name: replace(facts, traces=ClusterTraces()) for name, facts in standing().items()}
    assert ends(job, Survey({**bare, "e2": marked("e2")}), UID)
    other = site(hosts=[*HOSTS, {"name": "w9", "address": "10.20.0.39", "roles": ["worker"]}])
    (tmp_path / "profile.json").write_text(other.model_dump_json())
    assert not ends(job, Survey({**bare, "e2": marked("e2")}), UID)


def test_keys_that_can_not_be_put_away_fail_the_run_that_says_so(tmp_path: Path) -> None:
    folder = state(tmp_path / "site")
    archived(folder, "r7").write_text("in the way")
    outcome = close(a_job(folder), None, "r7", Outcome(RunResult.DONE, 1.0), none_left=True)
    assert outcome.result is RunResult.FAILED
    assert [(one.code, "reset again" in one.hint) for one in outcome.problems] == [("cluster.folder", True)]


async def test_what_the_cluster_says_holds_before_anything_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look(*_: object, **__: object) -> Survey:
        return Survey(standing())

    given: list[str] = []

    async def give_back(*_: object) -> None:
        given.append("back")

    monkeypatch.setattr(jobs, "look", look)
    monkeypatch.setattr(jobs, "give_back", give_back)
    memory = Memory()
    job = a_job(state(tmp_path / "site"), "m1")
    with pytest.raises(HeldError) as held:
        await jobs.apply(job, Asked(m2=MEMBERS + NODES).connect, memory, Control(memory), lock=HostLock("r7", "here"))
    assert [problem.code for problem in held.value.problems] == ["reset.still-member"]
    assert given == ["back"]
