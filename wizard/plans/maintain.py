"""Maintenance: one host out for patching or a reboot, and back, without a failed write.

What takes longest and may fail goes first (its Pods), and what makes the host matter to the others goes last; so a
maintenance that could not begin leaves the cluster as able as it was.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace

from wizard.checks.case import spoken
from wizard.engine.step import Plan, Step
from wizard.errors import Level, Problem, SlipwayError
from wizard.facts.maintenance import Note, newest
from wizard.facts.model import Facts, Survey
from wizard.plans.look import Connect
from wizard.plans.task import Job, Kind, Task, whom
from wizard.profile.model import Host, Profile, Role
from wizard.remote.base import Command
from wizard.render.node import is_node
from wizard.render.site import Site
from wizard.steps import balancer
from wizard.steps import maintain as steps
from wizard.steps.etcd import READY, api_ready
from wizard.steps.leader import leader_step
from wizard.steps.leave import drain_step

BEGIN, SINCE, SECONDS, FORCE = "begin", "since", "seconds", "force"
"""Options: whether it begins (or ends), since when, how long Pods may take to go, and whether bare ones are deleted."""
GOES = 300
"""How long Pods may take to go where nobody says otherwise, in seconds."""


def maintenance(host: str, *, begin: bool, seconds: int = GOES, force: bool = False) -> Task:
    """Return the task to take `host` out from now on, or to take it back."""
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    options = {BEGIN: begin, SINCE: since, SECONDS: seconds, FORCE: force}
    return Task(kind=Kind.MAINTAIN, hosts=(host,), options=options)


def maintenance_title(cluster: str, task: Task) -> str:
    """Return the name of the task: which host, and which way it goes."""
    way = "out for maintenance" if task.options[BEGIN] else "back from maintenance"
    return f"Take {whom(cluster, task)} {way}"


def noted(profile: Profile, survey: Survey) -> Note:
    """Return who is out, by the newest note on any host that answered."""
    return _note(profile, survey.facts)


def _note(profile: Profile, facts: Mapping[str, Facts]) -> Note:
    return newest(found.settled.maintenance for found in facts.values()).among(host.name for host in profile.hosts)


def maintain(site: Site, task: Task) -> Plan:
    """Return the plan that takes the task's host out or back; pure. Masters that are out of reach are left alone."""
    profile, host = site.profile, site.profile.host(task.hosts[0])
    begin = bool(task.options[BEGIN])
    note = _note(profile, site.facts)
    note = note.begun(host.name, str(task.options[SINCE])) if begin else note.ended(host.name)
    site = replace(site, maintained=frozenset(note.hosts))
    made = _begin(site, host, task, note) if begin else _end(site, host, note)
    names = {name for step in made for name in step.hosts}
    return Plan(
        profile.name,
        maintenance_title(profile.name, task),
        tuple(made),
        hosts=tuple(item.name for item in profile.hosts if item.name in names),
    )


def _begin(site: Site, host: Host, task: Task, note: Note) -> list[Step]:
    masters = _masters(site)
    others = [name for name in masters if name != host.name]
    made = [steps.note_step(name, note) for name in dict.fromkeys((*masters, host.name))]
    last = tuple(step.id for step in made)
    if is_node(host):
        seconds = task.options.get(SECONDS)
        made.append(steps.cordon_step(host, others, needs=last))
        made.append(
            drain_step(
                host, others, phase="maintenance", seconds=seconds if isinstance(seconds, int) else GOES,
                force=bool(task.options.get(FORCE)), needs=(made[-1].id,),
            )
        )  # fmt: skip
        last = (made[-1].id,)
    if Role.MASTER in host.roles:
        made += _balancers(site, last)
        last = tuple(f"{name}/haproxy" for name in masters)
        made.append(steps.let_go_step(host, note, needs=last))
        made.append(steps.vip_step(site, host, needs=(made[-1].id,)))
        last = (made[-1].id,)
    if Role.ETCD in host.roles:
        made.append(leader_step(site, host, needs=last))
    return made


def _end(site: Site, host: Host, note: Note) -> list[Step]:
    masters = _masters(site)
    made = [steps.works_step(host)]
    last: tuple[str, ...] = (made[-1].id,)
    if Role.MASTER in host.roles:
        made += _balancers(site, last)
        last = tuple(f"{name}/haproxy" for name in masters)
    if is_node(host):
        made.append(steps.uncordon_step(host, masters, needs=last))
        last = (made[-1].id,)
    return made + [steps.note_step(name, note, needs=last) for name in dict.fromkeys((*masters, host.name))]


def _masters(site: Site) -> list[str]:
    return [host.name for host in site.profile.masters if host.name in site.facts]


def _balancers(site: Site, needs: tuple[str, ...]) -> list[Step]:
    """Return a step for each master's haproxy, which then takes the host's apiserver for what the site says it is."""
    reached = _masters(site)
    hosts = [host for host in site.profile.masters if host.name in reached]
    return [balancer.haproxy_step(site, host, needs=needs, weight=0.5) for host in hosts]


