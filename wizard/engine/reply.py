"""What a host answered to a change or a look: the report's lines told apart from what the commands themselves said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wizard.engine.marker import ABSENT, BEFORE, DIRECTORY
from wizard.errors import Level, Problem


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a change stopped: `code` (write, checksum, script …), the path or subject, and the host's own words."""

    code: str
    subject: str
    why: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A parsed answer. `done`: the change went through. `looks` has output and exit status of each fragment, by number.

    `before` says what was there before slipway (path → ``absent``, ``directory``, kept copy).
    """

    done: bool = False
    changed: tuple[str, ...] = ()
    before: Mapping[str, str] = field(default_factory=dict)
    failure: Failure | None = None
    looks: Mapping[int, tuple[str, int]] = field(default_factory=dict)


def parse(stdout: str, token: str) -> Reply:
    """Return what `stdout` reports in lines that begin with `token`. What is cut off is missing, never guessed."""
    done = False
    changed: list[str] = []
    before: dict[str, str] = {}
    failure: Failure | None = None
    looks: dict[int, tuple[str, int]] = {}
    inside: list[str] | None = None
    for line in stdout.split("\n"):
        words = line.split(" ", 4) if line.startswith(f"{token} ") else []
        match words[1:]:
            case ["look", _]:
                inside = []
            case ["end", number, status] if inside is not None:
                looks[int(number)] = ("\n".join(inside), int(status))
                inside = None
            case ["done"]:
                done = True
            case ["changed", path]:
                changed.append(path)
            case ["before", what, path]:
                before[path] = {"absent": ABSENT, "directory": DIRECTORY}.get(what, f"{BEFORE}{path}")
            case ["failed", code, *rest]:
                subject, why = [*rest, "", ""][:2]
                failure = Failure(code, subject.replace("\x1f", " "), why)
            case _ if inside is not None:
                inside.append(line)
            case _:
                pass
    return Reply(done, tuple(changed), before, failure, looks)


class Said:
    """Tells a command's own lines from the report's as they come: `take` returns the line, None for the report's."""

    def __init__(self, token: str) -> None:
        self._token = f"{token} "
        self._looking = False
        self.got: list[str] = []
        """Subjects that arrived, in order, for progress."""

    def take(self, line: str) -> str | None:
        """Return `line` if a command of the change said it."""
        line = line.rstrip("\n")
        if line.startswith(self._token):
            kind, _, rest = line.removeprefix(self._token).partition(" ")
            if kind in ("got", "fed"):
                self.got.append(rest)
            elif kind in ("look", "end"):
                self._looking = kind == "look"
            return None
        return None if self._looking or not line.strip() else line


_HINTS = {
    "disk-full": "Free space on the filesystem that holds it, then run again; the old file is still in its place.",
    "checksum": "Check the bundle (slipway bundle verify) and the disk of the host, then run again.",
    "write": "See whether its filesystem is mounted read-only or damaged, then run again.",
    "directory": "Move that directory away if nothing needs it, then run again.",
    "folder": "Something is in the way of that directory: look at it, then run again.",
    "owner": "That user or group does not exist on the host: see the steps before.",
    "keep": "What was there could not be saved first, so it was left alone: free space below /var/lib/slipway.",
    "mutex": "Another process of slipway hangs on the host: end it, then run again.",
    "lock": "Another run works on this host. Wait for it, or see `slipway runs list` on the other jump host.",
}


def problem_of(failure: Failure, host: str, title: str) -> Problem:
    """Return `failure` in words for a person: which host, which file, why, what to do."""
    full = any(text in failure.why.lower() for text in ("no space left on device", "disk quota exceeded"))
    code = "disk-full" if full else failure.code
    words = {
        "disk-full": f"no space left on {host} for {failure.subject}",
        "checksum": f"{failure.subject} did not arrive on {host} as it was sent: {failure.why}",
        "script": f"{title} failed on {host}: {failure.why}",
        "pipe": f"{failure.subject} could not be taken in on {host}: {failure.why}",
        "lock": f"{host} is locked by another run: {failure.why}",
    }
    message = words.get(code, f"{failure.subject} could not be written on {host}: {failure.why}")
    hint = _HINTS.get(code, "Its last lines say why; mend that on the host, then run again.")
    return Problem(f"step.{code}", Level.ERROR, message, hint, host=host)
