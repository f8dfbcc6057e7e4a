"""The wizard's services against real files, journals and sockets; hosts and installs have tests of their own."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.steps.samples import bundle
from wizard.cli.launch import Order, keep_order
from wizard.cli.services import RealServices, profiles, real, runs
from wizard.cli.services.vault import Vault
from wizard.engine.control import Control
from wizard.engine.control_socket import NoRun, serve
from wizard.engine.events import (
    Event,
    HostQuarantined,
    Question,
    RunFinished,
    RunResult,
    RunStarted,
    StepDone,
    StepFailed,
    StepInfo,
    StepLog,
    StepStarted,
)
from wizard.engine.journal import Journal
from wizard.errors import Level, Problem, SlipwayError, UsageError
from wizard.facts.model import Survey
from wizard.paths import cluster_dir, state_dir
from wizard.plans import folder, removal
from wizard.plans.task import ALLOW_REMOVAL, INSTALL, Kind, Task
from wizard.profile.model import Profile
from wizard.remote.base import Secret, Unreachable
from wizard.remote.secrets import SecretKind
from wizard.ui.services import HostLook, RunRef, RunState, Services

SUDO, PASSPHRASE = SecretKind.SUDO, SecretKind.PASSPHRASE
STEPS = tuple(StepInfo(f"{host}/etcd", "etcd member", host, "etcd", 1.0) for host in ("m1", "m2"))
FULL = Problem("disk.full", Level.ERROR, "No space is left on /var", "Make room.", host="m2")


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STATE", "CACHE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


def profile(name: str = "site-a", address: str = "198.18.0.11") -> Profile:
    return Profile.model_validate(
        {"name": name, "hosts": [{"name": "m1", "address": address}], "endpoint": {"vip": "198.18.0.100"}}
    )


async def nobody(kind: str, host: str, prompt: str) -> Secret | None:
    raise AssertionError(f"nothing is asked here: {prompt}")


def write_run(cluster: str, run: str, *events: Event) -> RunRef:
    with Journal(cluster_dir(cluster), run, cluster, title=f"Install {cluster}") as journal:
        for event in (RunStarted(run, cluster, f"Install {cluster}", hosts=("m1", "m2"), steps=STEPS), *events):
            journal.put(event)
    return RunRef(cluster, run, f"Install {cluster}", 0.0, RunState.RUNNING)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Order]:
    """The orders that runs' processes would be started with; none is."""
    orders: list[Order] = []

    async def launch(order: Order) -> str:
        orders.append(order)
        write_run("site-a", order.run)
        return order.run

    monkeypatch.setattr(real, "launch", launch)
    return orders


