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

from wizard.cli.output import JsonFlag, emit, guarded, plain, problem_list, problems_view, write_out
from wizard.cli.perform import result_of
from wizard.cli.site import ProfileFile, SecretsFd, ask_secret, connections, secrets_from
from wizard.engine.events import RunResult
from wizard.engine.journal import JournalReader, RunInfo
from wizard.engine.record import Record, State
from wizard.errors import Exit, UsageError
from wizard.paths import cluster_dir, state_dir
from wizard.plans.status import Status, ask
from wizard.profile.load import load
from wizard.remote.secrets import AskedSecrets

runs_app = typer.Typer(help="What was done on a cluster: its runs.", no_args_is_help=True)
Cluster = Annotated[str, typer.Argument(metavar="CLUSTER", help="The cluster's name, as in its profile.")]


@guarded
def status(profile: ProfileFile, secrets_fd: SecretsFd = None, json_flag: JsonFlag = False) -> None:
    """Show how the cluster of a profile stands: hosts, VIP, etcd, nodes."""
    begun = time.monotonic()
    site = load(profile).profile

    async def look() -> Status:
        secrets = AskedSecrets(ask_secret, secrets_from(secrets_fd))
        async with connections(site, secrets) as connect:
            return await ask(site, connect)

    found = asyncio.run(look())
    emit(
        {
            "result": "done" if found.well else "failed",
            "cluster": site.name,
            "seconds": round(time.monotonic() - begun, 2),
            "vip": {"address": site.endpoint.vip, "holder": found.holders[0] if len(found.holders) == 1 else "",
                    "holders": list(found.holders)},
            "etcd": {"members": [{"name": item.name, "leader": item.leader, "healthy": item.healthy}
                                 for item in found.members]},
            "nodes": [{"name": item.name, "ready": item.ready, "version": item.version} for item in found.nodes],
            "hosts": [{"name": item.name, "roles": list(item.roles), "units": dict(item.units), "api": item.api,
                       "failure": item.failure} for item in found.hosts],
            "problems": problem_list(found.problems),
        },
        json_flag,
        _view(found, site.endpoint.vip),
    )  # fmt: skip
    if not found.well:
        raise typer.Exit(int(Exit.FAILED))


@guarded
def kubeconfig(profile: ProfileFile, json_flag: JsonFlag = False) -> None:
    """Print the path of the admin kubeconfig of a profile's cluster."""
    name = load(profile).profile.name
    path = cluster_dir(name) / "admin.conf"
    if not path.is_file():
        raise UsageError(
            f"There is no kubeconfig of {name} here", where=str(path), why="no install of it was finished on this host",
            hint="Run `slipway apply` with its profile.",
        )  # fmt: skip
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
    emit({"result": "done", "runs": rows, "problems": []}, json_flag, table if rows else Text("no run yet"))


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
        {"id": step.info.id, "host": step.host, "state": step.state.value, "seconds": round(step.seconds, 2)}
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
    return sorted(path.parent for path in root.glob("*/journal.db")) if root.is_dir() else []


def _view(found: Status, vip: str) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("host", "roles", "API", "etcd", "node", "VIP", "units"):
        table.add_column(column)
    members = {item.name: item for item in found.members}
    nodes = {item.name: item for item in found.nodes}
    for host in found.hosts:
        member, node = members.get(host.name), nodes.get(host.name)
        broken = [f"{unit} {state}" for unit, state in host.units.items() if state != "active"]
        table.add_row(
            Text(host.name, style="bold"), " ".join(host.roles), _mark(host.api),
            _mark(member.healthy if member else None, "leader" if member and member.leader else ""),
            _mark(node.ready if node else False if host.name in found.missing else None), "holds" if host.vip else "",
            plain(host.failure) or ", ".join(broken) or "all active",
        )  # fmt: skip
    words = "All is well." if found.well else "Something is amiss: see above."
    holders = ", ".join(found.holders) or "nobody"
    soon = [problems_view(found.problems)] if found.problems else []
    return Group(
        table, Text(f"VIP {vip}: {holders}"), *soon, Text(words, style="bold green" if found.well else "bold red")
    )  # fmt: skip


def _mark(good: bool | None, word: str = "") -> Text:
    if good is None:
        return Text("-", style="dim")
    return Text(f"✓ {word}".strip(), style="green") if good else Text("✗", style="bold red")


def _run_view(record: Record, info: RunInfo) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("step", "state", "seconds"):
        table.add_column(column)
    for step in record.steps.values():
        style = "red" if step.state is State.FAILED else ""
        table.add_row(step.info.id, Text(step.state.value, style=style), f"{step.seconds:.1f}")
    parts: list[Any] = [Text(f"{record.title}: {info.state}", style="bold"), table]
    if record.problems:
        parts.append(problems_view(record.problems))
    return Group(*parts)
