"""The recorded runs of `data/`, as events."""

from __future__ import annotations

from pathlib import Path

from wizard.engine.events import Event, from_json

DATA = Path(__file__).parent / "data"


def recorded(name: str) -> list[Event]:
    """Return the events of a recorded run."""
    return [from_json(line) for line in (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
