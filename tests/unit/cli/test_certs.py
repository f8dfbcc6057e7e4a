"""`slipway certs` as people and scripts meet it: the table, the object, and what is asked before it changes any."""

from __future__ import annotations

import asyncio
import datetime
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from wizard import pki
from wizard.cli import certs
from wizard.cli.app import app
from wizard.errors import Exit, SlipwayError
from wizard.paths import cluster_dir
from wizard.pki.certificates import Pair
from wizard.pki.inventory import places
from wizard.profile.load import load
from wizard.remote.base import Command, Result, SudoRefused, Unreachable

NOW = datetime.datetime.now(datetime.UTC)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a profile's file, with the store of its cluster, 50 days before the leaves end."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "no-bundle-here"))
    path = tmp_path / "site.yaml"
    hosts = [{"name": f"m{n}", "address": f"198.18.0.1{n}"} for n in (1, 2, 3)]
    path.write_text(yaml.safe_dump({"name": "site", "hosts": hosts, "endpoint": {"vip": "198.18.0.100"}}))
    wanted = pki.wanted(load(path).profile)
    pki.ensure(cluster_dir("site") / "pki", wanted, NOW - datetime.timedelta(days=315))
    return path


@pytest.fixture
def refusal() -> SlipwayError:
    """Return why m3 can't be asked."""
    return Unreachable("Can't reach the host", where="m3", why="no route", hint="Check power.")


