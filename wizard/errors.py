"""Expected failures and findings: what every room may say to a person.

A `SlipwayError` ends the work under way; a `Problem` is one finding among others (a rule broken, a check failed). Both
name what happened, where, why and what to do next; neither ever carries a secret.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import IntEnum, StrEnum


class Exit(IntEnum):
    """Exit codes of the command line."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    """Bad profile or usage."""
    HELD = 3
    """Held by preflight: nothing was touched."""
    PARTIAL = 4
    """Done in part: hosts are in quarantine."""
    INTERRUPTED = 130
    """Interrupted; can be resumed."""


class Level(StrEnum):
    """How grave a problem is: an error holds the install, a warning is shown and may be overridden by going on."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding of a rule or a check.

    `code` is stable and dotted (``etcd.even``); `field` is the profile's path (``hosts[2].ssh.address``) or empty;
    `message` says what is wrong and why; `hint` says what to do; `host` is the host's name or empty.
    """

    code: str
    level: Level
    message: str
    hint: str = ""
    field: str = ""
    host: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return the problem as plain data for ``--json``."""
        return {key: str(value) for key, value in asdict(self).items()}


def errors_of(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return only the problems that hold an install."""
    return tuple(problem for problem in problems if problem.level is Level.ERROR)


class SlipwayError(Exception):
    """An expected failure, told to the person instead of a traceback.

    `title` says what failed in a few words; `where` names the host, file or step; `why` is the cause; `hint` is what
    to do next; `details` is verbatim evidence (the last lines of stderr), with secrets masked by whoever raises.
    """

    exit_code: Exit = Exit.FAILED

    def __init__(self, title: str, *, where: str = "", why: str = "", hint: str = "", details: str = "") -> None:
        super().__init__(title)
        self.title = title
        self.where = where
        self.why = why
        self.hint = hint
        self.details = details

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.title, self.why) if part)

    def as_problem(self, code: str, *, host: str = "") -> Problem:
        """Return this failure as a finding, for JSON output and for records."""
        why = f": {self.why}" if self.why else ""
        return Problem(code, Level.ERROR, f"{self.title}{why}", self.hint, host=host or self.where)


class UsageError(SlipwayError):
    """Bad profile or usage (exit 2)."""

    exit_code = Exit.USAGE


class HeldError(SlipwayError):
    """Held before anything was touched (exit 3), because of `problems`."""

    exit_code = Exit.HELD

    def __init__(self, title: str, *, problems: tuple[Problem, ...] = (), **words: str) -> None:
        super().__init__(title, **words)
        self.problems = problems


class InterruptedRun(SlipwayError):
    """The person asked to stop, or a signal did; the run can be resumed (exit 130)."""

    exit_code = Exit.INTERRUPTED


FULL = (errno.ENOSPC, errno.EDQUOT)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


def refused_here(error: BaseException) -> SlipwayError | None:
    """Return what a person is told where this machine refuses slipway a file: no right to it, or no room for it.

    None for every other error: that is a defect of slipway. A folder that an earlier `sudo slipway` made is the usual
    reason, and it may be met anywhere.
    """
    if not isinstance(error, OSError):
        return None
    where = str(error.filename or "")
    if error.errno in FULL:
        hint = "Make room on that disk, then try again."
        return SlipwayError("This machine has no room", where=where, why=error.strerror or "", hint=hint)
    if error.errno in FORBIDDEN and where:
        hint = (
            "Change its owner or its rights (was slipway run by another user before?), or name folders of your own "
            "with XDG_STATE_HOME and XDG_CACHE_HOME."
        )
        return SlipwayError("This machine refuses a file", where=where, why=error.strerror or "", hint=hint)
    return None
