"""The wizard by keys alone on real hosts, from an empty form to a cluster; on the way its run is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from textual.pilot import Pilot

from wizard.bundle.opened import Bundle
from wizard.cli.services import RealServices
from wizard.engine.events import RunResult
from wizard.engine.process import alive
from wizard.engine.record import State
from wizard.profile.load import load
from wizard.ui.app import SlipwayApp
from wizard.ui.screens.asking import AskSecretText, Confirm
from wizard.ui.screens.dialog_form import LoginForm
from wizard.ui.screens.done import DoneScreen
from wizard.ui.screens.error import ErrorView, as_text
from wizard.ui.screens.etcd import EtcdScreen
from wizard.ui.screens.hosts import HostsScreen
from wizard.ui.screens.keys import HostKeys
from wizard.ui.screens.network import NetworkScreen
from wizard.ui.screens.paste import PasteHosts
from wizard.ui.screens.review import ReviewScreen
from wizard.ui.screens.run import RunScreen
from wizard.ui.screens.welcome import WelcomeScreen

from ..ui import driving
from ..ui.driving import NARROW, comes, press, sees, type_in, until, words
from .helpers import Lab, Labs

pytestmark = pytest.mark.practice


@pytest.fixture
def lab(labs: Labs, bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """Three booted hosts where ops logs in by key and becomes root with a password; a state folder of our own."""
    made = labs.open("wizard", user="ops")
    monkeypatch.setenv("XDG_STATE_HOME", str(made.state))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.chdir(made.folder)
    monkeypatch.setattr(driving, "PATIENCE", 400.0)
    try:
        with no_run_left(made):
            yield made
    finally:
        monkeypatch.undo()  # the datacenter's own state is not in that folder
        labs.end("wizard")


@contextmanager
def no_run_left(lab: Lab) -> Iterator[None]:
    """Kill what still runs at the end, as after a failed assertion."""
    try:
        yield
    finally:
        for info in lab.journal().runs():
            if info.running:
                os.kill(info.process.pid, signal.SIGKILL)


async def test_from_an_empty_form_to_a_cluster_by_keys_alone(lab: Lab) -> None:
    first = SlipwayApp(RealServices())
    async with first.run_test(size=NARROW) as pilot:
        await fill_in(pilot, first, lab)
        await press(pilot, "i")
        await comes(pilot, Confirm)
        await sees(pilot, "Install on 3 bare hosts?")
        assert not lab.journal().runs(), "nothing starts before the answer"
        await press(pilot, "y")
        await comes(pilot, RunScreen)
        assert load(lab.folder / f"{lab.name}.yaml").profile.name == lab.name, "a new site is saved where one is"
        await goes_on(pilot, first, lambda: done_steps(first) >= 3, "three steps done")
        await sees(pilot, "elapsed")
        await press(pilot, "q")
        await until(pilot, lambda: not first.is_running, "the wizard's end")
    (run,) = lab.journal().runs()
    assert run.running, "a run outlives its screen"

    second = SlipwayApp(RealServices())  # it knows no secret, like one in another terminal
    async with second.run_test(size=NARROW) as pilot:
        await comes(pilot, WelcomeScreen)
        await sees(pilot, "running")
        await press(pilot, "enter")
        await comes(pilot, RunScreen)
        before = done_steps(second)
        await goes_on(pilot, second, lambda: done_steps(second) > max(3, before), "one more step, seen from here")
        os.kill(run.process.pid, signal.SIGKILL)
        await sees(pilot, "interrupted: r resumes")
        assert not alive(run.process)
        await press(pilot, "r")
        await comes(pilot, AskSecretText)
        await type_in(pilot, lab.datacenter.spec.password)
        assert lab.datacenter.spec.password not in words(pilot)
        await press(pilot, "enter")
        await goes_on(pilot, second, lambda: isinstance(second.screen, DoneScreen), "the last screen")
        await sees(pilot, f"{lab.name} stands")
        await sees(pilot, "Any 1 of 3 masters may die")
        assert second.session.built is not None
        assert second.session.built.kubeconfig == lab.cluster / "admin.conf"

    again, killed = lab.journal().runs()
    assert (again.result, killed.state) == (RunResult.DONE, "interrupted")
    kept = {step.info.id for step in lab.journal().record(again.run).steps.values() if step.state is State.UNCHANGED}
    assert kept, "what was done stayed done"
    server = lab.kubectl("config", "view", "-o", "jsonpath={.clusters[0].cluster.server}")
    assert server == f"https://{lab.vip}:6443"
    assert lab.ready_nodes() == {"m1", "m2", "m3"}
    secret = lab.datacenter.spec.password.encode()
    assert not [path for path in lab.state.rglob("*") if path.is_file() and secret in path.read_bytes()]


async def fill_in(pilot: Pilot[int], app: SlipwayApp, lab: Lab) -> None:
    """Type the site into the empty forms; confirm the hosts' keys, give the sudo password; end at a ready review."""
    await comes(pilot, WelcomeScreen)
    await press(pilot, "n")
    await comes(pilot, HostsScreen)
    await type_in(pilot, lab.name)
    await press(pilot, "tab", "p")
    await comes(pilot, PasteHosts)
    start, end = lab.hosts[0].address, lab.hosts[-1].address.rpartition(".")[2]
    await type_in(pilot, f"{start}-{end}")
    await sees(pilot, "3 new hosts: m1")
    await press(pilot, "ctrl+s")
    await comes(pilot, HostsScreen)
    await press(pilot, "l")
    await comes(pilot, LoginForm)
    await type_in(pilot, "ops")
    await press(pilot, "tab", "tab")
    await type_in(pilot, str(lab.datacenter.key))
    await press(pilot, "ctrl+s")
    await comes(pilot, HostsScreen)

    await press(pilot, "t")
    keys = await comes(pilot, HostKeys)
    shown = {name: error.fingerprint for name, error in keys.unknown.items()}
    assert shown == {host.name: host.fingerprint for host in lab.hosts}
    await sees(pilot, lab.hosts[0].fingerprint)
    assert not (lab.cluster / "known_hosts").exists(), "a key counts only once it was accepted"
    await press(pilot, "a")
    await comes(pilot, AskSecretText)
    await type_in(pilot, lab.datacenter.spec.password)
    assert lab.datacenter.spec.password not in words(pilot)
    await press(pilot, "enter")
    await comes(pilot, HostsScreen)
    await until(pilot, lambda: len(app.session.survey.facts if app.session.survey else {}) == 3, "three hosts' facts")
    await sees(pilot, "✓ Debian 12")

    await press(pilot, "ctrl+n")
    await comes(pilot, NetworkScreen)
    await type_in(pilot, lab.vip)
    await press(pilot, "ctrl+n")
    etcd = await comes(pilot, EtcdScreen)
    await press(pilot, "left")
    assert etcd.members == 1
    await press(pilot, "right")
    assert etcd.members == 3
    await press(pilot, "ctrl+n")
    await comes(pilot, ReviewScreen)
    await until(pilot, lambda: app.session.judgement, "the judgement")
    assert app.session.judgement is not None
    assert not app.session.judgement.errors
    if app.session.open_warnings():
        await press(pilot, "w")
    await sees(pilot, "Ready to install on 3 bare hosts")


def done_steps(app: SlipwayApp) -> int:
    """Return how many steps have changed something so far."""
    return app.session.record.changed if app.session.record else 0


async def goes_on(pilot: Pilot[int], app: SlipwayApp, there: Callable[[], object], what: str) -> None:
    """Wait until `there`; a failure that the wizard shows, or a run that ends otherwise, ends the waiting at once."""

    def over() -> bool:
        record = app.session.record
        ended = record is not None and record.result not in (None, RunResult.DONE, RunResult.INTERRUPTED)
        return isinstance(app.screen, ErrorView) or ended

    await until(pilot, lambda: there() or over(), what)
    if not there():
        why = as_text(app.screen.error) if isinstance(app.screen, ErrorView) else ""
        raise AssertionError(f"never came: {what}\n{why}\n{words(pilot)}")
