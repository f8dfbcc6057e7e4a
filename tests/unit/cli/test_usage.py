"""A wrong option or argument is told to machines as well, where they asked for JSON."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wizard.cli.app import app

RUNS = (
    ["apply", "x.yaml"],
    ["verify", "x.yaml"],
    ["reset", "x.yaml"],
    ["certs", "renew", "x.yaml"],
    ["maintain", "x.yaml", "m1", "end"],
)


@pytest.mark.parametrize(
    ("words", "title", "command"),
    [
        (["status", "x.yaml", "--every", "0"], "--every", "slipway status"),
        (["certs", "renew", "x.yaml", "--dasy", "3"], "--dasy", "slipway certs renew"),
        (["check"], "PROFILE", "slipway check"),
        (["chekc", "x.yaml"], "'check'", "slipway"),
    ],
)
def test_wrong_usage_is_one_object(words: list[str], title: str, command: str) -> None:
    for line in ([*words, "--json"], words):
        result = CliRunner().invoke(app, line, prog_name="slipway")
        assert result.exit_code == 2
        assert title in result.stderr
        if "--json" not in line:
            assert not result.stdout
            continue
        told = json.loads(result.stdout)
        assert told["result"] == "failed"
        assert title in told["error"]["title"]
        assert told["error"]["hint"] == f"Try '{command} --help' for help."
        assert told["problems"] == []


@pytest.mark.parametrize(
    ("words", "option", "other"),
    [
        (["status", "x.yaml", "--every", "3"], "--every", "--watch"),
        (["maintain", "x.yaml", "m1", "end", "--force"], "--force", "begin"),
        (["maintain", "x.yaml", "m1", "end", "--timeout", "9"], "--timeout", "begin"),
        (["apply", "x.yaml", "--drain-timeout", "9"], "--drain-timeout", "--allow-removal"),
        *(([*words, "--follow", "--detach"], "--detach", "--follow") for words in RUNS),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(words: list[str], option: str, other: str) -> None:
    """The profile is not there: nothing was looked at yet when that is said."""
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2
    head, _, rest = result.stderr.partition("\n")
    assert head.startswith("✗ ")
    assert option in head
    assert other in head
    assert "eave" in rest


def test_runs_that_can_not_be_read_are_not_taken_for_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal is a fake: tests may run as root, whom nothing refuses."""
    root = tmp_path / "slipway"
    root.mkdir()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    def refused(self: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "iterdir", refused)
    result = CliRunner().invoke(app, ["runs", "list", "--json"])
    assert result.exit_code == 1
    error = json.loads(result.stdout)["error"]
    assert (error["where"], error["why"]) == (str(root), "Permission denied")
    assert "XDG_STATE_HOME" in error["hint"]
