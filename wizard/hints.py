"""Hints whose commands want the profile's file say PROFILE: whoever shows one names the file, where it is known."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

PROFILE = "PROFILE"
"""Stands in a hint for the profile's file: who finds something out does not know where that lies."""


def named(hint: str, file: Path | None) -> str:
    """Return `hint` with the profile's `file` in place of PROFILE; as it is where no file is known."""
    return hint if file is None else re.sub(rf"\b{PROFILE}\b", lambda _: for_shell(file), hint)


def for_shell(file: Path) -> str:
    """Return `file` as a word that a shell understands: quoted where needed, the person's home as ``~``.

    A relative path stays as it was typed.
    """
    # Under sudo this process's home need not be that of the shell into which the word is put.
    home = None if "SUDO_USER" in os.environ else Path.home()
    if home is None or home == file or not file.is_relative_to(home):
        return shlex.quote(str(file))
    return f"~/{shlex.quote(str(file.relative_to(home)))}"
