"""What has drifted, read from the record of a dry run: whose doing it is, and what is no drift at all."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.checks.sites import healthy
from tests.unit.render.sites import profile, site
from tests.unit.steps.samples import bundle
from wizard.engine import events as e
from wizard.engine.events import Event, RunStarted, Seen, StepDone, StepInfo, StepProbed
from wizard.engine.graph import checked, part_of
from wizard.engine.marker import HostMarker, Put, dump
from wizard.engine.mask import fingerprint
from wizard.engine.record import fold
from wizard.engine.step import Change, Diff, File, Plan, Probe, Satisfied, Step
from wizard.errors import HeldError, Level, Problem, SlipwayError
from wizard.facts.model import Survey
from wizard.facts.traces import ClusterTraces, Marker
from wizard.plans.install import install
from wizard.plans.job import Job
from wizard.plans.status import drift as looking
from wizard.plans.status.drift import read
from wizard.plans.status.model import Cause, Drift

PATH = "/etc/haproxy/haproxy.cfg"
OLD, NEW, HAND = "maxconn 1\n", "maxconn 2\n", "maxconn 9\n"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def drift(
    diff: Diff | None, put: Put | None, *, wanted: str = NEW, step: str = "m1/haproxy", also: tuple[Event, ...] = ()
) -> Drift:
    """Return the drift where one step holds the file `wanted` and its probe gave `diff`; the marker has `put`."""
    file = File(PATH, wanted.encode(), mode=0o600)
    plan = Plan(
        "site", "", (Step(step, "Load balancer", "m1", "", Probe("", lambda *_: Satisfied()), Change((file,))),)
    )
    marker = HostMarker("uid", "site", files={PATH: put} if put else {})
    facts = replace(healthy("m1", 1), traces=ClusterTraces(marker=Marker("uid", "site", dump(marker))))
    events: list[Event] = [
        RunStarted("r", "site", "", (StepInfo(step, "Load balancer", "m1", "", 1.0),), ("m1",), dry=True)
    ]
    if diff:
        events += [StepProbed(step, Seen.DRIFTED, diff=(diff,), host="m1"), StepDone(step, True)]
    return read(plan, fold([*events, *also]), Survey({"m1": facts}), 100.0)


def cause(before: str, put: Put | None, **more: str) -> Cause:
    (change,) = drift(Diff(PATH, before, NEW), put, **more).changes  # type: ignore[arg-type]
    assert (change.host, change.step, change.subject) == ("m1", "m1/haproxy", PATH)
    return change.cause


def test_what_slipway_put_there_last_tells_whose_doing_it_is() -> None:
    assert cause(HAND, Put(digest(NEW), "0600")) is Cause.BY_HAND
    assert cause("", Put(digest(NEW), "0600")) is Cause.BY_HAND, "it was removed"
    assert cause("(a symbolic link)", Put(digest(OLD), "0600")) is Cause.BY_HAND
    assert cause(OLD, Put(digest(OLD), "0600")) is Cause.NOT_APPLIED, "the profile says otherwise by now"
    assert cause(HAND, Put(digest(OLD), "0600")) is Cause.UNKNOWN, "both, perhaps"
    assert cause("", None) is Cause.NOT_APPLIED, "it is new"
    assert cause("mode 0644 root:root", Put(digest(NEW), "0600")) is Cause.BY_HAND
    assert cause("mode 0644 root:root", Put(digest(NEW), "0644")) is Cause.NOT_APPLIED


def test_secrets_and_large_files_are_told_apart_by_their_digests() -> None:
    assert cause(fingerprint(digest(OLD)), Put(digest(OLD), "0600")) is Cause.NOT_APPLIED
    assert cause(fingerprint(digest(HAND)), Put(digest(OLD), "0600")) is Cause.UNKNOWN
    assert cause(f"sha256:{digest(OLD)[:16]} (10 bytes)", Put(digest(OLD), "0600")) is Cause.NOT_APPLIED


def test_what_the_status_itself_tells_of_is_no_drift() -> None:
    states = ("haproxy.service state", "haproxy.service at boot", "haproxy.service ready", "node m1 condition Ready")
    for subject in (*states, "node m1"):
        assert drift(Diff(subject, "", "as wanted"), None).changes == ()
    for subject in ("sysctl net.ipv4.ip_forward", "DaemonSet kube-system/kube-proxy"):
        (change,) = drift(Diff(subject, "0", "1"), None).changes
        assert (change.subject, change.cause) == (subject, Cause.UNKNOWN)


def test_a_process_that_differs_as_its_file_does_is_told_once() -> None:
    both = (Diff(PATH, HAND, NEW), Diff("process haproxy", "a", "b"))
    probed = StepProbed("m1/haproxy", Seen.DRIFTED, diff=both, host="m1")
    found = drift(None, Put(digest(NEW)), also=(probed, StepDone("m1/haproxy", True)))
    assert [change.subject for change in found.changes] == [PATH]
    assert len(drift(Diff("process haproxy", "a", "b"), None).changes) == 1


def test_what_could_not_be_looked_at_is_said() -> None:
    assert drift(None, None).why == ""
    unknown = StepProbed("m1/haproxy", Seen.UNKNOWN, "the API does not answer yet", host="m1")
    assert "Load balancer (m1)" in drift(None, None, also=(unknown, StepDone("m1/haproxy", True))).why
    blocked = Problem("etcd.data-gone", Level.ERROR, "its data is gone", host="m1")
    assert "its data is gone" in drift(None, None, also=(e.StepFailed("m1/haproxy", blocked, "", 0.0),)).why
    gone = drift(None, None, also=(e.HostQuarantined("m1", "no route to the host", blocked),))
    assert gone.why == "not looked at on m1: no route to the host"


def test_a_host_without_anything_of_slipway_is_one_thing_to_come() -> None:
    plan = Plan("site", "", ())
    infos = tuple(StepInfo(f"{name}/haproxy", "Load balancer", name, "", 1.0) for name in ("m1", "w1"))
    events: list[Event] = [RunStarted("r", "site", "", infos, ("m1", "w1"), dry=True)]
    for name in ("m1", "w1"):
        diff = (Diff(PATH, "", NEW), Diff("sysctl net.ipv4.ip_forward", "0", "1"))
        events += [StepProbed(f"{name}/haproxy", Seen.DRIFTED, diff=diff, host=name), StepDone(f"{name}/haproxy", True)]
    ours = replace(healthy("m1", 1), traces=ClusterTraces(marker=Marker("uid", "site", dump(HostMarker("uid")))))
    found = read(plan, fold(events), Survey({"m1": ours, "w1": healthy("w1", 2)}), 1.0)
    assert [(change.host, change.cause) for change in found.changes if change.host == "w1"] == [
        ("w1", Cause.NOT_APPLIED)
    ]
    assert len([change for change in found.changes if change.host == "m1"]) == 2
    none = read(plan, fold(events), Survey({"m1": healthy("m1", 1), "w1": healthy("w1", 2)}), 1.0)
    assert none == Drift(why="nothing is installed on these hosts")


def test_a_look_takes_each_step_by_itself_and_plans_around_a_host_that_is_off() -> None:
    seen = site(profile(3, 0, 1))
    off = replace(seen, facts={name: facts for name, facts in seen.facts.items() if name != "m3"})
    plan = install(off, bundle(), None)
    part = part_of(plan, lambda step: step.phase in ("endpoint", "etcd"))
    assert {step.id for step in part.steps} == {
        f"m{n}/{name}" for n in (1, 2, 3) for name in ("haproxy", "keepalived", "etcd")
    }
    assert len(checked(part)) == len(part.steps), "what a step waited for needs not be there"
    assert (part.groups, part.hosts) == ((), plan.hosts)
    for step, whole in zip(part.steps, (step for step in plan.steps if step.id in checked(part)), strict=True):
        assert (step.before, step.probe, step.change) == ((), whole.probe, whole.change)


def test_a_marker_that_can_not_be_read_accuses_nobody() -> None:
    plan = Plan("site", "", ())
    facts = replace(healthy("m1", 1), traces=ClusterTraces(marker=Marker(text="{broken")))
    assert read(plan, fold([]), Survey({"m1": facts}), 1.0) == Drift(1.0)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (
            HeldError("Preflight holds this run", problems=(
                Problem("etcd.three", Level.INFO, "3 members"),
                Problem("change.role", Level.ERROR, "m2 is a master of this cluster", host="m2"),
            )),
            "m2 is a master of this cluster",
        ),
        (
            HeldError("Preflight holds this run", problems=(Problem("x.y", Level.ERROR, "no root", host="m1"),)),
            "m1: no root",
        ),
        (SlipwayError("The identity can't be read", why="it is empty"), "The identity can't be read: it is empty"),
    ],
)  # fmt: skip
async def test_why_nothing_was_looked_at_is_what_stood_in_the_way(
    error: SlipwayError, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object, **__: object) -> None:
        raise error

    async def connect(host: str) -> None:
        raise AssertionError(host)

    monkeypatch.setattr(looking, "dry_run", fails)
    assert await looking.look(Job(profile(), bundle(), tmp_path), connect) == Drift(why=why)  # type: ignore[arg-type]
