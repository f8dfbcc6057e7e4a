"""`slipway` without a command: the wizard on a terminal, a clear word elsewhere; nothing is loaded in vain."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wizard import __version__
from wizard.cli import opening
from wizard.cli.app import app
from wizard.errors import UsageError


def test_in_a_pipe_it_says_what_to_do_instead():
    done = CliRunner().invoke(app, [])
    assert done.exit_code == 2
    assert "The wizard needs a terminal" in done.stderr
    assert "slipway apply PROFILE" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("term", ["dumb", "unknown", ""])
def test_a_terminal_that_cant_draw_is_told_apart(term: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(opening, "on_terminal", lambda: True)
    monkeypatch.setenv("TERM", term)
    with pytest.raises(UsageError, match="move its cursor") as caught:
        opening.open_wizard(None)
    assert "xterm-256color" in caught.value.hint


def test_a_profile_that_cant_be_read_shows_before_any_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(opening, "on_terminal", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    done = CliRunner().invoke(app, ["--profile", str(tmp_path / "none.yaml")])
    assert done.exit_code == 2
    assert "no such profile" in " ".join(done.stderr.split())  # a long path may break the line


def test_a_profile_before_a_command_is_refused_with_the_right_words():
    done = CliRunner().invoke(app, ["--profile", "a.yaml", "check", "b.yaml"])
    assert done.exit_code == 2
    assert "slipway check a.yaml" in done.stderr


def test_the_command_line_starts_without_screens_and_without_ssh():
    look = (
        "import sys, json, wizard.cli.app; "
        "print(json.dumps([n for n in ('textual', 'asyncssh', 'wizard.ui.app') if n in sys.modules]))"
    )
    said = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout
    assert json.loads(said) == []


def test_the_version_is_said():
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.stdout) == (0, f"slipway {__version__}\n")


def test_ctrl_c_while_it_loads_is_one_line_and_130():
    """Each module is interrupted as its loading begins, as by a person who is quick."""
    script = (
        "import signal, sys\n"
        # What a shell starts in the background is deaf to it.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Slow:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == sys.argv[1]:\n"
        "            signal.raise_signal(signal.SIGINT)\n"
        "from wizard.__main__ import main\n"
        "sys.meta_path.insert(0, Slow())\n"
        "main()\n"
    )
    for module in ("wizard.cli.app", "typer", "wizard.cli.work"):
        done = subprocess.run([sys.executable, "-c", script, module], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (130, "", "✗ Interrupted\n"), module


def test_every_command_stands_in_the_readme():
    text = (Path(__file__).parents[3] / "README.md").read_text()
    names = [command.name or command.callback.__name__ for command in app.registered_commands if not command.hidden]
    names += [group.name for group in app.registered_groups]
    assert {"maintain", "practice", "apply"} <= set(names)
    assert [name for name in names if f"slipway {name} " not in text] == []
    assert "--allow-removal" in text
