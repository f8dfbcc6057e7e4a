"""All checks: pure judgements over the profile and what was found on the hosts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from wizard.checks import (
    addresses,
    change,
    clocks,
    disks,
    etcd,
    hardware,
    identity,
    names,
    pods,
    ports,
    reach,
    roles,
    software,
    system,
)
from wizard.checks.case import BundleSummary, Case
from wizard.errors import Level, Problem
from wizard.facts.model import Survey
from wizard.profile.model import Profile

FAMILIES = (
    reach,
    identity,
    change,
    roles,
    system,
    hardware,
    disks,
    etcd,
    clocks,
    addresses,
    pods,
    names,
    ports,
    software,
)
"""One family a module, each with a `judge`; findings keep this order within their level."""

SAID_ONCE = {"network.plugin-changed": "change.plugin"}
"""What is left out where the other one was found: it says the same of the whole cluster, and why."""

_ORDER = (Level.ERROR, Level.WARNING, Level.INFO)


def checks(
    profile: Profile, survey: Survey, bundle: BundleSummary | None = None, uid: str = "", applied: Profile | None = None
) -> tuple[Problem, ...]:
    """Return what stands against an install, the gravest first. Touches nothing.

    `bundle` is what the bundle holds; without it nothing is said about its contents. `uid` is the identity of the
    cluster that this jump host knows by the profile's name, empty where it knows none: hosts with that identity are
    ours, and what the cluster itself runs there is no finding. `applied` is the profile that was applied to it last.
    The profile's own rules are `wizard.profile.rules`.
    """
    return _judged(Case(profile, survey, bundle, uid, applied), *(family.judge for family in FAMILIES))


def whose(profile: Profile, survey: Survey, uid: str) -> tuple[Problem, ...]:
    """Return what stands against work on the cluster `uid`, the gravest first: hosts out of reach, or of another."""
    return _judged(Case(profile, survey, None, uid), reach.judge, identity.judge)


def _judged(case: Case, *families: Callable[[Case], Iterator[Problem]]) -> tuple[Problem, ...]:
    found = [problem for judge in families for problem in judge(case)]
    codes = {problem.code for problem in found}
    found = [problem for problem in found if SAID_ONCE.get(problem.code) not in codes]
    return tuple(sorted(found, key=lambda problem: _ORDER.index(problem.level)))
