"""`slipway maintain` asks before a host goes out; and an upgrade is refused before its bundle is asked for."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from wizard import pki, versions
from wizard.cli import maintain as command
from wizard.cli.app import app
from wizard.cli.output import say
from wizard.cli.perform import summary
from wizard.engine.events import RunFinished, RunResult, RunStarted
from wizard.engine.record import fold
from wizard.errors import Exit, UsageError
from wizard.paths import cluster_dir
from wizard.plans.folder import applied, keep
from wizard.plans.job import Job
from wizard.plans.maintain import BEGIN, FORCE, SECONDS
from wizard.profile.load import load

OLDER = next(name for name in versions.known() if name != versions.default())


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return written(tmp_path)


def written(folder: Path, **more: Any) -> Path:
    path = folder / "site.yaml"
    hosts = [{"name": f"m{n}", "address": f"198.18.0.1{n}"} for n in (1, 2, 3)]
    path.write_text(yaml.safe_dump({"name": "site", "hosts": hosts, "endpoint": {"vip": "198.18.0.100"}, **more}))
    return path


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """Keep the jobs that would be done. No bundle is there: none is needed."""
    found: list[Job] = []
    monkeypatch.setattr(command, "perform", lambda job, *_, **__: found.append(job))
    return found


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(words))
    return done.exit_code, done.output


def test_what_is_asked_for_is_the_task(file: Path, jobs: list[Job]) -> None:
    assert run("maintain", str(file), "m2", "begin", "--yes", "--timeout", "7", "--force")[0] == 0
    assert run("maintain", str(file), "m2", "end", "--yes")[0] == 0
    begin, end = (job.task for job in jobs)
    assert (begin.hosts, begin.options[BEGIN], begin.options[SECONDS], begin.options[FORCE]) == (("m2",), True, 7, True)
    assert (end.hosts, end.options[BEGIN]) == (("m2",), False)


@pytest.mark.parametrize("words", [("m9", "begin"), ("m2", "pause")], ids=["no such host", "no such action"])
def test_what_makes_no_sense_is_wrong_usage(file: Path, jobs: list[Job], words: tuple[str, str]) -> None:
    assert run("maintain", str(file), *words, "--yes")[0] == int(Exit.USAGE)
    assert jobs == []


def test_a_word_that_is_no_action_is_told_in_words_of_people(file: Path) -> None:
    said = run("maintain", str(file), "m2", "bogus")[1]
    assert "A maintenance can't bogus" in said
    assert "begin" in said
    assert "Value error" not in said


def test_nobody_there_to_say_yes(file: Path, jobs: list[Job]) -> None:
    code, said = run("maintain", str(file), "m2", "begin")
    assert (code, jobs) == (int(Exit.USAGE), [])
    assert "--yes" in said


def test_a_person_hears_what_may_fail_meanwhile_and_may_say_no(
    file: Path, jobs: list[Job], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("maintain", str(file), "m2", "begin", "--yes")[0] == 0
    monkeypatch.setattr(command, "demand_person", lambda: None)
    monkeypatch.setattr(typer, "confirm", lambda *_, **__: False)
    with pytest.raises(UsageError, match="Nothing was done"):
        command._confirm(jobs[0])
    assert "none of the 2 etcd members that are left" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("action", "result", "words"),
    [
        ("begin", RunResult.DONE, "rebooted or switched off now. Afterwards: `slipway maintain {} m2 end`."),
        ("end", RunResult.DONE, "m2 is in use again."),
        ("begin", RunResult.FAILED, "again to go on. `slipway maintain {} m2 end` takes a begun one back."),
    ],
)  # fmt: skip
def test_what_to_do_next_is_a_command_that_can_be_copied(
    file: Path, action: str, result: RunResult, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def done(job: Job, *_: Any, **__: Any) -> None:
        say(summary(job, fold([RunStarted("r1", "site", "Take m2"), RunFinished(result, 3.0)])))

    monkeypatch.setattr(command, "perform", done)
    spaced = file.rename(file.with_name("my site.yaml"))
    code, said = run("maintain", str(spaced), "m2", action, "--yes")
    assert code == 0
    assert said.splitlines()[-1].endswith(words.format(f"'{spaced}'"))


@pytest.mark.parametrize("words", [("check",), ("plan",), ("apply", "--yes")])
def test_another_kubernetes_is_refused_before_its_bundle_is_asked_for(file: Path, words: tuple[str, ...]) -> None:
    profile = load(file).profile
    keys, _ = pki.make(pki.wanted(profile), None, datetime.datetime.now(datetime.UTC))
    folder = cluster_dir("site")
    folder.mkdir(parents=True)
    keep(folder, profile, keys, applied=True)
    kept = applied(folder)
    assert kept is not None
    assert kept.kubernetes == versions.default(), "what was meant, not that it was the default"
    path = written(file.parent, kubernetes=OLDER)
    code, said = run(words[0], str(path), "--json", *words[1:])
    assert code == int(Exit.HELD)
    (problem,) = json.JSONDecoder().raw_decode(said[said.index("{") :])[0]["problems"]
    assert (problem["code"], problem["field"]) == ("change.kubernetes", "kubernetes")
    assert f"kubernetes: {versions.default()}" in problem["hint"]
