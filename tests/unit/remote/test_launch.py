from __future__ import annotations

import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wizard.remote.base import Command
from wizard.remote.launch import LONGEST_ARGUMENT, LONGEST_PREFACE, Gate, launch, limit

NONCE = "0123456789abcdef"


def words(command: Command, sudo: bool = False) -> list[str]:
    return shlex.split(launch(command, sudo=sudo, nonce=NONCE).line)


def test_a_plain_command():
    assert words(Command("echo hi", timeout=30)) == [
        "exec", "env", "LC_ALL=C", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "timeout", "-k", "5", "30", "sh", "-c", f"echo {NONCE}! $PPID; echo {NONCE}! $PPID >&2; umask 022\necho hi",
    ]  # fmt: skip


def test_what_only_looks_steps_back_for_the_same_time():
    plain, looking = words(Command("true", timeout=30)), words(Command("true", timeout=30, looks=True))
    assert looking == [*plain[:4], "nice", "-n", "10", *plain[4:]]
    under_sudo = words(Command("true", looks=True), sudo=True)
    assert under_sudo.index("sudo") < under_sudo.index("nice"), "root may do that, whatever the user may"


def test_under_sudo_the_time_starts_after_the_password():
    line = words(Command("echo hi"), sudo=True)
    assert line[:8] == ["exec", "env", "LC_ALL=C", "sudo", "-S", "-p", f"{NONCE}?", "--"]
    assert line.index("sudo") < line.index("timeout")


@pytest.mark.parametrize(("timeout", "seconds"), [(0.1, 1), (1, 1), (1.5, 2), (60, 60)])
def test_the_limit_is_in_whole_seconds(timeout, seconds):
    assert limit(Command("", timeout=timeout)) == seconds


@given(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=200))
def test_any_script_is_quoted_once(script):
    assert words(Command(script))[-1].partition("umask 022\n")[2] == script


@pytest.mark.parametrize(
    "command",
    [Command("echo hunter2", secret=True), Command("# ü\n" + ":\n" * LONGEST_ARGUMENT + "echo hunter2")],
    ids=["secret", "long"],
)
def test_what_is_no_argument_goes_over_stdin(command):
    start = launch(command, sudo=False, nonce=NONCE)
    assert "hunter2" not in start.line
    assert start.first == command.script.encode()
    result = subprocess.run(["sh", "-c", start.line], input=start.first + b"rest", capture_output=True)
    assert result.stdout.endswith(b"\nhunter2\n")


def test_a_script_by_stdin_reads_what_comes_after_it():
    start = launch(Command("cat", secret=True), sudo=False, nonce=NONCE)
    result = subprocess.run(["sh", "-c", start.line], input=start.first + b"the rest\n", capture_output=True)
    assert result.stdout.endswith(b"\nthe rest\n")


@given(st.lists(st.integers(1, 6), max_size=60))
def test_the_gate_opens_however_the_bytes_are_cut(cuts):
    stream = b"lecture\n" + f"{NONCE}?".encode() + b"\n" + f"{NONCE}! 4711\n".encode() + b"the script's\n"
    gate, rest = Gate(NONCE), b""
    for size in [*cuts, len(stream)]:
        piece, stream = stream[:size], stream[size:]
        rest += gate.feed(piece)
    assert gate.opened
    assert rest == b"the script's\n"
    assert (gate.asked, gate.parent, gate.said) == (1, 4711, "lecture")


def test_little_is_kept_before_the_gate_opens():
    gate = Gate(NONCE)
    for _ in range(100):
        assert gate.feed(b"noise" * 10_000) == b""
    assert len(gate.said) == LONGEST_PREFACE
    assert gate.feed(f"{NONCE}! 1\nrest".encode()) == b"rest"


def test_the_gate_stays_shut_for_another_nonce():
    gate = Gate(NONCE)
    assert gate.feed(b"fedcba9876543210! 1\n") == b""
    assert not gate.opened
    assert gate.asked == 0
