"""What saving would change, shown before it is written."""

from __future__ import annotations

from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from wizard.ui.frame import Modal


class DiffView(Modal[bool]):
    """A unified diff with the question whether to write it."""

    BINDINGS = [Binding("y", "answer(True)", "Overwrite"), Binding("n", "answer(False)", "No")]

    def __init__(self, path: Path, diff: str) -> None:
        super().__init__()
        self.path = path
        self.diff = diff

    def dialog(self) -> ComposeResult:
        """Compose the diff."""
        with Vertical(classes="dialog -wide"):
            yield Static(Content(f"Overwrite {self.path}?"), classes="title")
            yield Static("The file as it is now is kept beside it.", classes="words")
            with VerticalScroll(classes="words", id="diff"):
                yield Static(coloured(self.diff))
            with Horizontal(classes="buttons"):
                yield Button("Overwrite (y)", id="yes", variant="primary", compact=True)
                yield Button("No (n)", id="no", compact=True)

    def on_mount(self) -> None:
        """Put the keys on the answer."""
        self.query_one("#yes").focus()

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        """Answer."""
        self.dismiss(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:
        """Answer by key."""
        self.dismiss(yes)

    def action_refuse(self) -> None:
        """Escape means no."""
        self.dismiss(False)


def coloured(diff: str) -> Content:
    """Return a unified diff with its signs coloured; the signs stay."""
    styles = {"+": "$success", "-": "$error", "@": "$accent"}
    return Content("\n").join(
        Content.styled(line, styles.get(line[:1], "$foreground")) for line in diff.rstrip().splitlines()
    )
