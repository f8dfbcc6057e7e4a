"""What a step that waits is given, and what a step says: everything masked before it becomes an event."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from wizard.engine import events as e
from wizard.engine.hosts import HostLink
from wizard.engine.mask import Masker
from wizard.engine.reply import Said
from wizard.engine.sink import Sink
from wizard.engine.step import Change, Retry, Step
from wizard.remote.base import Blob, Command, Result

LONGEST_LINE = 2000
"""Longer lines of a command's output are cut, in characters."""
_AGAIN = Retry(times=1)
TAIL = 10
"""So many of a command's last lines are the evidence of its failure."""


class StepContext:
    """The `Context` of one step on one host."""

    def __init__(self, step: Step, host: str, links: Mapping[str, HostLink], sink: Sink, mask: Masker) -> None:
        self.host = host
        self._step = step
        self._links = links
        self._sink = sink
        self._mask = mask

    async def run(self, host: str, command: Command) -> Result:
        """Run `command` on `host` over the run's own connection."""
        return await self._links[host].send(command, retry=_AGAIN)

    def say(self, text: str) -> None:
        """Put one line into the step's log."""
        self._sink.put(e.StepLog(self._step.id, self._mask.text(text)[:LONGEST_LINE]))

    def progress(self, fraction: float, text: str = "") -> None:
        """Say how much of the step is done (0 to 1)."""
        self._sink.put(e.StepProgress(self._step.id, min(1.0, max(0.0, fraction)), self._mask.text(text)))

    def waits(self, text: str) -> None:
        """Say what the step waits for."""
        self._sink.put(e.StepWaiting(self._step.id, self._mask.text(text)))


class Output:
    """Hears a change's output line by line: logs what its commands say, and tells progress from what has arrived."""

    def __init__(self, context: StepContext, change: Change, token: str) -> None:
        self._context = context
        self._said = Said(token)
        self._tail: deque[str] = deque(maxlen=TAIL)
        self._sizes = {file.path: _size(file.content) for file in change.files}
        self._sizes |= {pipe.subject: _size(pipe.content) for pipe in change.pipes}
        self._total = sum(self._sizes.values())
        self._arrived = 0

    def __call__(self, line: str) -> None:
        """Hear one line."""
        known = len(self._said.got)
        own = self._said.take(line)
        if own is not None:
            self._tail.append(own)
            self._context.say(own)
        for subject in self._said.got[known:]:
            self._arrived += self._sizes.get(subject, 0)
            if self._total:
                self._context.progress(self._arrived / self._total, subject)

    @property
    def tail(self) -> str:
        """Return the last lines that the change's commands said."""
        return "\n".join(self._tail)


def _size(content: bytes | Blob) -> int:
    return len(content) if isinstance(content, bytes) else content.size
