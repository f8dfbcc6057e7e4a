"""One job, from the profile to its outcome: look at the hosts, judge, plan, run. The one way through, in this order."""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wizard import __version__, versions
from wizard.bundle.lock import Bundle
from wizard.bundle.verify import verify_quick
from wizard.checks import BundleSummary, checks, recommend
from wizard.engine.control import Control
from wizard.engine.events import FactsGathered, Note
from wizard.engine.locks import HostLock, LockReply, parse_take, release_fragment, take_fragment
from wizard.engine.marker import Owner
from wizard.engine.runner import Outcome, run
from wizard.engine.sink import Sink
from wizard.engine.step import Plan
from wizard.errors import HeldError, Level, Problem, SlipwayError, UsageError, errors_of
from wizard.facts.model import Facts, Survey
from wizard.facts.survey import Seen, gather
from wizard.pki import store
from wizard.pki.hosts import admin_kubeconfig
from wizard.pki.wanted import wanted
from wizard.plans.install import install
from wizard.profile.model import Profile
from wizard.profile.rules import rules
from wizard.remote.base import Command, Connection, RemoteError
from wizard.render.node import is_node
from wizard.render.site import Site
from wizard.steps.join import Token, new_token

Connect = Callable[[str], Awaitable[Connection]]
"""Opens the connection to a host by its name in the profile."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done: bring the hosts of `profile` to what it says, from `bundle`. `folder` is the cluster's."""

    profile: Profile
    bundle: Bundle
    folder: Path

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return the names of all hosts, in the profile's order."""
        return tuple(host.name for host in self.profile.hosts)


@dataclass(frozen=True, slots=True)
class Found:
    """What one look at the site gave: the survey, and what stands against going on, the gravest first."""

    survey: Survey
    problems: tuple[Problem, ...] = ()
    dead: Mapping[str, Problem] = field(default_factory=dict)
    """Hosts of a cluster that stands already which can't be reached: the others go on without them."""


def identity(folder: Path, cluster: str, *, make: bool = False) -> str:
    """Return the UID of the cluster whose state is in `folder`, or an empty text where there is none yet.

    With `make` a new one is made and kept. Raises `SlipwayError` where the file can't be read or written.
    """
    path = folder / "cluster.json"
    try:
        if path.exists():
            return str(json.loads(path.read_text(encoding="utf-8"))["uid"])
        if not make:
            return ""
        uid = uuid.uuid4().hex
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps({"uid": uid, "name": cluster}) + "\n", encoding="utf-8")
        with fresh.open() as file:
            os.fsync(file.fileno())
        fresh.replace(path)
        return uid
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SlipwayError(
            "The cluster's identity can't be read",
            where=str(path),
            why=str(error),
            hint="Copy the file back from where it is whole; every host's /etc/slipway/cluster.json has the UID.",
        ) from error


async def look(
    job: Job, connect: Connect, lock: HostLock | None = None, seen: Seen | None = None, *, take_over: bool = False
) -> Survey:
    """Look at every host, one round trip each; with `lock`, take the run's lease on them in the same round trip.

    `take_over` takes it from whoever has it.

    Raises `HeldError` where another run has a host; what was taken is given back first.
    """
    data_dir = job.profile.etcd.data_dir
    if lock is None:
        return await gather(connect, job.hosts, data_dir, seen=seen)
    prefix = take_fragment(lock, take_over=take_over)
    # The first host decides between two jump hosts; the others are asked at once.
    first = await gather(connect, job.hosts[:1], data_dir, prefix, seen=seen)
    held = _held(first)
    rest = Survey() if held else await gather(connect, job.hosts[1:], data_dir, prefix, seen=seen)
    survey = Survey(
        facts={**first.facts, **rest.facts},
        failures={**first.failures, **rest.failures},
        prefixed={**first.prefixed, **rest.prefixed},
    )
    held = _held(survey)
    if held:
        await give_back(connect, survey, lock)
        raise HeldError("Another run works on these hosts", problems=held, hint=held[0].hint)
    return survey


async def give_back(connect: Connect, survey: Survey, lock: HostLock) -> None:
    """Give the run's lease back on every host that was looked at; one that can't be reached loses it by itself."""

    async def one(host: str) -> None:
        try:
            await (await connect(host)).run(Command(release_fragment(lock), timeout=15))
        except SlipwayError:
            return

    await asyncio.gather(*(one(host) for host in survey.facts))


