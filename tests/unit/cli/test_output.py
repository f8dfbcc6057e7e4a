"""One voice: JSON on stdout, people on stderr, never a traceback, never a control character."""

from __future__ import annotations

import errno
import json
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner, Result

from wizard.cli.output import RESULTS, JsonFlag, emit, guarded, named, plain, problems_view, say
from wizard.errors import Exit, HeldError, InterruptedRun, Level, Problem, SlipwayError, UsageError

PROBLEM = Problem("etcd.even", Level.ERROR, "4 members [red]tolerate[/red] \x1b[31mone", "Take 3.", "hosts[2].x", "m1")
ERRORS: dict[str, BaseException] = {
    "usage": UsageError("No such file", where="site.yaml", why="it is gone", hint="Look again."),
    "held": HeldError("Held by preflight", problems=(PROBLEM,)),
    "failed": SlipwayError("It failed", where="m1", details="last line of stderr \x1b]0;title\x07"),
    "interrupted": InterruptedRun("Stopped"),
    "ctrl-c": KeyboardInterrupt(),
    "defect": ZeroDivisionError("division by hunter2"),
    "forbidden": PermissionError(errno.EACCES, "Permission denied", "/var/state"),
    "full": OSError(errno.ENOSPC, "No space left on device"),
    "exit": typer.Exit(7),
}
CODES = {"usage": 2, "held": 3, "interrupted": 130, "ctrl-c": 130, "exit": 7}
CODES |= dict.fromkeys(("failed", "defect", "forbidden", "full"), 1)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "slipway"


def run(*words: str) -> Result:
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    @guarded
    def command(kind: str, json_flag: JsonFlag = False) -> None:
        """Fail as asked, or say a word."""
        if kind in ERRORS:
            raise ERRORS[kind]
        emit({"result": "done", "word": "é"}, json_flag, problems_view([PROBLEM]))

    return CliRunner().invoke(app, list(words))


@pytest.mark.parametrize("flag", [[], ["--json"]], ids=["people", "json"])
def test_hints_name_the_profile_that_was_given(flag: list[str], tmp_path: Path) -> None:
    app = typer.Typer()
    out = Problem("maintain.out", Level.ERROR, "m2 is out", "`slipway maintain PROFILE m2 end`.", host="m2")

    @app.command()
    @guarded
    def command(profile: Path, json_flag: JsonFlag = False) -> None:
        """Fail, with hints."""
        raise HeldError("Held", problems=(out,), hint="See `slipway status PROFILE`.")

    result = CliRunner().invoke(app, [str(tmp_path / "a.yaml"), *flag])
    assert f"`slipway maintain {tmp_path}/a.yaml m2 end`." in result.output
    assert f"`slipway status {tmp_path}/a.yaml`." in result.output
    assert "PROFILE" not in result.output
    assert named("slipway status PROFILE") == "slipway status PROFILE", "outside of a command there is none"


@pytest.mark.parametrize("kind", sorted(ERRORS))
def test_each_failure_has_its_exit_code_and_no_traceback(kind: str) -> None:
    result = run(kind)
    assert result.exit_code == CODES[kind]
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert "\x1b" not in result.stderr
    assert "hunter2" not in result.stderr


@pytest.mark.parametrize("kind", sorted(set(ERRORS) - {"exit"}))
def test_each_failure_is_one_object_with_json(kind: str) -> None:
    result = run(kind, "--json")
    assert result.exit_code == CODES[kind]
    said = json.loads(result.stdout)
    assert said["result"] == RESULTS[CODES[kind]]
    assert said["error"]["title"]


def test_the_problems_of_a_failure_are_in_both() -> None:
    result = run("held", "--json")
    assert json.loads(result.stdout)["problems"] == [PROBLEM.as_dict()]
    assert "etcd.even" in result.stderr
    assert "Take 3." in result.stderr


def test_what_where_why_and_what_to_do_are_shown() -> None:
    shown = run("usage").stderr
    assert all(words in shown for words in ("No such file", "site.yaml", "it is gone", "Look again."))


def test_json_is_all_that_is_on_stdout() -> None:
    result = run("fine", "--json")
    assert json.loads(result.stdout) == {"result": "done", "word": "é"}
    assert result.stderr == ""


def test_people_read_stderr() -> None:
    result = run("fine")
    assert result.stdout == ""
    assert "4 members [red]tolerate[/red]" in result.stderr  # no markup is taken from a message
    assert "\x1b" not in result.stderr


def test_what_this_machine_refuses_is_no_defect(state: Path) -> None:
    shown = run("forbidden").stderr
    assert all(words in shown for words in ("/var/state", "Permission denied", "XDG_STATE_HOME"))
    assert "Make room" in run("full").stderr
    assert not state.exists()


def test_a_defect_is_put_on_file_for_its_owner_alone(state: Path) -> None:
    shown = run("defect").stderr
    (report,) = (state / ".defects").iterdir()
    assert str(report) in shown
    assert "ZeroDivisionError" in report.read_text()
    assert report.stat().st_mode & 0o077 == 0
    assert report.parent.stat().st_mode & 0o077 == 0


def test_help_shows_the_flag() -> None:
    assert "--json" in run("--help").stdout


def test_what_wraps_on_a_terminal_stands_beneath_its_own_text() -> None:
    long = replace(PROBLEM, message="long " * 30, hint="deed " * 30)
    console = Console(width=60, color_system=None)
    with console.capture() as shown:
        console.print(problems_view([long]))
    rows = [row.rstrip() for row in shown.get().splitlines()]
    assert rows[0].startswith("✗ error")
    messages = [row for row in rows if "long" in row]
    hints = [row for row in rows if "deed" in row]
    assert len(messages) > 1
    assert all(row.startswith("    long") for row in messages)
    assert len(hints) > 1
    assert hints[0].startswith("    → deed")
    assert all(row.startswith("      deed") for row in hints[1:])


def test_in_a_pipe_a_finding_is_not_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    say("word " * 100)
    assert capsys.readouterr().err.count("\n") == 1
    say(problems_view([replace(PROBLEM, message="long " * 100, hint="deed " * 100)]))
    assert capsys.readouterr().err.count("\n") == 3


def test_every_exit_code_has_a_result() -> None:
    assert set(RESULTS) == set(Exit)


def test_control_characters_are_taken_out() -> None:
    assert plain("a\x1b[31mb\x07\tc\nd\x00\u202ee") == "a[31mb\tc\nde"
