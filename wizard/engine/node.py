"""A step under way: what is known of it now. Only the runner holds nodes."""

from __future__ import annotations

import asyncio
from enum import StrEnum

from wizard.engine.step import Satisfied, Step, Unknown, Verdict
from wizard.errors import Problem


class Ended(StrEnum):
    """How a step ended."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    QUARANTINED = "quarantined"
    """Skipped, because its host, or that of a step it needs, is in quarantine."""


class Node:
    """One step of the graph as it stands: where it runs, what its probe said when, and how it ended."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.over = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self.reset()

    def reset(self) -> None:
        """Forget what was, to begin (again)."""
        self.host = self.step.host
        self.began = 0.0
        """When its change began (monotonic clock), 0.0 before."""
        self.busy = False
        """The step is past waiting for its needs."""
        self.verdict: Verdict | None = None
        self.looked = 0
        """The tick at which the last look began."""
        self.looked_on = ""
        self.changed_at = 0
        """The tick after the step's change; 0 if it changed nothing."""
        self.ended: Ended | None = None
        self.why = ""
        self.problem: Problem | None = None
        self.over.clear()

    @property
    def changed(self) -> bool:
        """Tell whether the step changed something (in a dry run: would)."""
        return self.changed_at > 0 and self.ended is Ended.DONE

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Return what a person should know although the step is done."""
        return self.verdict.warnings if self.ended is Ended.DONE and isinstance(self.verdict, Satisfied) else ()

    def saw(self, verdict: Verdict, tick: int, host: str) -> None:
        """Take the judgement of a look that began at `tick` on `host`."""
        self.verdict, self.looked, self.looked_on = verdict, tick, host

    def fresh(self, changes: int) -> bool:
        """Tell whether the verdict still holds, when what the step waits for last changed at the tick `changes`."""
        known = self.verdict is not None and not isinstance(self.verdict, Unknown)
        return known and self.looked_on == self.host and self.looked > changes

    async def wait(self) -> None:
        """Return when the step has ended, and isn't being tried again."""
        while self.ended is None:
            await self.over.wait()

    def end(self, ended: Ended, why: str = "", problem: Problem | None = None) -> None:
        """The step has ended."""
        self.ended, self.why, self.problem = ended, why, problem
        self.over.set()
