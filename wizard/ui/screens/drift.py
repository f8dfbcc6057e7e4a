"""What has drifted, with the differences; and the dialog in which one reads."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Static

from wizard.plans.status.model import Drift
from wizard.plans.status.words import drift_cell
from wizard.ui.frame import Modal
from wizard.ui.statusview import changes, content


class Reading(Modal[None]):
    """Something to read, and nothing to answer."""

    BINDINGS = [
        Binding("q,enter", "refuse", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("down,j", "scroll(1)", show=False),
        Binding("pageup", "scroll(-10)", show=False),
        Binding("pagedown,space", "scroll(10)", show=False),
    ]

    def heading(self) -> Content:
        """Return the title."""
        return Content("")

    def words(self) -> Iterable[Widget]:
        """Yield what there is to read."""
        return ()

    def dialog(self) -> ComposeResult:
        """Compose what there is to read."""
        with Vertical(classes="dialog -wide"):
            yield Static(self.heading(), classes="title")
            with VerticalScroll(classes="words -reading"):
                yield from self.words()
            with Horizontal(classes="buttons"):
                yield Button("Close (esc)", id="close", compact=True)

    def on_mount(self) -> None:
        """Put the keys on the way out."""
        self.query_one("#close").focus()

    @on(Button.Pressed, "#close")
    def closed(self) -> None:
        """Close it."""
        self.dismiss(None)

    def action_scroll(self, by: int) -> None:
        """Scroll the words."""
        self.query_one(".words").scroll_relative(y=by, animate=False)


class DriftView(Reading):
    """What is not as the profile says."""

    def __init__(self, drift: Drift, now: float) -> None:
        super().__init__()
        self.drift = drift
        self.now = now

    def heading(self) -> Content:
        """Return what there is in one line."""
        return Content.assemble("Drift: ", content(drift_cell(self.drift, self.now)))

    def words(self) -> Iterable[Widget]:
        """Yield the differences: - is there now, + as it shall be."""
        if self.drift.changes:
            yield Static("- is there now, + is what `slipway apply` would bring", classes="quiet")
            yield Static(changes(self.drift.changes))
        elif self.drift.looked:
            yield Static("Every file, unit and object is as the profile says.")
