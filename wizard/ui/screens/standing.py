"""All that is known of one host of a cluster that stands."""

from __future__ import annotations

from collections.abc import Iterable

from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from wizard.plans.status import Status
from wizard.ui.screens.drift import Reading
from wizard.ui.statusview import host_facts


class HostView(Reading):
    """Units, static Pods, node, balancer, clock and certificates of a host."""

    def __init__(self, status: Status, host: str) -> None:
        super().__init__()
        self.status = status
        self.host = host

    def heading(self) -> Content:
        """Return the host's name."""
        return Content(f"{self.host} of {self.status.cluster}")

    def words(self) -> Iterable[Widget]:
        """Yield a line for each thing known."""
        for name, text in host_facts(self.status, self.host):
            yield Horizontal(Static(name, classes="name"), Static(text, classes="text"), classes="fact")
