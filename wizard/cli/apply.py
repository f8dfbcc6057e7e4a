"""`slipway apply`: bring the hosts of a profile to what it says."""

from __future__ import annotations

from typing import Annotated

import typer

from wizard.checks.case import spoken
from wizard.cli.output import JsonFlag, guarded, say
from wizard.cli.perform import DetachFlag, FollowFlag, TakeOverFlag, YesFlag, perform
from wizard.cli.site import BundleFolder, ProfileFile, SecretsFd, demand_person, job_of
from wizard.cli.usage import follows, needs
from wizard.errors import UsageError
from wizard.plans.job import Job
from wizard.plans.judging import refuse
from wizard.plans.removal import meaning
from wizard.plans.task import ALLOW_REMOVAL, DRAIN_SECONDS, DRAINS, Task
from wizard.profile.survival import survival

AllowRemovalFlag = Annotated[
    bool,
    typer.Option("--allow-removal", help="Take hosts out of the cluster that the profile names no more."),
]
DrainTimeout = Annotated[
    int | None,
    typer.Option(
        "--drain-timeout",
        metavar="SECONDS",
        min=1,
        help=f"With --allow-removal: how long Pods of a host that leaves have to go. Default: {DRAINS}.",
    ),
]


@guarded
def apply(
    profile: ProfileFile,
    yes: YesFlag = False,
    follow_flag: FollowFlag = False,
    detach: DetachFlag = False,
    take_over: TakeOverFlag = False,
    allow_removal: AllowRemovalFlag = False,
    drain_timeout: DrainTimeout = None,
    bundle: BundleFolder = None,
    secrets_fd: SecretsFd = None,
    json_flag: JsonFlag = False,
) -> None:
    """Bring the hosts of a profile to what it says. Running it again changes only what differs.

    New hosts join a cluster that stands. Hosts that the profile names no more leave it only with --allow-removal.
    """
    follows(follow=follow_flag, detach=detach)
    needs("--drain-timeout", "--allow-removal", given=drain_timeout is not None, there=allow_removal)
    options = {ALLOW_REMOVAL: True, DRAIN_SECONDS: drain_timeout or DRAINS} if allow_removal else {}
    job = job_of(profile, bundle, Task(options=options))
    refuse(job.profile)
    if not yes:
        _confirm(job)
    perform(
        job, json_flag, yes=yes, take_over=take_over, follow_flag=follow_flag, detach=detach, secrets_fd=secrets_fd
    )  # fmt: skip


def _confirm(job: Job) -> None:
    demand_person()
    names = ", ".join(job.hosts)
    said = survival(job.profile)
    say(*said.words, *said.zone_words)
    leaving = job.leaving if job.task.options.get(ALLOW_REMOVAL) else ()
    for host in leaving:
        assert job.before is not None
        say(f"{host.name} leaves the cluster. {meaning(job.before, job.profile, host)}")
    out = f" and take {spoken([host.name for host in leaving])} out" if leaving else ""
    if not typer.confirm(f"Install {job.profile.name} on {names}{out}?", default=False, err=True):
        raise UsageError("Nothing was done", why="you said no")
