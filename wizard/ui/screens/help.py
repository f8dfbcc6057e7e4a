"""Help: every key that does something on the screen behind, whether the last line has room for it or not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textual.app import App
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from wizard.ui.screens.drift import Reading

EVERYWHERE = (
    ("tab", "next field, table or button; shift+tab the one before"),
    ("↑ ↓", "move in a list, a table or a text; page up and page down further"),
    ("← →", "choose among the words of a choice; → in an empty field takes what is suggested"),
    ("⏎", "press the button, open the line, go to the next field"),
)
"""What keys do that no screen has for itself."""

COMMON = ("focus_next", "focus_previous", "screen.copy_text")
"""Deeds that are among those already, or that the terminal does."""


@dataclass(frozen=True, slots=True)
class KeyRow:
    """What one or several keys do; one that does nothing just now is not `enabled`."""

    signs: tuple[str, ...]
    words: str
    enabled: bool


def key_rows(app: App[int], screen: Screen[object]) -> tuple[KeyRow, ...]:
    """Return what the keys of `screen` and of the app do, each deed once, in the order of the last line."""
    found: dict[str, KeyRow] = {}
    for node, binding, enabled, tooltip in screen.active_bindings.values():
        words = tooltip or binding.description
        action = binding.action.removeprefix("app.")
        if not words or not (binding.show or isinstance(node, (Screen, App))) or action in COMMON:
            continue
        signs = found[action].signs if action in found else ()
        found[action] = KeyRow((*signs, app.get_key_display(binding)), words, enabled)
    return tuple(found.values())


class HelpView(Reading):
    """The keys of a screen, read off it before this dialog stands in front of it."""

    def __init__(self, rows: tuple[KeyRow, ...]) -> None:
        super().__init__()
        self.rows = rows

    def heading(self) -> Content:
        """Return the title."""
        return Content("Keys here")

    def words(self) -> Iterable[Widget]:
        """Yield a line for each deed."""
        for row in self.rows:
            words = row.words if row.enabled else f"{row.words} (not just now)"
            yield line(" ".join(row.signs), words)
        yield Static("Everywhere", classes="heading")
        for sign, words in EVERYWHERE:
            yield line(sign, words)


def line(sign: str, words: str) -> Widget:
    """Return keys, and what they do."""
    name = Static(Content.styled(sign, "bold $accent"), classes="name")
    return Horizontal(name, Static(Content(words), classes="text"), classes="fact -key")
