"""`slipway apply` as people and scripts meet it: its result, its refusals, and a run's process that doesn't begin."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError
from typer.testing import CliRunner

from tests.unit.checks.sites import profile
from tests.unit.steps.samples import bundle
from wizard.cli import launch as launching
from wizard.cli.app import app
from wizard.cli.follow import PlainLines, view
from wizard.cli.launch import Order, error_of, launch, order_of, said_of
from wizard.cli.output import people
from wizard.cli.perform import result_of, summary
from wizard.cli.site import job_of
from wizard.cli.work import _by_itself, _ending, run_order
from wizard.engine import events as e
from wizard.engine.events import Event, Question, RunResult, Seen, StepInfo, stamped
from wizard.engine.record import fold, interrupted
from wizard.engine.turns import GO_ON
from wizard.errors import Exit, HeldError, Level, Problem, SlipwayError, UsageError
from wizard.plans import kinds
from wizard.plans.job import Job
from wizard.plans.kinds import KINDS
from wizard.plans.renew import renewal
from wizard.plans.task import Kind, Task

LOST = Problem("host.unreachable", Level.ERROR, "Can't reach the host: no route", "Check power.", host="m3")
STEPS = (StepInfo("m1/etcd", "etcd member", "m1", "etcd"), StepInfo("m3/etcd", "etcd member", "m3", "etcd"))


def story(*events: Event, result: RunResult = RunResult.DONE, problems: tuple[Problem, ...] = ()) -> list[Event]:
    told = [e.RunStarted("r1", "site", "Install site", STEPS, ("m1", "m3")), *events]
    told.append(e.RunFinished(result, 12.345, problems))
    return [stamped(event, number, 1000.0 + number) for number, event in enumerate(told, 1)]


def test_the_result_has_the_common_fields() -> None:
    record = fold(
        story(
            e.StepDone("m1/etcd", changed=True, seconds=1.0),
            e.StepFailed("m3/etcd", LOST, "evidence", 2.0),
            e.HostQuarantined("m3", LOST.message, LOST),
            result=RunResult.PARTIAL,
            problems=(LOST,),
        )
    )
    assert result_of(record) == {
        "result": "partial",
        "cluster": "site",
        "run": "r1",
        "seconds": 12.35,
        "changed": ["m1/etcd"],
        "failed": ["m3/etcd"],
        "quarantined": ["m3"],
        "problems": [LOST.as_dict()],
    }


def test_what_was_as_wanted_did_not_change() -> None:
    record = fold(story(e.StepDone("m1/etcd", changed=False), e.StepDone("m3/etcd", changed=False)))
    assert result_of(record)["changed"] == []


def test_a_run_whose_process_is_gone_is_interrupted() -> None:
    record = interrupted(fold(story()[:1]))
    assert result_of(record)["result"] == "interrupted"
    assert RunResult.INTERRUPTED.exit_code == 130


def test_every_result_has_its_exit_code() -> None:
    assert {result.value: int(result.exit_code) for result in RunResult} == {
        "done": 0, "failed": 1, "held": 3, "partial": 4, "interrupted": 130,
    }  # fmt: skip


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(profile(), bundle(), tmp_path / "site")


@pytest.mark.parametrize(
    ("result", "said", "unsaid"),
    [
        (RunResult.DONE, ["Done after 12 s", "admin.conf", "may die"], ["again"]),
        (RunResult.PARTIAL, ["Done in part", "m3", "Check power.", "evidence", "admin.conf", "again"], []),
        (RunResult.FAILED, ["Failed", "Check power.", "again"], ["admin.conf"]),
        (RunResult.HELD, ["Held by preflight after 12 s: nothing was touched.", "Check power."], ["0 of", "again"]),
        (RunResult.INTERRUPTED, ["Interrupted", "again"], ["admin.conf"]),
    ],
)
def test_people_read_how_it_ended_and_what_to_do(
    job: Job, result: RunResult, said: list[str], unsaid: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    failed = e.StepFailed("m3/etcd", LOST, "evidence", 2.0)
    record = fold(story(failed, result=result, problems=() if result is RunResult.DONE else (LOST,)))
    people().print(summary(job, record))
    text = capsys.readouterr().err
    assert [words for words in said if words not in text] == []
    assert [words for words in unsaid if words in text] == []


def test_only_an_install_speaks_of_what_it_built(
    job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = replace(
        KINDS[Kind.INSTALL], installs=False, makes_keys=False, tally="{good} of {total} are good", again="Try it anew."
    )
    monkeypatch.setitem(kinds.KINDS, Kind.INSTALL, other)  # type: ignore[arg-type]
    done = e.StepDone("m1/etcd", changed=False)
    people().print(summary(job, fold(story(done, result=RunResult.DONE))))
    assert capsys.readouterr().err == "✓ Done after 12 s: 1 of 2 are good.\n"
    people().print(summary(job, fold(story(done, result=RunResult.FAILED))))
    assert capsys.readouterr().err == "✗ Failed after 12 s: 1 of 2 are good.\nTry it anew.\n"


def test_a_verify_tells_of_each_check_and_what_to_do(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    told = (
        e.StepProbed("m1/etcd", Seen.SATISFIED, "6 of 6 tries"),
        e.StepDone("m1/etcd", changed=False),
        e.StepFailed("m3/etcd", LOST, "", 2.0),
    )
    record = fold(story(*told, result=RunResult.FAILED, problems=(LOST,)))
    people().print(summary(replace(job, task=Task(kind=Kind.VERIFY)), record))
    lines = [line.rstrip() for line in capsys.readouterr().err.splitlines()]
    assert lines[:3] == [
        "✗ Failed after 12 s: 1 of 2 checks passed.",
        "  ✓ etcd member  6 of 6 tries",
        "  ✗ etcd member",
    ]
    assert "    → Check power." in lines
    assert lines[-1] == "Mend what is named above, then verify again."


def test_each_line_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    show = PlainLines()
    told = story(e.StepStarted("m1/etcd", "m1"), e.StepLog("m1/etcd", "electing"), e.StepLog("m1/etcd", "electing on"))
    for count in range(1, len(told) + 1):
        show(fold(told[:count]), [])
    lines = capsys.readouterr().err.splitlines()
    assert len([line for line in lines if line.endswith("m1: electing")]) == 1
    assert len([line for line in lines if line.endswith("m1: electing on")]) == 1


def test_the_live_view_names_hosts_what_they_do_and_who_is_given_up(capsys: pytest.CaptureFixture[str]) -> None:
    told = story(e.StepStarted("m1/etcd", "m1"), e.HostQuarantined("m3", "no route", LOST))[:-1]
    people().print(view(fold(told), 1010.0))
    text = capsys.readouterr().err
    for words in ("m1", "etcd member", "m3", "in quarantine: no route"):
        assert words in text


@pytest.mark.parametrize(
    "error",
    [
        SlipwayError("It failed", where="m1", why="no power", hint="Plug it in.", details="dark"),
        UsageError("Not so", hint="But so."),
        HeldError("Another run works on it", problems=(LOST,), where="site", hint="Wait."),
    ],
)
def test_what_the_runs_process_says_is_said_again_here(error: SlipwayError) -> None:
    heard = error_of(said_of(error))
    for words in ("title", "where", "why", "hint", "details", "exit_code"):
        assert getattr(heard, words) == getattr(error, words)
    assert getattr(heard, "problems", ()) == getattr(error, "problems", ())


def test_an_order_shows_no_secret_and_can_be_read_back(job: Job) -> None:
    order = order_of(job, yes=True, secrets={"sudo": "hush"})
    assert "hush" not in repr(order)
    assert Order(**json.loads(json.dumps(asdict(order)))) == order
    assert order.profile["name"] == "site"


def test_an_order_says_what_the_run_is_to_do(job: Job) -> None:
    task = Task(hosts=("m2",), options={"wait": 30, "why": "new memory"})
    told = json.loads(json.dumps(asdict(order_of(replace(job, task=task)))))
    assert Task.model_validate(told["task"]) == task
    with pytest.raises(ValidationError):
        Task.model_validate({"kind": "dance"})


def mode(path: str) -> int:
    return Path(path).stat().st_mode & 0o777


def alive(pid: Path) -> bool:
    return Path("/proc", pid.read_text().strip()).exists()


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Let another program stand for the run's process."""

    def put(text: str) -> None:
        program = tmp_path / "python"
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))

    return put


