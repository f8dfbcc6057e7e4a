"""One job, from the profile to its outcome: look at the hosts, judge, plan, run. The one way through, in this order.

It is the same way for every kind of task; what differs between them stands in `wizard.plans.kinds`.
"""

from __future__ import annotations

from collections.abc import Callable

from wizard import __version__
from wizard.engine.control import Control
from wizard.engine.graph import part_of
from wizard.engine.locks import HostLock
from wizard.engine.marker import Owner
from wizard.engine.outcome import Outcome
from wizard.engine.runner import run
from wizard.engine.sink import Sink
from wizard.engine.step import Plan, Step
from wizard.errors import SlipwayError
from wizard.facts.model import Survey
from wizard.facts.survey import Seen
from wizard.pki import store
from wizard.pki.wanted import wanted
from wizard.plans import removal
from wizard.plans.closing import close
from wizard.plans.folder import identity, remember, with_hosts
from wizard.plans.judging import Found, asked, hold, judge, refuse, site_of, stands_on
from wizard.plans.kinds import KINDS, Given, Work
from wizard.plans.look import Connect, gathered, give_back, look
from wizard.plans.reset import ends
from wizard.plans.task import Job
from wizard.steps.join import Token, new_token

__all__ = ["Connect", "Job", "apply", "dry_run", "gathered", "give_back", "look", "prepare"]


def prepare(
    job: Job, survey: Survey, uid: str, keys: store.Pki | None, run_id: str = "", token: Token | None = None
) -> Plan:
    """Return the plan. Pure: touches no host, and makes neither a key nor a token.

    `run_id` is that of the run it is made for, if any, and `token` that run's, for new workers.
    """
    site = site_of(job, survey, uid or "new")
    given = Given(site, job.bundle, keys, job.task, run_id, token, job.leaving, job.before)
    return KINDS[job.task.kind].plan(given)


async def dry_run(
    job: Job,
    connect: Connect,
    sink: Sink,
    run_id: str,
    seen: Seen | None = None,
    only: Callable[[Step], bool] | None = None,
) -> tuple[Found, Plan]:
    """Look, judge, plan, and take every probe: events with exact diffs go to `sink`, and nothing is touched.

    With `only` the probes of those steps alone, also while a host is out for maintenance. Raises `HeldError` where
    something stands against the job.
    """
    uid = identity(job.folder, job.profile.name)
    survey = await look(job, connect, seen=seen)
    found = await asked(job, judge(job, survey, uid, looks=only is not None), connect)
    hold(found)
    plan = prepare(job, survey, uid, store.load(job.folder / "pki"))
    if only is not None:
        plan = part_of(plan, only)
    await run(plan, connect, sink, run_id=run_id, dry=True, failures=found.dead)
    return found, plan


async def apply(
    job: Job,
    connect: Connect,
    sink: Sink,
    control: Control,
    *,
    lock: HostLock,
    take_over: bool = False,
    seen: Seen | None = None,
) -> Outcome:
    """Do the job and return how it ended. The caller holds the cluster's lock on this jump host.

    Raises `UsageError` for a profile that a new install refuses, `HeldError` where something else stands against it:
    then nothing was touched.
    """
    work = KINDS[job.task.kind]
    if work.installs:
        refuse(job.profile)
    uid = identity(job.folder, job.profile.name)
    survey = await look(job, connect, lock, seen, take_over=take_over)
    try:
        found = await asked(job, judge(job, survey, uid), connect)
        hold(found)
        stands = stands_on(survey, uid)
        uid = identity(job.folder, job.profile.name, make=work.makes_keys)
        keys = _keys(job, work, stands=stands)
        plan = prepare(job, survey, uid, keys, lock.run, new_token() if work.installs else None)
        if job.before and work.installs:
            # Whatever becomes of this run, hosts that may have come to belong to the cluster are known from now on.
            known = [host for host in job.profile.hosts if all(host.name != one.name for one in job.before.hosts)]
            remember(job.folder, with_hosts(job.before, job.profile, known))
    except SlipwayError:
        await give_back(connect, survey, lock)
        raise
    markers = {host: facts.traces.marker.text for host, facts in survey.facts.items()}
    return await run(
        plan,
        connect,
        sink,
        run_id=lock.run,
        control=control,
        markers=markers,
        owner=Owner(uid, job.profile.name, __version__),
        lock=lock,
        failures=found.dead,
        last=lambda outcome: close(
            job,
            keys,
            lock.run,
            outcome,
            none_left=ends(job, survey, uid),
            gone=removal.removed(job, plan, outcome, stands=stands),
        ),
    )


def _keys(job: Job, work: Work, *, stands: bool) -> store.Pki | None:
    """Return the cluster's authorities and keys, made where they are missing and the task makes them.

    What takes a cluster away needs none, and shall not fail where they are broken. Raises `PkiError` where a cluster
    stands and nothing of them is here: new authorities would break it.
    """
    folder = job.folder / "pki"
    if work.undoes:
        return None
    if not work.makes_keys:
        return store.load(folder)
    if stands and store.load(folder) is None:
        raise store.lost(folder)
    return store.ensure(folder, wanted(job.profile), anew=work.anew(job.task))
