"""Starting a practice datacenter from the wizard, by the command that does it: closing the wizard doesn't halve it."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from wizard.errors import Exit, SlipwayError
from wizard.paths import state_dir

NAME = "lab"
"""The datacenter's name: the one the command line means when none is given."""
LOOK_SECONDS = 0.2
"""How often its words are looked for."""


async def practice(masters: int, say: Callable[[str], None]) -> Path:
    """Start the datacenter with that many masters; return the profile written for it. Raises `SlipwayError`."""
    state_dir().mkdir(mode=0o700, parents=True, exist_ok=True)
    profile = state_dir() / "practice" / NAME / f"{NAME}.yaml"
    # Its words go to a file, not to a pipe: the command lives on when nobody reads any more.
    with tempfile.TemporaryFile() as result, tempfile.NamedTemporaryFile() as words:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "wizard", "practice", "up", "--json",
            "--name", NAME, "--masters", str(masters), "--profile", str(profile),
            stdin=asyncio.subprocess.DEVNULL, stdout=result, stderr=words, start_new_session=True, cwd="/",
        )  # fmt: skip
        reader = _Lines(Path(words.name), say)
        ended = asyncio.create_task(process.wait())
        while not ended.done():
            await asyncio.wait((ended,), timeout=LOOK_SECONDS)
            reader.look()
        if process.returncode != 0:
            raise _failure(result, reader.last)
    return profile


class _Lines:
    """Says the lines that a file gains."""

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        self._path = path
        self._say = say
        self._at = 0
        self.last = ""

    def look(self) -> None:
        """Say every whole line that is new."""
        with self._path.open("rb") as file:
            file.seek(self._at)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._at += len(whole)
        for line in whole.decode(errors="replace").splitlines():
            if line.strip():
                self.last = line.strip()
                self._say(line)


def _failure(result: IO[bytes], last: str) -> SlipwayError:
    result.seek(0)
    try:
        said: dict[str, Any] = json.loads(result.read())["error"]
        return SlipwayError(str(said["title"]), **{key: str(said[key]) for key in ("where", "why", "hint", "details")})
    except (ValueError, KeyError, TypeError):
        error = SlipwayError("The practice datacenter can't be started", why=last or "its command was ended")
        error.exit_code = Exit.FAILED
        return error
