"""A run's own process, from outside. It may begin before its order is known, and load while the command line does: each
takes half a second, and a machine has two processors.

Nothing is imported here but what Python has loaded anyway.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

RUN = "run-order"
"""The command that is a run's own process."""

_waiting: list[subprocess.Popen[bytes]] = []
"""The process that was begun and has no order yet."""
_children: list[subprocess.Popen[bytes]] = []
"""All that were started here: each is asked once whether it has ended, or it would stay as a zombie."""


def begin(words: Sequence[str]) -> None:
    """Start one where the command line's `words` want a run that nobody is asked about first.

    It waits for its order, and ends without a word where none comes: the profile was wrong, or this process ended.
    """
    if list(words[:1]) == ["apply"] and "--yes" in words and "--help" not in words:
        _waiting.append(_start())


def process() -> subprocess.Popen[bytes]:
    """Return a process that waits for an order on its stdin: the one that was begun, or a new one.

    It answers on its stdout, and says on its stderr what goes wrong until it has read the order, which names its log.
    """
    begun = _waiting.pop() if _waiting else None
    return begun if begun and begun.poll() is None else _start()


def _start() -> subprocess.Popen[bytes]:
    _children[:] = [child for child in _children if child.poll() is None]
    child = subprocess.Popen(
        [sys.executable, "-m", "wizard", RUN],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, cwd="/",
    )  # fmt: skip
    _children.append(child)
    return child
