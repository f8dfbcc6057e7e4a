"""Runs as the wizard sees them: which there are, what one has said, and what it was to do."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from wizard.cli.launch import order_file
from wizard.cli.services import profiles
from wizard.engine.events import RunResult, StepFailed
from wizard.engine.journal import NAME, JournalError
from wizard.engine.journal_reader import JournalReader, RunInfo
from wizard.engine.lines import LogLine
from wizard.engine.record import Record, fold, interrupted
from wizard.errors import SlipwayError
from wizard.hints import named
from wizard.paths import cluster_dir, state_dir
from wizard.plans.kinds import KINDS
from wizard.plans.task import INSTALL, Kind, Task
from wizard.profile.model import Profile
from wizard.ui.services import Built, RunRef, RunState

DRAWN_SECONDS = 0.1
"""The shortest time between two records: what comes faster is folded into one."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """What a run was told to do."""

    profile: Profile
    bundle: Path | None
    """Its folder; None: the task takes nothing from one."""
    task: Task


def ordered(run: RunRef) -> Ordered:
    """Return what `run` was told to do. Raises `SlipwayError` where that is not on file."""
    path = order_file(cluster_dir(run.cluster), run.run)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        task = Task.model_validate(data.get("task", {}))
        bundle = Path(data["bundle"]) if data["bundle"] else None
        return Ordered(Profile.model_validate(data["profile"]), bundle, task)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SlipwayError(
            "What this run was to do is not on file",
            where=str(path),
            why=str(error).partition("\n")[0],
            hint="Open the site's profile instead, and install it: what is done stays done.",
        ) from error


def all_runs() -> tuple[RunRef, ...]:
    """Return the running runs of every cluster and its last one of each kind, the newest first.

    What came before an install that is done, or before the reset of a whole cluster, is over: it is left out.
    A cluster whose journal can't be read is left out: attaching to it would fail too.
    """
    found: list[RunRef] = []
    for folder in sorted(state_dir().glob(f"*/{NAME}")):
        with contextlib.suppress(JournalError):
            found += _runs_of(folder.parent)
    return tuple(sorted(found, key=lambda run: -run.started))


def _runs_of(folder: Path) -> Iterator[RunRef]:
    reader = JournalReader(folder)
    shown: set[Kind] = set()
    over = False
    for info in reader.runs():
        if info.dry or (over and not info.running):
            continue
        task, done = _task(info), info.result is RunResult.DONE
        if info.running or task.kind not in shown:
            yield ref_of(info, 1.0 if done else reader.record(info.run).fraction)
        shown.add(task.kind)
        over = over or (done and (KINDS[task.kind].installs or (KINDS[task.kind].undoes and not task.hosts)))


def _task(info: RunInfo) -> Task:
    """Return what a run is to do; one whose order is not on file counts as an install."""
    try:
        text = order_file(cluster_dir(info.cluster), info.run).read_text(encoding="utf-8")
        return Task.model_validate(json.loads(text).get("task", {}))
    except (OSError, ValueError, AttributeError):
        return INSTALL


def ref_of(info: RunInfo, fraction: float = 0.0) -> RunRef:
    """Return a run of the journal as the screens name it."""
    return RunRef(info.cluster, info.run, info.title, info.started, RunState(info.state), fraction, _task(info).kind)


def known(cluster: str, run: str) -> RunRef:
    """Return the run of that id. Raises `SlipwayError` where its cluster's journal doesn't have it."""
    info = JournalReader(cluster_dir(cluster)).run(run)
    if info is None:
        raise SlipwayError("There is no such run", where=f"{cluster}/{run}", hint="Open slipway again to see all runs.")
    return ref_of(info)


async def follow(run: RunRef) -> AsyncIterator[Record]:
    """Yield the run's record as it stands, and again as events come, until it has ended or its process is gone."""
    record = Record()
    async for events in JournalReader(cluster_dir(run.cluster)).follow(run.run):
        record = fold(events, record)
        yield record
    if record.result is None:
        yield interrupted(record)


def built(run: RunRef) -> Built:
    """Return what `run` has left."""
    folder = cluster_dir(run.cluster)
    record = JournalReader(folder).record(run.run)
    notes = tuple(f"{host} was given up: {why}" for host, why in record.quarantined.items())
    kubeconfig = folder / "admin.conf"
    return Built(ordered(run).profile, kubeconfig if kubeconfig.exists() else None, notes)


def save_log(run: RunRef) -> Path:
    """Write everything that `run` has said as text into the cluster's folder (0600) and return the file."""
    folder = cluster_dir(run.cluster)
    path = folder / "logs" / f"{run.run}.txt"
    lines = list(_log(folder, run.run))
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        why = error.strerror or str(error)
        raise SlipwayError("The log can't be written", where=str(path), why=why, hint="Make room there.") from error
    return path


def _log(folder: Path, run: str) -> Iterator[str]:
    """Yield the whole log, line by line: the record keeps its end only, so it is taken out event by event."""
    record = Record()
    for _, event in JournalReader(folder).events(run):
        before = record.log[-1] if record.log else None
        record = fold((event,), record)
        last = record.log[-1] if record.log else None
        if last is not None and last is not before:
            yield _line(last)
        if isinstance(event, StepFailed) and event.details:
            yield from (f"    {line}" for line in event.details.splitlines())
    file = profiles.named(folder.name) if record.problems else None
    for problem in record.problems:
        where = f"{problem.host}: " if problem.host else ""
        yield f"{problem.level.value} {where}{problem.message} {named(problem.hint, file)}".rstrip()


def _line(line: LogLine) -> str:
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(line.time))
    return f"{clock} {line.host + ': ' if line.host else ''}{line.text}"