def judge(job: Job, survey: Survey, uid: str) -> Found:
    """Return what rules, bundle and checks say, the profile's rules first."""
    profile = job.profile
    problems = rules(profile) + verify_quick(job.bundle)
    wanted_version = profile.kubernetes or versions.default()
    if job.bundle.kubernetes != wanted_version:
        problems += (
            Problem(
                "bundle.version",
                Level.ERROR,
                f"The bundle is for Kubernetes {job.bundle.kubernetes}, and the profile asks for {wanted_version}",
                f"Run `slipway bundle build --kubernetes {wanted_version}`, or name that bundle with --bundle.",
                "kubernetes",
            ),
        )
    found = checks(profile, survey, BundleSummary.of(job.bundle.lock), uid)
    stands = bool(uid) and any(_installed(facts, uid) for facts in survey.facts.values())
    dead = {
        host: failure.as_problem("host.unreachable", host=host)
        for host, failure in survey.failures.items()
        if stands and isinstance(failure, RemoteError) and failure.transient
    }
    problems += tuple(problem for problem in found if not (problem.host in dead and problem.level is Level.ERROR))
    return Found(survey, problems, dead)


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
    )


def prepare(job: Job, survey: Survey, uid: str, keys: store.Pki | None, token: Token | None = None) -> Plan:
    """Return the plan. Pure: touches no host and makes no key."""
    return install(site_of(job, survey, uid or "new"), job.bundle, keys, token)


async def dry_run(job: Job, connect: Connect, sink: Sink, run_id: str, seen: Seen | None = None) -> tuple[Found, Plan]:
    """Look, judge, plan, and take every probe: events with exact diffs go to `sink`, and nothing is touched.

    Raises `HeldError` where something stands against an install.
    """
    uid = identity(job.folder, job.profile.name)
    survey = await look(job, connect, seen=seen)
    found = judge(job, survey, uid)
    _hold(found)
    plan = prepare(job, survey, uid, store.load(job.folder / "pki"))
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
    refuse(job.profile)
    uid = identity(job.folder, job.profile.name)
    survey = await look(job, connect, lock, seen, take_over=take_over)
    found = judge(job, survey, uid)
    try:
        _hold(found)
        uid = uid or identity(job.folder, job.profile.name, make=True)
        keys = store.ensure(job.folder / "pki", wanted(job.profile))
        plan = prepare(job, survey, uid, keys, new_token())
    except SlipwayError:
        await give_back(connect, survey, lock)
        raise
    outcome = await run(
        plan,
        connect,
        sink,
        run_id=lock.run,
        control=control,
        markers={host: facts.traces.marker.text for host, facts in survey.facts.items()},
        owner=Owner(uid, job.profile.name, __version__),
        lock=lock,
        failures=found.dead,
    )
    keep(job, keys)
    return outcome


def keep(job: Job, keys: store.Pki) -> None:
    """Keep the applied profile and the admin kubeconfig in the cluster's folder (0600)."""
    for name, content in (
        ("profile.json", job.profile.model_dump_json(indent=1).encode()),
        ("admin.conf", admin_kubeconfig(keys, job.profile)),
    ):
        path = job.folder / name
        fresh = path.with_name(f".{name}.new")
        fresh.touch(mode=0o600)
        fresh.write_bytes(content)
        fresh.replace(path)


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
            "Preflight holds this install", problems=broken,
            hint="Nothing was touched. Mend what is named above and run it again.",
        )  # fmt: skip


def _installed(facts: Facts, uid: str) -> bool:
    return facts.traces.marker.uid == uid and facts.traces.etcd_data


def _held(survey: Survey) -> tuple[Problem, ...]:
    replies = {host: parse_take(prefixed.text) for host, prefixed in survey.prefixed.items()}
    return tuple(_lock_problem(host, reply) for host, reply in replies.items() if reply and not reply.taken)


def _lock_problem(host: str, reply: LockReply) -> Problem:
    if reply.stale:
        hint = "Its time has run out: make sure that no other slipway works on this host, then use --take-over."
    else:
        hint = f"Wait for it, or cancel it there. Where it has ended already, its claim runs out in {reply.left} s."
    return Problem("host.locked", Level.ERROR, f"{reply.holder} has a claim on it (run {reply.run})", hint, host=host)


def gathered(sink: Sink) -> Seen:
    """Return a listener that tells `sink` of each host that was looked at."""

    def seen(host: str, what: Facts | SlipwayError | None, seconds: float) -> None:
        if isinstance(what, Facts):
            sink.put(FactsGathered(host, seconds))
        elif what is not None:
            sink.put(Note(f"can't be looked at: {what.title}", host))

    return seen
