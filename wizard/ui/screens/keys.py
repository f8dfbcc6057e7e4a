"""First sight of hosts: their SSH keys are shown, to be compared with the consoles' and accepted together."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from wizard.remote.base import HostKeyUnknown
from wizard.ui.frame import Modal


class HostKeys(Modal[bool]):
    """All unknown keys at once: accept all shown, or refuse."""

    BINDINGS = [Binding("a", "answer(True)", "Accept all shown"), Binding("r", "answer(False)", "Refuse")]

    def __init__(self, unknown: dict[str, HostKeyUnknown], addresses: dict[str, str]) -> None:
        super().__init__()
        self.unknown = unknown
        self.addresses = addresses

    def dialog(self) -> ComposeResult:
        """Compose the list."""
        with Vertical(classes="dialog -wide"):
            yield Static("Are these your hosts?", classes="title")
            yield Static(
                "Slipway sees these SSH keys for the first time. Compare them with the hosts' consoles "
                "(ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub): a wrong one may be another machine, or somebody "
                "in between.",
                classes="words",
            )
            with VerticalScroll(classes="words", id="keys"):
                for name, error in self.unknown.items():
                    yield Static(
                        Content.assemble(
                            Content.styled(f"{name:<9} ", "bold"),
                            Content.styled(f"{self.addresses.get(name, '')}\n", "$quiet"),
                            f"  {error.fingerprint}",
                        )
                    )
            with Horizontal(classes="buttons"):
                yield Button("Accept all shown (a)", id="accept", variant="primary", compact=True)
                yield Button("Refuse (r)", id="refuse", compact=True)

    def on_mount(self) -> None:
        """Put the keys on the harmless answer: a key is accepted on purpose only."""
        self.query_one("#refuse").focus()

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        """Answer."""
        self.dismiss(event.button.id == "accept")

    def action_answer(self, accept: bool) -> None:
        """Answer by key."""
        self.dismiss(accept)

    def action_refuse(self) -> None:
        """Escape refuses."""
        self.dismiss(False)