@pytest.fixture
def hosts(file: Path, refusal: SlipwayError, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Let m1 and m2 (fakes) answer with what the store has; m3 is off. Return what each was asked."""
    profile = load(file).profile
    keys = pki.load(cluster_dir("site") / "pki")
    assert keys is not None
    asked: dict[str, list[str]] = {}

    def pair(name: str) -> Pair:
        return keys.pair(name.replace("kubelet-own", "kubelet-client"))

    class Host:
        def __init__(self, name: str) -> None:
            self.name = name

        async def run(self, command: Command) -> Result:
            asked.setdefault(self.name, []).append(command.script)
            lines = [
                f"cert {place.path} {''.join(pair(place.name).certificate.decode().splitlines()[1:-1])}"
                for place in places(profile.host(self.name))
            ]
            return Result(0, "\n".join(lines).encode(), b"", 0.0)

    @asynccontextmanager
    async def connections(*_: object) -> AsyncIterator[Callable[[str], Awaitable[Any]]]:
        async def connect(name: str) -> Host:
            await asyncio.sleep(0)
            if name == "m3":
                raise refusal
            return Host(name)

        yield connect

    monkeypatch.setattr(certs, "connections", connections)
    return asked


def test_show_tells_all_in_one_round_trip_a_host_and_names_who_is_silent(
    file: Path, hosts: dict[str, list[str]]
) -> None:
    done = CliRunner().invoke(app, ["certs", "show", str(file), "--json"])
    found = json.loads(done.stdout)
    assert (done.exit_code, found["result"], found["cluster"]) == (Exit.PARTIAL, "partial", "site")
    assert {name: len(scripts) for name, scripts in hosts.items()} == {"m1": 1, "m2": 1}
    first = found["certificates"][0]
    assert first.keys() == {"name", "purpose", "subject", "issuer", "ends", "days", "stored", "lies"}
    assert first["days"] in (49, 50)
    assert datetime.datetime.fromisoformat(first["ends"])
    assert {(problem["code"], problem["host"]) for problem in found["problems"]} == {
        ("host.unreachable", "m3"), ("certs.ends", ""),
    }  # fmt: skip
    assert "PRIVATE" not in done.output


@pytest.mark.usefixtures("hosts")
def test_people_read_days_purpose_and_place(file: Path) -> None:
    text = CliRunner().invoke(app, ["certs", "show", str(file)]).stderr
    (line,) = [line for line in text.splitlines() if line.split()[1:2] == ["hosts/m1/apiserver"]]
    assert line.split()[0] in ("49", "50")
    assert "CN=kube-apiserver" in line
    assert "/etc/kubernetes/pki/apiserver.crt on m1" in line
    assert "/etc/kubernetes/pki/ca.crt on m1, m2" in text
    assert "slipway certs renew" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Add --yes"),
        (["--host", "m9", "--yes"], "There is no host m9"),
        (["--days", "0", "--yes"], "--days"),
    ],
)
def test_renew_refuses_what_can_not_be_meant(file: Path, words: list[str], said: str) -> None:
    before = pki.load(cluster_dir("site") / "pki")
    done = CliRunner().invoke(app, ["certs", "renew", str(file), *words])
    assert done.exit_code == Exit.USAGE
    assert said in done.stderr
    assert pki.load(cluster_dir("site") / "pki") == before


@pytest.mark.parametrize("later", [0, 60], ids=["good", "ended"])
@pytest.mark.usefixtures("hosts")
def test_what_has_ended_fails_though_a_host_is_silent(
    file: Path, later: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Clock(datetime.datetime):
        """A clock that is ahead (a fake)."""

        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return NOW + datetime.timedelta(days=later)

    monkeypatch.setattr("wizard.plans.certs.datetime.datetime", Clock)
    done = CliRunner().invoke(app, ["certs", "show", str(file), "--json"])
    expected = (Exit.FAILED, "failed") if later else (Exit.PARTIAL, "partial")
    assert (done.exit_code, json.loads(done.stdout)["result"]) == expected


@pytest.mark.parametrize("refusal", [SudoRefused("Can't become root on the host", where="m3")])
@pytest.mark.usefixtures("hosts")
def test_a_host_that_refuses_is_told_apart_from_one_that_is_off(file: Path) -> None:
    done = CliRunner().invoke(app, ["certs", "show", str(file), "--json"])
    problems = json.loads(done.stdout)["problems"]
    assert done.exit_code == Exit.PARTIAL
    assert ("host.sudo-refused", "m3") in {(problem["code"], problem["host"]) for problem in problems}


@pytest.mark.usefixtures("hosts")
def test_in_a_pipe_no_row_is_as_wide_as_the_widest(file: Path) -> None:
    lines = CliRunner().invoke(app, ["certs", "show", str(file)]).stderr.splitlines()
    assert [line for line in lines if line != line.rstrip()] == []


@pytest.mark.parametrize("terminal", [True, False])
def test_where_nothing_is_due_nobody_is_asked_and_nothing_is_done(
    file: Path, terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wizard.cli.site.on_terminal", lambda: terminal)
    monkeypatch.setattr(certs, "perform", lambda *_, **__: pytest.fail("a run was started"))
    before = pki.load(cluster_dir("site") / "pki")
    done = CliRunner().invoke(app, ["certs", "renew", str(file), "--days", "40", "--json"])
    assert (done.exit_code, json.loads(done.stdout)["result"]) == (Exit.DONE, "done")
    assert "No certificate of site is due" in done.stderr
    assert "anew?" not in done.stderr
    assert pki.load(cluster_dir("site") / "pki") == before


def test_with_yes_hosts_get_what_they_lack_also_where_nothing_is_due(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Any] = []
    monkeypatch.setattr(certs, "perform", lambda job, *_, **__: begun.append(job.task.kind))
    done = CliRunner().invoke(app, ["certs", "renew", str(file), "--days", "40", "--yes"])
    assert (done.exit_code, begun) == (Exit.DONE, ["renew"])


@pytest.mark.parametrize(("words", "count"), [([], 35), (["--host", "m2", "--days", "60"], 11)])
def test_a_person_is_told_how_many_and_may_say_no(
    file: Path, words: list[str], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wizard.cli.site.on_terminal", lambda: True)
    done = CliRunner().invoke(app, ["certs", "renew", str(file), *words], input="n\n")
    assert done.exit_code == Exit.USAGE
    assert f"Make {count} certificates of site anew?" in done.stderr
    assert "you said no" in done.stderr
