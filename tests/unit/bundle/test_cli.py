from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.unit.bundle.support import Workshop
from wizard.bundle.progress import BuildProgress, State
from wizard.cli.bundle import PlainProgress, bundle_app, duration, megabytes, progress_line

RUNNER = CliRunner()


def test_a_whole_bundle_verifies(workshop: Workshop) -> None:
    workshop.build()
    result = RUNNER.invoke(bundle_app, ["verify", "--bundle", str(workshop.folder), "--json"])
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert (found["result"], found["problems"], found["artifact_count"]) == ("done", [], 3)


def test_an_altered_bundle_fails_and_the_file_is_named(workshop: Workshop) -> None:
    workshop.build().bundle.blob("etcd").path.write_bytes(b"x")
    result = RUNNER.invoke(bundle_app, ["verify", "--bundle", str(workshop.folder), "--json"])
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert found["result"] == "failed"
    assert [(problem["code"], problem["field"]) for problem in found["problems"]] == [("bundle.altered", "etcd")]
    for_people = RUNNER.invoke(bundle_app, ["verify", "--bundle", str(workshop.folder)])
    assert for_people.exit_code == 1
    assert for_people.stdout == ""
    assert "etcd is altered" in for_people.stderr


@pytest.mark.parametrize("command", ["verify", "list"])
def test_no_bundle_is_said_with_what_to_do(command: str, tmp_path: Path) -> None:
    result = RUNNER.invoke(bundle_app, [command, "--bundle", str(tmp_path), "--json"])
    assert result.exit_code == 2
    assert "slipway bundle build" in json.loads(result.stdout)["error"]["hint"]


def test_an_unknown_version_is_a_usage_error() -> None:
    result = RUNNER.invoke(bundle_app, ["list", "--kubernetes", "1.2.3"])
    assert result.exit_code == 2
    assert "1.37.2" in result.stderr


def test_the_list_says_what_is_there_and_where_from(workshop: Workshop) -> None:
    workshop.build()
    found = json.loads(RUNNER.invoke(bundle_app, ["list", "--bundle", str(workshop.folder), "--json"]).stdout)
    assert [each["name"] for each in found["artifacts"]] == ["etcd", "kubelet", "runc"]
    assert found["artifacts"][0]["source"] == "example.org/etcd@v1.0.0"
    assert found["components"]["etcd"] == "3.7.3"
    for_people = RUNNER.invoke(bundle_app, ["list", "--bundle", str(workshop.folder)])
    assert "example.org/runc@v1.0.0" in for_people.stderr


def report(task: str, state: State, elapsed: float, detail: str = "", remaining: float | None = 90) -> BuildProgress:
    return BuildProgress(task, task.title(), state, detail, 2, 5, 0.25, elapsed, remaining)


def test_a_pipe_gets_a_line_a_task_and_one_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    show = PlainProgress()
    show(report("pause", State.CACHED, 0))
    show(report("etcd", State.RUNNING, 0, "5 packages"))
    show(report("etcd", State.RUNNING, 3, "6 packages"))
    show(report("etcd", State.RUNNING, 12, "7 packages"))
    show(report("etcd", State.DONE, 13, remaining=None))
    assert capsys.readouterr().err.splitlines() == [
        "[2/5]  25%, about 1 min 30 s left: Etcd: 5 packages",
        "[2/5]  25%, about 1 min 30 s left: Etcd: 7 packages",
        "[2/5]  25%: Etcd: done",
    ]


def test_waiting_for_another_build_is_said() -> None:
    waiting = BuildProgress("", "", State.WAITING, "another build is under way", 0, 5, 0, 0, None)
    assert progress_line(waiting) == "another build is under way"


def test_sizes_and_times_in_words() -> None:
    assert (megabytes(265_600_000), megabytes(12_000)) == ("265.6 MB", "12.0 kB")
    assert (duration(45.2), duration(200)) == ("45 s", "3 min 20 s")
