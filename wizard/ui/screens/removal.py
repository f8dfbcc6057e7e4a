"""The question before hosts leave a cluster: who leaves, what is lost by it, and the cluster's name to be typed."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Static

from wizard.errors import Problem
from wizard.ui.frame import Modal
from wizard.ui.widgets.saying import say
from wizard.ui.words import BAD, count


class TakeOut(Modal[bool]):
    """True once the cluster's name was typed, which no slip of a finger does; Escape leaves all as it is."""

    def __init__(self, cluster: str, leaving: tuple[Problem, ...]) -> None:
        """`leaving` has a problem for each host, which says what it means that it leaves."""
        super().__init__()
        self.cluster = cluster
        self.leaving = leaving

    def dialog(self) -> ComposeResult:
        """Compose the question."""
        with Vertical(classes="dialog -error"):
            yield Static(Content(f"Take {count(len(self.leaving), 'host')} out of {self.cluster}?"), classes="title")
            with VerticalScroll(classes="words"):
                yield Static(Content("\n".join(problem.message for problem in self.leaving)))
            yield Static(Content(f"Type the cluster's name, {self.cluster}, if that is meant."), classes="quiet")
            yield Input("", compact=True, id="answer")
            yield Static("", classes="problem")
            with Horizontal(classes="buttons"):
                yield Button("Take out", id="ok", variant="error", compact=True)
                yield Button("Not now (esc)", id="cancel", compact=True)

    def on_mount(self) -> None:
        """Put the keys where the name is typed."""
        self.query_one("#answer").focus()

    @on(Input.Changed)
    def typed(self) -> None:
        """Take back what was said of another name."""
        self.query_one(".problem").display = False

    @on(Input.Submitted)
    @on(Button.Pressed, "#ok")
    def give(self) -> None:
        """Say yes, if the name is the cluster's."""
        meant = self.query_one("#answer", Input).value.strip() == self.cluster
        if meant:
            self.dismiss(True)
            return
        self.query_one(".problem").display = True
        say(self, ".problem", f"{BAD} That is not the cluster's name. Nothing leaves.", style="$error")

    @on(Button.Pressed, "#cancel")
    def cancel(self) -> None:
        """Leave all as it is."""
        self.dismiss(False)
