"""A FAKE of the outside world for tests of screens: no SSH, no process, no file but what a test asks for.

It answers from what a test put into it, records what it was asked, and rejects what it doesn't know.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml

from wizard.engine.events import Event
from wizard.engine.record import Record, fold, interrupted
from wizard.engine.step import Plan, Probe, Satisfied, Step
from wizard.errors import Problem, SlipwayError, UsageError
from wizard.facts.model import DiskKind, Facts, Filesystem, Hardware, Interface, Survey, System
from wizard.plans import removal
from wizard.plans.preview import Preview
from wizard.plans.status import Status
from wizard.plans.task import ALLOW_REMOVAL, Job, Task
from wizard.profile.model import Profile
from wizard.profile.rules import rules
from wizard.remote.base import HostKeyUnknown, Secret
from wizard.ui.services import AskSecret, Built, HostLook, Opened, RunRef, RunState

from . import story


def facts(name: str, address: str, kind: DiskKind = DiskKind.SSD) -> Facts:
    """Return the facts of an ordinary host."""
    disk = Filesystem("/var/lib", "/dev/sda1", "ext4", 480 * 10**9, 400 * 10**9, disk="sda", kind=kind)
    return Facts(
        name,
        System(hostname=name, os_id="debian", os_version="12", kernel="6.1.0-18-amd64", architecture="amd64"),
        Hardware(cpus=2, memory=8 * 2**30),
        etcd_filesystem=disk,
        interfaces=(
            Interface("eth0", f"02:00:00:00:00:{int(address.rpartition('.')[2]):02x}", 1500, True, (f"{address}/24",)),
        ),
    )


def plan(profile: Profile) -> Plan:
    """Return a plan with the steps of the story, for the hosts of `profile`."""
    probe = Probe("true", lambda _output, _status: Satisfied())
    hosts = tuple(host.name for host in profile.hosts)
    steps = tuple(
        Step(info.id, info.title, info.host, info.phase, probe, weight=info.weight) for info in story.steps(hosts)
    )
    return Plan(profile.name, f"Install {profile.name}", steps, hosts=hosts)


@dataclass
class FakeServices:
    """Answers as a test wants it; `asked` tells what the screens did."""

    unknown_keys: set[str] = field(default_factory=set)
    """Addresses whose SSH keys are seen for the first time."""
    errors: dict[str, SlipwayError] = field(default_factory=dict)
    """Address → why a look at it fails."""
    survey_error: SlipwayError | None = None
    """Why no host can be looked at."""
    disks: dict[str, DiskKind] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    """What the checks find besides the rules."""
    sudo_password: str = ""
    """With one, a survey asks for it, again and again until it is right."""
    known_runs: tuple[RunRef, ...] = ()
    clusters: tuple[Profile, ...] = ()
    cluster_status: tuple[Status, ...] = ()
    events: list[Event] = field(default_factory=story.install)
    shown: int | None = None
    """How many events the run has had so far; None for all."""
    gone: bool = False
    """The run's process is gone without having said so."""
    asked: list[tuple[object, ...]] = field(default_factory=list)
    folder: Path = Path("/nonexistent")
    start_error: SlipwayError | None = None
    applied: Profile | None = None
    before: Profile | None = None
    """The profile that was applied last: hosts that only it names would leave."""
    seen_before: Preview | None = None
    """What an install would do to a cluster that stands."""
    preview_error: SlipwayError | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def open(self, path: Path) -> Opened:
        """Read a profile."""
        return Opened(Profile.model_validate(read(path)), path)

    async def diff(self, profile: Profile, path: Path) -> str:
        """Return a diff of one line, or nothing where the file says the same."""
        return "" if same(profile, path) else f"--- a\n+++ b\n+name: {profile.name}\n"

    async def save(self, profile: Profile, path: Path) -> None:
        """Write it."""
        self.asked.append(("save", path))
        write(path, profile.model_dump(mode="json", exclude_none=True))

    async def recent(self) -> tuple[Path, ...]:
        """Return the profiles in the test's folder."""
        return tuple(sorted(self.folder.glob("*.yaml")))

    async def file_of(self, cluster: str) -> Path | None:
        """Return the file in the test's folder that is called like the cluster."""
        path = self.folder / f"{cluster}.yaml"
        return path if path.is_file() else None

    async def survey(self, profile: Profile, ask: AskSecret, seen: Callable[[HostLook], None]) -> Survey:
        """Give each host's facts, or its failure."""
        self.asked.append(("survey", tuple(host.address for host in profile.hosts)))
        if self.survey_error:
            raise self.survey_error
        while self.sudo_password:
            answer = await ask("sudo", "", "sudo on these hosts wants the password of admin.")
            if answer is None or answer.reveal() == self.sudo_password:
                self.sudo_password = ""
        survey = Survey()
        for host in profile.hosts:
            await asyncio.sleep(0)
            if host.address in self.unknown_keys:
                failure: SlipwayError = HostKeyUnknown(
                    "Its key is not known yet", fingerprint=f"SHA256:{host.name * 21}x"[:50], key="", where=host.name
                )
            elif host.address in self.errors:
                failure = self.errors[host.address]
            else:
                survey.facts[host.name] = facts(host.name, host.ip, self.disks.get(host.address, DiskKind.SSD))
                seen(HostLook(host.name, facts=survey.facts[host.name]))
                continue
            survey.failures[host.name] = failure
            seen(HostLook(host.name, error=failure))
        return survey

    async def accept_keys(self, profile: Profile, hosts: tuple[str, ...]) -> None:
        """Know them from now on."""
        self.asked.append(("accept", hosts))
        self.unknown_keys -= {profile.host(name).address for name in hosts}

    async def check(self, profile: Profile, survey: Survey, out: frozenset[str]) -> tuple[Problem, ...]:
        """Give the rules' problems, those of hosts that failed, of those that leave, and those of the test."""
        failed = tuple(error.as_problem("host.unreachable", host=name) for name, error in survey.failures.items())
        leaving = removal.judge(self._job(profile, out), survey, "")
        return (*rules(profile), *failed, *leaving, *self.problems)

    def _job(self, profile: Profile, out: frozenset[str]) -> Job:
        job = Job(profile, None, self.folder, before=self.before)
        allowed = {host.name for host in job.leaving} <= out
        return replace(job, task=Task(options={ALLOW_REMOVAL: True})) if allowed else job

    async def plan(self, profile: Profile, survey: Survey, out: frozenset[str]) -> Plan:
        """Give the story's plan."""
        return plan(profile)

    async def preview(self, profile: Profile, survey: Survey, out: frozenset[str]) -> Preview:
        """Give the test's preview; without one all hosts are bare."""
        if self.preview_error is not None:
            raise self.preview_error
        return self.seen_before or Preview(new=tuple(survey.facts))

    def ref(self, profile: Profile) -> RunRef:
        """Return the run of the story."""
        title = f"Install {profile.name}: Kubernetes 1.37.2 on {len(profile.hosts)} hosts"
        return RunRef(profile.name, "20301231-1", title, story.START, RunState.RUNNING)

    async def start(self, profile: Profile, ask: AskSecret, out: frozenset[str]) -> RunRef:
        """Begin the story."""
        self.asked.append(("start", profile.name, *sorted(out)))
        if self.start_error is not None:
            raise self.start_error
        self.applied = profile
        return self.ref(profile)

    async def order(self, profile: Profile, task: Task, ask: AskSecret) -> RunRef:
        """Begin a story of that kind."""
        self.asked.append(("order", profile.name, task.kind, *task.hosts, *sorted(task.options.items())))
        return replace(self.ref(profile), title=f"{task.kind} {profile.name}", kind=task.kind)

    async def resume(self, run: RunRef, ask: AskSecret) -> RunRef:
        """Begin it again, all well this time."""
        self.asked.append(("resume", run.run))
        self.gone = False
        self.events = story.install(cluster=run.cluster)
        self.shown = None
        return replace(run, run=f"{run.run}-again", state=RunState.RUNNING)

    async def standing(self) -> tuple[Profile, ...]:
        """Return the clusters the test has put in."""
        return self.clusters

    async def statuses(
        self, profile: Profile, ask: AskSecret, hurry: asyncio.Event, every: float
    ) -> AsyncGenerator[Status]:
        """Yield the test's statuses, the next one each time somebody is in a hurry; at the end the last for good."""
        self.asked.append(("statuses", profile.name))
        try:
            for status in self.cluster_status:
                yield status
                await hurry.wait()
                hurry.clear()
            await asyncio.Event().wait()
        finally:
            self.asked.append(("closed", profile.name))

    async def runs(self) -> tuple[RunRef, ...]:
        """Return the runs the test has put in."""
        return self.known_runs

    async def follow(self, run: RunRef) -> AsyncIterator[Record]:
        """Yield the story as far as it has got, until it has ended."""
        while True:
            self.changed.clear()
            record = fold(self.events[: self.shown])
            yield interrupted(record) if self.gone else record
            if self.gone or record.result is not None:
                return
            await self.changed.wait()

    def go_on(self, events: list[Event] | None = None, shown: int | None = None) -> None:
        """Let the story go on: other events, or more of them."""
        self.events = events if events is not None else self.events
        self.shown = shown
        self.changed.set()

    async def save_log(self, run: RunRef) -> Path:
        """Say where the log would be."""
        self.asked.append(("save_log", run.run))
        return self.folder / "run.log"

    async def answer(self, run: RunRef, question: str, answer: str) -> None:
        """Note the answer."""
        self.asked.append(("answer", question, answer))

    async def answer_secret(self, run: RunRef, question: str, answer: Secret) -> None:
        """Note that there was an answer."""
        self.asked.append(("answer_secret", question, len(answer.reveal())))

    async def retry(self, run: RunRef, step: str) -> None:
        """Note the intent."""
        self.asked.append(("retry", step))

    async def pause(self, run: RunRef, paused: bool) -> None:
        """Note the intent."""
        self.asked.append(("pause", paused))

    async def cancel(self, run: RunRef) -> None:
        """Note the intent."""
        self.asked.append(("cancel", run.run))

    async def built(self, run: RunRef) -> Built:
        """Say what the story has left."""
        profile = self.applied or Profile.model_validate(sample(run.cluster))
        return Built(profile, Path(f"/root/.local/state/slipway/{run.cluster}/admin.conf"))

    async def practice(self, masters: int, say: Callable[[str], None]) -> Path:
        """Write the profile of a practice datacenter."""
        say(f"Starting {masters} hosts")
        path = self.folder / "practice.yaml"
        write(path, sample("practice"))
        return path


