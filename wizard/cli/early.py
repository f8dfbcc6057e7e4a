"""A run's process that loads while the command line does: each takes half a second, and a machine has two processors.

Nothing is imported here but what Python has loaded anyway.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

_begun: list[subprocess.Popen[bytes]] = []


def begin(words: Sequence[str]) -> None:
    """Start it where the command line's `words` want a run that nobody is asked about first.

    It waits for its order, and ends without a word where none comes: the profile was wrong, or this process ended.
    """
    if list(words[:1]) == ["apply"] and "--yes" in words and "--help" not in words:
        _begun.append(
            subprocess.Popen(
                [sys.executable, "-m", "wizard", "run-order"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                start_new_session=True, cwd="/",
            )
        )  # fmt: skip


def taken() -> subprocess.Popen[bytes] | None:
    """Return the process that was begun, once; None where there is none, or it has ended."""
    process = _begun.pop() if _begun else None
    return process if process and process.poll() is None else None
