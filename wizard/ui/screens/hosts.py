"""The hosts step: the cluster's name, its machines, how to log in, and whether that works."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from textual import on
from textual.binding import Binding
from textual.content import Content
from textual.css.query import NoMatches
from textual.events import DescendantFocus, Paste
from textual.widget import Widget
from textual.widgets import DataTable, Static

from wizard.errors import Level, Problem
from wizard.ui.draft import Draft, HostDraft, host_named, next_name, role_words
from wizard.ui.fields import CLUSTER, HOST_LIST
from wizard.ui.frame import SessionChanged
from wizard.ui.hostview import connection, login_words, zone_of, zone_problem, zone_words, zones_of
from wizard.ui.screens.asking import AskText, Confirm
from wizard.ui.screens.dialog_form import HostForm, LoginForm
from wizard.ui.screens.error import ErrorView
from wizard.ui.screens.form import FormScreen, Help
from wizard.ui.screens.paste import PasteHosts
from wizard.ui.session import Step
from wizard.ui.validate import Folded
from wizard.ui.widgets.rows import Rows
from wizard.ui.widgets.saying import say
from wizard.ui.words import IDLE, LEVEL_MARK, LEVEL_STYLE, count, cut, cut_name, host_details
from wizard.ui.wrapping import hanging

COLUMNS = (("Name", 10), ("SSH address", 16), ("Role", 14), ("Zone", 8), ("Connection", 0))


class HostsScreen(FormScreen):
    """A table of hosts with what one look at each gave."""

    step = Step.HOSTS
    sections = (("", CLUSTER),)
    next_label = "Next: Network"
    BINDINGS = [
        Binding("a", "add", "Add"),
        Binding("p", "paste", "Paste"),
        Binding("e", "edit", "Edit"),
        Binding("d,delete", "remove", "Delete"),
        Binding("t", "test", "Test"),
        Binding("l", "login", "Login", tooltip="the login that all hosts share"),
        Binding("z", "zone", "Zone", tooltip="the zone (rack, room, power feed) of the host under the cursor"),
    ]

    def form(self) -> Iterable[Widget]:
        """Yield the name, the table and the login."""
        yield from super().form()
        yield Static("Hosts", classes="heading", id="hosts-heading")
        yield Rows(COLUMNS, id="hosts", header=True)
        yield Static("", id="host-problems")
        yield Static("", id="login")
        yield Static("", id="zones")

    def on_mount(self) -> None:
        """Fill the table."""
        super().on_mount()
        self.fill()
        if self.session.draft.name and not self.focus_path:
            self.table.focus()

    def on_resize(self) -> None:
        """Wrap and cut anew for the new width, once it is known."""
        self.call_after_refresh(self.draw_anew)

    def draw_anew(self) -> None:
        """Draw all of it, unless the screen is being left: what it holds is taken away before it is."""
        with contextlib.suppress(NoMatches):
            self.fill()
            self.judge()

    @property
    def table(self) -> Rows:
        """Return the table of hosts."""
        return self.query_one("#hosts", Rows)

    def fill(self) -> None:
        """Draw all rows anew, the cursor where it was."""
        draft = self.session.draft
        lines = [(host.name, host.address, role_words(host.roles), host.text("zone") or IDLE) for host in draft.hosts]
        for number, (label, most) in enumerate(COLUMNS[:-1]):  # what they don't need, the way to the host gets
            self.table.widen(label, min(most, max(len(label), *(len(line[number]) for line in lines), 0) + 1))
        columns = self.table.ordered_columns
        self.table.fill(
            {
                str(index): (
                    Content(cut_name(line[0], columns[0].width - 1)),
                    *(Content(cut(cell, of.width - 1)) for cell, of in zip(line[1:], columns[1:], strict=False)),
                    connection(self.session.looks.get(line[0])),
                )
                for index, line in enumerate(lines)
            }
        )
        parts = [count(len(draft.masters), "master"), count(len(draft.members), "etcd member")]
        parts += [count(len(draft.workers), "worker")] if draft.workers else []
        words = (
            f"Hosts   {', '.join(parts)}"
            if draft.hosts
            else "Hosts   none yet: Tab, then a adds one and p pastes several"
        )
        say(self, "#hosts-heading", words, fixed=True)
        say(self, "#login", login_words(draft, self.room()), fixed=True)
        say(self, "#zones", zone_words(draft, self.room()), fixed=True)

    def mine(self, folded: Folded) -> tuple[Problem, ...]:
        """Return the problems of the name, of the login and of all hosts."""
        return super().mine(folded) + folded.within("hosts") + folded.within("ssh")

    def told(self, problem: Problem) -> bool:
        """Tell whether a problem is shown: the hosts' are, once there are hosts."""
        return super().told(problem) or (problem.field != "name" and bool(self.session.draft.hosts))

    def sum_up(self, problems: tuple[Problem, ...]) -> None:
        """Show the hosts' problems below the table."""
        super().sum_up(problems)
        shown = [one for one in problems if one.field != "name" and one.level is not Level.INFO and self.told(one)]
        self.query_one("#host-problems").display = bool(shown)
        lines = (
            hanging(
                Content.styled(f"{LEVEL_MARK[problem.level]} ", LEVEL_STYLE[problem.level]),
                f"{problem.message} {problem.hint}".rstrip(),
                self.room(),
                LEVEL_STYLE[problem.level],
            )
            for problem in shown
        )
        say(self, "#host-problems", Content("\n").join(lines))

    def room(self) -> int:
        """Return how many columns a text in the form has."""
        form = self.query_one("#form")
        return (form.size.width or self.size.width) - 3

    def focus_field(self, path: str) -> None:
        """Put the keys into the name, or on the host that `path` is about."""
        if path == "name":
            super().focus_field(path)
            return
        self.table.focus()
        if path.startswith("hosts["):
            self.table.move_cursor(row=int(path[6:].partition("]")[0]))

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Explain the table, or the host under its cursor."""
        if event.widget is self.table:
            self.explain_host()

    @on(DataTable.RowHighlighted, "#hosts")
    def explain_host(self) -> None:
        """Say what is known of the host under the cursor; once the table is taken away there is none."""
        if not self.query("#hosts"):
            return
        hosts = self.session.draft.hosts
        row = self.table.cursor_row
        look = self.session.looks.get(hosts[row].name) if row < len(hosts) else None
        if not self.table.has_focus:
            return
        if look is not None and look.error is not None:
            self.query_one(Help).tell(hosts[row].name, f"{look.error.title}. {look.error.why}", look.error.hint)
        elif look is not None and look.facts is not None:
            self.query_one(Help).tell(hosts[row].name, host_details(look.facts))
        else:
            self.query_one(Help).explain(HOST_LIST)

    def change(self, draft: Draft) -> None:
        """Take another draft, forget looks at hosts that are no longer the same."""
        kept = {host.name: host for host in draft.hosts}
        before = {host.name: host for host in self.session.draft.hosts}
        self.session.looks = {
            name: look for name, look in self.session.looks.items() if kept.get(name) == before.get(name)
        }
        self.session.draft = draft
        self.fill()
        self.judge()

    def action_add(self) -> None:
        """Add one host."""
        draft = self.session.draft
        index = len(draft.hosts)
        fresh = host_named(next_name(draft), "")
        self.app.push_screen(HostForm(draft, index, fresh), lambda host: self.take(index, host))

    def take(self, index: int, host: HostDraft | None) -> None:
        """Take a host from its form."""
        if host is not None:
            self.change(self.session.draft.with_host(index, host))
            self.table.move_cursor(row=index)
        self.table.focus()

    def action_edit(self) -> None:
        """Change the host under the cursor."""
        draft, index = self.session.draft, self.table.cursor_row
        if draft.hosts:
            form = HostForm(draft, index, draft.hosts[index])
            self.app.push_screen(form, lambda host: self.take(index, host))

    @on(DataTable.RowSelected, "#hosts")
    def entered(self) -> None:
        """Show why a host failed, or change it."""
        draft, index = self.session.draft, self.table.cursor_row
        look = self.session.looks.get(draft.hosts[index].name)
        if look is not None and look.error is not None:
            self.app.push_screen(ErrorView(look.error, ways=("retry",)), self.after_error)
        else:
            self.action_edit()

    def after_error(self, way: str | None) -> None:
        """Look again where that was asked for."""
        if way == "retry":
            self.action_test()

    def action_zone(self) -> None:
        """Say in which zone the host under the cursor stands."""
        draft, index = self.session.draft, self.table.cursor_row
        if draft.hosts:
            host, zones = draft.hosts[index], zones_of(draft)
            there = f" Zones so far: {', '.join(zones)}." if zones else ""
            words = f"Rack, room or power feed: what fails together.{there} Empty: not said."
            form = AskText(f"Zone of {host.name}", words, start=zone_of(host), judge=zone_problem)
            self.app.push_screen(form, lambda text: self.put_zone(index, text))

    def put_zone(self, index: int, text: str | None) -> None:
        """Take a host's zone."""
        if text is not None:
            host = self.session.draft.hosts[index]
            self.change(self.session.draft.with_host(index, host.typed("zone", text.strip())))

    def action_remove(self) -> None:
        """Take the host under the cursor out, after asking."""
        draft, index = self.session.draft, self.table.cursor_row
        if draft.hosts:
            host = draft.hosts[index]
            question = Confirm(f"Take {host.name} ({host.address}) out of the list?", "The machine is not touched.")
            self.app.push_screen(question, lambda yes: self.change(draft.without_host(index)) if yes else None)

    def action_paste(self, text: str = "") -> None:
        """Add several hosts."""
        self.app.push_screen(PasteHosts(self.session.draft, text), self.take_many)

    def take_many(self, hosts: tuple[HostDraft, ...] | None) -> None:
        """Take pasted hosts."""
        draft = self.session.draft
        for host in hosts or ():
            draft = draft.with_host(len(draft.hosts), host)
        self.change(draft)
        self.table.focus()

    def on_paste(self, event: Paste) -> None:
        """Take a paste that no field wanted as hosts."""
        event.stop()
        self.action_paste(event.text)

    def action_login(self) -> None:
        """Change the shared login."""
        self.app.push_screen(LoginForm(self.session.draft), lambda draft: self.change(draft) if draft else None)

    def action_test(self) -> None:
        """Look at every host."""
        self.wizard.jobs.test_connections()

    @on(SessionChanged)
    def looked(self) -> None:
        """Draw what is new, unless the screen is being left, as in `draw_anew`."""
        with contextlib.suppress(NoMatches):
            self.fill()
            self.explain_host()
