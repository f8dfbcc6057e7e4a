"""One job, from the profile to its outcome: look at the hosts, judge, plan, run. The one way through, in this order.

It is the same way for every kind of task; what differs between them stands in `wizard.plans.kinds`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from wizard import __version__, versions
from wizard.bundle.lock import Bundle
from wizard.bundle.verify import verify_quick
from wizard.checks import BundleSummary, checks, recommend, whose
from wizard.engine.control import Control
from wizard.engine.graph import part_of
from wizard.engine.locks import HostLock
from wizard.engine.marker import Owner
from wizard.engine.runner import Outcome, run
from wizard.engine.sink import Sink
from wizard.engine.step import Plan, Step
from wizard.errors import HeldError, Level, Problem, SlipwayError, UsageError, errors_of
from wizard.facts.model import Facts, Survey
from wizard.facts.survey import Seen
from wizard.pki import store
from wizard.pki.wanted import wanted
from wizard.plans import asking, removal
from wizard.plans.closing import close
from wizard.plans.folder import applied, identity, remember, with_hosts
from wizard.plans.kinds import KINDS, Given, Work
from wizard.plans.look import Connect, gathered, give_back, look
from wizard.plans.maintain import noted, out_for_maintenance
from wizard.plans.reset import ends
from wizard.plans.task import Job, demanded
from wizard.profile.model import Profile
from wizard.profile.rules import rules
from wizard.remote.base import RemoteError
from wizard.render.node import is_node
from wizard.render.site import Site
from wizard.steps.join import Token, new_token

__all__ = [
    "Connect", "Found", "Job", "apply", "asked", "dry_run", "gathered", "give_back", "judge", "look", "prepare",
    "refuse", "site_of",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """What one look at the site gave: the survey, and what stands against going on, the gravest first."""

    survey: Survey
    problems: tuple[Problem, ...] = ()
    dead: Mapping[str, Problem] = field(default_factory=dict)
    """Hosts of a cluster that stands already which can't be reached: the others go on without them."""


def judge(job: Job, survey: Survey, uid: str) -> Found:
    """Return what stands against the job: before an install rules, bundle and checks, before all else whose hosts."""
    work = KINDS[job.task.kind]
    stands = _stands(survey, uid)
    away = () if work.through_maintenance else out_for_maintenance(job.profile, survey)
    if work.installs:
        bundle = demanded(job.bundle)
        problems = rules(job.profile) + verify_quick(bundle) + _other_version(job.profile, bundle)
        problems += removal.judge(job, survey, uid)
        found = checks(job.profile, survey, BundleSummary.of(bundle.lock), uid, applied(job.folder))
    elif work.undoes:
        problems, found = (), _against_undoing(job, survey, uid)
    else:
        found = whose(job.profile, survey, uid)
        problems = () if stands or errors_of(found) else (_no_cluster(job),)
    dead = {
        host: failure.as_problem("host.unreachable", host=host)
        for host, failure in survey.failures.items()
        if (stands or (work.undoes and host in job.about)) and isinstance(failure, RemoteError) and failure.transient
    }
    problems += away + tuple(problem for problem in found if not (problem.host in dead and _of_the_host_alone(problem)))
    return Found(survey, problems, dead)


def _of_the_host_alone(problem: Problem) -> bool:
    """Tell whether an error says no more than that its host can't be reached; what was changed concerns the others."""
    return problem.level is Level.ERROR and not problem.code.startswith("change.")


def _against_undoing(job: Job, survey: Survey, uid: str) -> tuple[Problem, ...]:
    """Return what stands against taking away: hosts it is about that are another cluster's, or refuse to be asked.

    What else is on a host is none of slipway's, and stays.
    """
    others = {"host.foreign-cluster", "host.cni-leftover"}
    found = whose(job.profile, survey, uid)
    return tuple(problem for problem in found if problem.host in job.about and problem.code not in others)


def _other_version(profile: Profile, bundle: Bundle) -> tuple[Problem, ...]:
    wanted_version = profile.kubernetes or versions.default()
    if bundle.kubernetes == wanted_version:
        return ()
    words = f"The bundle is for Kubernetes {bundle.kubernetes}, and the profile asks for {wanted_version}"
    hint = f"Run `slipway bundle build --kubernetes {wanted_version}`, or name that bundle with --bundle."
    return (Problem("bundle.version", Level.ERROR, words, hint, "kubernetes"),)


def _no_cluster(job: Job) -> Problem:
    words = f"There is no cluster {job.profile.name} on these hosts"
    return Problem("cluster.none", Level.ERROR, words, "Install it first: `slipway apply` with this profile.", "name")


def site_of(job: Job, survey: Survey, uid: str) -> Site:
    """Return what rendering may look at."""
    profile = job.profile
    members = [survey.facts[host.name] for host in profile.etcd_members if host.name in survey.facts]
    return Site(
        profile,
        versions.components(profile.kubernetes or versions.default()),
        uid,
        survey.facts,
        recommend(members, profile.etcd.tuning),
        # CoreDNS may run on any node, and does not start where /etc/resolv.conf names no server.
        upstream_dns=all(
            survey.facts[host.name].nameservers for host in profile.hosts if is_node(host) and host.name in survey.facts
        ),
        maintained=frozenset(noted(profile, survey).hosts),
        extras_files=job.extras_files,
    )


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

    With `only` the probes of those steps alone. Raises `HeldError` where something stands against the job.
    """
    uid = identity(job.folder, job.profile.name)
    survey = await look(job, connect, seen=seen)
    found = await asked(job, judge(job, survey, uid), connect)
    _hold(found)
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
        _hold(found)
        stands = _stands(survey, uid)
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


async def asked(job: Job, found: Found, connect: Connect) -> Found:
    """Return `found` with what the cluster or its hosts, asked anew, say against the job; they aren't asked where
    something else holds.
    """
    work = KINDS[job.task.kind]
    if errors_of(found.problems):
        return found
    if work.installs:
        said = await asking.ask(job, site_of(job, found.survey, ""), found.survey, connect)
        found = replace(found, problems=found.problems + said)
    asks = work.asks
    if asks is None or errors_of(found.problems):
        return found
    return replace(found, problems=found.problems + await asks(job, found.survey, connect))


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


def refuse(profile: Profile) -> None:
    """Raise `UsageError` with every rule the profile breaks, where a new install of it is refused."""
    broken = errors_of(rules(profile))
    if broken:
        error = UsageError(
            "This profile can't be installed", where=profile.name, hint="Mend the profile and try again."
        )
        error.problems = broken  # type: ignore[attr-defined]
        raise error


def _hold(found: Found) -> None:
    broken = errors_of(found.problems)
    if broken:
        raise HeldError(
            "Preflight holds this run", problems=broken,
            hint="Nothing was touched. Mend what is named above and run it again.",
        )  # fmt: skip


def _stands(survey: Survey, uid: str) -> bool:
    """Tell whether the cluster `uid` is on any of the hosts that answered."""
    return bool(uid) and any(_installed(facts, uid) for facts in survey.facts.values())


def _installed(facts: Facts, uid: str) -> bool:
    return facts.traces.marker.uid == uid and facts.traces.etcd_data
