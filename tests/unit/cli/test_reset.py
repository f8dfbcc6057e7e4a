"""`slipway reset` asks before it destroys: a whole cluster by its name, a host by a word."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import typer

from tests.unit.checks.sites import profile
from wizard.cli import reset as command
from wizard.cli.output import people
from wizard.cli.perform import summary
from wizard.cli.reset import confirm
from wizard.engine.events import RunFinished, RunResult, RunStarted
from wizard.engine.record import fold
from wizard.errors import Exit, UsageError
from wizard.plans.archive import archived
from wizard.plans.job import Job
from wizard.plans.task import Kind, Task


def a_job(*hosts: str) -> Job:
    return Job(profile(), None, Path("/none"), Task(kind=Kind.RESET, hosts=hosts))


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A person at a terminal (a fake) who types what is in the list; `nobody` without this fixture."""
    typed: list[str] = []
    monkeypatch.setattr(command, "on_terminal", lambda: True)
    monkeypatch.setattr(typer, "prompt", lambda *_, **__: typed.pop(0))
    monkeypatch.setattr(typer, "confirm", lambda *_, **__: typed.pop(0) == "y")
    return typed


@pytest.mark.parametrize(
    ("hosts", "yes", "cluster", "hint"),
    [
        ((), False, "", "--yes --cluster site"),
        ((), True, "", "--yes --cluster site"),
        ((), False, "site", "--yes --cluster site"),
        (("m1", "m2", "m3"), True, "", "--yes --cluster site"),
        (("m3",), False, "", "Add --yes."),
        ((), True, "another", "Give the profile"),
        (("m3",), True, "another", "Give the profile"),
    ],
)
def test_where_nobody_can_be_asked_it_has_to_be_said(
    hosts: tuple[str, ...], yes: bool, cluster: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "on_terminal", lambda: False)
    with pytest.raises(UsageError) as raised:
        confirm(a_job(*hosts), yes=yes, cluster=cluster)
    assert hint in raised.value.hint
    assert raised.value.exit_code is Exit.USAGE


def test_what_was_said_is_not_asked() -> None:
    confirm(a_job(), yes=True, cluster="site")
    confirm(a_job("m3"), yes=True, cluster="")


def test_a_whole_cluster_is_typed_by_name(terminal: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    terminal.append("site")
    confirm(a_job(), yes=True, cluster="")
    assert "m1, m2 and m3" in capsys.readouterr().err
    for other in ("y", "", "Site"):
        terminal.append(other)
        with pytest.raises(UsageError, match="Nothing was done"):
            confirm(a_job(), yes=False, cluster="")


def test_one_host_is_a_word(terminal: list[str]) -> None:
    terminal.append("y")
    confirm(a_job("m3"), yes=False, cluster="")
    terminal.append("n")
    with pytest.raises(UsageError, match="Nothing was done"):
        confirm(a_job("m3"), yes=False, cluster="")


@pytest.mark.parametrize("away", [True, False], ids=["the last host", "others are left"])
def test_where_the_keys_went_is_said_when_they_went(
    away: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = replace(a_job("m3"), folder=tmp_path)
    if away:
        archived(tmp_path, "r1").mkdir()
    record = fold([RunStarted("r1", "site", "Reset m3 of site"), RunFinished(RunResult.DONE, 3.0)])
    people().print(summary(job, record))
    assert (str(archived(tmp_path, "r1")) in capsys.readouterr().err) == away
