"""Looking at a step and changing it on one host: the tries after a transport's fault, and the look that proves it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count

from wizard.engine import events as e
from wizard.engine.context import Output, StepContext
from wizard.engine.events import Seen
from wizard.engine.files import TEXT_LIMIT
from wizard.engine.hosts import HostLink, Look
from wizard.engine.lease import Leases
from wizard.engine.mask import Masker
from wizard.engine.node import Node
from wizard.engine.reply import Failure, parse, problem_of
from wizard.engine.sink import Sink
from wizard.engine.step import Blocked, Change, Diff, Drifted, Retry, Satisfied, Unknown, Verdict
from wizard.engine.turns import Turns
from wizard.errors import Level, Problem
from wizard.remote.base import RemoteError, TimedOut

_ONCE = Retry(times=0)
GRACE = 10.0
"""How much longer than its commands a step may take, in seconds."""

SHOWN = TEXT_LIMIT
"""Longer texts in a diff are cut in events, in characters: a file that a look brings whole is shown whole."""
SETTLE_FIRST = 0.2
SETTLE_MOST = 2.0
"""The pause between looks while a step settles grows from the first to the most, in seconds."""


class StepError(Exception):
    """The step failed: `problem` for the person, `details` verbatim."""

    def __init__(self, problem: Problem, details: str = "") -> None:
        super().__init__(problem.message)
        self.problem = problem
        self.details = details


class Attempts:
    """Looks and changes. One for each run."""

    def __init__(
        self, nodes: Mapping[str, Node], waiting: Mapping[str, Sequence[str]], links: Mapping[str, HostLink],
        sink: Sink, turns: Turns, leases: Leases, mask: Masker, tick: Callable[[], int],
    ) -> None:  # fmt: skip
        self._nodes = nodes
        self._waiting = waiting
        self._links = links
        self._sink = sink
        self._turns = turns
        self._leases = leases
        self._mask = mask
        self._tick = tick

    async def look(self, node: Node, link: HostLink) -> None:
        """Take the step's probe on the host of `link`, with whatever else is looked at there now, and judge it."""
        self._judge(node, await link.look(node.step.probe), link.name)

    async def look_if_stale(self, node: Node, link: HostLink, *, dry: bool) -> None:
        """Look unless what the last look said still holds: nothing the step waits for has changed since."""
        if dry and node.verdict is not None and node.looked_on == node.host:
            return
        changes = max((self._nodes[name].changed_at for name in node.step.before), default=0)
        if not node.fresh(changes):
            await self._turns.gate()
            await self.look(node, link)
        if callable(node.step.change) and not dry:
            # Such a change is made of what differs, so that has to be known first.
            await self._look_while((Unknown,), node, link)

    def _judge(self, node: Node, look: Look, host: str) -> None:
        verdict = node.step.probe.judge(look.output, look.status)
        node.saw(verdict, look.tick, host)
        self._sink.put(probed(node.step.id, verdict, host, self._mask))

    async def change(self, node: Node, link: HostLink) -> None:
        """Change the host until the step's probe is satisfied. Raises `StepError` where it isn't in the end."""
        step = node.step
        context = StepContext(step, link.name, self._links, self._sink, self._mask)

        said = ""

        def waits(why: str) -> None:
            nonlocal said
            link.check()
            if why != said:
                context.waits(why)
            said = why

        async with (
            self._turns.touching(step, context, waits),
            step.around(context) if step.around else contextlib.nullcontext(),
        ):
            await self._try(node, link, context)

    async def _try(self, node: Node, link: HostLink, context: StepContext) -> None:
        step = node.step
        deadline: asyncio.Timeout | None = None
        async with link.slots.hold(exclusive=step.exclusive):
            await self._turns.gate()
            link.check()
            node.began = time.monotonic()
            # The command itself ends after `timeout`, and then says how far it came; this is for what hangs elsewhere.
            async with asyncio.timeout(step.timeout + GRACE) as deadline:
                await self._send_until_through(node, link, context)
        left = max(1.0, (deadline.when() or 0.0) - GRACE - asyncio.get_running_loop().time())
        async with asyncio.timeout(left):
            if step.wait and not isinstance(node.verdict, Blocked):
                context.waits(step.title)
                await self._turns.unless_cut(step.wait(context))
                node.changed_at = self._tick()
                await self.look(node, link)
            await self._settle(node, link)

    async def _send_until_through(self, node: Node, link: HostLink, context: StepContext) -> None:
        """Send the change; after a fault of the transport look again, and send what is still missing."""
        step = node.step
        for attempt in count(1):
            await self._sink.commit(e.StepStarted(step.id, link.name, attempt))
            try:
                await self._send(node, link, context)
                return
            except RemoteError as error:
                again = error is link.fault and error.transient and not isinstance(error, TimedOut)
                if not again or attempt > step.retry.times:
                    raise
                context.say(f"{self._mask.text(str(error))}; try {attempt + 1} follows")
            node.changed_at = self._tick()
            await asyncio.sleep(step.retry.backoff * 2 ** (attempt - 1))
            await self.look(node, link)
            if isinstance(node.verdict, Satisfied | Blocked):
                return

    async def _send(self, node: Node, link: HostLink, context: StepContext) -> None:
        """Send the change as one stream, with the look that proves it and the looks of steps that come next."""
        step = node.step
        change = _change_of(node)
        if change == Change() and step.wait:
            return
        follow = [] if step.wait else self._next(node, link.name)
        fragments = [one.step.probe.script for one in (node, *follow)]
        secret = bool(step.secrets) or any(one.step.probe.secret for one in (node, *follow))
        encoded, revision = self._leases.encode(link.name, step, change, fragments, timeout=step.timeout, secret=secret)
        output = Output(context, change, encoded.token)
        result = await link.send(encoded.command, output, retry=_ONCE)
        reply = parse(result.text, encoded.token)
        self._leases.took(link.name, change, reply, revision)
        if reply.failure:
            raise StepError(problem_of(told(reply.failure, output.tail), link.name, step.title), output.tail)
        if not reply.done:
            raise StepError(_broke_off(step.title, link.name, result.status), output.tail or result.complaint)
        node.changed_at = self._tick()
        tick = self._tick()
        seen = {number: Look(*look, tick) for number, look in reply.looks.items()}
        for number, one in enumerate(follow, start=1):
            if number in seen and one.ended is None and not one.busy:
                with contextlib.suppress(Exception):  # its own turn tells, with its own look
                    self._judge(one, seen[number], link.name)
        if 0 in seen:
            self._judge(node, seen[0], link.name)
        else:
            await self.look(node, link)

    def _next(self, node: Node, host: str) -> list[Node]:
        """Return the steps on `host` that wait for nothing else than this one any more: their looks go along."""
        found = []
        for name in self._waiting[node.step.id]:
            one = self._nodes[name]
            others = (self._nodes[need] for need in one.step.before if need != node.step.id)
            if one.host == host and one.ended is None and not one.busy and all(other.ended for other in others):
                found.append(one)
        return found

    async def _look_while(self, verdicts: tuple[type[Verdict], ...], node: Node, link: HostLink) -> None:
        """Look again while the step's verdict is one of such `verdicts`, for as long as it may take to settle."""
        until = time.monotonic() + node.step.settle
        pause = SETTLE_FIRST
        while isinstance(node.verdict, verdicts) and time.monotonic() < until:
            await self._turns.unless_cut(asyncio.sleep(pause))
            pause = min(SETTLE_MOST, pause * 1.5)
            node.changed_at = self._tick()
            await self.look(node, link)

    async def _settle(self, node: Node, link: HostLink) -> None:
        """Return when the probe is satisfied; look again for as long as the step may take to settle."""
        await self._look_while((Drifted, Unknown), node, link)
        match node.verdict:
            case Satisfied():
                return
            case Blocked(problem=problem):
                raise StepError(problem)
            case verdict:
                raise StepError(_still(node, link.name), remaining_diff(verdict, self._mask))


