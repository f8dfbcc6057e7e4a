"""One step's way: wait for its needs, look, change, wait, look again; and what becomes of it when that fails."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable, Mapping, Sequence

from wizard.engine import events as e
from wizard.engine.attempt import Attempts, StepError, remaining_diff
from wizard.engine.events import Event
from wizard.engine.hosts import HostGivenUp, HostLink
from wizard.engine.lease import Leases
from wizard.engine.mask import Masker
from wizard.engine.node import Ended, Node
from wizard.engine.sink import Sink
from wizard.engine.step import Blocked, Satisfied
from wizard.engine.turns import NotAllowed, Stopped, Turns
from wizard.errors import Level, Problem, SlipwayError
from wizard.remote.base import (
    HostKeyChanged,
    HostKeyUnknown,
    LoginRefused,
    RemoteError,
    SudoRefused,
    TimedOut,
    Unreachable,
)

_CANCELLED = "the run was cancelled"
_CODES = {
    TimedOut: "step.timeout",
    Unreachable: "host.unreachable",
    LoginRefused: "host.login-refused",
    HostKeyUnknown: "host.key-unknown",
    HostKeyChanged: "host.key-changed",
    SudoRefused: "host.sudo-refused",
    RemoteError: "host.connection",
}


class Walker:
    """Walks the steps of a run, each in a task of its own; and gives up hosts."""

    def __init__(
        self, nodes: Mapping[str, Node], waiting: Mapping[str, Sequence[str]], links: Mapping[str, HostLink],
        sink: Sink, turns: Turns, leases: Leases, tick: Callable[[], int], *, dry: bool,
    ) -> None:  # fmt: skip
        self._nodes = nodes
        self._links = links
        self._sink = sink
        self._dry = dry
        self._mask = Masker(secret for node in nodes.values() for secret in node.step.secrets)
        self._attempts = Attempts(nodes, waiting, links, sink, turns, leases, self._mask, tick)

    async def walk(self, node: Node) -> None:
        """Walk `node`'s step to its end, whatever that is. Only a cancelled task raises."""
        started = time.monotonic()
        try:
            if why := await self._needs(node):
                await self._end(node, Ended.SKIPPED, e.StepSkipped(node.step.id, why[0], why[1]), why[0])
                return
            node.busy = True
            await self._on_some_host(node, started)
        except Stopped:
            await self._end(node, Ended.SKIPPED, e.StepSkipped(node.step.id, _CANCELLED), _CANCELLED)
        except StepError as error:
            await self._fail(node, error.problem, error.details, started)
        except HostGivenUp as error:
            if node.began:
                await self._fail(node, error.problem, "", started)
            else:
                await self._give_up(node)
        except NotAllowed as error:
            await self._fail(node, error.as_problem("quorum.refused", host=node.host), "", started, alone=True)
        except SlipwayError as error:
            await self._fail(node, problem_with(error, node.host), error.details, started)
        except TimeoutError:
            problem = Problem(
                "step.timeout",
                Level.ERROR,
                f"{node.step.title} on {node.host} did not end within {node.step.timeout:.0f} s",
                "Its last lines say how far it came; look at the host, then run again.",
                host=node.host,
            )
            await self._fail(node, problem, remaining_diff(node.verdict, self._mask), started)
        except Exception as error:
            problem = Problem(
                "slipway.defect",
                Level.ERROR,
                f"{node.step.title} on {node.host}: a defect in slipway ({type(error).__name__})",
                "Please report it with the run's log. The host is as the last finished step left it.",
                host=node.host,
            )
            await self._fail(node, problem, traceback.format_exc(limit=-6), started)

    async def _needs(self, node: Node) -> tuple[str, bool] | None:
        """Wait for what the step needs; return why it can't run and whether a quarantine is the cause, else None."""
        step = node.step
        for name in step.needs:
            need = self._nodes[name]
            await need.wait()
            if need.ended is not Ended.DONE:
                return self._lost(need)
        if step.needs_any:
            needs = [self._nodes[name] for name in step.needs_any]
            while sum(need.ended is Ended.DONE for need in needs) < step.enough:
                left = [need for need in needs if need.ended is None]
                if sum(need.ended is Ended.DONE for need in needs) + len(left) < step.enough:
                    return self._lost(next(need for need in needs if need.ended not in (None, Ended.DONE)))
                await _first(left)
        for name in step.after:
            await self._nodes[name].wait()
        return None

    def _lost(self, need: Node) -> tuple[str, bool]:
        given_up = need.ended is Ended.QUARANTINED or self._links[need.host].given_up is not None
        words = {Ended.FAILED: "failed", Ended.SKIPPED: "was skipped", Ended.QUARANTINED: f"{need.host} is given up"}
        return f"needs “{need.step.title}” on {need.host}: {words.get(need.ended or Ended.SKIPPED)}", given_up

    async def _on_some_host(self, node: Node, started: float) -> None:
        """Walk the step on the first of its hosts that works; a host that doesn't goes into quarantine."""
        hosts = self._in_order(node)
        for host in hosts:
            link = self._links[host]
            if link.given_up:
                continue
            if host != node.host:
                node.host = host
                why = f"{host} takes it over" if self._links[node.step.host].given_up else f"on {host}, which is ready"
                self._sink.put(e.StepReset(node.step.id, host, why))
            try:
                await self._on(node, link, started)
                return
            except HostGivenUp:
                if host == hosts[-1]:
                    raise
            except RemoteError as error:
                if error is not link.fault or isinstance(error, TimedOut):
                    raise
                await self.quarantine(host, problem_with(error, host))
                if not any(not self._links[other].given_up for other in node.step.hosts):
                    raise
        if node.ended is None:
            await self._give_up(node)

    def _in_order(self, node: Node) -> list[str]:
        """Return the step's hosts, first those where one of `needs_any` is done: others may be far behind."""
        done = {need.host for need in map(self._nodes.__getitem__, node.step.needs_any) if need.ended is Ended.DONE}
        return sorted(node.step.hosts, key=lambda host: bool(done) and host not in done)

    async def _on(self, node: Node, link: HostLink, started: float) -> None:
        """Walk the step on one host: look where what is known is stale, change where something differs."""
        await self._attempts.look_if_stale(node, link, dry=self._dry)
        verdict = node.verdict
        if isinstance(verdict, Blocked):
            raise StepError(verdict.problem)
        if isinstance(verdict, Satisfied):
            node.end(Ended.DONE)
            self._sink.put(e.StepDone(node.step.id, False))
            return
        if self._dry:
            node.changed_at = 1
        else:
            await self._attempts.change(node, link)
        done = e.StepDone(node.step.id, True, 0.0 if self._dry else time.monotonic() - (node.began or started))
        await self._end(node, Ended.DONE, done)

    async def _fail(self, node: Node, problem: Problem, details: str, started: float, *, alone: bool = False) -> None:
        """The step failed; so did its host, unless the step is one of the whole cluster or was merely not allowed."""
        problem = self._mask.problem(problem)
        seconds = time.monotonic() - (node.began or started)
        await self._sink.commit(e.StepFailed(node.step.id, problem, self._mask.text(details), seconds))
        node.end(Ended.FAILED, problem.message, problem)
        if not (alone or self._dry or node.step.alternates):
            await self.quarantine(node.host, problem)

    async def _give_up(self, node: Node) -> None:
        why = f"{node.host} is in quarantine"
        await self._end(node, Ended.QUARANTINED, e.StepSkipped(node.step.id, why, True), why)

    async def _end(self, node: Node, ended: Ended, event: Event, why: str = "") -> None:
        await self._sink.commit(event)
        if isinstance(event, e.StepSkipped) and event.quarantined:
            ended = Ended.QUARANTINED
        node.end(ended, why)

    async def quarantine(self, host: str, problem: Problem) -> None:
        """Give `host` up: what hasn't begun there never does; what is under way ends by itself."""
        link = self._links[host]
        if link.given_up:
            return
        link.given_up = self._mask.problem(problem)
        await self._sink.commit(e.HostQuarantined(host, link.given_up.message, link.given_up))
        for node in self._nodes.values():
            idle = node.ended is None and not node.busy
            if idle and all(self._links[other].given_up for other in node.step.hosts):
                why = f"{host} is in quarantine"
                self._sink.put(e.StepSkipped(node.step.id, why, True))
                node.end(Ended.QUARANTINED, why)
                if node.task:
                    node.task.cancel()

    async def first_look(self, host: str, nodes: Sequence[Node]) -> None:
        """Look at the steps `nodes` of `host` in one round trip; a host that can't be looked at is given up."""
        link = self._links[host]
        if not nodes or link.given_up:
            return
        looks = [self._attempts.look(node, link) for node in nodes]
        for error in await asyncio.gather(*looks, return_exceptions=True):
            if error is link.fault and isinstance(error, RemoteError) and not isinstance(error, TimedOut):
                await self.quarantine(host, problem_with(error, host))
                return


def problem_with(error: SlipwayError, host: str) -> Problem:
    """Return what went wrong on `host` as a problem, with a code for its kind."""
    if isinstance(error, HostGivenUp):
        return error.problem
    code = next((code for kind, code in _CODES.items() if isinstance(error, kind)), "step.failed")
    return error.as_problem(code, host=host)


async def _first(nodes: Sequence[Node]) -> None:
    """Return when one of `nodes` has ended."""
    waits = [asyncio.create_task(node.over.wait()) for node in nodes]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
