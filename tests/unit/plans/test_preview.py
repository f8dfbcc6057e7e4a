"""What an install would do: told by facts where hosts are bare, by probes that really run where a cluster stands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.checks.sites import healthy
from tests.unit.checks.sites import profile as site
from tests.unit.engine.plans import Site, plan
from tests.unit.steps.samples import bundle
from wizard.facts.model import Facts, Survey
from wizard.facts.traces import ClusterTraces, Marker
from wizard.plans import judging
from wizard.plans.kinds import KINDS, Work
from wizard.plans.preview import Preview, preview, told
from wizard.plans.task import Job, Kind
from wizard.remote.base import Connection, Unreachable

NAMES = ("m1", "m2", "m3")


def hosts(*ours: str, etcd: bool = True) -> dict[str, Facts]:
    """Return facts of m1 to m3, of which `ours` are the cluster's."""
    traces = ClusterTraces(etcd_data=etcd, marker=Marker(text="{}", uid="uid-1", cluster="site"))
    found = {name: healthy(name, number) for number, name in enumerate(NAMES, 1)}
    return {name: replace(facts, traces=traces) if name in ours else facts for name, facts in found.items()}


def a_job(folder: Path, before: tuple[str, ...] = ()) -> Job:
    """Return an install; `before` are further hosts that were applied last."""
    old = [{"name": name, "address": f"10.20.0.2{number}"} for number, name in enumerate((*NAMES, *before), 1)]
    return Job(site(), bundle(), folder, before=site(hosts=old) if before else None)


def test_the_facts_tell_who_joins_and_who_leaves(tmp_path: Path) -> None:
    job = a_job(tmp_path)
    assert told(job, Survey(hosts()), "") == Preview(new=NAMES)
    assert told(job, Survey(hosts()), "uid-1") == Preview(new=NAMES)
    assert told(job, Survey(hosts("m1", "m2")), "uid-1") == Preview(True, ("m3",), changing=frozenset())
    assert told(job, Survey(hosts("m1", etcd=False)), "uid-1") == Preview(False, ("m2", "m3"), changing=frozenset())
    leaving = told(a_job(tmp_path, before=("m4",)), Survey(hosts(*NAMES)), "uid-1")
    assert leaving == Preview(True, leaving=("m4",), changing=frozenset())
    assert not leaving.nothing
    assert told(job, Survey(hosts(*NAMES)), "uid-1").nothing


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Hosts that run probes for real (a fake), and a plan of two files each in place of the install's."""
    there = Site(tmp_path / "hosts", *NAMES)
    steps = tuple(there.file_step(host, name) for host in NAMES for name in ("a", "b"))
    monkeypatch.setitem(KINDS, Kind.INSTALL, Work("Install {}".format, lambda _given: plan(*steps)))  # type: ignore[arg-type]
    monkeypatch.setattr(judging, "verify_quick", lambda _bundle: ())
    (tmp_path / "cluster.json").write_text('{"uid": "uid-1", "name": "site"}')
    for host in ("m1", "m2"):
        there[host].write("/etc/a", "wanted\n")
        there[host].write("/etc/b", "wanted\n")
    return there


async def test_probes_tell_what_would_change_and_touch_nothing(tmp_path: Path, world: Site) -> None:
    world["m1"].write("/etc/b", "by hand\n")
    seen = await preview(a_job(tmp_path), Survey(hosts("m1", "m2")), world.connect)
    assert seen == Preview(True, ("m3",), changing=frozenset({"m1/b", "m3/a", "m3/b"}))
    assert world["m1"].path("/etc/b").read_text() == "by hand\n"
    assert list(world["m3"].root.iterdir()) == []


async def test_bare_hosts_are_not_asked_again(tmp_path: Path, world: Site) -> None:
    async def connect(_host: str) -> Connection:
        raise AssertionError("nobody is to be asked")

    assert await preview(a_job(tmp_path), Survey(hosts()), connect) == Preview(new=NAMES)


async def test_a_host_that_does_not_answer_is_unseen(tmp_path: Path, world: Site) -> None:
    async def connect(host: str) -> Connection:
        if host == "m3":
            raise Unreachable("Can't reach the host", where=host, why="no route", hint="Check power.")
        return await world.connect(host)

    gone = Survey({"m1": hosts("m1")["m1"], "m2": hosts("m2")["m2"]}, {"m3": Unreachable("Can't reach it")})
    seen = await preview(a_job(tmp_path), gone, connect)
    assert seen == Preview(True, changing=frozenset(), unseen=("m3",))
    assert not seen.nothing
