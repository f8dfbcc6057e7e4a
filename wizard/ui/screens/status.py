"""How a cluster stands, drawn anew by itself: hosts, etcd, versions, drift, and what is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from textual import on
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import DataTable, Static

from wizard.plans.status import Status
from wizard.plans.status.words import HOST_COLUMNS, MEMBER_COLUMNS, Cell, headline, host_row, member_row
from wizard.profile.model import Profile
from wizard.remote.base import Secret
from wizard.ui.screens.deeds import ClusterScreen
from wizard.ui.screens.drift import DriftView
from wizard.ui.screens.standing import HostView
from wizard.ui.statusview import content, lines, problems
from wizard.ui.widgets.rows import Rows
from wizard.ui.widgets.saying import say
from wizard.ui.words import BUSY, cut, cut_name

HOST_WIDTHS = (8, 12, 4, 0, 8, 11, 11, 7, 5)
MEMBER_WIDTHS = (8, 0, 9, 9, 6, 9, 8)
EVERY = 5
"""Seconds between two looks."""


class StatusScreen(ClusterScreen):
    """The status of the cluster of a profile. The connections to its hosts are closed when the screen is left."""

    BINDINGS = [
        Binding("escape,q", "back", "Back"),
        Binding("r", "again", "Refresh", tooltip="ask all hosts now; for a password again, where none was given"),
        Binding("h", "host", "Host", tooltip="all that is known of the host under the cursor"),
        Binding("d", "drift", "Drift", tooltip="what has drifted, with the differences"),
        Binding("ctrl+n", "nothing", show=False),
        Binding("ctrl+s", "nothing", show=False),
    ]

    def __init__(self, profile: Profile) -> None:
        super().__init__()
        self.profile = profile
        self.status: Status | None = None
        self.known: Path | None = None
        self.hurry = asyncio.Event()
        self.declined = False
        """A password was asked for and not given: hosts may be silent for want of it."""

    def site(self) -> Profile:
        """Return the profile that was applied."""
        return self.profile

    def file(self) -> Path | None:
        """Return the file of that profile."""
        return self.known

    def host_at_hand(self) -> str:
        """Return the host under the cursor."""
        return self.query_one("#status-hosts", Rows).chosen

    def choose_host(self) -> None:
        """Say why there is none under the cursor."""
        self.notify("No host has been asked yet.")

    def cluster_name(self) -> str:
        """Return the name of the cluster."""
        return self.profile.name

    def body(self) -> Iterable[Widget]:
        """Yield the tables, and what is wrong."""
        yield Static("", id="status-head")
        yield Rows(tuple(zip(HOST_COLUMNS, HOST_WIDTHS, strict=True)), id="status-hosts", header=True)
        yield Rows(tuple(zip(MEMBER_COLUMNS, MEMBER_WIDTHS, strict=True)), id="status-members", header=True)
        yield Static("", id="status-lines")
        with VerticalScroll(id="status-problems", can_focus=True):
            yield Static("", id="status-wrong")

    def on_mount(self) -> None:
        """Begin to look."""
        words = f"{BUSY} asking {len(self.profile.hosts)} hosts of {self.profile.name} …"
        say(self, "#status-head", words, style="$accent", fixed=True)
        self.query_one("#status-hosts").focus()
        self.begin()

    def begin(self) -> None:
        """Begin to ask, for what was not given before as well."""
        self.declined = False
        self.wizard.jobs.start("status", self.follow)

    async def ask(self, kind: str, host: str, prompt: str) -> Secret | None:
        """Ask the person for a secret, and remember that there is none."""
        secret = await self.wizard.jobs.ask(kind, host, prompt)
        self.declined = self.declined or secret is None
        return secret

    async def follow(self) -> None:
        """Draw each status as it comes."""
        self.known = await self.wizard.file_of(self.profile.name)
        statuses = self.wizard.services.statuses(self.profile, self.ask, self.hurry, EVERY)
        async with aclosing(statuses):
            async for status in statuses:
                self.status = status
                if self.is_attached:
                    self.draw(status)

    def draw(self, status: Status) -> None:
        """Draw a status."""
        say(self, "#status-head", content(headline(status), bold=True), fixed=True)
        hosts, members = self.query_one("#status-hosts", Rows), self.query_one("#status-members", Rows)
        hosts.fill({host.name: fitted(hosts, host_row(status, host)) for host in status.hosts})
        members.fill({member.name: fitted(members, member_row(member)) for member in status.members})
        say(self, "#status-lines", lines(status))
        wanting = self.declined and bool(status.silent)
        hint = [Content.styled("! No password was given: press r to be asked for it again.", "$warning")]
        found = [replace(problem, hint=self.named(problem.hint)) for problem in status.problems]
        said = [problems(found, self.room())] if found else []
        say(self, "#status-wrong", Content("\n").join([*(hint if wanting else []), *said]))

    def on_resize(self) -> None:
        """Cells are cut to their columns."""
        if self.status is not None:
            self.call_after_refresh(self.draw, self.status)

    def on_unmount(self) -> None:
        """Ask nobody any more."""
        self.wizard.workers.cancel_group(self.wizard, "status")

    def action_again(self) -> None:
        """Ask now; for a password again, where one was not given."""
        if self.declined:
            self.begin()
        self.hurry.set()
        self.notify("Asking the hosts …", timeout=2)

    def action_drift(self) -> None:
        """Show what has drifted, with the differences."""
        if self.status is not None:
            self.app.push_screen(DriftView(self.status.drift, self.wizard.clock()))

    @on(DataTable.RowSelected, "#status-hosts")
    def action_host(self) -> None:
        """Show all that is known of the host under the cursor."""
        name = self.query_one("#status-hosts", Rows).chosen
        if self.status is not None and name:
            self.app.push_screen(HostView(self.status, name))

    def action_back(self) -> None:
        """Go back to where the person came from."""
        self.app.pop_screen()

    def action_nothing(self) -> None:
        """There is no next step, and nothing to save."""


def fitted(rows: Rows, cells: Sequence[Cell]) -> tuple[Content, ...]:
    """Return cells, the first of which is a name, cut to their columns, with a blank between them and the next."""
    widths = [column.width - 1 for column in rows.ordered_columns]
    name = replace(cells[0], text=cut_name(cells[0].text, widths[0]))
    others = (replace(cell, text=cut(cell.text, width)) for cell, width in zip(cells[1:], widths[1:], strict=True))
    return tuple(map(content, (name, *others)))
