"""`slipway apply`: bring the hosts of a profile to what it says."""

from __future__ import annotations

import typer

from wizard.cli.output import JsonFlag, guarded, say
from wizard.cli.perform import DetachFlag, FollowFlag, TakeOverFlag, YesFlag, perform
from wizard.cli.site import BundleFolder, ProfileFile, SecretsFd, demand_person, job_of
from wizard.errors import UsageError
from wizard.plans.job import Job, refuse
from wizard.profile.survival import survival


@guarded
def apply(
    profile: ProfileFile,
    yes: YesFlag = False,
    follow_flag: FollowFlag = False,
    detach: DetachFlag = False,
    take_over: TakeOverFlag = False,
    bundle: BundleFolder = None,
    secrets_fd: SecretsFd = None,
    json_flag: JsonFlag = False,
) -> None:
    """Bring the hosts of a profile to what it says. Running it again changes only what differs."""
    job = job_of(profile, bundle)
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
    if not typer.confirm(f"Install {job.profile.name} on {names}?", default=False, err=True):
        raise UsageError("Nothing was done", why="you said no")
