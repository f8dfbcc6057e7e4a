"""Hints name the profile's file the way a shell takes it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wizard.cli.app import app
from wizard.hints import for_shell, named

HINT = "Take it back: `slipway maintain PROFILE m2 end`, see `slipway status PROFILE`. PROFILES stays."


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_every_command_names_the_file_and_nothing_else_is_touched() -> None:
    said = "Take it back: `slipway maintain a.yaml m2 end`, see `slipway status a.yaml`. PROFILES stays."
    assert named(HINT, Path("a.yaml")) == said


def test_without_a_file_the_word_stays() -> None:
    assert named(HINT, None) == HINT


@pytest.mark.parametrize("name", ["a.yaml", "sites/my site.yaml", "it's.yaml", "$(x) & \\1.yaml", "~/a.yaml"])
@pytest.mark.parametrize("under_sudo", [False, True])
def test_a_shell_reads_the_very_file(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str, *, under_sudo: bool
) -> None:
    """Short where the shell's home is this one; anywhere else, and under sudo, nothing is left to its home."""
    if under_sudo:
        monkeypatch.setenv("SUDO_USER", "admin")
    for file in (home / name, Path("/srv") / name, Path(name), home):
        word = for_shell(file)
        assert word.startswith("~/") == (file == home / name and not under_sudo)
        said = subprocess.run(
            ["sh", "-c", named("printf %s PROFILE", file)], capture_output=True, text=True, check=True
        )
        assert said.stdout == str(file)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--profile", "my site.yaml", "status", "x.yaml"], "slipway status 'my site.yaml'"),
        (["profile", "new", "my site.yaml"], "slipway profile new 'my site.yaml' --master"),
    ],
)
def test_commands_that_are_told_can_be_typed(words: list[str], hint: str) -> None:
    said = CliRunner().invoke(app, words)
    assert said.exit_code == 2
    assert hint in " ".join(said.stderr.split())
