"""Hosts that the profile names no more: what it means to take them out, and what stands against it.

All is pure but for `asks`. They are known from the profile that was applied last, which the cluster's folder keeps.
"""

from __future__ import annotations

from collections.abc import Sequence

from wizard.checks import whose
from wizard.engine.outcome import Outcome
from wizard.engine.step import Plan
from wizard.errors import Level, Problem, SlipwayError
from wizard.facts.model import Survey
from wizard.plans.look import Connect
from wizard.plans.task import ALLOW_REMOVAL, Job
from wizard.profile.counts import quorum, tolerance
from wizard.profile.model import Host, Profile, Role
from wizard.profile.survival import survival
from wizard.remote.base import Command, RemoteError
from wizard.render.places import API_PORT, ETCD_PEER_PORT, KUBELET_PORT
from wizard.steps.etcd import READY
from wizard.steps.members import LIST

LEAVES = "removal.host"
"""The code of the problem that says of each host that leaves what it means."""


def judge(job: Job, survey: Survey, uid: str) -> tuple[Problem, ...]:
    """Return what stands against taking hosts out, and what it means: an error a host unless it was allowed."""
    problems: list[Problem] = []
    for host in job.leaving:
        assert job.before is not None
        words = (
            f"{host.name} is in the cluster and not in this profile any more. {meaning(job.before, job.profile, host)}"
        )
        hint = "If that is meant, apply with --allow-removal. Otherwise put it back into the profile."
        level = Level.WARNING if job.task.options.get(ALLOW_REMOVAL) else Level.ERROR
        problems.append(Problem(LEAVES, level, words, hint, "hosts", host.name))
    refused = [host for host in job.leaving if not _transient(survey.failures.get(host.name))]
    if refused and uid:
        found = whose(job.profile.model_copy(update={"hosts": tuple(refused)}), survey, uid)
        failed = {host.name for host in refused if host.name in survey.failures}
        problems += [
            Problem(one.code, one.level, one.message, one.hint, host=one.host) for one in found if one.host in failed
        ]
    return tuple(problems)


def _transient(failure: SlipwayError | None) -> bool:
    return isinstance(failure, RemoteError) and failure.transient


def meaning(before: Profile, after: Profile, host: Host) -> str:
    """Return what it means that `host` leaves, in whole sentences: what goes, and how many may die before and after."""
    words = []
    was, will = survival(before), survival(after)
    if Role.ETCD in host.roles:
        words.append(
            f"Its etcd member is removed: {was.members_may_die} of {was.members} members may die now, "
            f"{will.members_may_die} of {will.members} afterwards."
        )
    if Role.MASTER in host.roles:
        words.append(
            f"Its control plane ends: {was.masters_may_die} of {was.masters} masters may die now, "
            f"{will.masters_may_die} of {will.masters} afterwards."
        )
    if Role.WORKER in host.roles:
        words.append("Its Pods move to other nodes, as PodDisruptionBudgets allow.")
    words.append("It is put back to what it was before slipway, and all it holds is destroyed.")
    return " ".join(words)


def transitions(before: Profile | None, after: Profile) -> tuple[Problem, ...]:
    """Return a word on the even numbers of etcd members on the way from `before` to `after`."""
    old = {host.name for host in before.etcd_members} if before else set()
    new = {host.name for host in after.etcd_members}
    if not old or old == new:
        return ()
    sizes = range(len(old), len(old | new) + 1), range(len(old | new) - 1, len(new) - 1, -1)
    way = [size for part in sizes for size in part]
    even = sorted({size for size in way if size % 2 == 0})
    if not even:
        return ()
    bears = ", ".join(f"{tolerance(size)} of {size}" for size in even)
    words = f"etcd's members change one at a time ({' → '.join(map(str, way))}); on the way {bears} may die"
    return (Problem("etcd.transition", Level.INFO, words, "Nothing to do: it passes."),)


