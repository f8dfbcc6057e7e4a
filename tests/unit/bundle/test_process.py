from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from wizard.bundle.lock import BundleError
from wizard.bundle.process import need, run


def test_lines_come_as_they_are_said_and_stdout_is_returned() -> None:
    lines: list[str] = []
    said = run(["sh", "-c", "echo one >&2; echo two >&2; echo out"], doing="Talking", on_line=lines.append)
    assert (lines, said) == (["one", "two"], "out\n")


def test_a_failure_tells_what_failed_with_its_last_words() -> None:
    with pytest.raises(BundleError, match="Building x failed") as error:
        run(["sh", "-c", "echo no such module >&2; exit 3"], doing="Building x", hint="Check the network.")
    assert error.value.why == "sh exited with 3"
    assert error.value.details == "no such module"
    assert error.value.hint == "Check the network."


def test_a_killed_tool_is_told_from_one_that_failed() -> None:
    with pytest.raises(BundleError) as error:
        run(["sh", "-c", "kill -9 $$"], doing="Building x")
    assert error.value.why == f"sh was ended by signal {signal.SIGKILL.value}"


def ended(process: int) -> bool:
    """Wait (at most 10 s) for a process that was sent SIGKILL to be gone, or to be a zombie of PID 1."""
    for _ in range(200):
        try:
            if Path(f"/proc/{process}/stat").read_text().split()[2] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.05)
    return False


def test_an_interruption_ends_the_tool_and_its_children(tmp_path: Path) -> None:
    def interrupt(line: str) -> None:
        raise KeyboardInterrupt

    note = tmp_path / "pid"
    with pytest.raises(KeyboardInterrupt):
        run(["sh", "-c", f"sleep 100 & echo $! > {note}; echo started >&2; wait"], doing="Sleeping", on_line=interrupt)
    child = int(note.read_text())
    assert ended(child), f"{child} still runs"


def test_a_missing_tool_is_named_with_its_package() -> None:
    with pytest.raises(BundleError, match="no-such-tool") as error:
        need("no-such-tool", "tools", "to test")
    assert "apt-get install tools" in error.value.hint
