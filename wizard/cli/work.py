"""The run's own process: reads its order, holds the lock, keeps the journal, serves the socket, does the job."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import signal
import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

from wizard import __version__
from wizard.bundle.opened import load_bundle
from wizard.cli.launch import Order, keep_order, said_of
from wizard.cli.site import connections, with_extras_files
from wizard.engine.control import Control, Intent
from wizard.engine.control_socket import serve
from wizard.engine.events import Question, RunFinished, RunResult, RunStarted
from wizard.engine.journal import Journal
from wizard.engine.locks import HostLock, cluster_lock, holder_of
from wizard.engine.turns import GO_ON
from wizard.errors import Exit, Level, Problem, SlipwayError
from wizard.plans.folder import applied
from wizard.plans.job import Job, apply, gathered
from wizard.plans.kinds import KINDS
from wizard.plans.task import Task
from wizard.profile.model import Profile
from wizard.remote.base import HostKeyUnknown, Secret
from wizard.remote.secrets import AskedSecrets, GivenSecrets, SecretKind

ACCEPT = "accept"
REFUSE = "refuse"


def run_order() -> None:
    """Do the order on stdin. Only the commands that change a site and the wizard start this process."""
    # What it will need takes a while to load, and the order is not there yet.
    importlib.import_module("wizard.remote.ssh.opener")
    told = sys.stdin.read()
    if not told:
        return
    order = Order(**json.loads(told))
    _log_to(Path(order.folder) / "logs" / f"{order.run}.log")
    task = Task.model_validate(order.task)
    bundle = load_bundle(Path(order.bundle)) if order.bundle else None
    job = Job(Profile.model_validate(order.profile), bundle, Path(order.folder), task)
    try:
        with cluster_lock(job.folder, order.run):
            job = replace(job, before=applied(job.folder))
            keep_order(order)
            result = asyncio.run(_work(job, order))
    except SlipwayError as error:
        _say(said_of(error))
        sys.exit(int(error.exit_code))
    sys.exit(int(result.exit_code))


def _log_to(path: Path) -> None:
    """Say on file from now on what this process says on stderr."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    os.dup2(handle, 2)
    os.close(handle)


async def _work(job: Job, order: Order) -> RunResult:
    title = KINDS[job.task.kind].title(job.profile.name, job.task)
    with Journal(job.folder, order.run, job.profile.name, title=title) as journal:
        control = Control(journal, _by_itself(order))
        async with serve(control, job.folder, order.run):
            started = RunStarted(order.run, job.profile.name, f"{title}: looking at the hosts", version=__version__)
            await journal.commit(started)
            _say({"started": order.run})
            _let_go()
            begun = time.monotonic()
            task = asyncio.create_task(_apply(job, order, journal, control))
            _cancellable(task, control)
            problems: tuple[Problem, ...] = ()
            try:
                return await task
            except asyncio.CancelledError:
                result = RunResult.INTERRUPTED
            except SlipwayError as error:
                result, problems = _ending(error)
            except Exception as error:
                # A defect: the person gets one sentence, the log beside the journal has the rest.
                traceback.print_exc()
                why = f"slipway failed in a way it did not expect ({type(error).__name__})"
                hint = f"Report it with {job.folder / 'logs' / (order.run + '.log')}; running again goes on."
                result = RunResult.FAILED
                problems = (Problem("slipway.defect", Level.ERROR, why, hint),)
            await journal.commit(RunFinished(result, time.monotonic() - begun, problems))
            return result


async def _apply(job: Job, order: Order, journal: Journal, control: Control) -> RunResult:
    async def ask(kind: SecretKind, host: str, prompt: str) -> Secret | None:
        if not order.interactive:
            return None
        answer = await control.ask(Question(f"secret/{kind}/{host}", prompt, host=host, secret=True))
        return Secret(answer) if answer else None

    async def confirm(unknown: HostKeyUnknown) -> bool:
        if not order.interactive:
            return False
        text = f"{unknown.where} is seen for the first time. Its key is {unknown.fingerprint}. Is that its key?"
        question = Question(f"key/{unknown.where}/{unknown.fingerprint}", text, (ACCEPT, REFUSE), host=unknown.where)
        return await control.ask(question) == ACCEPT

    secrets = AskedSecrets(ask, GivenSecrets(order.secrets))
    lock = HostLock(order.run, holder_of(job.folder))
    job = await with_extras_files(job, secrets, needed=True)
    async with connections(job.profile, secrets, confirm, job.before) as connect:
        outcome = await apply(
            job, connect, journal, control, lock=lock, take_over=order.take_over, seen=gathered(journal)
        )
    return outcome.result


def _ending(error: SlipwayError) -> tuple[RunResult, tuple[Problem, ...]]:
    """Return how a run ends that an error ended before its first step."""
    result = RunResult.HELD if error.exit_code is Exit.HELD else RunResult.FAILED
    problems: tuple[Problem, ...] = getattr(error, "problems", ())
    return result, problems or (error.as_problem("run.failed"),)


def _by_itself(order: Order) -> Any:
    """Return what answers questions without a person: with ``--yes`` those that have a way to go on, never a key."""

    def answer(question: Question) -> str | None:
        return GO_ON if order.yes and GO_ON in question.choices else None

    return answer


def _cancellable(task: asyncio.Task[RunResult], control: Control) -> None:
    """Let SIGTERM and SIGINT, and a cancel that comes before the first step, end the run in order."""

    def before_steps(intent: Intent) -> str:
        if intent.intent != "cancel":
            return "the run is still looking at the hosts"
        task.cancel()
        return ""

    control.handler = before_steps
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, lambda: control.submit(Intent("cancel")))


def _say(said: dict[str, Any]) -> None:
    print(json.dumps(said), flush=True)


def _let_go() -> None:
    """Let go of the pipe to whoever started this process: it may be gone long before the run ends."""
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)
    os.dup2(nothing, 0)
    os.close(nothing)
