"""One job: the cluster's identity, the look with its lease, what holds an install, and what is kept of it."""

from __future__ import annotations

import asyncio
import datetime
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.checks.sites import healthy
from tests.unit.checks.sites import profile as site
from tests.unit.steps.samples import bundle
from wizard import pki
from wizard.bundle.lock import BundleError
from wizard.engine.control import Control
from wizard.engine.events import RunResult
from wizard.engine.graph import checked
from wizard.engine.locks import HostLock
from wizard.engine.marker import HostMarker, dump
from wizard.engine.outcome import Outcome
from wizard.engine.sink import Memory
from wizard.engine.step import Drifted, Plan, Satisfied
from wizard.errors import Level, Problem, SlipwayError, UsageError, errors_of
from wizard.facts.model import Survey
from wizard.facts.traces import ClusterTraces, Marker
from wizard.plans import job as jobs
from wizard.plans import judging
from wizard.plans.closing import close
from wizard.plans.folder import identity
from wizard.plans.job import Job, prepare
from wizard.plans.judging import Found, judge, refuse
from wizard.plans.kinds import KINDS, Given, Work
from wizard.plans.renew import renewal
from wizard.plans.task import INSTALL, Kind, Task
from wizard.remote.base import Command, LoginRefused, Result, Unreachable

NOW = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)


def a_job(folder: Path, **changes: Any) -> Job:
    return Job(site(**changes), bundle(), folder)


