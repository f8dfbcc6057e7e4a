"""The header: where in the wizard we are."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from wizard.ui.session import Step

AHEAD = "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"


class Stop(Static):
    """One step of the trail; a click goes there if it was open before."""

    class Clicked(Message):
        """A step that was reached before was clicked."""

        def __init__(self, step: Step) -> None:
            super().__init__()
            self.step = step

    def __init__(self, step: Step, state: str, enabled: bool) -> None:
        super().__init__(step.value, classes=f"stop -{state}")
        self.step = step
        self.enabled = enabled

    def on_click(self) -> None:
        """Go there."""
        if self.enabled:
            self.post_message(self.Clicked(self.step))


class Trail(Horizontal):
    """The steps in a row, with the cluster's name at the right."""

    def __init__(self, step: Step | None, reached: int, cluster: str) -> None:
        super().__init__(id="trail")
        self.step = step
        self.reached = reached
        self.cluster = cluster

    def compose(self) -> ComposeResult:
        """Compose the trail."""
        yield Static(Content("slipway"), id="brand")
        if self.step is not None:
            for step in Step:
                if step.number:
                    yield Static(AHEAD, classes="stop -mark")
                state = "here" if step is self.step else "past" if step.number < self.step.number else "ahead"
                enabled = step.number <= self.reached and step not in (Step.RUN, Step.DONE)
                yield Stop(step, state, enabled and self.step not in (Step.RUN, Step.DONE))
        yield Static(Content(self.cluster), id="cluster")
