"""The outside world as it is: profiles on disk, hosts over SSH, runs as processes of their own."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

from wizard.checks import checks
from wizard.cli.launch import launch, order_of
from wizard.cli.services import practising, profiles, runs, standing
from wizard.cli.services.vault import Vault
from wizard.cli.site import connections, job_on, with_extras_files
from wizard.engine.control import Intent
from wizard.engine.control_socket import submit
from wizard.engine.record import Record
from wizard.engine.step import Plan
from wizard.errors import Problem, SlipwayError
from wizard.facts.model import Facts, Survey
from wizard.facts.survey import gather
from wizard.paths import cluster_dir
from wizard.pki import store
from wizard.plans import extras_files
from wizard.plans.folder import applied, identity
from wizard.plans.job import Job, prepare
from wizard.plans.judging import judge
from wizard.plans.preview import Preview, preview, told
from wizard.plans.status import Status
from wizard.plans.task import ALLOW_REMOVAL, Task
from wizard.profile.extras_paths import based
from wizard.profile.load import ProfileError, load
from wizard.profile.model import Profile
from wizard.profile.rules import rules
from wizard.profile.save import difference, save
from wizard.remote.base import HostKeyUnknown, Secret
from wizard.remote.ssh import SshConnector, settings_of
from wizard.remote.targets import targets_of
from wizard.ui.services import AskSecret, Built, HostLook, Opened, RunRef


class RealServices:
    """Implements `wizard.ui.services.Services`. `bundle` is the folder to install from; None means the cache's."""

    def __init__(self, bundle: Path | None = None) -> None:
        self._bundle = bundle
        self._vaults: dict[str, Vault] = {}
        self._shown_keys: dict[tuple[str, str], str] = {}
        """(cluster, host) → the known_hosts line of the key that was seen for the first time."""
        self._folders: dict[str, Path] = {}
        """Cluster → the folder of its profile, from which the files it names are meant."""

    # Profiles

    async def open(self, path: Path) -> Opened:
        """Read a profile. Raises `UsageError` naming line and key."""
        loaded = await asyncio.to_thread(load, path)
        await asyncio.to_thread(profiles.remember, path)
        self._folders[loaded.profile.name] = path.parent
        return Opened(loaded.profile, path, loaded.problems)

    async def diff(self, profile: Profile, path: Path) -> str:
        """Return what saving would change."""
        return await asyncio.to_thread(difference, profile, path)

    async def save(self, profile: Profile, path: Path) -> None:
        """Write `profile`, keeping the file that was there."""
        await asyncio.to_thread(save, profile, path)
        self._folders[profile.name] = path.parent
        await asyncio.to_thread(profiles.remember, path)

    async def recent(self) -> tuple[Path, ...]:
        """Return profiles worth offering."""
        return await asyncio.to_thread(profiles.recent)

    async def file_of(self, cluster: str) -> Path | None:
        """Return the file of a cluster's profile."""
        return await asyncio.to_thread(profiles.named, cluster)

    # Hosts

    async def survey(self, profile: Profile, ask: AskSecret, seen: Callable[[HostLook], None]) -> Survey:
        """Look at all hosts at once, one round trip each; nothing on them is changed."""

        def heard(host: str, what: Facts | SlipwayError | None, _seconds: float) -> None:
            if isinstance(what, Facts):
                seen(HostLook(host, facts=what))
            else:
                seen(HostLook(host, error=what))

        # Importing asyncssh takes longer than a frame.
        await asyncio.to_thread(importlib.import_module, "wizard.remote.ssh.opener")
        secrets = self._vault(profile.name).sitting(ask)
        before = applied(cluster_dir(profile.name))
        hosts = Job(profile, None, cluster_dir(profile.name), before=before).reached
        async with connections(profile, secrets, _nobody_confirms, before) as connect:
            survey = await gather(connect, hosts, profile.etcd.data_dir, seen=heard)
        for host, failure in survey.failures.items():
            if isinstance(failure, HostKeyUnknown):
                self._shown_keys[profile.name, host] = failure.key
        return survey

    async def accept_keys(self, profile: Profile, hosts: tuple[str, ...]) -> None:
        """Put the keys that were shown last into the cluster's known_hosts."""
        await asyncio.to_thread(self._accept, profile, hosts)

    def _accept(self, profile: Profile, hosts: tuple[str, ...]) -> None:
        connector = SshConnector(cluster_dir(profile.name) / "known_hosts")
        before = applied(cluster_dir(profile.name))
        targets = {**(targets_of(before, settings_of) if before else {}), **targets_of(profile, settings_of)}
        for host in hosts:
            key = self._shown_keys.pop((profile.name, host), "")
            if key:
                connector.accept(targets[host], key)

    # Judging and planning

    async def check(self, profile: Profile, survey: Survey, out: frozenset[str] = frozenset()) -> tuple[Problem, ...]:
        """Judge profile, facts and bundle."""
        return await asyncio.to_thread(self._check, profile, survey, out)

    def _check(self, profile: Profile, survey: Survey, out: frozenset[str]) -> tuple[Problem, ...]:
        uid, before = identity(cluster_dir(profile.name), profile.name), applied(cluster_dir(profile.name))
        try:
            job = self._job(profile, out)
        except ProfileError as error:
            return (*rules(profile), *error.problems, *checks(profile, survey, None, uid, before))
        except SlipwayError as error:
            # Without a bundle all else can be judged all the same.
            return (*rules(profile), error.as_problem("bundle.unusable"), *checks(profile, survey, None, uid, before))
        return judge(job, survey, uid).problems

    async def plan(self, profile: Profile, survey: Survey, out: frozenset[str] = frozenset()) -> Plan:
        """Return the plan of the install; makes no key."""
        return await asyncio.to_thread(self._plan, profile, survey, out)

    def _plan(self, profile: Profile, survey: Survey, out: frozenset[str]) -> Plan:
        folder = cluster_dir(profile.name)
        return prepare(self._job(profile, out), survey, identity(folder, profile.name), store.load(folder / "pki"))

    async def preview(self, profile: Profile, survey: Survey, out: frozenset[str] = frozenset()) -> Preview:
        """Return what the install would change."""
        job = await asyncio.to_thread(self._job, profile, out)
        secrets = self._vault(profile.name)
        if told(job, survey, identity(job.folder, profile.name)).changing is not None:
            # A registry's password is part of what lies on the hosts.
            job = await with_extras_files(job, secrets)
        async with connections(job.profile, secrets, _nobody_confirms, job.before) as connect:
            return await preview(job, survey, connect)

    def _job(self, profile: Profile, out: frozenset[str]) -> Job:
        profile = based(profile, self._folders.get(profile.name, Path.cwd()))
        job = replace(job_on(profile, self._bundle), extras_files=extras_files.read(profile))
        leaving = {host.name for host in job.leaving}
        # What was said yes to is the leaving of certain hosts: by now there may be others.
        return replace(job, task=Task(options={ALLOW_REMOVAL: True})) if leaving and leaving <= out else job

    def _vault(self, cluster: str) -> Vault:
        return self._vaults.setdefault(cluster, Vault())

    # Runs

    async def start(self, profile: Profile, ask: AskSecret, out: frozenset[str] = frozenset()) -> RunRef:
        """Start the run; what it needs beyond the secrets collected so far it asks for itself, by its questions."""
        return await self._launch(await asyncio.to_thread(self._job, profile, out))

    async def order(self, profile: Profile, task: Task, ask: AskSecret) -> RunRef:
        """Start the run that does `task`, which takes nothing from a bundle."""
        return await self._launch(await asyncio.to_thread(job_on, profile, self._bundle, task))

    async def resume(self, run: RunRef, ask: AskSecret) -> RunRef:
        """Do again what `run` was told to do."""
        ordered = await asyncio.to_thread(runs.ordered, run)
        return await self._launch(await asyncio.to_thread(job_on, ordered.profile, ordered.bundle, ordered.task))

    async def _launch(self, job: Job) -> RunRef:
        name = job.profile.name
        started = await launch(order_of(job, interactive=True, secrets=self._vault(name).collected()))
        return await asyncio.to_thread(runs.known, name, started)

    # The cluster that stands

    async def standing(self) -> tuple[Profile, ...]:
        """Return the profiles of the clusters that were installed from here."""
        return await asyncio.to_thread(standing.applied)

    def statuses(self, profile: Profile, ask: AskSecret, hurry: asyncio.Event, every: float) -> AsyncGenerator[Status]:
        """Yield how the cluster of `profile` stands, again and again."""
        return standing.statuses(profile, self._vault(profile.name).sitting(ask), self._bundle, hurry, every)

    async def runs(self) -> tuple[RunRef, ...]:
        """Return the runs worth attaching to."""
        return await asyncio.to_thread(runs.all_runs)

    def follow(self, run: RunRef) -> AsyncIterator[Record]:
        """Yield the run's record as it goes."""
        return runs.follow(run)

    async def save_log(self, run: RunRef) -> Path:
        """Write the whole log as text."""
        return await asyncio.to_thread(runs.save_log, run)

    async def built(self, run: RunRef) -> Built:
        """Return what a finished run has left."""
        return await asyncio.to_thread(runs.built, run)

    async def answer(self, run: RunRef, question: str, answer: str) -> None:
        """Answer the run's question."""
        await _tell(run, Intent("answer", question=question, answer=answer))

    async def answer_secret(self, run: RunRef, question: str, answer: Secret) -> None:
        """Answer the run's question that asks for a secret."""
        await _tell(run, Intent("answer", question=question, answer=answer.reveal()))

    async def retry(self, run: RunRef, step: str) -> None:
        """Ask for another try of a failed step."""
        await _tell(run, Intent("retry", step=step))

    async def pause(self, run: RunRef, paused: bool) -> None:
        """Ask the run to start nothing new, or to go on."""
        await _tell(run, Intent("pause" if paused else "resume"))

    async def cancel(self, run: RunRef) -> None:
        """Ask the run to stop."""
        await _tell(run, Intent("cancel"))

    async def practice(self, masters: int, say: Callable[[str], None]) -> Path:
        """Start a practice datacenter and return its profile."""
        return await practising.practice(masters, say)


async def _nobody_confirms(_unknown: HostKeyUnknown) -> bool:
    """Leave an unknown key unknown: the screens show all of them at once, and `accept_keys` records them."""
    return False


async def _tell(run: RunRef, intent: Intent) -> None:
    why = await submit(cluster_dir(run.cluster), run.run, intent)
    if why:
        raise SlipwayError("The run didn't take that", where=f"{run.cluster}/{run.run}", why=why)
