"""`slipway status`, `slipway kubeconfig` and `slipway runs`: how a cluster stands, how to reach it, what was done."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from wizard.cli.drifting import looking
from wizard.cli.output import JsonFlag, emit, guarded, plain, problems_view, write_out
from wizard.cli.perform import result_of
from wizard.cli.site import BundleFolder, ProfileFile, SecretsFd, ask_secret, connections, secrets_from
from wizard.cli.standing import as_object, exit_of, full
from wizard.cli.usage import needs
from wizard.cli.watch import watch
from wizard.engine.events import RunResult
from wizard.engine.journal_reader import JournalReader, RunInfo
from wizard.engine.record import Record, State
from wizard.errors import UsageError
from wizard.paths import cluster_dir, state_dir
from wizard.plans.status import Status, ask, once, with_drift
from wizard.profile.load import load
from wizard.remote.secrets import AskedSecrets

runs_app = typer.Typer(help="What was done on a cluster: its runs.", no_args_is_help=True)
EVERY = 5.0
"""How often a watch looks, in seconds, where nobody says otherwise."""
Cluster = Annotated[str, typer.Argument(metavar="CLUSTER", help="The cluster's name, as in its profile.")]


@guarded
def status(
    profile: ProfileFile,
    watch_flag: Annotated[
        bool,
        typer.Option("--watch", "-w", help="Go on: draw it anew in place; in a pipe, a line a change. Ctrl-C ends it."),
    ] = False,
    every: Annotated[
        float | None,
        typer.Option(
            "--every",
            metavar="SECONDS",
            min=1,
            help=f"With --watch: how often. Default: {EVERY:.0f}.",
            show_default=False,
        ),
    ] = None,
    drift: Annotated[bool, typer.Option(help="Look for what was changed by hand, too.")] = True,
    bundle: BundleFolder = None,
    secrets_fd: SecretsFd = None,
    json_flag: JsonFlag = False,
) -> None:
    """Show how the cluster of a profile stands: hosts, units, VIP, etcd, nodes, certificates, versions, drift.

    Exit code 0: well; 1: something is wrong; 4: what could be asked is well, and hosts could not be asked.
    """
    needs("--every", "--watch", given=every is not None, there=watch_flag)
    begun = time.monotonic()
    site = load(profile).profile

    async def look() -> Status | None:
        secrets = AskedSecrets(ask_secret, secrets_from(secrets_fd))
        async with connections(site, secrets) as connect:
            if watch_flag:
                await watch(site, connect, looking(site, bundle, connect, wanted=drift), every or EVERY, json_flag)
                return None
            knock = once(connect)
            found = await ask(site, knock)
            # Not at the same time: looking through everything would make what is asked slow to answer.
            return with_drift(found, await looking(site, bundle, knock, wanted=drift)(found.nodes_asked))

    found = asyncio.run(look())
    if found is None:
        return
    emit(as_object(site, found, time.monotonic() - begun), json_flag, full(found))
    if code := exit_of(found):
        raise typer.Exit(int(code))


@guarded
def kubeconfig(profile: ProfileFile, json_flag: JsonFlag = False) -> None:
    """Print the path of the admin kubeconfig of a profile's cluster."""
    name = load(profile).profile.name
    path = cluster_dir(name) / "admin.conf"
    if not path.is_file():
        kept = sorted(path.parent.glob("reset-*/admin.conf"))
        why = "it was put away when the cluster was reset" if kept else "no install of it was finished on this host"
        hint = f"The old one, of hosts that are free now, is {kept[-1]}." if kept else "Run `slipway apply PROFILE`."
        raise UsageError(f"There is no kubeconfig of {name} here", where=str(path), why=why, hint=hint)
    if json_flag:
        emit({"result": "done", "cluster": name, "kubeconfig": str(path), "problems": []}, True)
    else:
        write_out(str(path))


@runs_app.command("list")
@guarded
def list_runs(
    cluster: Annotated[str, typer.Argument(metavar="[CLUSTER]", help="Only this cluster's.")] = "",
    json_flag: JsonFlag = False,
) -> None:
    """List the runs of all clusters, the newest first."""
    runs = sorted(_runs(cluster), key=lambda info: -info.started)
    rows = [
        {"run": info.run, "cluster": info.cluster, "title": info.title, "state": info.state, "started": info.started}
        for info in runs
    ]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("run", "cluster", "state", "started", ""):
        table.add_column(column)
    for info in runs:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(info.started))
        table.add_row(info.run, plain(info.cluster), info.state, when, plain(info.title))
    none = Text(f"no run of {plain(cluster)} yet" if cluster else "no run yet")
    emit({"result": "done", "runs": rows, "problems": []}, json_flag, table if rows else none)


@runs_app.command("show")
@guarded
def show_run(
    cluster: Cluster,
    run: Annotated[str, typer.Argument(metavar="[RUN]", help="The run's id. Default: the newest.")] = "",
    json_flag: JsonFlag = False,
) -> None:
    """Show what became of each step of a run, and its log."""
    reader = JournalReader(cluster_dir(cluster))
    info = reader.run(run) if run else next(iter(reader.runs()), None)
    if info is None:
        raise UsageError(
            f"There is no run {run} of {cluster}" if run else f"There is no run of {cluster}",
            hint="See `slipway runs list`.",
        )
    record = reader.record(info.run)
    steps = [
        {
            "id": step.info.id,
            "title": step.info.title,
            "host": step.host,
            "state": step.state.value,
            "seconds": round(step.seconds, 2),
        }
        for step in record.steps.values()
    ]
    emit({**result_of(record), "result": info.state, "steps": steps}, json_flag, _run_view(record, info))
    if record.result and record.result is not RunResult.DONE:
        raise typer.Exit(int(record.result.exit_code))


def _runs(cluster: str) -> list[RunInfo]:
    folders = [cluster_dir(cluster)] if cluster else _folders()
    return [info for folder in folders for info in JournalReader(folder).runs()]


def _folders() -> list[Path]:
    root = state_dir()
    # A glob would keep to itself that a folder may not be read.
    return sorted(path for path in root.iterdir() if (path / "journal.db").exists()) if root.is_dir() else []


def _run_view(record: Record, info: RunInfo) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("step", "", "state", "seconds"):
        table.add_column(column)
    for step in record.steps.values():
        style = "red" if step.state is State.FAILED else ""
        table.add_row(step.info.id, plain(step.info.title), Text(step.state.value, style=style), f"{step.seconds:.1f}")
    parts: list[Any] = [Text(f"{record.title}: {info.state}", style="bold"), table]
    if record.problems:
        parts.append(problems_view(record.problems))
    return Group(*parts)
