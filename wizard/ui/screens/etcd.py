"""The etcd step: how many members, on which hosts, on which disk, with which timing."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.binding import Binding
from textual.content import Content
from textual.events import DescendantFocus
from textual.widget import Widget
from textual.widgets import Static

from wizard.errors import Level, Problem
from wizard.profile.counts import ETCD_RECOMMENDED, ETCD_SIZES, quorum, tolerance
from wizard.profile.roles import spread_roles
from wizard.profile.rules import check_etcd_size
from wizard.ui.draft import ETCD, MASTER, Draft, HostDraft, host_named, next_name
from wizard.ui.fields import ETCD as FIELDS
from wizard.ui.fields import ETCD_MEMBERS, ETCD_SIZE
from wizard.ui.frame import SessionChanged
from wizard.ui.screens.dialog_form import HostForm
from wizard.ui.screens.form import FormScreen, Help
from wizard.ui.session import Step
from wizard.ui.validate import Folded
from wizard.ui.widgets.choice import Choice
from wizard.ui.widgets.picks import Picks
from wizard.ui.widgets.saying import say
from wizard.ui.words import LEVEL_MARK, LEVEL_STYLE, SLOW_DISKS, count, etcd_disk


def hand_out(draft: Draft, size: int) -> Draft:
    """Return the draft with `size` members, as many as there are hosts for them, spread as `spread_roles` does it.

    Workers get none.
    """
    able = draft.candidates
    masters = [str(index) for index in able if MASTER in draft.hosts[index].roles]
    others = [str(index) for index in able if MASTER not in draft.hosts[index].roles]
    zones = {str(index): draft.hosts[index].text("zone").strip() for index in able}
    roles = spread_roles(masters, others, min(size, len(able)), zones)
    for index in able:
        draft = draft.with_host(index, draft.hosts[index].having(ETCD, ETCD in roles[str(index)]))
    return draft


def survives(size: int) -> str:
    """Return in words what an etcd of `size` members bears."""
    lost = tolerance(size)
    if lost == 0:
        return "none of them may die"
    return "any 1 may die" if lost == 1 else f"any {lost} may die"


class EtcdScreen(FormScreen):
    """A choice of sizes with what each survives, the members, and the disk."""

    step = Step.ETCD
    sections = (("", FIELDS),)
    next_label = "Next: Review"
    BINDINGS = [Binding("ctrl+e", "add_host", "Add etcd-only host")]

    def form(self) -> Iterable[Widget]:
        """Yield size, members, disk and timing."""
        size = self.session.etcd_size or len(self.session.draft.members)
        yield Static("How many members", classes="heading")
        yield Choice([str(number) for number in ETCD_SIZES], str(size), id="size")
        yield Static("", id="size-words")
        yield Static("Which hosts hold them   space puts one on or takes it away", classes="heading")
        yield Picks(id="members", compact=True)
        yield Static("Disk and timing", classes="heading")
        yield from super().form()

    def on_mount(self) -> None:
        """Fill the list of hosts."""
        self.fill()
        super().on_mount()
        self.explain_size()

    @property
    def members(self) -> int:
        """Return the size that is asked for."""
        return self.session.etcd_size or len(self.session.draft.members)

    def fill(self) -> None:
        """Draw the hosts anew."""
        draft = self.session.draft
        able = [draft.hosts[index] for index in draft.candidates]
        lines = [(self.host_words(host), ETCD in host.roles) for host in able]
        self.query_one("#members", Picks).show(lines)

    def host_words(self, host: HostDraft) -> Content:
        """Return a host with its disk, where that is known."""
        survey = self.session.current_survey()
        facts = survey.facts.get(host.name) if survey else None
        disk = etcd_disk(facts) if facts else ""
        slow = bool(facts and facts.etcd_filesystem and facts.etcd_filesystem.kind in SLOW_DISKS)
        kind = "master" if MASTER in host.roles else "etcd only"
        return Content.assemble(
            f"{host.name:<12}{host.address:<17}{kind:<11}{host.text('zone'):<10}",
            Content.styled(f"! {disk}" if slow else disk, "$warning" if slow else "$success"),
        )

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Explain size and members, which are no fields of the profile."""
        spec = {"size": ETCD_SIZE, "members": ETCD_MEMBERS}.get(event.widget.id or "")
        if spec is not None:
            self.query_one(Help).explain(spec)

    def explain_size(self) -> None:
        """Say what the size survives, and why it is refused where it is."""
        size, hosts = self.members, len(self.session.draft.candidates)
        problem = self.size_problem()
        parts = [Content(f"{count(size, 'member')}: {survives(size)}; {quorum(size)} must agree on every write.\n")]
        if problem is not None:
            style = LEVEL_STYLE[problem.level]
            parts.append(Content.styled(f"{LEVEL_MARK[problem.level]} {problem.message} {problem.hint}\n", style))
        elif size == ETCD_RECOMMENDED:
            words = "Recommended in production: one may be down for work while another dies.\n"
            parts.append(Content.styled(words, "$quiet"))
        elif size > ETCD_RECOMMENDED:
            parts.append(Content.styled(f"Each write waits for {quorum(size)} disks instead of 3.\n", "$quiet"))
        if problem is None or problem.code != "etcd.even":
            words = "Never 2, 4 or 6: an even size survives no more than the odd one below it."
            parts.append(Content.styled(words, "$quiet"))
        if size > hosts:
            lack = size - hosts
            able = "hosts besides workers" if self.session.draft.workers else "hosts"
            parts.append(
                Content.styled(
                    f"\n✗ {size} members need {size} {able}, and there are {hosts}. "
                    f"Add {count(lack, 'host')} that hold etcd only: ctrl+e.",
                    "$error",
                )
            )
        say(self, "#size-words", Content("").join(parts))

    def size_problem(self) -> Problem | None:
        """Return what the rules say of the size."""
        return check_etcd_size(self.members)

    @on(Choice.Changed, "#size")
    def sized(self, event: Choice.Changed) -> None:
        """Hand the members out."""
        size = int(event.value)
        self.session.etcd_size = size
        self.change(hand_out(self.session.draft, size))

    @on(Picks.Picked, "#members")
    def picked(self, event: Picks.Picked) -> None:
        """Put a member on a host, or take it away."""
        draft = self.session.draft
        index = draft.candidates[event.index]
        host = draft.hosts[index]
        draft = draft.with_host(index, host.having(ETCD, ETCD not in host.roles))
        self.session.draft = draft
        size = len(draft.members)
        self.session.etcd_size = None
        choice = self.query_one("#size", Choice)
        if size in ETCD_SIZES:
            with self.prevent(Choice.Changed):
                choice.index = ETCD_SIZES.index(size)
        self.fill()
        self.judge()
        self.explain_size()

    def change(self, draft: Draft) -> None:
        """Take another draft."""
        self.session.draft = draft
        self.fill()
        self.judge()
        self.explain_size()

    def mine(self, folded: Folded) -> tuple[Problem, ...]:
        """Return the problems of etcd, the number of members among them."""
        roles = (problem for problem in folded.problems if problem.code.startswith(("etcd.", "host.roles", "zones.")))
        own = super().mine(folded)
        return own + tuple(problem for problem in roles if problem not in own)

    def sum_up(self, problems: tuple[Problem, ...]) -> None:
        """Say below what the way on lacks."""
        first = next((problem for problem in problems if problem.level is Level.ERROR), None)
        words = f"✗ {first.message}" if first else ""
        if self.members > len(self.session.draft.candidates):
            words = f"✗ {self.members} members need {self.members} hosts"
        say(self, "#verdict", words, style="$error")

    def action_add_host(self) -> None:
        """Add a host that holds etcd only."""
        draft = self.session.draft
        index = len(draft.hosts)
        fresh = host_named(next_name(draft, "e"), "", (ETCD,))
        self.app.push_screen(HostForm(draft, index, fresh), lambda host: self.take(index, host))

    def take(self, index: int, host: HostDraft | None) -> None:
        """Take a host from its form, and hand the members out where more were asked for."""
        if host is None:
            return
        draft = self.session.draft.with_host(index, host)
        wanted = self.session.etcd_size
        self.change(hand_out(draft, wanted) if wanted and wanted >= len(draft.candidates) else draft)

    def action_next(self) -> None:
        """Go on where the members make a cluster."""
        if self.members > len(self.session.draft.candidates):
            self.query_one("#size").focus()
            return
        super().action_next()

    def focus_field(self, path: str) -> None:
        """Put the keys into a field, or on the members."""
        super().focus_field(path)
        if path == "hosts" or path.startswith("hosts["):
            self.query_one("#members").focus()

    @on(SessionChanged)
    def looked(self) -> None:
        """Show disks as they become known."""
        self.fill()
