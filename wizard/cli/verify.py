"""`slipway verify`: prove a cluster by using it, as its users will."""

from __future__ import annotations

from wizard.cli.output import JsonFlag, guarded
from wizard.cli.perform import DetachFlag, FollowFlag, TakeOverFlag, perform
from wizard.cli.site import ProfileFile, SecretsFd, job_of
from wizard.cli.usage import follows
from wizard.plans.task import Kind, Task


@guarded
def verify(
    profile: ProfileFile,
    follow_flag: FollowFlag = False,
    detach: DetachFlag = False,
    take_over: TakeOverFlag = False,
    secrets_fd: SecretsFd = None,
    json_flag: JsonFlag = False,
) -> None:
    """Prove the cluster of a profile by using it: Pods, names, Services on every node. Nothing is left there."""
    follows(follow=follow_flag, detach=detach)
    job = job_of(profile, None, Task(kind=Kind.VERIFY))
    perform(job, json_flag, take_over=take_over, follow_flag=follow_flag, detach=detach, secrets_fd=secrets_fd)