async def test_a_run_that_ends_without_a_word_says_so_with_its_last_lines(
    job: Job, stand_in: Callable[[str], None]
) -> None:
    stand_in("echo out of memory >&2; exit 1")
    with pytest.raises(SlipwayError) as raised:
        await launch(order_of(job))
    assert raised.value.why == "its process ended without a word"
    assert raised.value.details == "out of memory"
    assert mode(raised.value.where) == 0o600


async def test_a_run_that_does_not_begin_in_time_is_ended(
    job: Job, stand_in: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launching, "START_SECONDS", 0.3)
    stand_in(f"echo $$ > {tmp_path}/pid; cat >/dev/null; exec sleep 600")
    with pytest.raises(SlipwayError) as raised:
        await launch(order_of(job))
    assert "said nothing within" in raised.value.why
    assert not alive(tmp_path / "pid"), "it would begin later, unseen"


async def test_a_run_that_may_not_begin_says_why(job: Job, stand_in: Callable[[str], None]) -> None:
    stand_in("""cat >/dev/null; echo '{"error": {"title": "This cluster is being worked on", "where": "site",
 "why": "", "hint": "Wait.", "details": ""}, "exit": 3, "problems": []}' | tr -d '\\n'; echo; exit 3""")
    with pytest.raises(HeldError, match="being worked on"):
        await launch(order_of(job))


