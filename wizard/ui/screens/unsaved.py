"""The question before what was typed would be lost, and the one before an install of what is in no file yet."""

from __future__ import annotations

from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from wizard.ui.frame import Modal
from wizard.ui.screens.diff import coloured

SAVE, GO_ON = "save", "go on"
"""Answers: save first, or go on without. No answer leaves all as it is."""


class Unsaved(Modal[str]):
    """`SAVE`, `GO_ON` (what was typed is lost), or nothing."""

    BINDINGS = [
        Binding("ctrl+s", f"answer('{SAVE}')", "Save"),
        Binding("y", f"answer('{GO_ON}')", "Leave it"),
        Binding("n", "refuse", "Stay"),
        Binding("left,right", "app.focus_next", show=False),
    ]

    def __init__(self, name: str) -> None:
        """`name` is the site's, empty while it has none."""
        super().__init__()
        self.site = name or "this site"

    def dialog(self) -> ComposeResult:
        """Compose the question."""
        with Vertical(classes="dialog"):
            yield Static(Content(f"Leave {self.site} without saving?"), classes="title")
            yield Static("What was typed since the last save is lost.", classes="words")
            with Horizontal(classes="buttons"):
                yield Button("Save (ctrl+s)", id="save", variant="primary", compact=True)
                yield Button("Leave it (y)", id="leave", variant="error", compact=True)
                yield Button("Stay (n)", id="stay", compact=True)

    def on_mount(self) -> None:
        """Put the keys on the harmless answer."""
        self.query_one("#stay").focus()

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        """Answer."""
        self.dismiss({"save": SAVE, "leave": GO_ON}.get(event.button.id or ""))

    def action_answer(self, way: str) -> None:
        """Answer by key."""
        self.dismiss(way)


class SaveFirst(Modal[str]):
    """What is to be installed is not what its file says: `SAVE`, `GO_ON` (the file stays as it is), or nothing."""

    BINDINGS = [
        Binding("y", f"answer('{SAVE}')", "Save and install"),
        Binding("n", f"answer('{GO_ON}')", "Install, don't save"),
    ]

    def __init__(self, path: Path, diff: str) -> None:
        super().__init__()
        self.path = path
        self.diff = diff

    def dialog(self) -> ComposeResult:
        """Compose the diff."""
        with Vertical(classes="dialog -wide"):
            yield Static(Content(f"Save to {self.path} first?"), classes="title")
            yield Static(
                "The file doesn't say what is about to be installed, and whatever is done by it later would undo this. "
                "The file as it is now is kept beside it.",
                classes="words",
            )
            with VerticalScroll(classes="words", id="diff"):
                yield Static(coloured(self.diff))
            with Horizontal(classes="buttons"):
                yield Button("Save and install (y)", id="save", variant="primary", compact=True)
                yield Button("Install, don't save (n)", id="go", compact=True)
                yield Button("Back (esc)", id="back", compact=True)

    def on_mount(self) -> None:
        """Put the keys on the answer."""
        self.query_one("#save").focus()

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        """Answer."""
        self.dismiss({"save": SAVE, "go": GO_ON}.get(event.button.id or ""))

    def action_answer(self, way: str) -> None:
        """Answer by key."""
        self.dismiss(way)
