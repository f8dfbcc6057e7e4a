"""Reaching a site from the command line: its profile, its bundle, its connections, and the questions to a person."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from wizard import versions
from wizard.bundle.opened import Bundle, load_bundle
from wizard.bundle.places import default_folder
from wizard.checks.change import upgrade
from wizard.cli.output import say
from wizard.errors import HeldError, UsageError
from wizard.paths import cluster_dir
from wizard.plans import extras_files
from wizard.plans.folder import applied
from wizard.plans.job import Connect, Job
from wizard.plans.kinds import KINDS
from wizard.plans.task import INSTALL, Kind, Task
from wizard.profile.extras_paths import based
from wizard.profile.load import load
from wizard.profile.model import Profile
from wizard.remote.base import Connection, HostKeyUnknown, Secret
from wizard.remote.secrets import AskedSecrets, GivenSecrets, SecretKind, Secrets, read_secrets
from wizard.remote.ssh import SshConnector, settings_of
from wizard.remote.targets import targets_of

ProfileFile = Annotated[Path, typer.Argument(metavar="PROFILE", help="The profile's file.", show_default=False)]
BundleFolder = Annotated[
    Path | None,
    typer.Option("--bundle", metavar="DIR", help="The bundle's folder. Default: the cache's, by version and machine."),
]
OnlyHosts = Annotated[
    list[str] | None,
    typer.Option("--host", metavar="NAME", help="Only this host of the profile; may be given several times."),
]
SecretsFd = Annotated[
    int | None,
    typer.Option(
        "--secrets-fd",
        metavar="N",
        help='Read secrets from this open file descriptor: lines such as "sudo=…", or JSON.',
    ),
]
Confirm = Callable[[HostKeyUnknown], Awaitable[bool]]


def job_of(path: Path, bundle: Path | None, task: Task = INSTALL) -> Job:
    """Return the job to do `task` (an install by default) on the hosts of a profile's file.

    `bundle` is its folder (None: the cache's), and is opened for a task that takes anything from it alone. Raises
    `SlipwayError` where profile or bundle can't be read, `UsageError` where the task names no host of it, or where an
    install can't use a file that the profile names, `HeldError` where it would upgrade the cluster.
    """
    profile = based(load(path).profile, path.parent)
    names = [host.name for host in profile.hosts]
    if lost := [name for name in task.hosts if name not in names]:
        raise UsageError(f"There is no host {lost[0]}", where=str(path), hint=f"Its hosts are {', '.join(names)}.")
    if KINDS[task.kind].installs:
        extras_files.read(profile)
    return job_on(profile, bundle, task)


def job_on(profile: Profile, bundle: Path | None, task: Task = INSTALL) -> Job:
    """Return the job to do `task` on the hosts of `profile`, with its bundle where it takes anything from one."""
    if task.kind is Kind.INSTALL:
        hold_upgrade(profile)
    opened = open_bundle(profile, bundle) if KINDS[task.kind].bundled else None
    folder = cluster_dir(profile.name)
    return Job(profile, opened, folder, task, applied(folder))


def hold_upgrade(profile: Profile) -> None:
    """Raise `HeldError` where the cluster was applied with another Kubernetes: before its bundle is asked for."""
    problems = tuple(upgrade(profile, applied(cluster_dir(profile.name))))
    if problems:
        raise HeldError("This cluster can't be upgraded yet", problems=problems, hint="Nothing was touched.")


async def with_extras_files(job: Job, secrets: Secrets, *, needed: bool = False) -> Job:
    """Return `job` with what the site's own files hold, where its task needs it.

    Passwords that no file holds come from `secrets`. Raises `UsageError` where a file can't be used, or where a
    password is `needed` and nobody gives it.
    """
    if not KINDS[job.task.kind].installs:
        return job
    found = await asyncio.to_thread(extras_files.read, job.profile)
    return replace(job, extras_files=await extras_files.with_passwords(found, job.profile, secrets, needed=needed))


def open_bundle(profile: Profile, folder: Path | None) -> Bundle:
    """Return the bundle that a profile installs from: `folder`, or the cache's for its version."""
    return load_bundle(folder or default_folder(profile.kubernetes or versions.default()))


def secrets_from(descriptor: int | None) -> GivenSecrets:
    """Return the secrets handed over on `descriptor`, or none."""
    return GivenSecrets() if descriptor is None else read_secrets(descriptor)


def on_terminal() -> bool:
    """Tell whether a person can be asked here."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def demand_person() -> None:
    """Raise `UsageError` where nobody is there to say yes to a change of hosts."""
    if not on_terminal():
        raise UsageError(
            "This changes hosts and nobody is there to say yes", hint="Add --yes, or run it on a terminal."
        )


async def ask_secret(kind: SecretKind, host: str, prompt: str) -> Secret | None:
    """Ask the person at this terminal for a secret, without echo; None where there is none or they decline."""
    if not on_terminal():
        return None
    answer = await asyncio.to_thread(typer.prompt, prompt, "", hide_input=True, show_default=False, err=True)
    return Secret(answer) if answer else None


async def confirm_key(unknown: HostKeyUnknown) -> bool:
    """Ask the person at this terminal whether a host's key is right; False where nobody is there."""
    if not on_terminal():
        return False
    say(f"{unknown.where or unknown.title} is seen for the first time. Its key is {unknown.fingerprint}")
    return await asyncio.to_thread(typer.confirm, "Is that its key?", False, err=True)


@asynccontextmanager
async def connections(
    profile: Profile,
    secrets: Secrets | None = None,
    confirm: Confirm | None = None,
    before: Profile | None = None,
) -> AsyncIterator[Connect]:
    """Yield the function that opens a connection to a host of `profile`; close all of them at the end.

    Hosts that only the profile `before` names are reached as that one says.

    Without `secrets` and `confirm` the person at this terminal is asked.
    """
    connector = SshConnector(
        cluster_dir(profile.name) / "known_hosts", secrets or AskedSecrets(ask_secret), confirm or confirm_key
    )
    targets = {**(targets_of(before, settings_of) if before else {}), **targets_of(profile, settings_of)}

    async def connect(host: str) -> Connection:
        return await connector.connect(targets[host])

    try:
        yield connect
    finally:
        await connector.close()
