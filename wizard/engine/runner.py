"""The runner: walks a plan's graph, probe → change → probe, and says in events what happens.

All hosts are looked at at once, all probes of a host in one round trip. A step whose probe was satisfied, and nothing
of whose needs changed, is done without another. A host that fails goes into quarantine with its steps; others go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Any

from wizard.engine import events as e
from wizard.engine.control import Control, Intent
from wizard.engine.events import RunResult, StepInfo
from wizard.engine.graph import checked, dependents, downstream, hosts_of, upstream
from wizard.engine.hosts import Connect, HostLink
from wizard.engine.lease import Leases
from wizard.engine.locks import HostLock
from wizard.engine.marker import Owner, parse
from wizard.engine.node import Ended, Node
from wizard.engine.outcome import Outcome
from wizard.engine.sink import Sink
from wizard.engine.step import Plan, Retry
from wizard.engine.turns import Turns
from wizard.engine.walk import Walker
from wizard.errors import Level, Problem

TRANSPORT = Retry()
"""How often a look is tried again after a fault of the transport."""
AT_ONCE = 4
"""How many changes run on one host at the same time."""
AHEAD_SECONDS = 60.0
"""How long looks wait at most for steps that go ahead."""


async def run(
    plan: Plan,
    connect: Connect,
    sink: Sink,
    *,
    run_id: str,
    control: Control | None = None,
    markers: Mapping[str, str] | None = None,
    owner: Owner | None = None,
    lock: HostLock | None = None,
    dry: bool = False,
    at_once: int = AT_ONCE,
    retry: Retry = TRANSPORT,
    failures: Mapping[str, Problem] | None = None,
    root: Mapping[str, str] | None = None,
    last: Callable[[Outcome], Outcome] | None = None,
) -> Outcome:
    """Run `plan` and return how it ended; what a person should know of on the way goes to `sink` as events.

    `markers` are the texts of the hosts' markers as the facts brought them; `owner` says for whom they are written
    (None: no marker is). `lock` is the lease taken with the facts: renewed with every change, given back at the end.
    `dry` looks and changes nothing. `failures` are hosts known not to work before it begins: they start in quarantine.
    `root` gives a host a prefix of all paths (tests). `last` is called when all is done and the end not told yet: who
    hears of the end finds what it did, and what it returns is the outcome. Raises ValueError for a plan that is no
    graph, and for a marker that can't be read; nothing else: what goes wrong on hosts is in the outcome.
    """
    walk = _Run(plan, connect, sink, control, owner, lock, dry=dry, at_once=at_once, retry=retry, root=root or {})
    for host, text in (markers or {}).items():
        if host in walk.links:
            walk.links[host].marker = parse(text)
            walk.links[host].written = walk.links[host].marker.revision
    await sink.commit(_started(plan, run_id, owner, dry=dry))
    outcome = await walk.all(failures or {})
    outcome = last(outcome) if last else outcome
    await sink.commit(e.RunFinished(outcome.result, outcome.seconds, outcome.problems))
    return outcome


def _started(plan: Plan, run_id: str, owner: Owner | None, *, dry: bool) -> e.RunStarted:
    infos = tuple(
        StepInfo(step.id, step.title, step.host, step.phase, step.weight, tuple(dict.fromkeys(step.before)))
        for step in plan.steps
    )
    return e.RunStarted(run_id, plan.cluster, plan.title, infos, hosts_of(plan), owner.version if owner else "", dry)


class _Run:
    """What is under way: the nodes of the graph, the hosts, and the tasks that walk them."""

    def __init__(
        self, plan: Plan, connect: Connect, sink: Sink, control: Control | None, owner: Owner | None,
        lock: HostLock | None, *, dry: bool, at_once: int, retry: Retry, root: Mapping[str, str],
    ) -> None:  # fmt: skip
        steps = checked(plan)
        self._ticks = 0
        self.nodes = {name: Node(step) for name, step in steps.items()}
        hosts = hosts_of(plan)
        self.links = {name: HostLink(name, connect, self._tick, at_once=at_once, retry=retry) for name in hosts}
        self._waiting = dependents(steps)
        self._sink = sink
        self._told = plan.told
        self._control = control
        self._turns = Turns(plan.groups, control)
        self._leases = Leases(self.links, owner, lock, root)
        self._dry = dry
        self._walker = Walker(
            self.nodes, self._waiting, self.links, sink, self._turns, self._leases, self._tick, dry=dry
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._ahead = () if dry else plan.ahead
        self._before = upstream(self._ahead, steps)
        self._hosts_ahead = {steps[name].host for name in self._ahead}

    def _tick(self) -> int:
        self._ticks += 1
        return self._ticks

    async def all(self, failures: Mapping[str, Problem]) -> Outcome:
        begun = time.monotonic()
        for host, problem in failures.items():
            if host in self.links:
                await self._walker.quarantine(host, problem)
        if self._control:
            self._control.handler = self._do
        keeper = asyncio.create_task(self._leases.keep())
        try:
            await self._look_then_walk()
        finally:
            if self._control:
                self._control.handler = None
            keeper.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(keeper, *self._tasks, return_exceptions=True)
        if not self._dry:
            for note in await self._leases.give_back():
                self._sink.put(note)
        return self._outcome(time.monotonic() - begun)

    async def _look_then_walk(self) -> None:
        """Look at all hosts at once; walk each host's steps as soon as it has been looked at."""
        for host in self.links:
            self._task(self._begin(host))
        while self._tasks:
            done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            self._tasks -= done
            for task in done:
                if not task.cancelled():
                    task.result()

    async def _begin(self, host: str) -> None:
        """Look at a host and walk its steps; where some go ahead, those first."""
        here = [node for node in self.nodes.values() if node.step.host == host]
        first = [node for node in here if not self._ahead or node.step.id in self._before]
        # A host that goes ahead is looked at whole, in one round trip.
        looked = here if host in self._hosts_ahead else first
        await self._walker.first_look(host, [node for node in looked if not node.ended])
        self._walk(first)
        if len(first) < len(here):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(AHEAD_SECONDS):
                    for name in self._ahead:
                        await self.nodes[name].wait()
            await self._walker.first_look(host, [node for node in here if node not in looked and not node.ended])
            self._walk([node for node in here if node not in first])

    def _walk(self, nodes: Sequence[Node]) -> None:
        self._spawn(tuple(node.step.id for node in nodes if not node.ended))

    def _task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        return task

    def _spawn(self, names: tuple[str, ...]) -> None:
        for name in names:
            self.nodes[name].task = self._task(self._walker.walk(self.nodes[name]))

    def _outcome(self, seconds: float) -> Outcome:
        nodes = self.nodes.values()
        problems = [node.problem for node in nodes if node.problem and node.ended is Ended.FAILED]
        problems += [link.given_up for link in self.links.values() if link.given_up]
        problems += [warning for node in nodes for warning in node.warnings]
        problems += self._told
        return Outcome(
            self._result(),
            seconds,
            tuple(node.step.id for node in nodes if node.changed),
            tuple(node.step.id for node in nodes if node.ended is Ended.FAILED),
            tuple(node.step.id for node in nodes if node.ended in (Ended.SKIPPED, Ended.QUARANTINED)),
            tuple(name for name, link in self.links.items() if link.given_up),
            tuple(dict.fromkeys(problems)),
            {name: link.marker for name, link in self.links.items()},
        )

    def _result(self) -> RunResult:
        open_ = [node for node in self.nodes.values() if node.ended is not Ended.DONE]
        given_up = {name for name, link in self.links.items() if link.given_up}
        if self._turns.cancelled and any(node.ended is Ended.SKIPPED for node in open_):
            return RunResult.INTERRUPTED
        if not open_:
            return RunResult.PARTIAL if given_up else RunResult.DONE
        if any(node.step.alternates or node.step.host not in given_up for node in open_):
            return RunResult.FAILED
        working = any(node.ended is Ended.DONE and node.host not in given_up for node in self.nodes.values())
        return RunResult.PARTIAL if working else RunResult.FAILED

    def _do(self, intent: Intent) -> str:
        """Do what someone asked for; return why it can't be done, or an empty text."""
        match intent.intent:
            case "pause":
                self._sink.put(e.RunPaused())
                self._turns.pause()
            case "resume":
                self._sink.put(e.RunResumed())
                self._turns.go_on()
            case "cancel":
                self._sink.put(e.CancelAsked())
                self._turns.cancel()
            case "quarantine":
                return self._quarantine(intent.host)
            case "retry":
                return self._again(intent)
            case _:
                return "not for a run at its steps"
        return ""

    def _quarantine(self, host: str) -> str:
        link = self.links.get(host)
        if link is None or link.given_up:
            return f"{host} is no host of this run" if link is None else f"{host} is in quarantine already"
        problem = Problem("host.quarantined", Level.ERROR, f"{host} was put into quarantine by hand", host=host)
        self._task(self._walker.quarantine(host, problem))
        return ""

    def _again(self, intent: Intent) -> str:
        wanted = list(self._to_retry(intent))
        if not wanted:
            return "there is nothing to try again"
        if self._turns.cancelled:
            return "the run is being cancelled"
        names = tuple(
            name for name in downstream(wanted, self._waiting) if self.nodes[name].ended not in (None, Ended.DONE)
        )
        hosts = {self.nodes[name].host for name in wanted} | ({intent.host} if intent.host else set())
        for host in hosts:
            if self.links[host].given_up:
                names += tuple(name for name in self._left_on(host) if name not in names)
                self.links[host].given_up = None
                self._sink.put(e.HostReleased(host))
        for name in names:
            self.nodes[name].reset()
            self._sink.put(e.StepReset(name, self.nodes[name].host, "asked for"))
        self._spawn(names)
        return ""

    def _to_retry(self, intent: Intent) -> Iterator[str]:
        if intent.step:
            node = self.nodes.get(intent.step)
            if node and node.ended not in (None, Ended.DONE):
                yield intent.step
        else:
            yield from self._left_on(intent.host)

    def _left_on(self, host: str) -> Iterator[str]:
        for name, node in self.nodes.items():
            if node.step.host == host and node.ended not in (None, Ended.DONE):
                yield name