def read(path: Path) -> dict[str, object]:
    """Read a profile as plain data."""
    if not path.is_file():
        raise UsageError("There is no such profile", where=str(path), hint="Check the path.")
    return dict(yaml.safe_load(path.read_text()))


def same(profile: Profile, path: Path) -> bool:
    """Tell whether the file says what the profile says."""
    return path.is_file() and Profile.model_validate(read(path)) == profile


def write(path: Path, plain: dict[str, object]) -> None:
    """Write a profile."""
    path.write_text(yaml.safe_dump(plain, sort_keys=False))


def sample(name: str = "site-a") -> dict[str, object]:
    """Return a profile as plain data."""
    hosts = [{"name": f"m{n}", "address": f"198.18.0.{10 + n}", "zone": f"rack{n}"} for n in (1, 2, 3)]
    endpoint = {"vip": "198.18.0.100", "dns_name": "api.site-a.example"}
    return {"name": name, "ssh": {"user": "admin"}, "hosts": hosts, "endpoint": endpoint, "kubernetes": "1.37.2"}


def bigger(name: str = "site-a") -> Profile:
    """Return the sample's profile with an etcd member and a worker more."""
    plain = sample(name)
    hosts = plain["hosts"]
    assert isinstance(hosts, list)
    hosts += [
        {"name": "e1", "address": "198.18.0.21", "roles": ["etcd"], "zone": "rack1"},
        {"name": "w1", "address": "198.18.0.31", "roles": ["worker"], "zone": "rack1"},
    ]
    return Profile.model_validate(plain)
