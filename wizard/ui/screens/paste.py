"""Many hosts at once: addresses, ranges, or a piece of an inventory, pasted or typed."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Static, TextArea

from wizard.profile.rules import check_field
from wizard.ui.draft import ROLE_SETS, Draft, HostDraft, host_named, name_prefix, next_name
from wizard.ui.frame import Modal
from wizard.ui.ranges import Unclear, expand
from wizard.ui.widgets.choice import Choice
from wizard.ui.widgets.saying import say
from wizard.ui.words import count


def hosts_of(text: str, draft: Draft, roles: tuple[str, ...], zone: str = "") -> tuple[HostDraft, ...]:
    """Return the hosts that `text` names and `draft` doesn't have yet, named m1, e1 or w1, … where it gives no names.

    All of them stand in `zone`, where one is given.

    Raises `Unclear`.
    """
    prefix = name_prefix(roles)
    known = {host.address for host in draft.hosts}
    fresh: list[HostDraft] = []
    for pasted in expand(text):
        if pasted.address not in known:
            host = host_named(pasted.name or next_name(draft, prefix), pasted.address, roles)
            host = host.typed("zone", zone) if zone else host
            fresh.append(host)
            draft = draft.with_host(len(draft.hosts), host)
    return tuple(fresh)


class PasteHosts(Modal[tuple[HostDraft, ...]]):
    """A text area with a preview of the hosts it gives."""

    BINDINGS = [Binding("ctrl+s,ctrl+n", "take", "Add"), Binding("tab", "app.focus_next", "Next field")]

    def __init__(self, draft: Draft, text: str = "") -> None:
        super().__init__()
        self.draft = draft
        self.start = text
        self.hosts: tuple[HostDraft, ...] = ()

    def dialog(self) -> ComposeResult:
        """Compose area, roles, preview."""
        with Vertical(classes="dialog -wide"):
            yield Static("Add several hosts", classes="title")
            yield Static(
                "Addresses, ranges such as 198.18.0.11-13, name=address, or lines of an /etc/hosts file.",
                classes="words",
            )
            yield TextArea(self.start, id="addresses", compact=True)
            with Horizontal(classes="line"):
                yield Static("Role", classes="label")
                yield Choice(tuple(ROLE_SETS), next(iter(ROLE_SETS)))
            with Horizontal(classes="line"):
                yield Static("Zone", classes="label")
                yield Input(
                    "", placeholder="not said: rack, room or power feed of all of these", compact=True, id="zone"
                )
            yield Static("", id="preview")
            with Horizontal(classes="buttons"):
                yield Button("Add (ctrl+s)", id="add", variant="primary", compact=True)
                yield Button("Cancel (esc)", id="cancel", compact=True)

    def on_mount(self) -> None:
        """Put the keys into the area."""
        self.query_one(TextArea).focus()
        self.preview()

    @on(TextArea.Changed)
    @on(Input.Changed)
    @on(Choice.Changed)
    def preview(self) -> None:
        """Show which hosts the text gives."""
        self.hosts = ()
        zone = self.query_one("#zone", Input).value.strip()
        try:
            if wrong := check_field("hosts[0].zone", zone):
                raise Unclear(wrong.message)
            roles = ROLE_SETS[self.query_one(Choice).value]
            self.hosts = hosts_of(self.query_one(TextArea).text, self.draft, roles, zone)
        except Unclear as error:
            say(self, "#preview", f"✗ {error}", style="$error")
            return
        names = ", ".join(f"{host.name} {host.address}" for host in self.hosts[:6])
        more = f" and {len(self.hosts) - 6} more" if len(self.hosts) > 6 else ""
        words = f"{count(len(self.hosts), 'new host')}: {names}{more}" if self.hosts else "No new host yet."
        say(self, "#preview", words, style="$success" if self.hosts else "$quiet")

    @on(Input.Submitted)
    @on(Button.Pressed, "#add")
    def action_take(self) -> None:
        """Hand the hosts over."""
        if self.hosts:
            self.dismiss(self.hosts)

    @on(Button.Pressed, "#cancel")
    def cancel(self) -> None:
        """Hand over nothing."""
        self.dismiss(None)
