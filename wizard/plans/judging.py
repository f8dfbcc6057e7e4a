"""What stands against a job: before an install its rules, bundle and checks, before all else whose hosts they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from wizard import versions
from wizard.bundle.opened import Bundle
from wizard.bundle.verify import verify_quick
from wizard.checks import BundleSummary, checks, recommend, whose
from wizard.errors import HeldError, Level, Problem, UsageError, errors_of
from wizard.facts.model import Facts, Survey
from wizard.plans import asking, removal
from wizard.plans.folder import applied
from wizard.plans.kinds import KINDS
from wizard.plans.look import Connect
from wizard.plans.maintain import noted, out_for_maintenance
from wizard.plans.task import Job, demanded
from wizard.profile.model import Profile
from wizard.profile.rules import rules
from wizard.remote.base import RemoteError
from wizard.render.node import is_node
from wizard.render.site import Site


@dataclass(frozen=True, slots=True)
class Found:
    """What one look at the site gave: the survey, and what stands against going on, the gravest first."""

    survey: Survey
    problems: tuple[Problem, ...] = ()
    dead: Mapping[str, Problem] = field(default_factory=dict)
    """Hosts of a cluster that stands already which can't be reached: the others go on without them."""


def judge(job: Job, survey: Survey, uid: str, *, looks: bool = False) -> Found:
    """Return what stands against the job: before an install rules, bundle and checks, before all else whose hosts.

    Whoever merely `looks` at what it would hold in place counts on nobody: a host may be out for maintenance.
    """
    work = KINDS[job.task.kind]
    stands = stands_on(survey, uid)
    away = () if work.through_maintenance or looks else out_for_maintenance(job.profile, survey)
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


def refuse(profile: Profile) -> None:
    """Raise `UsageError` with every rule the profile breaks, where a new install of it is refused."""
    broken = errors_of(rules(profile))
    if broken:
        error = UsageError(
            "This profile can't be installed", where=profile.name, hint="Mend the profile and try again."
        )
        error.problems = broken  # type: ignore[attr-defined]
        raise error


def hold(found: Found) -> None:
    """Raise `HeldError` with what was found, where an error is among it."""
    broken = errors_of(found.problems)
    if broken:
        raise HeldError(
            "Preflight holds this run", problems=broken,
            hint="Nothing was touched. Mend what is named above and run it again.",
        )  # fmt: skip


def stands_on(survey: Survey, uid: str) -> bool:
    """Tell whether the cluster `uid` is on any of the hosts that answered."""
    return bool(uid) and any(_installed(facts, uid) for facts in survey.facts.values())


def _installed(facts: Facts, uid: str) -> bool:
    return facts.traces.marker.uid == uid and facts.traces.etcd_data
