"""`slipway status` as people and scripts meet it: the object, the view at 80 columns, the exit codes, the watch."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console, RenderableType
from typer.testing import CliRunner

from tests.unit.plans.standing import HERE, OFF, standing, texts
from wizard.bundle.lock import BundleError
from wizard.cli import status as command
from wizard.cli import watch
from wizard.cli.app import app
from wizard.cli.standing import as_object, brief, full
from wizard.engine.events import RunFinished, RunResult, RunStarted, StepInfo
from wizard.engine.journal import Journal
from wizard.errors import Exit
from wizard.paths import cluster_dir
from wizard.plans.status import Drift, with_drift
from wizard.plans.status.model import Cause, Change
from wizard.remote.base import Command, Result, SudoRefused

HEALTHY = texts()
BY_HAND = Drift(
    1.0,
    (
        Change("m2", "m2/haproxy", "/etc/haproxy/haproxy.cfg", "a\nb\n", "a\n", cause=Cause.BY_HAND),
        Change("m2", "m2/pki", "/etc/kubernetes/admin.conf", "••• 01", "••• 02", True, Cause.BY_HAND),
    ),
)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file of a profile whose bundle is nowhere."""

    def nothing(folder: Path) -> Any:
        raise BundleError("There is no bundle here", where=str(folder))

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("wizard.cli.site.load_bundle", nothing)
    path = tmp_path / "site.yaml"
    path.write_text(yaml.safe_dump(HERE.model_dump(mode="json", exclude_none=True)))
    return path


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Let hosts (fakes) answer as they did once; a test may change what each says, or turn one off."""
    said: dict[str, Any] = dict(HEALTHY)

    class Host:
        def __init__(self, name: str) -> None:
            self.name = name

        async def run(self, _command: Command) -> Result:
            return Result(0, said[self.name].encode(), b"", 0.0)

    @asynccontextmanager
    async def connections(*_: object) -> AsyncIterator[Callable[[str], Awaitable[Any]]]:
        async def connect(name: str) -> Host:
            await asyncio.sleep(0)
            if isinstance(said[name], Exception):
                raise said[name]
            return Host(name)

        yield connect

    monkeypatch.setattr(command, "connections", connections)
    recorded = standing(HEALTHY).hosts[0].time  # as to us, the hosts' clocks stand at the moment of the recording
    monkeypatch.setattr("wizard.plans.status.units.parse_time", lambda *_: recorded)
    return said


def drawn(view: RenderableType, width: int = 80) -> list[str]:
    """Return the lines of a view on a terminal so wide."""
    out = io.StringIO()
    Console(file=out, width=width, highlight=False, markup=False, emoji=False).print(view)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_machines_get_what_was_promised_and_all_the_rest(file: Path, hosts: dict[str, Any]) -> None:
    done = CliRunner().invoke(app, ["status", str(file), "--json"])
    found = json.loads(done.stdout)
    assert (done.exit_code, found["result"], found["problems"]) == (Exit.DONE, "done", [])
    assert found["vip"] == {"address": "198.18.0.100", "port": 6443, "holder": "m1", "holders": ["m1"]}
    assert {(one["name"], one["leader"], one["healthy"]) for one in found["etcd"]["members"]} == {
        ("m1", True, True), ("m2", False, True), ("m3", False, True),
    }  # fmt: skip
    assert [(one["name"], one["ready"]) for one in found["nodes"]] == [(name, True) for name in ("m1", "m2", "m3")]
    m1 = found["hosts"][0]
    assert set(m1["units"].values()) == {"active"}
    assert set(m1["pods"].values()) == {"ready"}
    assert [one["use"] for one in m1["backends"]] == ["up"] * 3
    assert {one["days"] for one in m1["certificates"]} >= {359}
    assert found["drift"] == {"looked": None, "why": found["drift"]["why"], "changes": []}
    assert "There is no bundle here" in found["drift"]["why"]


def test_exit_codes_tell_wrong_from_not_asked(file: Path, hosts: dict[str, Any]) -> None:
    hosts["m3"] = OFF
    done = CliRunner().invoke(app, ["status", str(file), "--json"])
    assert (done.exit_code, json.loads(done.stdout)["result"]) == (Exit.PARTIAL, "partial")
    hosts["m2"] = HEALTHY["m2"].replace(
        "Id=haproxy.service\nLoadState=loaded\nActiveState=active", "Id=haproxy.service"
    )
    done = CliRunner().invoke(app, ["status", str(file), "--json"])
    assert (done.exit_code, json.loads(done.stdout)["result"]) == (Exit.FAILED, "failed")


def test_without_a_sudo_password_nothing_is_known_and_no_alarm_is_raised(file: Path, hosts: dict[str, Any]) -> None:
    hosts |= dict.fromkeys(hosts, SudoRefused("Can't become root on the host", why="sudo asks for a password"))
    done = CliRunner().invoke(app, ["status", str(file)])
    assert done.exit_code == Exit.PARTIAL
    assert done.stderr.rstrip().endswith("! demo: nothing is known, no host could be asked")
    assert done.stderr.count("[host.sudo-refused]") == 3
    assert "quorum" not in done.stderr


def test_drift_is_in_the_object_with_its_secrets_masked() -> None:
    found = as_object(HERE, with_drift(standing(HEALTHY), BY_HAND), 1.0)["drift"]
    assert found["looked"] == "1970-01-01T00:00:01Z"
    assert found["changes"][0] == {
        "host": "m2", "step": "m2/haproxy", "subject": "/etc/haproxy/haproxy.cfg", "before": "a\nb\n", "after": "a\n",
        "secret": False, "cause": "by hand",
    }  # fmt: skip
    json.dumps(found)


@pytest.mark.parametrize("name", ["healthy", "no-quorum"])
def test_people_read_it_at_80_columns(name: str) -> None:
    status = standing({**texts(name), **({"m3": OFF} if name == "no-quorum" else {})})
    lines = drawn(full(with_drift(status, BY_HAND)))
    text = "\n".join(lines)
    assert max(map(len, lines)) <= 80
    for word in ("etcd containerd", "scheduler", "-b", "••• 01 → ••• 02", "changed by hand", "359 d", "3.7.3"):
        assert word in text, word
    assert lines[-1].startswith("✓ demo is well" if name == "healthy" else "✗ demo: something is wrong")


@pytest.mark.parametrize("name", ["healthy", "no-quorum"])
def test_a_watch_fits_a_terminal_of_24_lines(name: str) -> None:
    status = standing({**texts(name), **({"m3": OFF} if name == "no-quorum" else {})})
    lines = drawn(brief(status, 5.0, 24))
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    lines = drawn(brief(status, 5.0, 18))
    assert len(lines) <= 18
    assert ("… and" in "\n".join(lines)) is (name == "no-quorum")


def test_a_watch_in_a_pipe_says_each_change_once_until_ctrl_c(
    file: Path, hosts: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, rounds = watch.changes, 0

    def counted(*args: Any) -> tuple[str, ...]:
        nonlocal rounds
        rounds += 1
        if rounds == 2:
            hosts["m3"] = OFF
        if rounds == 4:
            os.kill(os.getpid(), signal.SIGINT)
        return real(*args)

    monkeypatch.setattr(watch, "changes", counted)
    monkeypatch.setattr("wizard.plans.status.watching.DRIFT_SECONDS", 600)
    done = CliRunner().invoke(app, ["status", str(file), "--watch", "--every", "1"])
    said = [line.partition(" ")[2] for line in done.stderr.splitlines()]
    assert done.exit_code == Exit.DONE
    assert said[0] == "✓ demo is well; m1 has the VIP 198.18.0.100"
    assert said.count("✗ m3: Can't reach the host: no route to the host") == 1
    assert said[-1].startswith("! demo: 1 host could not be asked")
    assert not done.stdout


def test_a_watch_for_machines_is_one_object_a_line(
    file: Path, hosts: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, seen = watch.as_object, 0

    def counted(*args: Any) -> dict[str, Any]:
        nonlocal seen
        seen += 1
        if seen == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return real(*args)

    monkeypatch.setattr(watch, "as_object", counted)
    done = CliRunner().invoke(app, ["status", str(file), "--watch", "--every", "1", "--json", "--no-drift"])
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.exit_code, len(objects)) == (Exit.DONE, 2)
    assert objects[1]["drift"]["why"] == "not asked for"


@pytest.mark.parametrize("reset", [False, True])
def test_why_there_is_no_kubeconfig(reset: bool, file: Path) -> None:
    place = cluster_dir("demo") / "reset-20261126-000000-aaaa" / "admin.conf"
    if reset:
        place.parent.mkdir(parents=True)
        place.write_text("")
    done = CliRunner().invoke(app, ["kubeconfig", str(file), "--json"])
    error = json.loads(done.stdout)["error"]
    assert done.exit_code == Exit.USAGE
    why = "it was put away when the cluster was reset" if reset else "no install of it was finished on this host"
    assert error["why"] == why
    assert (str(place) if reset else f"slipway apply {file}") in error["hint"]


def test_a_run_is_shown_in_the_words_of_its_log(file: Path) -> None:
    folder = cluster_dir("demo")
    folder.mkdir(parents=True)
    with Journal(folder, "r1", "demo") as journal:
        step = StepInfo("m1/stop", "Services and Pods end", "m1", "reset")
        for event in (RunStarted("r1", "demo", "Reset demo", steps=(step,)), RunFinished(RunResult.DONE, 3.0)):
            journal.put(event)
    done = CliRunner().invoke(app, ["runs", "show", "demo"])
    assert any(line.split()[:5] == ["m1/stop", "Services", "and", "Pods", "end"] for line in done.stderr.splitlines())
    found = json.loads(CliRunner().invoke(app, ["runs", "show", "demo", "--json"]).stdout)
    assert found["steps"][0]["title"] == "Services and Pods end"
