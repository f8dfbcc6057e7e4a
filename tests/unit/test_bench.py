"""What `make bench` makes of figures; how they are taken is tried by taking them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench import changes, report, workers
from tests.bench.results import Results


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Results:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return Results(fresh=True)


def row(results: Results, begins: str) -> list[str]:
    """Return the cells of the one row of the page that begins so."""
    rows = [line for line in report.page(results).splitlines() if line.startswith(f"| {begins}")]
    assert len(rows) == 1, rows
    return [cell.strip() for cell in rows[0].strip("|").split("|")]


def changed(results: Results, failed: int, lost: int = 0) -> None:
    for kind in changes.KINDS:
        results.add(kind, {"seconds": 20.0, "writes": 400, "failed": failed, "lost": lost, "longest": 0.5})


def test_what_was_not_measured_meets_and_misses_nothing(results: Results) -> None:
    page = report.page(results)
    assert "**missed**" not in page
    assert "| met |" not in page
    for begins in ("A worker added", "Five workers", "Writes that failed", "… acknowledged writes"):
        assert row(results, begins)[1] == "not measured"


def test_workers_are_held_against_as_many_of_the_peers_joins(results: Results) -> None:
    ends = {"until prep": 8.0, "until join": 11.0, "until ready": 12.0}
    joins = [{"seconds": seconds, "idle before": 0.9, **ends} for seconds in (10.0, 12.0, 14.0)]
    for join in joins:
        results.add("kubeadm worker", join)
    results.add("kubeadm workers5", workers.five(joins))
    assert results.median("kubeadm workers5") == 36.0
    results.add("slipway worker", {"seconds": 6.0, "seconds of the whole command": 15.0})
    results.add("slipway workers5", {"seconds": 18.0, "seconds of the whole command": 27.0})
    assert row(results, "A worker added")[1:] == ["0.5", "≤ 0.6", "met"]
    assert row(results, "Five workers")[1:] == ["0.5", "≤ 0.4", "**missed**"]
    page = report.page(results)
    assert "kubeadm's way by stage: prep 8.0 s, join 3.0 s, ready 1.0 s." in page
    assert "verified: 15.0 s for one, 27.0 s for five." in page
    assert "rounds: 1 to 3." in page


def test_a_single_failed_or_lost_write_of_any_round_misses_the_target(results: Results) -> None:
    changed(results, failed=0)
    assert row(results, "Writes that failed")[1:] == ["0", "≤ 0", "met"]
    changed(results, failed=0)
    results.sides["renewed"][0]["failed"] = 1
    results.sides["grown"][1]["lost"] = 2
    assert row(results, "Writes that failed")[1:] == ["1", "≤ 0", "**missed**"]
    assert row(results, "… acknowledged writes")[1:] == ["2", "≤ 0", "**missed**"]
    assert row(results, "Every certificate")[1:] == ["20.00 (20.00-20.00)", "800", "1", "0", "0.50"]


def test_changes_of_which_one_was_not_measured_are_not_judged(results: Results) -> None:
    changed(results, failed=0)
    del results.sides["shrunk"]
    assert row(results, "Writes that failed")[1] == "not measured"
    assert row(results, "… and shrinks")[1] == "not measured"
