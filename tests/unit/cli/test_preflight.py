"""`slipway check` and `slipway plan` in words: why a host was not reached, and what a removal takes away."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console, RenderableType

from tests.unit.plans.standing import HERE, OFF
from wizard.cli.preflight import _check_view, diff_view, out_of_reach
from wizard.engine.step import Diff
from wizard.errors import Level
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


def test_what_goes_away_is_not_an_empty_word() -> None:
    assert drawn(diff_view(Diff("node w1", "there", ""))).strip() == "node w1: there → absent"
    assert drawn(diff_view(Diff("node w1", "", "Ready"))).strip() == "node w1: absent → Ready"