def died(work: Callable[[], object]) -> None:
    """Do `work` in a process that then dies without a word, as by SIGKILL."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(9)
    os.waitpid(child, 0)


def test_they_are_what_the_screens_ask_for():
    def takes(services: Services) -> Services:
        return services

    assert takes(RealServices())  # mypy holds the rest


# Profiles


async def test_a_profile_saved_is_shown_first_and_opens_as_it_was(tmp_path: Path):
    services, path = RealServices(), tmp_path / "a.yaml"
    assert "+name: site-a" in await services.diff(profile(), path)
    assert not path.exists()
    await services.save(profile(), path)
    assert await services.diff(profile(), path) == ""
    opened = await services.open(path)
    assert (opened.profile, opened.path) == (profile(), path)
    other = tmp_path / "b.yaml"
    await services.save(profile("site-b"), other)
    assert (await services.recent())[:2] == (other, path)
    await services.open(path)
    other.unlink()
    assert (await services.recent())[0] == path
    assert other not in await services.recent()


async def test_profiles_of_this_folder_and_the_ready_ones_are_offered_and_other_yaml_is_not(tmp_path: Path):
    here = tmp_path / "work"
    await RealServices().save(profile(), here / "site.yaml")
    profiles.recent_file().unlink()
    (here / "values.yaml").write_text("replicas: 3\n")
    (here / "broken.yaml").write_text("a: [\n")
    found = await RealServices().recent()
    assert found[0] == here / "site.yaml"
    assert {path.name for path in found} >= {"three-masters.yaml", "five-etcd-three-racks.yaml"}
    assert not {"values.yaml", "broken.yaml"} & {path.name for path in found}


async def test_a_profile_that_cant_be_read_says_so(tmp_path: Path):
    with pytest.raises(UsageError, match="no such profile"):
        await RealServices().open(tmp_path / "none.yaml")


# Runs


async def test_runs_are_each_clusters_last_one_and_tell_how_they_stand():
    write_run("site-a", "r1", RunFinished(RunResult.FAILED, 3.0, (FULL,)))
    write_run("site-a", "r2", StepDone("m1/etcd", True, 1.0), RunFinished(RunResult.PARTIAL, 3.0))
    died(lambda: write_run("site-b", "r3"))
    (state_dir() / "site-c").mkdir()
    (state_dir() / "site-c" / "journal.db").write_bytes(b"no journal at all" * 99)
    with Journal(cluster_dir("site-d"), "r4", "site-d", title="Install site-d"):
        found = {run.run: run for run in await RealServices().runs()}
    assert {name: run.state for name, run in found.items()} == {
        "r2": RunState.PARTIAL,
        "r3": RunState.INTERRUPTED,
        "r4": RunState.RUNNING,
    }
    assert found["r2"].fraction == pytest.approx(0.5)
    assert [run.started for run in found.values()] == sorted((run.started for run in found.values()), reverse=True)


async def test_runs_of_each_kind_are_offered_until_an_install_or_a_reset_has_made_up_for_them():
    def did(run: str, kind: Kind, result: RunResult, hosts: tuple[str, ...] = ()) -> None:
        keep_order(order(run, task=Task(kind=kind, hosts=hosts)))
        write_run("site-a", run, RunFinished(result, 3.0))

    async def offered() -> dict[str, Kind]:
        return {run.run: run.kind for run in await RealServices().runs()}

    did("r1", Kind.INSTALL, RunResult.FAILED)
    did("r2", Kind.RENEW, RunResult.FAILED)
    did("r3", Kind.RENEW, RunResult.INTERRUPTED)
    did("r4", Kind.VERIFY, RunResult.DONE)
    did("r5", Kind.RESET, RunResult.DONE, ("m1",))
    kinds = {"r1": Kind.INSTALL, "r3": Kind.RENEW, "r4": Kind.VERIFY, "r5": Kind.RESET}
    assert await offered() == kinds, "one host's reset makes up for nothing"
    did("r6", Kind.INSTALL, RunResult.DONE)
    assert await offered() == {"r6": Kind.INSTALL}
    did("r7", Kind.VERIFY, RunResult.FAILED)
    assert await offered() == {"r6": Kind.INSTALL, "r7": Kind.VERIFY}
    did("r8", Kind.RESET, RunResult.DONE)
    assert await offered() == {"r8": Kind.RESET}


async def test_a_dry_run_is_no_run_to_attach_to():
    with Journal(cluster_dir("site-a"), "d1", "site-a", dry=True):
        pass
    assert await RealServices().runs() == ()


async def test_following_gives_the_record_until_the_run_has_ended():
    services = RealServices()
    with Journal(cluster_dir("site-a"), "r1", "site-a") as journal:
        journal.put(RunStarted("r1", "site-a", "Install site-a", hosts=("m1", "m2"), steps=STEPS))
        seen = services.follow(RunRef("site-a", "r1", "", 0.0, RunState.RUNNING))
        first = await anext(seen)
        assert (len(first.steps), first.result) == (2, None)
        await journal.commit(StepDone("m1/etcd", True, 1.0))
        second = await anext(seen)
        assert second.changed == 1
        await journal.commit(RunFinished(RunResult.DONE, 2.0))
        rest = [record async for record in seen]
    assert rest[-1].result is RunResult.DONE


async def test_a_run_whose_process_is_gone_is_followed_to_interrupted():
    died(lambda: write_run("site-a", "r1", StepStarted("m1/etcd", "m1")))
    run = RunRef("site-a", "r1", "", 0.0, RunState.RUNNING)
    records = [record async for record in RealServices().follow(run)]
    assert [record.result for record in records][-1] is RunResult.INTERRUPTED


async def test_the_saved_log_has_every_line_and_the_evidence_of_failures():
    lines = [StepLog("m2/etcd", f"line {number}") for number in range(900)]
    run = write_run(
        "site-a",
        "r1",
        *lines,
        StepFailed("m2/etcd", FULL, "df said: 100%"),
        RunFinished(RunResult.FAILED, 3.0, (FULL,)),
    )
    path = await RealServices().save_log(run)
    text = path.read_text()
    assert all(f"line {number}\n" in text for number in range(900))
    assert "    df said: 100%" in text
    assert "error m2: No space is left on /var Make room." in text
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.is_relative_to(cluster_dir("site-a"))


async def test_a_saved_log_names_the_profiles_file_where_one_is_known(tmp_path):
    away = Problem("maintain.out", Level.ERROR, "m2 is out", "`slipway maintain PROFILE m2 end`.", host="m2")
    run = write_run("site-a", "r1", RunFinished(RunResult.FAILED, 3.0, (away,)))
    assert "`slipway maintain PROFILE m2 end`." in (await RealServices().save_log(run)).read_text()
    file = tmp_path / "my sites" / "a.yaml"
    file.parent.mkdir()
    await RealServices().save(profile(), file)
    text = (await RealServices().save_log(run)).read_text()
    assert f"error m2: m2 is out `slipway maintain '{file}' m2 end`." in text


TASK = Task(hosts=("m1",), options={"wait": 30})


def order(run: str, name: str = "site-a", task: Task = TASK) -> Order:
    words = (run, profile(name).model_dump(mode="json"), "/bundle", str(cluster_dir(name)))
    return Order(*words, task.model_dump(mode="json"), secrets={"sudo": "hush"})


async def test_built_tells_what_the_run_applied_and_who_was_left_out():
    keep_order(order("r1"))
    run = write_run("site-a", "r1", HostQuarantined("m2", "it has no power"), RunFinished(RunResult.PARTIAL, 3.0))
    (cluster_dir("site-a") / "admin.conf").write_text("…")
    built = await RealServices().built(run)
    assert built.profile == profile()
    assert built.kubeconfig == cluster_dir("site-a") / "admin.conf"
    assert built.notes == ("m2 was given up: it has no power",)


async def test_what_is_put_on_file_of_a_run_has_no_secret_and_is_private():
    keep_order(order("r1"))
    (file,) = (cluster_dir("site-a") / "runs").iterdir()
    assert "hush" not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


async def test_hosts_leave_only_where_all_of_them_were_said_to(started: list[Order], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("wizard.cli.site.load_bundle", lambda _folder: bundle())
    hosts = [{"name": f"m{n}", "address": f"198.18.0.1{n}"} for n in (1, 2, 3)]
    before = Profile.model_validate(profile().model_dump() | {"hosts": hosts})
    cluster_dir("site-a").mkdir(parents=True)
    folder.remember(cluster_dir("site-a"), before)
    services = RealServices()
    said = {}
    for out in (frozenset[str](), frozenset({"m2"}), frozenset({"m2", "m3", "w1"})):
        found = await services.check(profile(), Survey(), out)
        said[out] = {(one.host, one.level) for one in found if one.code == removal.LEAVES}
        await services.start(profile(), nobody, out)
    held, allowed = ({("m2", level), ("m3", level)} for level in (Level.ERROR, Level.WARNING))
    assert list(said.values()) == [held, held, allowed]
    assert [order.task["options"] for order in started] == [{}, {}, {ALLOW_REMOVAL: True}]


async def test_hosts_that_leave_are_looked_at_too():
    cluster_dir("site-a").mkdir(parents=True)
    there = profile(address="127.0.0.1").model_copy(update={"ssh": profile().ssh.model_copy(update={"port": 1})})
    goes = there.hosts[0].model_copy(update={"name": "m2"})
    folder.remember(cluster_dir("site-a"), there.model_copy(update={"hosts": (*there.hosts, goes)}))
    survey = await RealServices().survey(there, nobody, lambda _look: None)
    assert set(survey.failures) == {"m1", "m2"}


async def test_resuming_does_the_same_task_again(started: list[Order], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("wizard.cli.site.load_bundle", lambda folder: replace(bundle(), folder=folder))
    keep_order(order("r1"))
    resumed = await RealServices().resume(write_run("site-a", "r1"), nobody)
    (again,) = started
    assert resumed.run == again.run != "r1"
    assert (again.profile, again.bundle, again.task) == (order("r1").profile, "/bundle", order("r1").task)


async def test_what_took_nothing_from_a_bundle_is_resumed_without_one(started: list[Order]):
    keep_order(replace(order("r1", task=Task(kind=Kind.RESET, hosts=("m1",))), bundle=""))
    await RealServices().resume(write_run("site-a", "r1"), nobody)
    assert [(again.bundle, again.task["kind"]) for again in started] == [("", "reset")]


async def test_a_run_without_a_word_of_its_task_was_an_install():
    keep_order(order("r1"))
    (file,) = (cluster_dir("site-a") / "runs").iterdir()
    file.write_text(json.dumps({"profile": profile().model_dump(mode="json"), "bundle": "/bundle"}))
    assert runs.ordered(write_run("site-a", "r1")).task == INSTALL


async def test_resuming_a_run_that_is_not_on_file_says_what_to_do_instead():
    run = write_run("site-a", "r1")
    with pytest.raises(SlipwayError, match="not on file") as caught:
        await RealServices().resume(run, nobody)
    assert "profile" in caught.value.hint


@asynccontextmanager
async def under_way(cluster: str = "site-a") -> AsyncIterator[tuple[Control, RunRef]]:
    """Give a run that serves its socket here."""
    with Journal(cluster_dir(cluster), "r1", cluster) as journal:
        control = Control(journal)
        async with serve(control, cluster_dir(cluster), "r1"):
            yield control, RunRef(cluster, "r1", "", 0.0, RunState.RUNNING)


async def test_questions_are_answered_through_the_runs_socket():
    services = RealServices()
    async with under_way() as (control, run):
        asked = asyncio.create_task(control.ask(Question("key", "Is that its key?", ("accept", "refuse"))))
        hidden = asyncio.create_task(control.ask(Question("sudo", "Password?", secret=True)))
        async with asyncio.timeout(30):
            while len(control.questions) < 2:  # noqa: ASYNC110 (they come from the journal's thread)
                await asyncio.sleep(0.01)
        with pytest.raises(SlipwayError, match="answer one of"):
            await services.answer(run, "key", "perhaps")
        await services.answer(run, "key", "accept")
        await services.answer_secret(run, "sudo", Secret("hush"))
        assert (await asked, await hidden) == ("accept", "hush")
        with pytest.raises(SlipwayError, match="not open"):
            await services.answer(run, "key", "accept")


async def test_intents_reach_the_run_and_what_it_refuses_is_told():
    services, heard = RealServices(), []
    async with under_way() as (control, run):

        def handle(intent) -> str:
            heard.append((intent.intent, intent.step))
            return "that step has not failed" if intent.intent == "retry" else ""

        control.handler = handle
        await services.pause(run, True)
        await services.pause(run, False)
        await services.cancel(run)
        with pytest.raises(SlipwayError, match="has not failed"):
            await services.retry(run, "m1/etcd")
    assert heard == [("pause", ""), ("resume", ""), ("cancel", ""), ("retry", "m1/etcd")]
    with pytest.raises(NoRun):
        await services.cancel(run)


# Hosts


async def test_a_survey_hands_each_host_over_and_a_failure_is_no_exception():
    looks: list[HostLook] = []
    silent = profile(address="127.0.0.1").model_copy(update={"ssh": profile().ssh.model_copy(update={"port": 1})})
    survey = await RealServices().survey(silent, nobody, looks.append)
    assert [look.error is None for look in looks] == [True, False]
    assert isinstance(survey.failures["m1"], Unreachable)
    assert not survey.facts


async def test_without_a_bundle_all_else_is_judged_all_the_same():
    survey = Survey(failures={"m1": Unreachable("Nobody answers", where="m1")})
    found = await RealServices().check(profile(), survey)
    codes = {problem.code for problem in found if problem.level is Level.ERROR}
    assert "bundle.unusable" in codes
    assert any(problem.host == "m1" for problem in found)
    assert "slipway bundle build" in " ".join(problem.hint for problem in found if problem.code == "bundle.unusable")


# Secrets


class Person:
    def __init__(self, *answers: str | None) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, str]] = []

    async def __call__(self, kind: str, host: str, prompt: str) -> Secret | None:
        self.asked.append((kind, host, prompt))
        await asyncio.sleep(0)
        answer = self.answers.pop(0)
        return None if answer is None else Secret(answer)


async def test_the_vault_hands_over_what_hosts_took_and_nothing_they_refused():
    person = Person("typo", "right", "of the key")
    vault = Vault().sitting(person)
    await vault.get(SUDO, "m1", "sudo password of ops on m1")
    vault.rejected(SUDO, "m1", Secret("typo"))
    assert vault.collected() == {}
    for host in ("m1", "m2"):
        assert await vault.get(SUDO, host, "again") == Secret("right")
    await vault.get(PASSPHRASE, "/k", "passphrase of the key /k")
    assert vault.collected() == {"sudo@m1": "right", "sudo@m2": "right", "passphrase@/k": "of the key"}
    assert person.asked[0][2].startswith("Sudo password of ops on m1. The other hosts")
    assert person.asked[2][2] == "Passphrase of the key /k"
    assert "right" not in repr(vars(vault))


async def test_who_declines_is_asked_once_in_a_sitting_and_again_in_the_next():
    person = Person(None, "now")
    vault = Vault().sitting(person)
    assert await asyncio.gather(*(vault.get(SUDO, f"m{number}", "?") for number in range(3))) == [None] * 3
    assert len(person.asked) == 1
    assert await vault.sitting(person).get(SUDO, "m1", "?") == Secret("now")
