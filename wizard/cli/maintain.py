"""`slipway maintain`: one host out for patching or a reboot, and back."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from wizard.cli.output import JsonFlag, guarded, say
from wizard.cli.perform import DetachFlag, FollowFlag, TakeOverFlag, YesFlag, perform
from wizard.cli.site import ProfileFile, SecretsFd, demand_person, job_of
from wizard.cli.usage import follows, needs
from wizard.errors import UsageError
from wizard.plans.job import Job
from wizard.plans.maintain import BEGIN, GOES, maintenance, margin


class Action(StrEnum):
    """What is done with a host."""

    BEGIN = "begin"
    END = "end"


def _action(word: str) -> Action:
    try:
        return Action(word)
    except ValueError:
        raise UsageError(
            f"A maintenance can't {word}", hint="Write begin to take the host out, end to take it back."
        ) from None


@guarded
def maintain(
    profile: ProfileFile,
    host: Annotated[str, typer.Argument(metavar="HOST", help="The host's name in the profile.", show_default=False)],
    action: Annotated[str, typer.Argument(metavar="begin|end", help="Take it out, or back.", show_default=False)],
    timeout: Annotated[
        int | None,
        typer.Option(
            "--timeout",
            metavar="SECONDS",
            min=1,
            help=f"With begin: how long its Pods may take to go. Default: {GOES}.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="With begin: delete Pods that nobody starts anew, too.")
    ] = False,
    yes: YesFlag = False,
    follow_flag: FollowFlag = False,
    detach: DetachFlag = False,
    take_over: TakeOverFlag = False,
    secrets_fd: SecretsFd = None,
    json_flag: JsonFlag = False,
) -> None:
    """Take one host out for patching or a reboot (begin), and back (end). No write fails meanwhile.

    Its Pods move elsewhere, the other masters serve the API and hold the VIP, another member leads etcd.
    Until it is back, `slipway apply` and `slipway certs renew` refuse to work on the cluster.
    """
    follows(follow=follow_flag, detach=detach)
    begin = _action(action) is Action.BEGIN
    needs("--force", "begin", given=force, there=begin)
    needs("--timeout", "begin", given=timeout is not None, there=begin)
    job = job_of(profile, None, maintenance(host, begin=begin, seconds=timeout or GOES, force=force))
    if not yes:
        _confirm(job)
    perform(
        job, json_flag, yes=yes, take_over=take_over, follow_flag=follow_flag, detach=detach, secrets_fd=secrets_fd
    )  # fmt: skip


def _confirm(job: Job) -> None:
    demand_person()
    name = job.task.hosts[0]
    begin = bool(job.task.options[BEGIN])
    if begin and (words := margin(job.profile, job.profile.host(name))):
        say(words)
    way = "out for maintenance" if begin else "back into use"
    if not typer.confirm(f"Take {name} of {job.profile.name} {way}?", default=False, err=True):
        raise UsageError("Nothing was done", why="you said no")