def left_behind(hosts: Sequence[Host]) -> tuple[Problem, ...]:
    """Return a word on each host that can't be reached as it leaves: nothing can be put back on it."""
    return tuple(
        Problem(
            "removal.left-as-it-is",
            Level.WARNING,
            f"{host.name} does not answer: the cluster lets go of it, and what is on it stays as it is",
            f"Make sure that {host.name} is powered off, and never power it on in this network before it was wiped: it "
            "would take itself for a part of the cluster.",
            host=host.name,
        )
        for host in hosts
    )


def removed(job: Job, plan: Plan, outcome: Outcome, *, stands: bool) -> tuple[Host, ...]:
    """Return the hosts that have left with this run: everything of theirs in its plan is done.

    Where no cluster stood there may have been nothing to do for one.
    """
    undone = {*outcome.failed, *outcome.skipped}
    own = {
        host: {step.id for step in plan.steps if step.id.startswith(f"{host.name}/")} for host in job.leaving
    }  # fmt: skip
    return tuple(host for host, steps in own.items() if (steps or not stands) and not steps & undone)


async def asks(job: Job, survey: Survey, connect: Connect) -> tuple[Problem, ...]:
    """Ask the cluster whether it can let go of the hosts that leave. Nobody is asked where none does."""
    if not job.leaving:
        return ()
    problems: list[Problem] = []
    if any(Role.ETCD in host.roles for host in job.leaving):
        problems += await _quorum(job, survey, connect)
    # Those who will go on without it are asked, for they share a network with it.
    stay = [host for host in (*job.profile.masters, *job.profile.etcd_members) if host.name in survey.facts]
    for host in job.leaving:
        if host.name not in survey.facts and stay and await _alive(host, stay[0], connect):
            problems.append(
                Problem(
                    "removal.still-alive",
                    Level.ERROR,
                    f"{host.name} can't be reached by SSH, and {stay[0].name} still hears it: it is not dead",
                    f"Power {host.name} off, or mend its SSH, then run again. Two that believe different things of the "
                    "cluster may both hold its VIP.",
                    host=host.name,
                )
            )
    return tuple(problems)


async def _quorum(job: Job, survey: Survey, connect: Connect) -> list[Problem]:
    stay = [host for host in job.profile.etcd_members if _worked(host, survey)]
    healthy, listed = [], False
    for host in stay:
        try:
            connection = await connect(host.name)
            healthy += [host.name] if (await connection.run(Command(READY, timeout=15))).ok else []
            listed = listed or (await connection.run(Command(LIST, timeout=15))).ok
        except SlipwayError:
            continue
    needed = quorum(len(stay))
    if not listed:
        words = "etcd has no quorum now, so it can't let a member go"
        hint = "Get its members to work again first. Nothing was touched."
        return [Problem("removal.no-quorum", Level.ERROR, words, hint)]
    if len(healthy) < needed:
        sick = ", ".join(host.name for host in stay if host.name not in healthy)
        words = (
            f"Of the {len(stay)} etcd members that stay {len(healthy)} work, and {needed} are needed: {sick} is sick"
        )
        return [Problem("removal.too-few", Level.ERROR, words, "Mend those first. Nothing was touched.")]
    return []


def _worked(host: Host, survey: Survey) -> bool:
    facts = survey.facts.get(host.name)
    return facts is not None and facts.traces.etcd_worked


async def _alive(host: Host, asked: Host, connect: Connect) -> bool:
    """Tell whether one of the cluster's ports on `host` still opens, as `asked` sees it."""
    ports = ((host.ip, API_PORT), (host.ip, KUBELET_PORT), (host.peer_ip, ETCD_PEER_PORT))
    tests = " || ".join(f"timeout 2 bash -c '</dev/tcp/{address}/{port}' 2>/dev/null" for address, port in ports)
    try:
        return (await (await connect(asked.name)).run(Command(tests, timeout=20))).ok
    except SlipwayError:
        return False