def out_for_maintenance(profile: Profile, survey: Survey) -> tuple[Problem, ...]:
    """Return a problem for each host that is out: whoever works on the others would count on it."""
    return tuple(
        Problem(
            "maintain.out",
            Level.ERROR,
            f"{name} is out for maintenance since {since}",
            f"Take it back first: `slipway maintain PROFILE {name} end`.",
            host=name,
        )
        for name, since in noted(profile, survey).hosts.items()
    )


async def against(job: Job, survey: Survey, connect: Connect) -> tuple[Problem, ...]:
    """Return what stands against taking the job's host out or back; asks the others how they are."""
    profile, host = job.profile, job.profile.host(job.task.hosts[0])
    begin = bool(job.task.options[BEGIN])
    facts = survey.facts.get(host.name)
    if facts is None:
        return (_unreachable(host, begin=begin),)
    if not facts.traces.marker.uid:
        words = f"{host.name} is not in the cluster {profile.name} yet"
        hint = "`slipway apply` with this profile takes it in."
        return (Problem("maintain.not-member", Level.ERROR, words, hint, host=host.name),)
    asks = [item for item in profile.masters if item.name in survey.facts and (item != host or not begin)]
    if is_node(host) and not asks:
        words = f"No master can be reached that could ask the API about {host.name}"
        return (Problem("maintain.no-master", Level.ERROR, words, "See `slipway status`.", host=host.name),)
    if not begin or not _counts(host):
        return ()
    others = [item for item in profile.hosts if item != host and _counts(item)]
    answers = await asyncio.gather(*(_healthy(item, connect) for item in others))
    sick = {item.name: what for item, what in zip(others, answers, strict=True) if what}
    return without(profile, host, sick, noted(profile, survey))


def _counts(host: Host) -> bool:
    """Tell whether the others count on `host`: it serves the API, or is an etcd member."""
    return Role.MASTER in host.roles or Role.ETCD in host.roles


async def _healthy(host: Host, connect: Connect) -> str:
    """Return what of a host's is not well, or an empty text."""
    tests = {"etcd": READY} if Role.ETCD in host.roles else {}
    tests |= {"the apiserver": api_ready(host)} if Role.MASTER in host.roles else {}
    script = "\n".join(f"if {test}; then :; else echo {name}; fi" for name, test in tests.items())
    try:
        async with asyncio.timeout(15):
            said = await (await connect(host.name)).run(Command(script, timeout=12))
    except (SlipwayError, TimeoutError):
        return "it can't be reached"
    names = said.text.splitlines()
    return f"{spoken(names)} {'are' if len(names) > 1 else 'is'} not ready" if names else ""


def without(profile: Profile, host: Host, sick: Mapping[str, str], note: Note) -> tuple[Problem, ...]:
    """Return why a master or etcd member may not go out now: who else is out or not well, or that nobody is left."""
    problems = [
        _held(host, "maintain.another-out", f"{name} is out for maintenance since {since}",
              f"Take it back first: `slipway maintain PROFILE {name} end`.")
        for name, since in note.hosts.items()
        if name != host.name and _counts(profile.host(name))
    ]  # fmt: skip
    problems += [
        _held(host, "maintain.not-well", f"on {name} not all is well: {what}", f"Mend {name} first: `slipway status`.")
        for name, what in sick.items()
        if name not in note.hosts
    ]
    for members, needed, what in _groups(profile):
        if host in members and len(members) - 1 < needed:
            words = f"of {len(members)} {what} {len(members) - 1} would be left, and the cluster needs {needed}"
            hint = "It has no maintenance without an outage: reboot it when nobody needs the cluster."
            problems.append(_held(host, "maintain.none-left", words, hint))
    return tuple(problems)


def _held(host: Host, code: str, why: str, hint: str) -> Problem:
    return Problem(code, Level.ERROR, f"{host.name} can't go out now: {why}", hint, host=host.name)


def _groups(profile: Profile) -> Iterable[tuple[tuple[Host, ...], int, str]]:
    members = profile.etcd_members
    return ((members, len(members) // 2 + 1, "etcd members"), (profile.masters, 1, "apiservers"))


def _unreachable(host: Host, *, begin: bool) -> Problem:
    if begin:
        words, hint = f"{host.name} can't be reached, so it is out already", "See to its power, network and sshd first."
    else:
        words, hint = f"{host.name} can't be reached yet", "Switch it on and wait until its sshd answers."
    return Problem("maintain.unreachable", Level.ERROR, words, hint, host=host.name)


def afterwards(task: Task) -> str:
    """Return what a person may do now that the task is done, and has to do then."""
    host = task.hosts[0]
    if not task.options[BEGIN]:
        return f"{host} is in use again."
    return f"{host} may be patched, rebooted or switched off now. Afterwards: `slipway maintain PROFILE {host} end`."


def margin(profile: Profile, host: Host) -> str:
    """Return in a sentence what may fail while `host` is out."""
    left = [
        f"{spare if spare else 'none'} of the {len(members) - 1} {what} that are left"
        for members, needed, what in _groups(profile)
        if host in members and (spare := len(members) - 1 - needed) >= 0
    ]
    return f"While {host.name} is out, {spoken(left)} may fail without an outage." if left else ""
