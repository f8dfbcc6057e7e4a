"""`slipway reset`: hosts become what they were before slipway."""

from __future__ import annotations

from typing import Annotated

import typer

from wizard.checks.case import spoken
from wizard.cli.output import JsonFlag, guarded, say
from wizard.cli.perform import DetachFlag, FollowFlag, TakeOverFlag, YesFlag, perform
from wizard.cli.site import OnlyHosts, ProfileFile, SecretsFd, job_of, on_terminal
from wizard.cli.usage import follows
from wizard.errors import UsageError
from wizard.plans.job import Job
from wizard.plans.reset import KEEP_PACKAGES
from wizard.plans.task import Kind, Task

ClusterOption = Annotated[
    str, typer.Option("--cluster", metavar="NAME", help="With --yes, for a whole cluster: its name, as you'd type it.")
]
KeepPackagesFlag = Annotated[bool, typer.Option("--keep-packages", help="Leave the packages that slipway installed.")]


@guarded
def reset(
    profile: ProfileFile,
    host: OnlyHosts = None,
    yes: YesFlag = False,
    cluster: ClusterOption = "",
    keep_packages: KeepPackagesFlag = False,
    follow_flag: FollowFlag = False,
    detach: DetachFlag = False,
    take_over: TakeOverFlag = False,
    secrets_fd: SecretsFd = None,
    json_flag: JsonFlag = False,
) -> None:
    """Put hosts back to what they were before slipway. All that the cluster holds on them is destroyed.

    Without --host the whole cluster ends. Running it again goes on where it was broken off.
    """
    follows(follow=follow_flag, detach=detach)
    options = {KEEP_PACKAGES: True} if keep_packages else {}
    job = job_of(profile, None, Task(kind=Kind.RESET, hosts=tuple(dict.fromkeys(host or ())), options=options))
    confirm(job, yes=yes, cluster=cluster)
    perform(
        job, json_flag, yes=yes, take_over=take_over, follow_flag=follow_flag, detach=detach, secrets_fd=secrets_fd
    )  # fmt: skip


def confirm(job: Job, *, yes: bool, cluster: str) -> None:
    """Return when it is meant: for a whole cluster its name has to be said, at the terminal or by --cluster.

    Raises `UsageError` where it isn't.
    """
    name = job.profile.name
    if cluster and cluster != name:
        raise UsageError(
            f"This profile's cluster is {name}, not {cluster}", hint="Give the profile of the one you mean."
        )
    if yes and (cluster or not job.whole):
        return
    if not on_terminal():
        flags = f"--yes --cluster {name}" if job.whole else "--yes"
        raise UsageError("This destroys what hosts hold, and nobody is there to say yes", hint=f"Add {flags}.")
    if job.whole:
        say(f"Resetting {name} ends the cluster on {spoken(list(job.hosts))}.")
        say("All its data is destroyed: etcd's, the Pods', images, certificates. Nothing of it can be brought back.")
        if typer.prompt("Type the cluster's name to go on", "", show_default=False, err=True) != name:
            raise UsageError("Nothing was done", why="that was not the cluster's name")
    elif not typer.confirm(f"Reset {spoken(list(job.about))} and destroy all it holds?", default=False, err=True):
        raise UsageError("Nothing was done", why="you said no")
