"""`slipway certs`: see a cluster's certificates, and renew them while it serves."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from wizard.checks.reach import NOT_ASKED
from wizard.cli.output import RESULTS, JsonFlag, emit, guarded, plain, problem_list, problems_view, say
from wizard.cli.perform import DetachFlag, FollowFlag, TakeOverFlag, YesFlag, perform
from wizard.cli.site import (
    OnlyHosts,
    ProfileFile,
    SecretsFd,
    ask_secret,
    connections,
    demand_person,
    job_of,
    secrets_from,
)
from wizard.cli.usage import follows
from wizard.errors import Exit, UsageError, errors_of
from wizard.paths import cluster_dir
from wizard.pki import store
from wizard.pki.inventory import AUTHORITY_NAMES
from wizard.plans.certs import WARN_DAYS, Certificates, Entry, ask
from wizard.plans.job import Job
from wizard.plans.renew import due, renewal
from wizard.profile.load import load
from wizard.remote.secrets import AskedSecrets

certs_app = typer.Typer(help="Certificates: see them, renew them.", no_args_is_help=True)


@certs_app.command()
@guarded
def show(profile: ProfileFile, secrets_fd: SecretsFd = None, json_flag: JsonFlag = False) -> None:
    """Show every certificate of the cluster, the one that ends soonest first. Keys are never read.

    One that has ended or is missing is a failure (exit 1); a host that does not answer leaves it done in part (exit 4).
    """
    begun = time.monotonic()
    site = load(profile).profile
    keys = store.load(cluster_dir(site.name) / "pki")

    async def look() -> Certificates:
        async with connections(site, AskedSecrets(ask_secret, secrets_from(secrets_fd))) as connect:
            return await ask(site, connect, keys)

    found = asyncio.run(look())
    ended = _exit(found)
    emit(
        {
            "result": RESULTS[ended],
            "cluster": site.name,
            "seconds": round(time.monotonic() - begun, 2),
            "certificates": [_plain(entry) for entry in found.entries],
            "problems": problem_list(found.problems),
        },
        json_flag,
        _view(found),
    )
    if ended is not Exit.DONE:
        raise typer.Exit(int(ended))


def _exit(found: Certificates) -> Exit:
    """Return how a look at certificates ends: what is known to be wrong weighs more than what could not be seen."""
    broken = {problem.code for problem in errors_of(found.problems)}
    if broken - NOT_ASKED:
        return Exit.FAILED
    return Exit.PARTIAL if broken else Exit.DONE


@certs_app.command()
@guarded
def renew(
    profile: ProfileFile,
    days: Annotated[
        int | None, typer.Option("--days", metavar="N", min=1, help="Only those with fewer than N days left.")
    ] = None,
    hosts: OnlyHosts = None,
    yes: YesFlag = False,
    follow_flag: FollowFlag = False,
    detach: DetachFlag = False,
    take_over: TakeOverFlag = False,
    secrets_fd: SecretsFd = None,
    json_flag: JsonFlag = False,
) -> None:
    """Make certificates anew, all unless told otherwise, host by host while the cluster serves. Authorities stay."""
    follows(follow=follow_flag, detach=detach)
    job = job_of(profile, None, renewal(tuple(hosts or ()), days))
    if not yes:
        chosen = _due(job)
        if not chosen:
            words = f"No certificate of {job.profile.name} is due: nothing was done."
            hint = "Hosts that lack one of the store's get it by `slipway apply`, or by this command with --yes."
            emit({"result": "done", "cluster": job.profile.name, "changed": [], "problems": []}, json_flag)
            say(words, hint)
            return
        _confirm(job, len(chosen))
    perform(
        job, json_flag, yes=yes, take_over=take_over, follow_flag=follow_flag, detach=detach, secrets_fd=secrets_fd
    )  # fmt: skip


def _due(job: Job) -> list[str]:
    """Return the certificates that the job makes anew. Raises `PkiError` where their store is not here."""
    folder = job.folder / "pki"
    keys = store.load(folder)
    if keys is None:
        raise store.lost(folder)
    anew = due(job.task)
    return [name for name, pair in keys.pairs.items() if name not in AUTHORITY_NAMES and anew(name, pair.certificate)]


def _confirm(job: Job, count: int) -> None:
    demand_person()
    say("Controllers are started anew with theirs, one host at a time; everything else reads the new files by itself.")
    if not typer.confirm(f"Make {count} certificates of {job.profile.name} anew?", default=False, err=True):
        raise UsageError("Nothing was done", why="you said no")


def _plain(entry: Entry) -> dict[str, Any]:
    return {**asdict(entry), "ends": f"{entry.ends:%Y-%m-%dT%H:%M:%SZ}"}


def _view(found: Certificates) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("days", "certificate", "for", "subject", "issuer", "where"):
        table.add_column(column)
    for entry in found.entries:
        style = "bold red" if entry.days < 0 else "yellow" if entry.days < WARN_DAYS else ""
        table.add_row(
            Text(str(entry.days), style=style), plain(entry.name), entry.purpose, plain(entry.subject),
            plain(entry.issuer), plain(_where(entry)),
        )  # fmt: skip
    parts: list[RenderableType] = [table]
    if found.problems:
        parts.append(Padding(problems_view(found.problems), (1, 0, 0, 0), expand=False))
    return Group(*parts)


def _where(entry: Entry) -> str:
    """Return where a certificate lies: files with their hosts, and a word where it is not the store's."""
    files: dict[str, list[str]] = {}
    for lies in entry.lies:
        files.setdefault(lies.path, []).append(lies.host + (" (differs)" if lies.agrees is False else ""))
    there = [f"{path} on {', '.join(hosts)}" for path, hosts in files.items()]
    return "; ".join(there) or "the store alone"
