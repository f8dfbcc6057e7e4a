"""Starting a run as a process of its own, in its own session: closing the screen that started it changes nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import subprocess
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from wizard.cli import early
from wizard.errors import Exit, HeldError, Level, Problem, SlipwayError
from wizard.plans.job import Job

START_SECONDS = 120.0
"""How long a run may take to say that it has begun, on a machine with much else to do."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a run's process is told on its stdin, once: the only way in which secrets reach it.

    `bundle` is its folder, empty where the task takes nothing from one. `interactive` says that someone will answer
    questions; without, what needs a person fails and says so. `yes` answers what may be answered without one, never a
    host key.
    """

    run: str
    profile: dict[str, Any]
    bundle: str
    folder: str
    task: dict[str, Any] = field(default_factory=dict)
    interactive: bool = False
    yes: bool = False
    take_over: bool = False
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


def new_run_id() -> str:
    """Return a run's id: when it began (UTC) and four random digits: ``20261123-091502-3fa2``."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(2)}"


def order_file(folder: Path, run: str) -> Path:
    """Return where it is on file what `run` was to do, its secrets left out: what Resume takes up again."""
    return folder / "runs" / f"{run}.json"


def keep_order(order: Order) -> None:
    """Put on file (0600) what a run is to do, without its secrets. Raises `SlipwayError` where that fails."""
    path = order_file(Path(order.folder), order.run)
    told = {"profile": order.profile, "bundle": order.bundle, "task": order.task}
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(told), encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        why = error.strerror or str(error)
        raise SlipwayError("The run can't be put on file", where=str(path), why=why, hint="Make room there.") from error


def order_of(job: Job, **options: Any) -> Order:
    """Return the order to do `job`."""
    bundle = str(job.bundle.folder) if job.bundle else ""
    told = (job.profile.model_dump(mode="json"), bundle, str(job.folder))
    return Order(new_run_id(), *told, job.task.model_dump(mode="json"), **options)


async def launch(order: Order) -> str:
    """Start the run's process and return the run's id once it holds the cluster's lock and writes its journal.

    Raises `HeldError` where another run has the cluster, `SlipwayError` where the process can't begin.
    """
    folder = Path(order.folder)
    logs = folder / "logs"
    for each in (folder, logs):  # parents that mkdir makes unasked would be open to all
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = logs / f"{order.run}.log"
    process = early.process()
    try:
        line = await asyncio.wait_for(asyncio.to_thread(_tell, process, order), START_SECONDS)
        said: dict[str, Any] = json.loads(line)
    except TimeoutError:
        # It has touched nothing yet; left alone it would begin unseen, minutes after "it did not begin".
        process.kill()
        raise _not_begun(process, log, f"it said nothing within {START_SECONDS:.0f} s and was ended") from None
    except ValueError:
        raise _not_begun(process, log, "its process ended without a word") from None
    if "started" not in said:
        raise error_of(said)
    return order.run


def _tell(process: subprocess.Popen[bytes], order: Order) -> bytes:
    """Tell a process its order; return its first line, empty where it ended without one."""
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(BrokenPipeError), process.stdin:
        process.stdin.write(json.dumps(asdict(order)).encode())
    return process.stdout.readline()


def _not_begun(process: subprocess.Popen[bytes], log: Path, why: str) -> SlipwayError:
    """Return the error that a process did not begin; what it said before it knew its log is put there."""
    assert process.stderr is not None
    process.wait()
    said = process.stderr.read()
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "ab") as file:
        file.write(said)
    hint = "Nothing was touched. See that file and this machine's load, and try again."
    return SlipwayError("The run did not begin", where=str(log), why=why, hint=hint, details=_tail(log))


def said_of(error: SlipwayError) -> dict[str, Any]:
    """Return an error as what a run's process says instead of having begun."""
    problems = [problem.as_dict() for problem in getattr(error, "problems", ())]
    words = {key: getattr(error, key) for key in ("title", "where", "why", "hint", "details")}
    return {"error": words, "exit": int(error.exit_code), "problems": problems}


def error_of(said: Mapping[str, Any]) -> SlipwayError:
    """Return the error that a run's process said."""
    words = dict(said["error"])
    title = words.pop("title")
    if said["exit"] == Exit.HELD:
        found = tuple(Problem(**{**item, "level": Level(item["level"])}) for item in said["problems"])
        return HeldError(title, problems=found, **words)
    error = SlipwayError(title, **words)
    error.exit_code = Exit(said["exit"])
    return error


def _tail(log: Path) -> str:
    try:
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-10:])
    except OSError:
        return ""
