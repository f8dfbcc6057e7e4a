"""`slipway check` and `slipway plan` in words: why a host was not reached, and what a removal takes away."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from rich.console import Console, RenderableType
from typer.testing import CliRunner

from tests.unit.checks.sites import hardware, profile, survey
from tests.unit.plans.standing import HERE, OFF
from tests.unit.steps.samples import bundle
from wizard.cli.app import app
from wizard.cli.preflight import _check_view, diff_view, out_of_reach
from wizard.engine.step import Diff
from wizard.errors import Exit, Level
from wizard.facts.model import Survey
from wizard.plans.job import Found, Job


def drawn(view: RenderableType) -> str:
    """Return a view as it is drawn in a pipe."""
    out = io.StringIO()
    Console(file=out, width=300, highlight=False, markup=False, emoji=False).print(view)
    return out.getvalue()


def test_a_host_that_a_cluster_goes_on_without_is_told_with_reason_and_remedy(tmp_path: Path) -> None:
    found = Found(Survey({}, {"m3": OFF}), (), {"m3": OFF.as_problem("host.unreachable", host="m3")})
    (problem,) = told = out_of_reach(found)
    assert (problem.level, problem.host, problem.hint) == (Level.WARNING, "m3", "Check power.")
    text = drawn(_check_view(Job(HERE, None, tmp_path), Found(found.survey, told, found.dead)))
    assert text.count("Can't reach the host: no route to the host") == 2, "in the table and among the problems"
    assert "→ Check power." in text
    assert "✓ Nothing stands against an install of demo." in text


@pytest.fixture
def ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, set[str]]]:
    """Return what runs a command on hosts that are fakes: its exit code, result and codes of errors."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("wizard.cli.site.load_bundle", lambda _folder: bundle())

    def run(command: str, vip: str, cpus: int) -> tuple[int, str, set[str]]:
        site = profile(endpoint={"vip": vip})

        async def look(*_: object, **__: object) -> Survey:
            return survey(site, hardware(cpus=cpus))

        monkeypatch.setattr("wizard.cli.preflight.look", look)
        monkeypatch.setattr("wizard.plans.job.look", look)
        path = tmp_path / "site.yaml"
        path.write_text(yaml.safe_dump(site.model_dump(mode="json", exclude_defaults=True)))
        more = ["--yes"] if command == "apply" else []
        done = CliRunner().invoke(app, [command, str(path), "--json", *more])
        told = json.loads(done.stdout)
        return done.exit_code, told["result"], {one["code"] for one in told["problems"] if one["level"] == "error"}

    return run


@pytest.mark.parametrize("command", ["check", "plan", "apply"])
def test_a_profile_that_breaks_the_rules_is_bad_input_everywhere(
    ends: Callable[..., tuple[int, str, set[str]]], command: str
) -> None:
    code, result, found = ends(command, "127.0.0.5", 1)
    assert (code, result) == (Exit.USAGE, "failed")
    assert found >= {"endpoint.vip"}
    assert ("cpu.too-few" in found) is (command == "check"), "all that can be known is told by a check"


@pytest.mark.parametrize("command", ["check", "plan"])
def test_what_is_found_on_hosts_holds(ends: Callable[..., tuple[int, str, set[str]]], command: str) -> None:
    code, result, found = ends(command, "10.20.0.100", 1)
    assert (code, result) == (Exit.HELD, "held")
    assert "cpu.too-few" in found
    assert not any(one.startswith("endpoint.") for one in found)


def test_what_goes_away_is_not_an_empty_word() -> None:
    assert drawn(diff_view(Diff("node w1", "there", ""))).strip() == "node w1: there → absent"
    assert drawn(diff_view(Diff("node w1", "", "Ready"))).strip() == "node w1: absent → Ready"