def told(failure: Failure, tail: str) -> Failure:
    """Return a script's failure with its own last words, which say more than its exit status."""
    last = (tail.splitlines() or [""])[-1].strip()
    return replace(failure, why=f"{failure.why}: {last}") if failure.code == "script" and last else failure


def _change_of(node: Node) -> Change:
    """Return what of the step's change is to be done: what the drift names, or all where nothing is known."""
    change = node.step.change
    if isinstance(node.verdict, Drifted):
        subjects = frozenset(diff.subject for diff in node.verdict.diff)
        return (change(node.verdict) if callable(change) else change).narrowed(subjects)
    return change(Drifted(())) if callable(change) else change


def probed(step: str, verdict: Verdict, host: str, mask: Masker) -> e.StepProbed:
    """Return a judged look as an event, its secrets masked and long texts cut."""
    match verdict:
        case Satisfied(note=note):
            return e.StepProbed(step, Seen.SATISFIED, mask.text(note), host=host)
        case Blocked(problem=problem):
            problem = mask.problem(problem)
            return e.StepProbed(step, Seen.BLOCKED, problem.message, problem=problem, host=host)
        case Unknown(why=why):
            return e.StepProbed(step, Seen.UNKNOWN, mask.text(why), host=host)
        case Drifted(diff=diffs):
            more = f" and {len(diffs) - 3} more" if len(diffs) > 3 else ""
            subjects = ", ".join(diff.subject for diff in diffs[:3]) + more
            shown = tuple(_shown(diff, mask) for diff in diffs)
            return e.StepProbed(step, Seen.DRIFTED, mask.text(subjects), shown, host=host)


def _shown(diff: Diff, mask: Masker) -> Diff:
    diff = mask.diff(diff)
    return Diff(diff.subject, _cut(diff.before), _cut(diff.after), diff.secret)


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}\n… {len(text) - SHOWN} characters more"


def remaining_diff(verdict: Verdict | None, mask: Masker) -> str:
    """Return in a few lines what still isn't as wanted."""
    if isinstance(verdict, Unknown):
        return mask.text(verdict.why)
    if not isinstance(verdict, Drifted):
        return ""
    masked = (mask.diff(diff) for diff in verdict.diff[:10])
    return "\n".join(f"{one.subject}: {one.before[:200] or 'absent'} → {one.after[:200] or 'absent'}" for one in masked)


def _still(node: Node, host: str) -> Problem:
    return Problem(
        "step.still-drifted",
        Level.ERROR,
        f"{node.step.title} on {host} was done, and is still not as wanted",
        "The details say what differs; something else may be changing it back.",
        host=host,
    )


def _broke_off(title: str, host: str, status: int) -> Problem:
    why = "ended by a signal" if status < 0 else f"exit status {status}"
    hint = "Its last lines say why; mend that on the host, then run again."
    return Problem("step.broke-off", Level.ERROR, f"{title} broke off on {host}: {why}", hint, host=host)
