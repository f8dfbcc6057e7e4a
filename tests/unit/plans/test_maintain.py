"""Maintenance: the order in which a host goes out and comes back, who may not go, and who has to wait meanwhile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.checks.sites import profile as site_profile
from tests.unit.plans.test_job import standing, unreachable
from tests.unit.render.sites import facts, profile, site
from tests.unit.steps.samples import bundle
from wizard.engine.graph import checked
from wizard.engine.step import Change, Step
from wizard.errors import SlipwayError, errors_of
from wizard.facts.maintenance import Note, dump, parse
from wizard.facts.model import Facts, Survey
from wizard.facts.traces import ClusterTraces, Marker
from wizard.plans import judging
from wizard.plans.job import prepare
from wizard.plans.judging import judge
from wizard.plans.maintain import against, maintain, maintenance, margin, noted, without
from wizard.plans.renew import renewal
from wizard.plans.task import INSTALL, Job, Kind, Task
from wizard.profile.model import Profile
from wizard.remote.base import Command, Result

SINCE = "2026-11-26T23:10:00Z"
WIDE = profile(3, 2, 2)


def there(wanted: Profile = WIDE, note: Note | None = None, away: tuple[str, ...] = ()) -> dict[str, Facts]:
    """Return a cluster that stands, every host of which has `note`."""
    found = {}
    for host in wanted.hosts:
        one = facts(host)
        traces = ClusterTraces(Marker("uid-1", "demo", "{}"), kubelet=True, etcd_data=True, etcd_worked=True)
        text = dump(note) if note else ""
        found[host.name] = replace(one, traces=traces, settled=replace(one.settled, maintenance=text))
    return {name: one for name, one in found.items() if name not in away}


def planned(host: str, *, begin: bool, note: Note | None = None, away: tuple[str, ...] = ()) -> dict[str, Step]:
    of = replace(site(WIDE), facts=there(note=note, away=away))
    task = maintenance(host, begin=begin)
    return checked(maintain(of, task))


def note_in(step: Step) -> Note:
    assert isinstance(step.change, Change)
    (file,) = step.change.files
    assert isinstance(file.content, bytes)
    return parse(file.content.decode())


def before(steps: dict[str, Step], name: str) -> set[str]:
    """Return all that a step waits for, directly or not."""
    own = set(steps[name].before)
    return own.union(*(before(steps, one) for one in own))


def test_a_master_is_noted_then_drained_then_spared_and_leads_nothing_at_the_end() -> None:
    steps = planned("m2", begin=True)
    assert list(steps) == sorted(steps, key=lambda name: len(before(steps, name)))
    chain = ["m2/cordon", "m2/drain", "m1/haproxy", "m2/let-go", "m2/vip", "m2/leader"]
    for number, name in enumerate(chain):
        assert set(chain[:number]) <= before(steps, name), name
        assert {f"{host}/note" for host in ("m1", "m2", "m3")} <= before(steps, name)
    assert {"m1/haproxy", "m2/haproxy", "m3/haproxy"} <= before(steps, "m2/let-go")
    assert steps["m2/cordon"].hosts == ("m1", "m3"), "another master asks the API"
    assert set(note_in(steps["m1/note"]).hosts) == {"m2"}
    config = next(file for file in change_of(steps["m1/haproxy"]).files if file.path.endswith("haproxy.cfg"))
    assert b"server m2 198.18.0.12:6443 backup" in config.content  # type: ignore[operator]


def change_of(step: Step) -> Change:
    assert isinstance(step.change, Change)
    return step.change


def test_it_comes_back_when_all_works_and_the_note_goes_last() -> None:
    out = Note().begun("m2", SINCE)
    steps = planned("m2", begin=False, note=out)
    assert before(steps, "m2/uncordon") == {"m2/works", "m1/haproxy", "m2/haproxy", "m3/haproxy"}
    assert "m2/uncordon" in before(steps, "m3/note")
    assert note_in(steps["m3/note"]) == Note(out.number + 1)
    config = next(file for file in change_of(steps["m1/haproxy"]).files if file.path.endswith("haproxy.cfg"))
    assert b"6443 backup" not in config.content  # type: ignore[operator]


def test_a_worker_has_pods_alone_and_an_etcd_host_its_lead_alone() -> None:
    assert list(planned("w1", begin=True)) == ["m1/note", "m2/note", "m3/note", "w1/note", "w1/cordon", "w1/drain"]
    assert set(planned("e1", begin=True)) == {"m1/note", "m2/note", "m3/note", "e1/note", "e1/leader"}
    assert set(planned("e1", begin=False)) == {"m1/note", "m2/note", "m3/note", "e1/note", "e1/works"}


def test_a_second_time_the_note_says_the_same() -> None:
    out = Note().begun("m2", SINCE)
    assert note_in(planned("m2", begin=True, note=out)["m1/note"]) == out
    both = note_in(planned("w1", begin=True, note=out)["m1/note"])
    assert both.hosts == {"m2": SINCE, "w1": both.hosts["w1"]}


def test_masters_out_of_reach_are_left_alone() -> None:
    steps = planned("w1", begin=True, away=("m1",))
    assert not [name for name in steps if name.startswith("m1/")]
    assert steps["w1/cordon"].hosts == ("m2", "m3")


@pytest.mark.parametrize("task", [INSTALL, renewal(("m1",))], ids=["apply", "certs renew"])
def test_nobody_works_on_a_cluster_one_of_whose_hosts_is_out(
    tmp_path: Path, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "verify_quick", lambda _bundle: ())
    of = standing()
    of["m1"] = replace(of["m1"], settled=replace(of["m1"].settled, maintenance=dump(Note().begun("m3", SINCE))))
    job = Job(site_profile(), bundle(), tmp_path, task)
    held = errors_of(judge(job, Survey(of), "uid-1").problems)
    assert [(problem.code, problem.host) for problem in held] == [("maintain.out", "m3")]
    assert "m3 end" in held[0].hint
    assert not errors_of(judge(job, Survey(of), "uid-1", looks=True).problems), "what has drifted is looked at"
    for kind in (Kind.VERIFY, Kind.RESET):
        assert not errors_of(judge(replace(job, task=Task(kind=kind)), Survey(of), "uid-1").problems)
    other = replace(job, task=maintenance("m3", begin=False))
    assert not errors_of(judge(other, Survey(of), "uid-1").problems)
    assert prepare(other, Survey(of), "uid-1", None).title == "Take m3 of site back from maintenance"


def test_the_newest_note_counts_and_hosts_that_are_gone_do_not() -> None:
    old = Note().begun("m1", SINCE)
    of = there(note=old.ended("m1"))
    of["m3"] = replace(of["m3"], settled=replace(of["m3"].settled, maintenance=dump(old)))
    assert noted(WIDE, Survey(of)).hosts == {}
    assert noted(profile(3), Survey(there(note=Note().begun("w2", SINCE)))).hosts == {}


def codes(host: str, sick: dict[str, str] | None = None, note: Note | None = None, of: Profile = WIDE) -> list[str]:
    found = without(of, of.host(host), sick or {}, note or Note())
    assert all(problem.hint and host in problem.message for problem in found)
    return [problem.code for problem in found]


def test_who_may_go_out() -> None:
    assert codes("m1") == codes("e1") == []
    assert codes("m1", {"e2": "it can't be reached"}) == ["maintain.not-well"]
    assert codes("m1", note=Note().begun("m2", SINCE)) == ["maintain.another-out"]
    assert codes("m1", {"m2": "etcd is not ready"}, Note().begun("m2", SINCE)) == ["maintain.another-out"]
    assert codes("m1", note=Note().begun("w1", SINCE)) == [], "nobody counts on a worker"
    assert codes("m1", of=profile(1)) == ["maintain.none-left", "maintain.none-left"]
    assert codes("m1", of=profile(2)) == ["maintain.none-left"], "two members need both"


def test_what_may_fail_meanwhile_is_said() -> None:
    assert margin(profile(3), profile(3).host("m1")) == (
        "While m1 is out, none of the 2 etcd members that are left and 1 of the 2 apiservers that are left may fail "
        "without an outage."
    )
    assert "1 of the 4 etcd members" in margin(WIDE, WIDE.host("e1"))
    assert margin(WIDE, WIDE.host("w1")) == ""


class Asked:
    """A host that says of its parts which are not ready (a fake)."""

    def __init__(self, words: str) -> None:
        self.words = words

    async def run(self, _command: Command) -> Result:
        return Result(0, self.words.encode(), b"", 0.1)


async def asked(
    host: str, said: dict[str, str] | None = None, *, begin: bool = True, away: tuple[str, ...] = (), **more: Any
) -> list[str]:
    async def connect(name: str) -> Any:
        if name in away:
            raise SlipwayError("gone", where=name)
        return Asked((said or {}).get(name, ""))

    of = there(away=away)
    of |= more.get("facts", {})
    survey = Survey(of, {name: unreachable(name) for name in away})
    job = Job(WIDE, bundle(), Path("/none"), maintenance(host, begin=begin))
    return [f"{problem.code}: {problem.message}" for problem in await against(job, survey, connect)]


async def test_the_others_are_asked_how_they_are() -> None:
    assert await asked("m1") == []
    (one,) = await asked("m1", {"m2": "etcd\nthe apiserver\n"})
    assert one.startswith("maintain.not-well: m1 can't go out now: on m2")
    assert "etcd and the apiserver are not ready" in one
    (one,) = await asked("m1", away=("e2",))
    assert "it can't be reached" in one
    assert await asked("w1", {"m2": "etcd"}, away=("w2", "e2")) == [], "nobody counts on a worker"
    assert await asked("m1", {"m2": "etcd"}, begin=False) == []


async def test_a_host_that_can_not_go_out_or_come_back_is_told_why() -> None:
    assert "out already" in (await asked("m1", away=("m1",)))[0]
    assert "yet" in (await asked("m1", begin=False, away=("m1",)))[0]
    bare = {"m1": facts(WIDE.host("m1"))}
    assert (await asked("m1", facts=bare))[0].startswith("maintain.not-member")
    assert (await asked("w1", away=("m1", "m2", "m3")))[0].startswith("maintain.no-master")
