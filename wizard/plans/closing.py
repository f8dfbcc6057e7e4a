"""The last of a run: what it leaves in the cluster's folder on this jump host, by how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from wizard.engine.events import RunResult
from wizard.engine.outcome import Outcome
from wizard.errors import SlipwayError
from wizard.pki.store import Pki, forget
from wizard.plans.archive import archive
from wizard.plans.folder import keep, remember, with_hosts
from wizard.plans.kinds import KINDS
from wizard.plans.task import Job
from wizard.profile.model import Host


def close(
    job: Job, keys: Pki | None, run: str, outcome: Outcome, *, none_left: bool, gone: Sequence[Host] = ()
) -> Outcome:  # fmt: skip
    """Keep the admin kubeconfig and the applied profile, or put all away; return the outcome, failed where that fails.

    `none_left` says that the job's hosts were the last ones of the cluster. Of those that leave, `gone` are out of it
    now and forgotten; the others stay known, with their login.
    """
    work = KINDS[job.task.kind]
    try:
        if work.makes_keys and keys:
            left = [host for host in job.leaving if host not in gone]
            known = with_hosts(job.profile, job.before, left) if job.before else job.profile
            keep(job.folder, known, keys, applied=work.installs and _applied(outcome))
            if job.before and work.installs and not _applied(outcome):
                remember(job.folder, job.before)
            for host in gone:
                forget(job.folder / "pki", host.name)
        if work.undoes and none_left and outcome.result is RunResult.DONE:
            archive(job.folder, run)
    except SlipwayError as error:
        problems = (*outcome.problems, error.as_problem("cluster.folder"))
        return replace(outcome, result=RunResult.FAILED, problems=problems)
    return outcome


def _applied(outcome: Outcome) -> bool:
    """Tell whether hosts are now as the job's profile says, some of them or in part.

    A run that ended before any step changed something leaves what the last one applied, and so that one's profile.
    """
    return outcome.result in (RunResult.DONE, RunResult.PARTIAL) or bool(outcome.changed)