def test_only_what_has_a_way_to_go_on_is_answered_by_yes(job: Job) -> None:
    go = Question("q1", "Go on?", (GO_ON, "stop"))
    key = Question("q2", "Is that its key?", ("accept", "refuse"))
    assert [_by_itself(order_of(job, yes=True))(question) for question in (go, key)] == [GO_ON, None]
    assert _by_itself(order_of(job))(go) is None


def test_an_error_before_the_first_step_ends_the_run_as_held_or_failed() -> None:
    assert _ending(HeldError("Preflight holds this install", problems=(LOST,))) == (RunResult.HELD, (LOST,))
    result, (problem,) = _ending(SlipwayError("No", where="/disk", why="full", hint="Make room."))
    assert (result, problem.code, problem.message, problem.hint) == (
        RunResult.FAILED, "run.failed", "No: full", "Make room.",
    )  # fmt: skip


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "site.yaml"
    path.write_text(yaml.safe_dump(profile().model_dump(mode="json", exclude_defaults=True)))
    return path


def test_without_a_bundle_it_says_how_to_get_one(file: Path) -> None:
    done = CliRunner().invoke(app, ["apply", str(file), "--yes"])
    assert done.exit_code == Exit.USAGE
    assert "There is no bundle" in done.stderr
    assert "slipway bundle build" in done.stderr


@pytest.mark.parametrize("task", [Task(kind=Kind.VERIFY), renewal(), Task(kind=Kind.RESET)], ids=lambda task: task.kind)
def test_what_brings_nothing_of_a_bundle_is_ordered_without_one(file: Path, task: Task) -> None:
    order = order_of(job_of(file, None, task))
    assert (order.bundle, order.task["kind"]) == ("", task.kind)


async def test_a_run_s_process_opens_no_bundle_where_there_is_none(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[Job] = []

    async def work(job: Job, _order: Order) -> RunResult:
        await asyncio.sleep(0)
        done.append(job)
        return RunResult.DONE

    order = order_of(job_of(file, None, Task(kind=Kind.RESET)))
    monkeypatch.setattr("wizard.cli.work._work", work)
    monkeypatch.setattr("wizard.cli.work._log_to", lambda _path: None)
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(asdict(order))))
    with pytest.raises(SystemExit) as left:
        await asyncio.to_thread(run_order)
    assert (left.value.code, [(job.bundle, job.task.kind) for job in done]) == (0, [(None, Kind.RESET)])


def test_nobody_there_to_say_yes_is_told_to_say_it(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wizard.cli.site.load_bundle", lambda _folder: bundle())
    done = CliRunner().invoke(app, ["apply", str(file), "--json"])
    assert done.exit_code == Exit.USAGE
    assert "Add --yes" in done.stderr
    assert '"result": "failed"' in done.stdout
    assert not (file.parent / "state/slipway").exists()


def test_a_task_for_a_host_that_is_none_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wizard.cli.site.load_bundle", lambda _folder: bundle())
    assert job_of(file, None, Task(hosts=("m2",))).task.hosts == ("m2",)
    with pytest.raises(UsageError, match="no host m9") as raised:
        job_of(file, None, Task(hosts=("m2", "m9")))
    assert raised.value.hint == "Its hosts are m1, m2, m3."


def test_secrets_that_can_not_be_read_are_refused_and_not_shown(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wizard.cli.site.load_bundle", lambda _folder: bundle())
    path = tmp_path / "secrets"
    path.write_text("hush\n")
    with path.open() as secrets:
        done = CliRunner().invoke(app, ["apply", str(file), "--yes", "--secrets-fd", str(secrets.fileno())])
    assert done.exit_code == Exit.USAGE
    assert "line 1 has no '='" in done.stderr
    assert "hush" not in done.output