def test_an_identity_is_made_once_by_apply_alone(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    assert identity(folder, "site") == ""
    assert not folder.exists(), "a look makes nothing"
    uid = identity(folder, "site", make=True)
    assert len(uid) == 32
    assert identity(folder, "site", make=True) == identity(folder, "site") == uid
    assert stat.S_IMODE((folder / "cluster.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "site"}'])
def test_an_identity_that_can_not_be_read_is_never_replaced(tmp_path: Path, text: str) -> None:
    path = tmp_path / "cluster.json"
    path.write_text(text)
    with pytest.raises(SlipwayError) as raised:
        identity(tmp_path, "site", make=True)
    assert raised.value.where == str(path)
    assert "/etc/slipway/cluster.json" in raised.value.hint
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("hosts", "code"),
    [
        ([{"name": f"m{n}", "address": f"10.20.0.1{n}"} for n in (1, 2)], "etcd.even"),
        (
            [
                *({"name": f"m{n}", "address": f"10.20.0.1{n}"} for n in (1, 2, 3)),
                {"name": "w1", "address": "10.20.0.51", "roles": ["worker", "master"]},
            ],
            "host.worker-master",
        ),
    ],
    ids=["two masters", "a worker that is a master"],
)
def test_what_a_new_install_refuses_is_refused_with_the_rules_own_words(
    tmp_path: Path, hosts: list[dict[str, Any]], code: str
) -> None:
    with pytest.raises(UsageError) as raised:
        refuse(site(hosts=hosts))
    problems: tuple[Problem, ...] = raised.value.problems  # type: ignore[attr-defined]
    assert any(code in problem.code for problem in problems)
    assert all(problem.level is Level.ERROR and problem.hint for problem in problems)


def standing(uid: str = "uid-1") -> dict[str, Any]:
    traces = ClusterTraces(etcd_data=True, marker=Marker(text="{}", uid=uid, cluster="site"))
    return {f"m{n}": replace(healthy(f"m{n}", n), traces=traces) for n in (1, 2, 3)}


def unreachable(host: str) -> Unreachable:
    return Unreachable("Can't reach the host", where=host, why="no route", hint="Check power.")


@pytest.fixture(autouse=True)
def _whole_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample bundle has no files; to judge those is another room's."""
    monkeypatch.setattr(judging, "verify_quick", lambda _bundle: ())


def held_by(found: Found) -> set[str]:
    return {f"{problem.host} {problem.code}".strip() for problem in errors_of(found.problems)}


def test_a_new_install_is_held_by_a_host_that_does_not_answer(tmp_path: Path) -> None:
    facts = {name: healthy(name, number) for number, name in ((1, "m1"), (2, "m2"))}
    found = judge(a_job(tmp_path), Survey(facts, {"m3": unreachable("m3")}), "")
    assert held_by(found) == {"m3 host.unreachable"}
    assert found.dead == {}


def test_a_cluster_that_stands_goes_on_without_a_host_that_does_not_answer(tmp_path: Path) -> None:
    facts = {name: there for name, there in standing().items() if name != "m3"}
    found = judge(a_job(tmp_path), Survey(facts, {"m3": unreachable("m3")}), "uid-1")
    assert held_by(found) == set()
    assert {host: problem.code for host, problem in found.dead.items()} == {"m3": "host.unreachable"}


def test_a_refused_login_holds_even_where_the_cluster_stands(tmp_path: Path) -> None:
    facts = {name: there for name, there in standing().items() if name != "m3"}
    refused = LoginRefused("The host refuses the login", where="m3", hint="Check the key.")
    found = judge(a_job(tmp_path), Survey(facts, {"m3": refused}), "uid-1")
    assert held_by(found) == {"m3 host.login-refused"}
    assert found.dead == {}


def test_hosts_of_another_cluster_hold(tmp_path: Path) -> None:
    found = judge(a_job(tmp_path), Survey(standing("another")), "uid-1")
    assert held_by(found) == {f"m{n} host.another-cluster" for n in (1, 2, 3)}


def test_a_bundle_for_another_version_holds(tmp_path: Path) -> None:
    other = Job(site(kubernetes="1.36.1"), bundle(), tmp_path)
    found = judge(other, Survey(standing()), "uid-1")
    problem = next(problem for problem in found.problems if problem.code == "bundle.version")
    assert "1.37.2" in problem.message
    assert "1.36.1" in problem.hint


def test_every_kind_of_task_has_its_row() -> None:
    assert set(KINDS) == set(Kind)


def test_a_verify_is_planned_for_its_own_run_and_needs_no_keys(tmp_path: Path) -> None:
    job = replace(a_job(tmp_path), task=Task(kind=Kind.VERIFY))
    one, other = (prepare(job, Survey(standing()), "uid-1", None, run) for run in ("r1", "r2"))
    assert next(iter(checked(one))) == "verify/try"
    assert {step.id.partition("/")[0] for step in one.steps} == {"verify"}
    assert one.hosts == ("m1", "m2", "m3")
    assert one.title == "Verify site: Kubernetes 1.37.2 on m1, m2 and m3"
    tried = "run|r1\ndone"
    assert isinstance(one.steps[0].probe.judge(tried, 0), Satisfied)
    assert isinstance(other.steps[0].probe.judge(tried, 0), Drifted)


@pytest.fixture
def another_kind(monkeypatch: pytest.MonkeyPatch) -> list[Given]:
    """Let a kind of task that is no install stand in the table (a fake); return what its plans were made from."""
    given: list[Given] = []

    def plan(what: Given) -> Plan:
        given.append(what)
        return Plan("site", "Look site over", ())

    monkeypatch.setitem(KINDS, Kind.INSTALL, Work("Look {} over".format, plan))  # type: ignore[arg-type]
    return given


@pytest.mark.usefixtures("another_kind")
def test_what_is_no_install_asks_whose_the_hosts_are_and_no_more(tmp_path: Path) -> None:
    small = {name: replace(facts, hardware=replace(facts.hardware, memory=1)) for name, facts in standing().items()}
    job = Job(site(kubernetes="1.36.1"), bundle(), tmp_path)
    assert judge(job, Survey(small), "uid-1").problems == ()
    assert held_by(judge(job, Survey(standing("another")), "uid-1")) == {
        f"m{n} host.another-cluster" for n in (1, 2, 3)
    }
    lost = judge(job, Survey({"m1": standing()["m1"]}, {"m2": unreachable("m2"), "m3": unreachable("m3")}), "uid-1")
    assert (held_by(lost), set(lost.dead)) == (set(), {"m2", "m3"})


@pytest.mark.usefixtures("another_kind")
@pytest.mark.parametrize("uid", ["", "uid-1"], ids=["never installed", "reset"])
def test_what_is_no_install_needs_a_cluster_that_stands(tmp_path: Path, uid: str) -> None:
    found = judge(
        a_job(tmp_path), Survey({name: healthy(name, n) for n, name in enumerate(("m1", "m2", "m3"), 1)}), uid
    )
    (problem,) = found.problems
    assert (problem.code, problem.level) == ("cluster.none", Level.ERROR)
    assert "slipway apply" in problem.hint


async def test_what_is_no_install_makes_no_key_and_keeps_nothing(
    tmp_path: Path, another_kind: list[Given], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look(*_: object, **__: object) -> Survey:
        return Survey(standing())

    monkeypatch.setattr(jobs, "look", look)
    (tmp_path / "cluster.json").write_text('{"uid": "uid-1", "name": "site"}')
    memory = Memory()
    outcome = await jobs.apply(a_job(tmp_path), nobody, memory, Control(memory), lock=HostLock("r7", "here"))
    assert outcome.result is RunResult.DONE
    assert in_folder(tmp_path) == ["cluster.json"]
    (given,) = another_kind
    assert (given.keys, given.run, given.task, given.token) == (None, "r7", INSTALL, None)


async def test_apply_alone_makes_a_token_and_only_for_an_install(
    tmp_path: Path, another_kind: list[Given], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look(*_: object, **__: object) -> Survey:
        return Survey(standing())

    monkeypatch.setattr(jobs, "look", look)
    monkeypatch.setitem(KINDS, Kind.INSTALL, replace(KINDS[Kind.INSTALL], installs=True))  # type: ignore[arg-type]
    (tmp_path / "cluster.json").write_text('{"uid": "uid-1", "name": "site"}')
    job, memory = a_job(tmp_path), Memory()
    await jobs.dry_run(job, nobody, memory, "r6")
    await jobs.apply(job, nobody, memory, Control(memory), lock=HostLock("r7", "here"))
    assert [given.token is None for given in another_kind] == [True, False]


@pytest.mark.parametrize(
    ("outcome", "kept"),
    [
        (Outcome(RunResult.DONE, 1.0), True),
        (Outcome(RunResult.PARTIAL, 1.0, quarantined=("m3",)), True),
        (Outcome(RunResult.FAILED, 1.0, changed=("m1/settings",), failed=("m1/etcd",)), True),
        (Outcome(RunResult.INTERRUPTED, 1.0, changed=("m1/settings",)), True),
        (Outcome(RunResult.FAILED, 1.0, failed=("m1/settings",)), False),
        (Outcome(RunResult.INTERRUPTED, 1.0), False),
    ],
    ids=["done", "in part", "failed on the way", "cancelled on the way", "failed at once", "cancelled at once"],
)
def test_the_profile_that_was_applied_is_kept_and_no_other(tmp_path: Path, outcome: Outcome, kept: bool) -> None:
    keys = pki.make(pki.wanted(site()), None, NOW)[0]
    (tmp_path / "profile.json").write_text("the last one's")
    assert close(a_job(tmp_path), keys, "r7", outcome, none_left=False) == outcome
    assert ((tmp_path / "profile.json").read_text() != "the last one's") == kept
    assert (tmp_path / "admin.conf").exists()
    no_install = replace(a_job(tmp_path), task=Task(kind=Kind.VERIFY))
    (tmp_path / "profile.json").write_text("the last one's")
    close(no_install, keys, "r8", outcome, none_left=False)
    assert (tmp_path / "profile.json").read_text() == "the last one's"


def test_what_can_not_be_kept_fails_the_run_that_says_so(tmp_path: Path) -> None:
    keys = pki.make(pki.wanted(site()), None, NOW)[0]
    outcome = close(a_job(tmp_path / "none"), keys, "r7", Outcome(RunResult.DONE, 1.0), none_left=False)
    assert (outcome.result, [one.code for one in outcome.problems]) == (RunResult.FAILED, ["cluster.folder"])


@pytest.mark.parametrize("kind", [Kind.VERIFY, Kind.RENEW, Kind.RESET])
def test_what_brings_nothing_of_a_bundle_does_without(tmp_path: Path, kind: Kind) -> None:
    task = renewal() if kind is Kind.RENEW else Task(kind=kind)
    job = Job(site(), None, tmp_path, task)
    assert held_by(judge(job, Survey(standing()), "uid-1")) == set()
    keys = pki.make(pki.wanted(site()), None, NOW)[0]
    text = dump(replace(HostMarker(), uid="uid-1", cluster="site"))
    facts = {name: replace(there, traces=replace(there.traces, marker=Marker(text=text, uid="uid-1", cluster="site")))
             for name, there in standing().items()}  # fmt: skip
    assert prepare(job, Survey(facts), "uid-1", keys, "r1").steps


def test_an_install_without_a_bundle_is_no_defect(tmp_path: Path) -> None:
    job = Job(site(), None, tmp_path)
    for demand in (lambda: judge(job, Survey(standing()), "uid-1"), lambda: prepare(job, Survey(standing()), "", None)):
        with pytest.raises(BundleError) as raised:
            demand()
        assert "--bundle" in raised.value.hint


async def nobody(host: str) -> Any:
    raise AssertionError(f"{host} is not asked here")


def in_folder(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_a_plan_is_the_same_for_the_same_site(tmp_path: Path) -> None:
    """Pure: from the same facts the same steps, and no key is made for a look."""
    job = a_job(tmp_path)
    one, other = (prepare(job, Survey(standing()), "uid-1", None) for _ in range(2))
    assert [step.id for step in one.steps] == [step.id for step in other.steps]
    assert [step.probe.script for step in one.steps] == [step.probe.script for step in other.steps]
    assert list(tmp_path.iterdir()) == []


class Host:
    """A host that answers a look with nothing but what it says of its lease; it keeps what it was asked."""

    def __init__(self, lease: str) -> None:
        self.lease = lease
        self.asked: list[str] = []

    async def run(self, command: Command, _on_output: object = None) -> Result:
        self.asked.append(command.script)
        if "slipway-lock taken" not in command.script:
            return Result(0, b"", b"", 0.0)
        done = await asyncio.create_subprocess_exec(
            "sh", "-c", self._said(command.script), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await done.communicate()
        return Result(done.returncode or 0, out, err, 0.0)

    def _said(self, script: str) -> str:
        """Put the answer in the place of the lease's own fragment; the rest of the look runs as it is."""
        begin, end = script.index("(\numask 022; mkdir -p /run/slipway"), script.index('else echo "slipway-lock held')
        end = script.index("\n)", end) + 2
        return f"{script[:begin]}echo '{self.lease}'{script[end:]}"


HELD = 'slipway-lock held 100 {"run": "r9", "holder": "jump-2 (ab)", "expires": 160}'
STALE = 'slipway-lock held 200 {"run": "r9", "holder": "jump-2 (ab)", "expires": 160}'
TAKEN = "slipway-lock taken"


@pytest.mark.parametrize(
    ("leases", "problems", "given_back"),
    [
        ((HELD, TAKEN, TAKEN), {"m1": "runs out in 60 s"}, {"m1"}),
        ((TAKEN, HELD, TAKEN), {"m2": "runs out in 60 s"}, {"m1", "m2", "m3"}),
        ((TAKEN, TAKEN, STALE), {"m3": "--take-over"}, {"m1", "m2", "m3"}),
    ],
    ids=["the first", "another", "stale"],
)
async def test_a_host_that_another_run_has_holds_and_what_was_taken_is_given_back(
    tmp_path: Path, leases: tuple[str, ...], problems: dict[str, str], given_back: set[str]
) -> None:
    hosts = {f"m{number}": Host(lease) for number, lease in enumerate(leases, 1)}

    async def connect(name: str) -> Any:
        return hosts[name]

    with pytest.raises(SlipwayError) as raised:
        await jobs.look(a_job(tmp_path), connect, HostLock("r1", "here"))
    found: tuple[Problem, ...] = raised.value.problems  # type: ignore[attr-defined]
    assert {problem.host: problem.code for problem in found} == dict.fromkeys(problems, "host.locked")
    for problem in found:
        assert "jump-2 (ab) has a claim on it (run r9)" in problem.message
        assert problems[problem.host] in problem.hint
    assert {name for name, host in hosts.items() if any("rm -f" in script for script in host.asked)} == given_back
    if "m1" in problems:
        assert hosts["m2"].asked == [], "the first host decides; the others aren't even asked"


async def test_all_hosts_are_looked_at_in_one_round_trip_each(tmp_path: Path) -> None:
    hosts = {f"m{number}": Host(TAKEN) for number in (1, 2, 3)}

    async def connect(name: str) -> Any:
        return hosts[name]

    survey = await jobs.look(a_job(tmp_path), connect, HostLock("r1", "here"))
    assert survey.facts.keys() == {"m1", "m2", "m3"}, survey.failures
    assert [len(host.asked) for host in hosts.values()] == [1, 1, 1]
