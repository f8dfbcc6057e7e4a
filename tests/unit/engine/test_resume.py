"""A run killed with SIGKILL leaves an interrupted journal, and running again converges."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.unit.engine.fakes import until
from tests.unit.engine.plans import Site, plan
from wizard.engine import events as e
from wizard.engine import runner
from wizard.engine.events import RunResult
from wizard.engine.journal import Journal
from wizard.engine.journal_reader import JournalReader
from wizard.engine.marker import Owner, parse
from wizard.engine.record import State
from wizard.engine.step import Plan

OWNER = Owner("uid-1", "demo", "0.1")

KILLED = """
import asyncio, sys
from pathlib import Path
from tests.unit.engine.plans import Site
from tests.unit.engine.test_resume import killed_run

asyncio.run(killed_run(Path(sys.argv[1])))
"""


def whole(site: Site, slow: str) -> Plan:
    steps = [site.file_step(host, "a") for host in site.hosts]
    steps += [site.file_step(host, "b", script=slow, needs=(f"{host}/a",)) for host in site.hosts]
    steps += [site.file_step(host, "c", needs=(f"{host}/b",)) for host in site.hosts]
    return plan(*steps)


async def killed_run(place: Path) -> None:
    """What the killed process does: it would never end."""
    site = Site(place, "m1", "m2")
    with Journal(place / "state", "r1", "demo") as journal:
        made = whole(site, "touch $ROOT/slow; sleep 600")
        await runner.run(made, site.connect, journal, run_id="r1", root=site.root(), owner=OWNER)


async def test_killed_and_run_again(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, str(tmp_path), cwd=Path(__file__).parents[3], start_new_session=True,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    reader = JournalReader(tmp_path / "state")
    roots = [tmp_path / host for host in ("m1", "m2")]
    await until(lambda: all((root / "slow").exists() for root in roots))
    process.send_signal(signal.SIGKILL)
    await process.wait()
    for pid in session_of(process.pid):  # the fake hosts' own shells
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert reader.runs()[0].state == "interrupted"
    record = reader.record("r1")
    assert record.result is RunResult.INTERRUPTED
    assert record.steps["m1/a"].state is State.DONE
    assert record.steps["m1/b"].state is State.CHANGING
    site = Site(tmp_path, "m1", "m2")
    markers = {host: site.marker(host) for host in site.hosts}
    assert set(parse(markers["m1"]).files) == {"/etc/a", "/etc/b"}
    with Journal(tmp_path / "state", "r2", "demo") as journal:
        made = whole(site, "true")
        outcome = await runner.run(
            made, site.connect, journal, run_id="r2", root=site.root(), owner=OWNER, markers=markers
        )
    assert outcome.result is RunResult.DONE
    assert not any(name.endswith("/a") for name in outcome.changed)
    assert [info.state for info in reader.runs()] == ["done", "interrupted"]
    for host in site.hosts.values():
        assert [host.path(f"/etc/{name}").read_text() for name in "abc"] == ["wanted\n"] * 3
        marker = parse(site.marker(host.name))
        assert set(marker.files) == {"/etc/a", "/etc/b", "/etc/c"}
        assert not host.path("/var/lib/slipway/before").exists()


def session_of(leader: int) -> list[int]:
    """Return the processes of the session that the process `leader` began."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[3]) == leader:
                found.append(int(stat.parent.name))
    return found


async def test_a_journal_that_fails_stops_the_run(tmp_path: Path) -> None:
    site = Site(tmp_path, "m1")
    journal = Journal(tmp_path / "state", "r1", "demo")
    await journal.commit(e.Note("first"))
    journal._base.execute("PRAGMA query_only=ON")
    with pytest.raises(Exception, match="journal can't be used"):
        await site.run(plan(site.file_step("m1", "a")), journal)  # type: ignore[arg-type]
    assert not site["m1"].path("/etc/a").exists()
