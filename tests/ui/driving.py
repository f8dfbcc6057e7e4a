"""How tests drive the wizard: keys in, then wait until the screen shows what it should (never for a fixed time)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TypeVar

from textual.pilot import Pilot, WaitForScreenTimeout
from textual.screen import Screen

from wizard.ui.app import SlipwayApp
from wizard.ui.widgets.field import Field

NARROW, WIDE = (80, 24), (120, 40)
PATIENCE = 60.0
"""Seconds until a test gives up waiting; generous, because the machine may be busy."""

S = TypeVar("S", bound=Screen[object])


async def press(pilot: Pilot[int], *keys: str) -> None:
    """Press keys, one after the other, each after all that the one before has caused."""
    # Each wait below it may give up on a busy machine; whoever pressed waits for what shall come of it anyhow.
    app = pilot.app
    assert isinstance(app, SlipwayApp)
    for key in keys:
        with contextlib.suppress(WaitForScreenTimeout):
            await pilot.press(key)
        await until(pilot, lambda: not app.turns.busy, f"the end of {key}")


async def type_in(pilot: Pilot[int], text: str) -> None:
    """Type a text."""
    await press(pilot, *({" ": "space"}.get(char, char) for char in text))


def words(pilot: Pilot[int]) -> str:
    """Return all that stands on the screen now, as a terminal would show it."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


async def until(pilot: Pilot[int], true: Callable[[], object], what: str) -> None:
    """Wait until `true`; fail with what is on the screen when it never is."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while not true():
        failure = pilot.app._exception
        if failure is not None:
            raise failure
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"never came: {what}\n{words(pilot)}")
        await asyncio.sleep(0.02)


async def sees(pilot: Pilot[int], text: str) -> None:
    """Wait until `text` stands on the screen; a line break counts as a space."""
    await until(pilot, lambda: text in " ".join(words(pilot).replace("│", " ").split()), f"{text!r} on the screen")


def in_dialog(pilot: Pilot[int]) -> str:
    """Return what stands in the dialog in front, each line break as a space."""
    rows = (row.split("│") for row in words(pilot).splitlines())
    return " ".join(" ".join(word for row in rows if len(row) > 2 for word in row[1:-1]).split())


async def comes(pilot: Pilot[int], kind: type[S]) -> S:
    """Wait until a screen of `kind` is in front, and return it."""
    await until(pilot, lambda: isinstance(pilot.app.screen, kind) and pilot.app.screen.is_mounted, kind.__name__)
    screen = pilot.app.screen
    assert isinstance(screen, kind)
    return screen


def field(app: SlipwayApp, path: str) -> Field:
    """Return the field at a profile path."""
    return next(item for item in app.screen.query(Field) if item.spec.path == path)
