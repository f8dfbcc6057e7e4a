"""The journal's reading end: any process may list a cluster's runs and follow one, and disturbs none by it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from wizard.engine import events as e
from wizard.engine.events import Event, RunResult, from_json
from wizard.engine.journal import NAME, broken
from wizard.engine.process import Process, alive
from wizard.engine.record import Record, fold, interrupted

FOLLOW_SECONDS = 0.1
"""How often a follower looks for new events."""
PAGE = 1000
"""How many events a follower takes at a time."""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """One run as the journal lists it. Times are UTC epoch seconds; `running` tells that its process lives."""

    run: str
    cluster: str
    title: str
    dry: bool
    started: float
    finished: float | None
    result: RunResult | None
    process: Process
    running: bool

    @property
    def state(self) -> str:
        """Return the result in one word, or ``running``; ``interrupted`` where the process is gone without a word."""
        if self.result:
            return self.result.value
        return "running" if self.running else RunResult.INTERRUPTED.value


class JournalReader:
    """The reading end, for any process: lists runs, reads and follows their events. Raises `JournalError`."""

    def __init__(self, cluster_dir: Path) -> None:
        self._where = cluster_dir / NAME

    def _open(self) -> sqlite3.Connection:
        # Not mode=ro: a reader of a WAL journal may have to make its index file (https://sqlite.org/wal.html#readonly).
        base = sqlite3.connect(f"file:{self._where}?mode=rw", uri=True, timeout=10)
        base.execute("PRAGMA query_only=ON")
        return base

    def runs(self) -> tuple[RunInfo, ...]:
        """Return all runs, the newest first; none where there is no journal yet."""
        if not self._where.exists():
            return ()
        try:
            with closing(self._open()) as base:
                rows = base.execute(
                    "SELECT run, cluster, title, dry, started, finished, result, pid, pid_started, boot FROM runs "
                    "ORDER BY started DESC, rowid DESC"
                ).fetchall()
        except sqlite3.Error as error:
            raise broken(self._where, error) from error
        found = []
        for run, cluster, title, dry, started, finished, result, *process in rows:
            who = Process(*process)
            running = result is None and alive(who)
            what = RunResult(result) if result else None
            found.append(RunInfo(run, cluster, title, bool(dry), started, finished, what, who, running))
        return tuple(found)

    def run(self, run: str) -> RunInfo | None:
        """Return the run with that id, or None."""
        return next((info for info in self.runs() if info.run == run), None)

    def events(self, run: str, after: int = 0, limit: int = -1) -> list[tuple[int, Event]]:
        """Return up to `limit` events of `run` (all by default) behind row `after`, each with its row number."""
        if not self._where.exists():
            return []
        try:
            with closing(self._open()) as base:
                rows = base.execute(
                    "SELECT id, time, sequence, body FROM events WHERE run = ? AND id > ? ORDER BY id LIMIT ?",
                    (run, after, limit),
                ).fetchall()
        except sqlite3.Error as error:
            raise broken(self._where, error) from error
        return [(row, _event(body, when, sequence)) for row, when, sequence, body in rows]

    def record(self, run: str) -> Record:
        """Return the record of `run` as it stands; interrupted where its process is gone without having said so."""
        info = self.run(run)
        record = fold(event for _, event in self.events(run))
        return record if info and info.running else interrupted(record)

    async def follow(self, run: str, after: int = 0) -> AsyncIterator[list[Event]]:
        """Yield the events of `run` behind row `after` as they come, many at a time where many wait.

        Ends after the last event, or when the run's process is gone: `interrupted` then tells what the record is.
        """
        while True:
            info = await asyncio.to_thread(self.run, run)
            page = await asyncio.to_thread(self.events, run, after, PAGE)
            if page:
                after = page[-1][0]
                yield [event for _, event in page]
                if isinstance(page[-1][1], e.RunFinished):
                    return
            elif info is None or not info.running:
                return
            if len(page) < PAGE:
                await asyncio.sleep(FOLLOW_SECONDS)


def _event(body: str, when: float, sequence: int) -> Event:
    try:
        return from_json(body)
    except ValueError:
        text = "an event that this version of slipway does not know"
        return e.Note(text, time=when, sequence=sequence)
