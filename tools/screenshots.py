#!/usr/bin/env python3
"""Pictures of the wizard for the README, drawn from a run that really happened.

    tools/screenshots.py                             draw the README's pictures from the recorded run in tests/ui/data
    tools/screenshots.py draw FILE PROFILE FOLDER    draw the wizard over the run in FILE as SVG pictures into FOLDER
    tools/screenshots.py record CLUSTER RUN FILE     write a run of this machine's journal to FILE (JSON lines)

A recorded file holds the journal's own events; the content of files in diffs is left out, because it is long and says
nothing on these pictures. The same file gives the same pictures, byte by byte.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from wizard.engine.events import Event, RunFinished, RunStarted, StepProbed, from_json, to_json
from wizard.engine.journal_reader import JournalReader
from wizard.engine.record import Record, fold
from wizard.paths import cluster_dir
from wizard.profile.load import load
from wizard.profile.model import Profile
from wizard.ui.app import SlipwayApp
from wizard.ui.services import Built, RunRef, RunState
from wizard.ui.session import Step

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "ui" / "data"
PICTURES = ROOT / "docs" / "pictures"
SIZE = (100, 30)
MIDDLE = 0.55
"""How much of the run is done on the picture of it."""


def record(cluster: str, run: str, file: Path) -> None:
    """Write a journaled run to `file`."""
    events = (event for _, event in JournalReader(cluster_dir(cluster)).events(run))
    file.write_text("".join(to_json(_short(event)) + "\n" for event in events), encoding="utf-8")


def _short(event: Event) -> Event:
    if isinstance(event, StepProbed):
        return replace(event, diff=tuple(replace(item, before="", after="") for item in event.diff))
    return event


def read(file: Path) -> list[Event]:
    """Return the events of a recorded file."""
    return [from_json(line) for line in file.read_text(encoding="utf-8").splitlines()]


class Recorded:
    """The outside world of a picture: a profile, and a run that stands still. Everything else is refused."""

    def __init__(self, profile: Profile, events: list[Event]) -> None:
        self.profile = profile
        self.record = fold(events)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"a picture needs no {name}")

    async def runs(self) -> tuple[RunRef, ...]:
        """Return nothing: the welcome isn't drawn."""
        return ()

    async def recent(self) -> tuple[Path, ...]:
        """Return nothing."""
        return ()

    async def standing(self) -> tuple[Profile, ...]:
        """Return nothing."""
        return ()

    async def follow(self, run: RunRef) -> AsyncIterator[Record]:
        """Yield the record once, and wait for ever where the run had not ended."""
        yield self.record
        if self.record.result is None:
            await asyncio.Event().wait()

    async def built(self, run: RunRef) -> Built:
        """Return what a person would find."""
        return Built(self.profile, Path("~/.local/state/slipway") / self.profile.name / "admin.conf")


async def picture(app: SlipwayApp, path: Path, step: Step | None = None) -> None:
    """Write what `app` shows, at `step` where one is given."""
    async with app.run_test(size=SIZE) as pilot:
        for _ in range(5):
            await pilot.pause(0.2)
        if step is not None:
            app.go(step)
            for _ in range(5):
                await pilot.pause(0.2)
        await asyncio.to_thread(path.write_text, app.export_screenshot(title="slipway"), "utf-8")


async def draw(file: Path, profile_file: Path, folder: Path) -> None:
    """Draw the pictures."""
    from wizard.ui.draft import load as as_draft

    profile = load(profile_file).profile
    events = read(file)
    begun = events[0]
    assert isinstance(begun, RunStarted), f"{file} does not begin with the start of a run"
    run = RunRef(begun.cluster, begun.run, begun.title, begun.time, RunState.DONE)
    shown = next((n for n in range(1, len(events)) if fold(events[:n]).fraction >= MIDDLE), len(events))
    moment = events[shown - 1].time
    running = Recorded(profile, events[:shown])
    await picture(SlipwayApp(running, attach=run, clock=lambda: moment), folder / "run.svg")
    if isinstance(events[-1], RunFinished):
        await picture(SlipwayApp(Recorded(profile, events), attach=run), folder / "done.svg")
    for step in (Step.HOSTS, Step.NETWORK, Step.ETCD):
        app = SlipwayApp(running)
        app.session.draft = app.session.saved = as_draft(profile)  # type: ignore[assignment]
        await picture(app, folder / f"{step.value.lower()}.svg", step)


def main(words: list[str]) -> int:
    """Do what the command line says."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    match words:
        case []:
            pictures(DATA / "install.jsonl", DATA / "install.yaml", PICTURES)
        case ["draw", file, profile, folder]:
            pictures(Path(file), Path(profile), Path(folder))
        case ["record", cluster, run, file]:
            record(cluster, run, Path(file))
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


def pictures(file: Path, profile: Path, folder: Path) -> None:
    """Draw all pictures into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(draw(file, profile, folder))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
