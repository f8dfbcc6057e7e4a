"""Running a tool on the jump host: its lines as they come, its end for sure, its failure in words."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from wizard.bundle.lock import BundleError

KEPT_LINES = 12


def run(
    words: Sequence[str],
    *,
    doing: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] = lambda _: None,
    hint: str = "",
) -> str:
    """Run a tool and return its stdout. `on_line` gets each line of stderr as it comes, without its end.

    Raises `BundleError` ("`doing` failed") with the last lines it said where it exits with anything but 0. The tool
    and its children are ended when this is interrupted.
    """
    said: deque[str] = deque(maxlen=KEPT_LINES)
    whole: list[str] = []
    process = subprocess.Popen(
        list(words),
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    stdout = process.stdout
    reader = threading.Thread(target=lambda: whole.append(stdout.read()), daemon=True)
    reader.start()
    try:
        for line in process.stderr:
            said.append(line.rstrip("\n"))
            on_line(said[-1])
        status = process.wait()
        reader.join()
    except BaseException:
        _end(process)
        raise
    if status != 0:
        details = "\n".join(said) or "".join(whole)[-2000:]
        ended = f"was ended by signal {-status}" if status < 0 else f"exited with {status}"
        raise BundleError(f"{doing} failed", why=f"{words[0]} {ended}", hint=hint, details=details)
    return "".join(whole)


def _end(process: subprocess.Popen[str]) -> None:
    """End the process group: politely, then for sure."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            continue


def need(tool: str, package: str, what_for: str) -> str:
    """Return where `tool` is. Raises `BundleError` naming the `package` that has it."""
    found = shutil.which(tool) or shutil.which(tool, path="/usr/sbin:/sbin:/usr/local/go/bin")
    if found is None:
        raise BundleError(
            f"`{tool}` is missing on this machine",
            why=f"it is needed {what_for}",
            hint=f"Run `apt-get install {package}` and try again.",
        )
    return found
