"""Following a run from the command line: a live view on a terminal, plain lines in a pipe, events as JSON."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from wizard.cli.output import people, plain, say
from wizard.engine.control import Intent
from wizard.engine.control_socket import NoRun, attach, submit
from wizard.engine.estimate import remaining
from wizard.engine.events import Event, Question, to_json
from wizard.engine.journal_reader import JournalReader
from wizard.engine.record import Record, State, fold, interrupted

Show = Callable[[Record, list[Event]], None]
"""Hears of each new record, and of the events that made it."""

MARKS = {
    State.DONE: ("✓", "green"),
    State.UNCHANGED: ("✓", "green"),
    State.FAILED: ("✗", "bold red"),
    State.QUARANTINED: ("✗", "bold red"),
    State.SKIPPED: ("-", "dim"),
    State.WAITING: ("·", "dim"),
}


async def follow(folder: Path, run: str, show: Show) -> Record:
    """Follow `run` until it ends, handing each new record and its events to `show`; return the last record."""
    record = Record()
    async for events in JournalReader(folder).follow(run):
        record = fold(events, record)
        show(record, events)
    return record if record.result else interrupted(record)


def as_json(_record: Record, events: list[Event]) -> None:
    """Print each event as one line of JSON."""
    for event in events:
        typer.echo(to_json(event))


class PlainLines:
    """Prints the log as plain lines, each once."""

    def __init__(self) -> None:
        self._last = 0.0
        self._printed: set[tuple[float, str, str]] = set()

    def __call__(self, record: Record, _events: list[Event]) -> None:
        """Print what is new."""
        for line in record.log:
            key = (line.time, line.step, line.text)
            if line.time >= self._last and key not in self._printed:
                self._printed.add(key)
                self._last = line.time
                clock = time.strftime("%H:%M:%S", time.localtime(line.time))
                say(f"{clock} {line.host + ': ' if line.host else ''}{line.text}")


@contextlib.contextmanager
def live() -> Iterator[Show]:
    """Yield a `show` that keeps a table of the hosts on the terminal up to date."""
    with Live(console=people(), refresh_per_second=8, transient=True) as screen:
        yield lambda record, _events: screen.update(view(record, time.time()))


def view(record: Record, now: float) -> RenderableType:
    """Return a run as it stands: a line a host, and how much of all is done."""
    table = Table.grid(padding=(0, 2))
    for host, tally in record.by_host.items():
        mark, style = MARKS.get(tally.state, ("▸", "cyan"))
        doing = [step for step in record.under_way if step.host == host]
        words = ", ".join(step.info.title for step in doing[:2]) + (" …" if len(doing) > 2 else "")
        if host in record.quarantined:
            words = f"in quarantine: {record.quarantined[host]}"
        bar = ProgressBar(total=1.0, completed=tally.fraction, width=20)
        table.add_row(Text(mark, style=style), Text(host, style="bold"), bar, Text(plain(words), style="dim"))
    left = remaining(record, now)
    rest = f", about {left:.0f} s left" if left else ""
    total = f"{record.fraction:4.0%}  {record.elapsed(now):.0f} s{rest}"
    return Group(Text(record.title, style="bold"), table, Text(total))


@contextlib.asynccontextmanager
async def answering(folder: Path, run: str) -> AsyncIterator[None]:
    """Put the run's questions to the person at this terminal while the block lasts."""
    task = asyncio.create_task(_answer_all(folder, run))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, NoRun):
            await task


async def _answer_all(folder: Path, run: str) -> None:
    async for item in attach(folder, run):
        if isinstance(item, Question):
            answer = await asyncio.to_thread(_prompt, item)
            await submit(folder, run, Intent("answer", question=item.id, answer=answer))


def _prompt(question: Question) -> str:
    if question.secret:
        return str(typer.prompt(plain(question.text), "", hide_input=True, show_default=False, err=True))
    say(plain(question.text))
    choices = "/".join(question.choices)
    while True:
        answer = str(typer.prompt(choices or "answer", err=True)).strip()
        if not question.choices or answer in question.choices:
            return answer
        say(f"answer one of: {choices}")
