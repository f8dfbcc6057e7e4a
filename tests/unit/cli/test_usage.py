"""A wrong option or argument is told to machines as well, where they asked for JSON."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from wizard.cli.app import app


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
