"""The reset: a cluster's hosts, or some of them, become what they were before slipway. It destroys what they hold.

Each host goes its own way, from what runs on it down to its marker. One that is out of reach is left for later; a host
that a standing cluster still counts on is refused.
"""

from __future__ import annotations

from collections.abc import Sequence

from wizard.engine.step import Plan, Step
from wizard.errors import Level, Problem, SlipwayError
from wizard.facts.model import Facts, Survey
from wizard.plans.look import Connect
from wizard.plans.task import Job, Task, whom
from wizard.profile.model import Host, Profile, Role
from wizard.remote.base import Command
from wizard.render.node import is_node
from wizard.render.places import ETCD_CONFIG, ETCD_PEER_PORT
from wizard.render.site import Site
from wizard.steps.kubectl import AGAIN, KUBECTL
from wizard.steps.reset import leave_step, reset_steps

KEEP_PACKAGES = "keep_packages"
"""The task's option: packages that slipway installed stay."""
_CUT = "--slipway-cut--"
_MEMBERS = (
    f"(set -a; . {ETCD_CONFIG}/etcdctl.env; timeout 15 etcdctl member list) 2>/dev/null || exit 1\n"
    f"echo {_CUT}\n{AGAIN}again 10 {KUBECTL} get nodes -o name 2>/dev/null || true"
)


def reset_title(cluster: str, task: Task) -> str:
    """Return the name of the task, with the hosts where it is not about all."""
    return f"Reset {whom(cluster, task)}"


def reset(site: Site, task: Task, run: str = "") -> Plan:
    """Return the plan of `run` that puts the task's hosts back; pure. Nodes first leave a cluster that stays."""
    profile = site.profile
    targets = [host for host in profile.hosts if not task.hosts or host.name in task.hosts]
    stay = [host.name for host in profile.masters if host not in targets and host.name in site.facts]
    steps: list[Step] = []
    for host in targets:
        after: tuple[str, ...] = ()
        if stay and is_node(host) and host.name in site.facts:
            steps.append(leave_step(host, stay))
            after = (steps[-1].id,)
        keep = bool(task.options.get(KEEP_PACKAGES))
        steps += reset_steps(site, host, run=run, keep_packages=keep, after=after)
    return Plan(
        profile.name,
        reset_title(profile.name, task),
        tuple(steps),
        hosts=tuple(host.name for host in profile.hosts if host in targets or host.name in stay),
    )


async def still_needed(job: Job, survey: Survey, connect: Connect) -> tuple[Problem, ...]:
    """Ask the members that stay whether they still count on the hosts to be reset; return what stands against it.

    Nobody is asked where the whole cluster goes, nor about a host that has nothing of slipway any more.
    """
    if job.whole:
        return left_out(job)
    targets = [host for host in job.profile.hosts if host.name in job.about and host.name in survey.facts]
    asked = [host for host in targets if survey.facts[host.name].traces.marker.uid]
    asked = [host for host in asked if _controls(host, survey.facts[host.name])]
    others = [host for host in job.profile.etcd_members if host not in targets and host.name in survey.facts]
    if not asked:
        return ()
    said = await _first_word(others, connect)
    return tuple(problem for host in asked if (problem := judge_member(host, said)))


def ends(job: Job, survey: Survey, uid: str) -> bool:
    """Tell whether nothing is left of the cluster `uid` once the job is done: all other hosts are known to be free."""
    others = [survey.facts.get(host) for host in job.hosts if host not in job.about]
    free = all(facts and (not facts.traces.marker.uid or (uid and facts.traces.marker.uid != uid)) for facts in others)
    return free and not left_out(job)


def _controls(host: Host, facts: Facts) -> bool:
    """Tell whether `host` is a master or holds data, by the profile or by what is on it: a profile may be edited."""
    roles = {Role.MASTER, Role.ETCD} & set(host.roles)
    return bool(roles or facts.traces.etcd_data or facts.traces.manifests)


def left_out(job: Job) -> tuple[Problem, ...]:
    """Return a problem for each host that the last run knew and this profile doesn't: it isn't the whole cluster."""
    try:
        kept = Profile.model_validate_json((job.folder / "profile.json").read_bytes())
    except (OSError, ValueError):
        return ()
    return tuple(
        Problem(
            "reset.host-left-out",
            Level.ERROR,
            f"{host.name} is in the cluster and not in this profile: it would be left without keys and identity",
            "Use the whole profile, or name the hosts to be reset with --host.",
            host=host.name,
        )
        for host in kept.hosts
        if host.name not in job.hosts
    )


async def _first_word(others: Sequence[Host], connect: Connect) -> str | None:
    """Return what the first of `others` says of etcd's members and of the nodes; None where none has a quorum."""
    for host in others:
        try:
            result = await (await connect(host.name)).run(Command(_MEMBERS, timeout=45))
        except SlipwayError:
            continue
        if result.ok:
            return result.text
    return None


def judge_member(host: Host, said: str | None) -> Problem | None:
    """Return why `host` may not be reset alone, by what a member that stays `said`; None where it may."""
    if said is None:
        return Problem(
            "reset.no-quorum",
            Level.ERROR,
            f"No other etcd member has a quorum, so {host.name} may hold what the cluster is mended from",
            "Get the cluster going first, or reset the whole cluster (without --host).",
            host=host.name,
        )
    members, _, nodes = said.partition(_CUT)
    fields = [[field.strip() for field in line.split(",")] for line in members.splitlines()]
    peer = f"https://{host.peer_ip}:{ETCD_PEER_PORT}"
    member = any(host.name in row[2:3] or peer in row for row in fields)
    if not member and f"node/{host.name}" not in nodes.split():
        return None
    words = "a member of etcd" if member else "a master of it"
    return Problem(
        "reset.still-member",
        Level.ERROR,
        f"The cluster stands, and {host.name} is {words}: it would lose that without having let go of it",
        f"Take {host.name} out of the profile, then `slipway apply PROFILE --allow-removal`: the cluster lets go "
        "of it, and it is put back. Or reset the whole cluster (without --host).",
        host=host.name,
    )
