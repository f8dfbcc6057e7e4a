"""The journal: what happened in every run of a cluster, in SQLite, so that any reader can follow and none can disturb.

``<cluster_dir>/journal.db`` (0600, WAL, ``synchronous=FULL``: a commit is on the disk, https://sqlite.org/pragma.html).
A thread writes, so the run's event loop never waits for the disk: events that tell of intent and outcome are committed
at once, together with whatever waits; progress and log lines within `BATCH_SECONDS`. Readers follow by row number.
"""

from __future__ import annotations

import asyncio
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wizard.engine import events as e
from wizard.engine.events import BATCHED, Event, stamped, to_json
from wizard.engine.process import this_process
from wizard.errors import SlipwayError

NAME = "journal.db"
BATCH_SECONDS = 0.2
"""The longest that a log line waits before it is written."""

_TABLES = """
CREATE TABLE IF NOT EXISTS runs (
  run TEXT PRIMARY KEY, cluster TEXT NOT NULL, title TEXT NOT NULL, dry INTEGER NOT NULL, started REAL NOT NULL,
  finished REAL, result TEXT, pid INTEGER NOT NULL, pid_started INTEGER NOT NULL, boot TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS events (
  id INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL REFERENCES runs, sequence INTEGER NOT NULL,
  time REAL NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS events_of_run ON events (run, id);
"""


class JournalError(SlipwayError):
    """The journal can't be written or read: a run doesn't go on without its evidence."""


@dataclass(slots=True)
class _Item:
    event: Event
    urgent: bool
    done: Callable[[Exception | None], None] | None = None


class Journal:
    """The writing end: the `Sink` of one run. `heard` gets every event as it is taken, in the run's own process.

    Raises `JournalError` where the journal can't be opened; `commit` raises it where it can't be written.
    """

    def __init__(
        self, cluster_dir: Path, run: str, cluster: str, *, title: str = "", dry: bool = False,
        heard: Callable[[Event], None] | None = None,
    ) -> None:  # fmt: skip
        self.run = run
        self._heard = heard
        self._sequence = 0
        self._failure: Exception | None = None
        self._items: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._where = cluster_dir / NAME
        try:
            cluster_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self._where, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._where.chmod(0o600)
            self._base = sqlite3.connect(self._where, check_same_thread=False, timeout=10)
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute("PRAGMA synchronous=FULL")
            self._base.executescript(_TABLES)
            me = this_process()
            words = (run, cluster, title, int(dry), time.time(), me.pid, me.started, me.boot)
            self._base.execute(
                "INSERT INTO runs (run, cluster, title, dry, started, pid, pid_started, boot) VALUES (?,?,?,?,?,?,?,?)",
                words,
            )
            self._base.commit()
        except (OSError, sqlite3.Error) as error:
            raise broken(self._where, error) from error
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self._thread.start()

    def put(self, event: Event) -> None:
        """Take an event; it is on the disk a moment later, at once where its kind asks for it."""
        self._take(event, None)

    async def commit(self, event: Event) -> None:
        """Take an event and return when it is on the disk. Raises `JournalError` where that fails."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()

        def done(error: Exception | None) -> None:
            loop.call_soon_threadsafe(_resolve, future, error)

        self._take(event, done)
        try:
            await asyncio.shield(future)
        except (OSError, sqlite3.Error) as error:
            raise broken(self._where, error) from error

    def _take(self, event: Event, done: Callable[[Exception | None], None] | None) -> None:
        self._sequence += 1
        event = stamped(event, self._sequence, time.time())
        self._items.put(_Item(event, done is not None or event.event not in BATCHED, done))
        if self._heard:
            self._heard(event)

    def close(self) -> None:
        """Write what waits, and close. A second call does nothing. Raises `JournalError` where writing had failed."""
        if self._thread.is_alive():
            self._items.put(None)
            self._thread.join()
            self._base.close()
            if self._failure:
                raise broken(self._where, self._failure)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self) -> None:
        """Write batches until told to end (the thread)."""
        going = True
        while going:
            batch, going = self._batch()
            if not batch:
                continue
            try:
                if self._failure:
                    raise self._failure
                self._store([item.event for item in batch])
            except (OSError, sqlite3.Error) as error:
                self._failure = error
            for item in batch:
                if item.done:
                    item.done(self._failure)

    def _batch(self) -> tuple[list[_Item], bool]:
        """Return the next events to write together, and whether more will come."""
        batch: list[_Item] = []
        deadline = 0.0
        while True:
            try:
                if not batch:
                    item = self._items.get()
                    deadline = time.monotonic() + BATCH_SECONDS
                elif batch[-1].urgent:
                    item = self._items.get_nowait()
                else:
                    item = self._items.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                return batch, True
            if item is None:
                return batch, False
            # What is urgent goes last here, so that only what waits already goes with it.
            batch.append(item)
            batch[-1].urgent = item.urgent or any(one.urgent for one in batch[-2:-1])

    def _store(self, events: list[Event]) -> None:
        rows = [(self.run, event.sequence, event.time, to_json(event)) for event in events]
        with self._base:
            self._base.executemany("INSERT INTO events (run, sequence, time, body) VALUES (?,?,?,?)", rows)
            for event in events:
                if isinstance(event, e.RunStarted):
                    self._base.execute("UPDATE runs SET title = ? WHERE run = ?", (event.title, self.run))
                elif isinstance(event, e.RunFinished):
                    words = (event.time, event.result.value, self.run)
                    self._base.execute("UPDATE runs SET finished = ?, result = ? WHERE run = ?", words)


def _resolve(future: asyncio.Future[None], error: Exception | None) -> None:
    if future.done():
        return
    if error:
        future.set_exception(error)
    else:
        future.set_result(None)


def broken(path: Path, error: Exception) -> JournalError:
    """Return the error that says why the journal at `path` can't be used."""
    return JournalError(
        "The journal can't be used",
        where=str(path),
        why=str(error),
        hint="Free space there, or mend its permissions, then run again: a run goes nowhere without its journal.",
    )
