"""What dies with each zone is told wherever a site is judged or planned in text."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console, RenderableType

from tests.unit.steps.samples import bundle
from wizard.cli import preflight
from wizard.cli.survival import survival_view
from wizard.engine.record import Record
from wizard.engine.step import Plan
from wizard.facts.model import Survey
from wizard.plans.job import Job
from wizard.profile.model import Profile

LOST = (
    "Zone a takes 2 of 3 masters and 2 of 3 etcd members: etcd loses its quorum (1 left, 2 needed), so the API stops."
)
KEPT = (
    "Zone b takes 1 of 3 masters and 1 of 3 etcd members: etcd keeps its quorum (2 left, 2 needed), the API stays up."
)


def site(*zones: str) -> Profile:
    hosts = [{"name": f"m{n}", "address": f"198.18.0.1{n}", "zone": zone} for n, zone in enumerate(zones, 1)]
    return Profile.model_validate({"name": "site-a", "hosts": hosts, "endpoint": {"vip": "198.18.0.100"}})


def text(view: RenderableType) -> str:
    console = Console(width=160, color_system=None)
    with console.capture() as capture:
        console.print(view)
    return capture.get()


def test_each_zone_has_a_line_and_no_zone_has_none():
    said = text(survival_view(site("a", "a", "b")))
    assert [line.strip() for line in said.splitlines() if line.strip().startswith("Zone ")] == [LOST, KEPT]
    bare = text(survival_view(site("", "", "")))
    assert "When a zone dies" not in bare
    assert "No zones are named" in bare


def test_check_and_plan_tell_it():
    profile = site("a", "a", "b")
    job = Job(profile, bundle(), Path("/nowhere"))
    found = preflight.judge(job, Survey(), "")
    for view in (
        preflight._check_view(job, found),
        preflight._plan_view(profile, Plan("site-a", "Install site-a", ()), Record(), found),
    ):
        said = text(view)
        assert LOST in said
        assert KEPT in said
