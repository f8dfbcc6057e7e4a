"""The journal: durable at once where it matters, readable after a kill -9, followed by others."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.engine.fakes import until
from wizard.engine import events as e
from wizard.engine.events import RunResult, StepInfo
from wizard.engine.journal import Journal, JournalError
from wizard.engine.journal_reader import JournalReader
from wizard.engine.process import Process, alive, this_process
from wizard.engine.record import State

STEPS = (StepInfo("m1/a", "A", "m1", "p"), StepInfo("m1/b", "B", "m1", "p"))


def started(run: str = "r1") -> e.RunStarted:
    return e.RunStarted(run, "demo", "Install", STEPS, ("m1",), "0.1")


async def test_what_is_written_is_read_back_in_order(tmp_path: Path) -> None:
    heard: list[e.Event] = []
    with Journal(tmp_path / "c", "r1", "demo", heard=heard.append) as journal:
        await journal.commit(started())
        for number in range(50):
            journal.put(e.StepLog("m1/a", f"line {number}"))
        await journal.commit(e.StepDone("m1/a", True, 1.0))
        journal.put(e.Note("last words"))
    reader = JournalReader(tmp_path / "c")
    rows = reader.events("r1")
    assert [event for _, event in rows] == heard
    assert [event.sequence for event in heard] == list(range(1, 54))
    assert [row for row, _ in rows] == sorted(row for row, _ in rows)
    assert reader.events("r1", after=rows[-2][0]) == rows[-1:]
    assert reader.events("nobody") == []


async def test_an_outcome_is_on_the_disk_before_the_run_goes_on(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "r1", "demo")
    await journal.commit(started())
    await journal.commit(e.StepStarted("m1/a", "m1"))
    assert [event.event for _, event in JournalReader(tmp_path).events("r1")] == ["RunStarted", "StepStarted"]
    base = sqlite3.connect(tmp_path / "journal.db")
    assert base.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    base.close()
    assert journal._base.execute("PRAGMA synchronous").fetchone() == (2,)
    journal.close()
    journal.close()


async def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    with Journal(tmp_path / "c", "r1", "demo") as journal:
        await journal.commit(started())
        for path in (tmp_path / "c").iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        assert stat.S_IMODE((tmp_path / "c").stat().st_mode) == 0o700


async def test_runs_are_listed_with_how_they_stand(tmp_path: Path) -> None:
    assert JournalReader(tmp_path).runs() == ()
    with Journal(tmp_path, "r1", "demo", dry=True) as journal:
        await journal.commit(started())
        await journal.commit(e.RunFinished(RunResult.PARTIAL, 3.0))
    with Journal(tmp_path, "r2", "demo", title="Install"):
        runs = JournalReader(tmp_path).runs()
        assert [(info.run, info.state, info.title, info.dry) for info in runs] == [
            ("r2", "running", "Install", False),
            ("r1", "partial", "Install", True),
        ]
        assert runs[0].process == this_process()


KILLED = """
import asyncio, sys, time
from pathlib import Path
from wizard.engine import events as e
from wizard.engine.journal import Journal
from wizard.engine.events import StepInfo

async def main():
    journal = Journal(Path(sys.argv[1]), "r1", "demo")
    await journal.commit(e.RunStarted("r1", "demo", "Install", (StepInfo("m1/a", "A", "m1", "p"),), ("m1",)))
    await journal.commit(e.StepStarted("m1/a", "m1"))
    print("ready", flush=True)
    while True:
        journal.put(e.StepLog("m1/a", "x" * 100))
        await asyncio.sleep(0.001)

asyncio.run(main())
"""


async def test_kill_9_leaves_a_readable_journal_that_says_interrupted(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, str(tmp_path), stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    reader = JournalReader(tmp_path)
    assert reader.runs()[0].state == "running"
    assert reader.record("r1").result is None
    followed: list[e.Event] = []

    async def follow() -> None:
        async for events in reader.follow("r1"):
            followed.extend(events)

    follower = asyncio.create_task(follow())
    await until(lambda: any(isinstance(event, e.StepLog) for event in followed))
    process.send_signal(signal.SIGKILL)
    await process.wait()
    await asyncio.wait_for(follower, 30)
    assert reader.runs()[0].state == "interrupted"
    record = reader.record("r1")
    assert (record.result, record.steps["m1/a"].state) == (RunResult.INTERRUPTED, State.CHANGING)
    assert [event for _, event in reader.events("r1")] == followed
    assert sqlite3.connect(tmp_path / "journal.db").execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_a_follower_sees_everything_and_ends_with_the_run(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "r1", "demo")
    seen: list[e.Event] = []

    async def follow() -> None:
        async for events in JournalReader(tmp_path).follow("r1"):
            seen.extend(events)

    follower = asyncio.create_task(follow())
    await journal.commit(started())
    for number in range(3000):
        journal.put(e.StepLog("m1/a", str(number)))
    await asyncio.sleep(0.05)
    await journal.commit(e.RunFinished(RunResult.DONE, 1.0))
    await asyncio.wait_for(follower, 30)
    journal.close()
    assert [event.sequence for event in seen] == list(range(1, 3003))


async def test_a_journal_that_cannot_be_written_stops_the_run_with_words(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"this is no database, it is something else altogether" * 10)
    with pytest.raises(JournalError, match="journal can't be used"):
        Journal(tmp_path, "r1", "demo")
    with pytest.raises(JournalError):
        JournalReader(tmp_path).runs()
    place = tmp_path / "other"
    journal = Journal(place, "r1", "demo")
    await journal.commit(started())
    journal._base.execute("PRAGMA query_only=ON")
    with pytest.raises(JournalError):
        await journal.commit(e.StepStarted("m1/a", "m1"))
    with pytest.raises(JournalError):
        journal.close()


async def test_events_of_a_newer_version_do_not_stop_a_reader(tmp_path: Path) -> None:
    with Journal(tmp_path, "r1", "demo") as journal:
        await journal.commit(started())
    base = sqlite3.connect(tmp_path / "journal.db")
    with base:
        base.execute(
            "INSERT INTO events (run, sequence, time, body) VALUES ('r1', 2, 5.0, '{\"event\": \"Tomorrow\"}')"
        )
    base.close()
    event = JournalReader(tmp_path).events("r1")[-1][1]
    assert isinstance(event, e.Note)
    assert (event.sequence, event.time) == (2, 5.0)


def test_a_process_is_known_by_more_than_its_pid() -> None:
    me = this_process()
    assert alive(me)
    assert not alive(Process(me.pid, me.started + 1, me.boot))
    assert not alive(Process(me.pid, me.started, "another boot"))
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert not alive(Process(child, this_process().started, me.boot))
    os.waitpid(child, 0)
