"""Doing a job from the command line: start its run, follow it, say how it ended, leave with its exit code."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from wizard.cli.follow import MARKS, PlainLines, answering, as_json, follow, live
from wizard.cli.launch import Order, launch, order_of
from wizard.cli.output import emit, named, plain, problem_list, problems_view, say
from wizard.cli.site import on_terminal
from wizard.engine.control import Intent
from wizard.engine.control_socket import NoRun, submit
from wizard.engine.events import Event, RunResult
from wizard.engine.record import GOOD, Record, State, StepRecord
from wizard.plans.archive import archived
from wizard.plans.job import Job
from wizard.plans.kinds import KINDS
from wizard.profile.survival import survival
from wizard.remote.secrets import parse_secrets

YesFlag = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask before hosts are changed.")]
FollowFlag = Annotated[bool, typer.Option("--follow", help="With --json: one event a line, the result last.")]
DetachFlag = Annotated[bool, typer.Option("--detach", help="Start the run and return at once.")]
TakeOverFlag = Annotated[
    bool, typer.Option("--take-over", help="Take hosts over that a run elsewhere claims; make sure it is dead.")
]


def perform(
    job: Job, json_flag: bool, *, yes: bool = False, take_over: bool = False, follow_flag: bool = False,
    detach: bool = False, secrets_fd: int | None = None,
) -> None:  # fmt: skip
    """Do `job` in a process of its own, follow it, report how it ended, and leave with its exit code.

    What each flag means stands in the help of the commands that call this. Raises `HeldError` where another run has the
    cluster, `SlipwayError` where the run can't begin, `typer.Exit` at the end.
    """
    secrets = parse_secrets(Path(f"/proc/self/fd/{secrets_fd}").read_text()) if secrets_fd is not None else {}
    order = order_of(job, interactive=on_terminal(), yes=yes, take_over=take_over, secrets=secrets)
    record = asyncio.run(_run(job, order, json_events=json_flag and follow_flag, quiet=json_flag, detach=detach))
    if record is None:
        say(f"Run {order.run} goes on by itself; see it with: slipway runs show {job.profile.name} {order.run}")
        emit({"result": "started", "cluster": job.profile.name, "run": order.run, "problems": []}, json_flag)
        return
    emit(result_of(record), json_flag, summary(job, record))
    raise typer.Exit(int((record.result or RunResult.INTERRUPTED).exit_code))


async def _run(job: Job, order: Order, *, json_events: bool, quiet: bool, detach: bool) -> Record | None:
    run = await launch(order)
    if detach:
        return None
    _cancel_on_interrupt(job.folder, run)
    if json_events:
        return await follow(job.folder, run, as_json)
    if quiet:
        return await follow(job.folder, run, _nothing)
    if not on_terminal():
        return await follow(job.folder, run, PlainLines())
    async with answering(job.folder, run):
        with live() as show:
            return await follow(job.folder, run, show)


def _nothing(_record: Record, _events: list[Event]) -> None:
    """Show nothing: only the result is wanted."""


def _cancel_on_interrupt(folder: Path, run: str) -> None:
    """Let Ctrl-C ask the run to stop: steps under way finish. The run ends, and this command with it."""
    loop = asyncio.get_running_loop()
    asked: set[asyncio.Task[None]] = set()

    async def cancel() -> None:
        try:
            why = await submit(folder, run, Intent("cancel"))
        except NoRun:
            return
        say(f"can't be stopped now: {why}" if why else "stopping: steps under way finish first (Ctrl-C again: now)")

    def interrupted() -> None:
        task = asyncio.create_task(cancel())
        asked.add(task)
        task.add_done_callback(asked.discard)

    loop.add_signal_handler(signal.SIGINT, interrupted)


def result_of(record: Record) -> dict[str, Any]:
    """Return the common fields of a run's result."""
    steps = record.steps.values()
    return {
        "result": (record.result or RunResult.INTERRUPTED).value,
        "cluster": record.cluster,
        "run": record.run,
        "seconds": round(record.seconds, 2),
        "changed": [step.info.id for step in steps if step.state is State.DONE],
        "failed": [step.info.id for step in steps if step.state is State.FAILED],
        "quarantined": sorted(record.quarantined),
        "problems": problem_list(record.problems),
    }


def summary(job: Job, record: Record) -> RenderableType:
    """Return how a run ended, for people."""
    work = KINDS[job.task.kind]
    words = _WORDS[record.result or RunResult.INTERRUPTED]
    style = "bold green" if record.result is RunResult.DONE else "bold red"
    good = record.total.count(*GOOD)
    counted = work.tally.format(changed=record.changed, good=good, total=len(record.steps))
    if record.result is RunResult.HELD:
        counted = "nothing was touched"
    head = Text(f"{words} after {record.seconds:.0f} s: {counted}.", style)
    parts: list[RenderableType] = [head]
    if work.lists:
        parts += [_step_line(step) for step in record.steps.values()]
    if record.problems:
        parts.append(Padding(problems_view(record.problems), (1, 0, 0, 0), expand=False))
    for step in record.steps.values():
        if step.state is State.FAILED and step.details:
            parts.append(Padding(Text(step.details, style="dim"), (0, 0, 0, 4), expand=False))
    if record.result in (RunResult.DONE, RunResult.PARTIAL):
        if work.makes_keys:
            parts.append(Text(f"kubeconfig: {job.folder / 'admin.conf'}"))
        if work.installs:
            parts += [Text(line) for line in survival(job.profile).words]
    away = archived(job.folder, record.run)
    if work.undoes and away.is_dir():
        parts.append(Text(f"What the cluster had here, its keys among it, is put away in {away}"))
    if record.result in (RunResult.INTERRUPTED, RunResult.PARTIAL, RunResult.FAILED):
        parts.append(Text(plain(named(work.again.format(host=" ".join(job.task.hosts))))))
    if record.result is RunResult.DONE and (rest := work.then(job.task)):
        parts.append(Text(plain(named(rest))))
    return Group(*parts)


def _step_line(step: StepRecord) -> RenderableType:
    mark, style = MARKS.get(step.state, MARKS[State.SKIPPED])
    told = "" if step.state is State.FAILED else plain(step.text)
    return Text.assemble((f"  {mark} ", style), step.info.title, (f"  {told}", "dim"))


_WORDS = {
    RunResult.DONE: "✓ Done",
    RunResult.FAILED: "✗ Failed",
    RunResult.HELD: "✗ Held by preflight",
    RunResult.PARTIAL: "! Done in part",
    RunResult.INTERRUPTED: "! Interrupted",
}
