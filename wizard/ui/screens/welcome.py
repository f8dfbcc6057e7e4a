"""The first screen: new, open, practice, or back to a run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from textual import on
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from wizard.profile.model import Profile
from wizard.ui.frame import StepScreen
from wizard.ui.runview import percent
from wizard.ui.screens.practice import PracticeScreen
from wizard.ui.screens.status import StatusScreen
from wizard.ui.services import RunRef, RunState
from wizard.ui.session import Step
from wizard.ui.words import BAD, BUSY, OK, WARN, ago, cut

TITLE, WORDS = 26, 42
"""Columns of a line: what it is, and what there is to know of it."""

STATE_WORDS = {
    RunState.RUNNING: (BUSY, "$accent", "running"),
    RunState.INTERRUPTED: (WARN, "$warning", "interrupted: can be resumed"),
    RunState.FAILED: (BAD, "$error", "failed"),
    RunState.HELD: (BAD, "$error", "held before anything was touched"),
    RunState.PARTIAL: (WARN, "$warning", "done in part: hosts in quarantine"),
    RunState.DONE: (OK, "$success", "done"),
}


STANDS = "how it stands: hosts, etcd, VIP, drift"


class WelcomeScreen(StepScreen):
    """What the person came for, as a list; each line has its key."""

    BINDINGS = [
        Binding("escape", "app.leave", "Quit"),
        Binding("ctrl+n", "new", show=False),
        Binding("ctrl+s", "nothing", show=False),
        Binding("g", "go_on", "Go on"),
        Binding("n", "new", "New"),
        Binding("o", "open", "Open"),
        Binding("p", "practice", "Practice"),
        Binding("s", "status", "Status"),
        Binding("q", "app.leave", "Quit", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.runs: tuple[RunRef, ...] = ()
        self.recent: tuple[Path, ...] = ()
        self.standing: tuple[Profile, ...] = ()

    def body(self) -> Iterable[Widget]:
        """Yield the list."""
        yield Vertical(
            Static("slipway", id="name"),
            Static("Bare machines become a highly available Kubernetes, proven.", id="motto"),
            OptionList(id="ways", compact=True),
            id="welcome",
        )

    def on_mount(self) -> None:
        """Ask for runs and profiles in the background; the first lines are there at once."""
        self.fill()
        self.query_one("#ways").focus()
        self.look()

    def on_screen_resume(self) -> None:
        """Runs may have ended while another screen was open."""
        self.look()

    def look(self) -> None:
        """Ask for runs and profiles."""

        async def work() -> None:
            self.runs = await self.wizard.services.runs()
            self.recent = await self.wizard.services.recent()
            self.standing = await self.wizard.services.standing()
            if self.is_attached:
                self.fill()
                self.refresh_keys(self.standing, self.session.unsaved)

        self.wizard.jobs.start("welcome", work)

    def fill(self) -> None:
        """Draw the list anew."""
        ways = self.query_one("#ways", OptionList)
        chosen = ways.highlighted_option.id if ways.highlighted_option else None
        ways.clear_options()
        open_runs = [run for run in self.runs if run.state is not RunState.DONE]
        for number, run in enumerate(open_runs):
            ways.add_option(Option(self.run_words(run), id=f"run-{number}"))
        if open_runs:
            ways.add_option(None)
        if self.session.unsaved:
            name = f"{self.session.draft.name or 'The new site'} *"
            ways.add_option(way("g", name, "go on with it: typed, and not saved yet", "draft"))
        ways.add_option(way("n", "New site", "hosts, VIP and etcd, step by step", "new"))
        ways.add_option(way("o", "Open a profile", "a YAML file of a site", "open"))
        ways.add_option(way("p", "Practice", "real hosts in this machine, to rehearse on", "practice"))
        for number, profile in enumerate(self.standing[:4]):
            ways.add_option(way("s" if number == 0 else " ", profile.name, STANDS, f"standing-{number}"))
        if self.recent:
            ways.add_option(None)
        for number, path in enumerate(self.recent[:6]):
            ways.add_option(way(" ", path.name, folder_words(path.parent), f"recent-{number}"))
        self.open_runs = open_runs
        ids = [ways.get_option_at_index(index).id for index in range(ways.option_count)]
        ways.highlighted = ids.index(chosen) if chosen in ids and not open_runs else 0

    def run_words(self, run: RunRef) -> Content:
        """Return a run in one line."""
        mark, style, words = STATE_WORDS[run.state]
        return Content.assemble(
            Content.styled(f" {mark}  ", style),
            Content.styled(f"{run.title}", "bold"),
            Content.styled(f"\n    {words}", style),
            Content.styled(
                f"   {percent(run.fraction).strip()}, started {ago(self.wizard.clock() - run.started)}", "$quiet"
            ),
        )

    @on(OptionList.OptionSelected, "#ways")
    def chosen(self, event: OptionList.OptionSelected) -> None:
        """Go the way that was chosen."""
        kind, _, number = (event.option.id or "").partition("-")
        match kind:
            case "run":
                self.wizard.jobs.attach(self.open_runs[int(number)])
            case "recent":
                self.wizard.open_profile(self.recent[int(number)])
            case "standing":
                self.app.push_screen(StatusScreen(self.standing[int(number)]))
            case "draft":
                self.action_go_on()
            case "new":
                self.action_new()
            case "open":
                self.action_open()
            case "practice":
                self.action_practice()

    def action_new(self) -> None:
        """Begin a new site."""
        self.wizard.begin()

    def action_open(self) -> None:
        """Ask for a profile's path and open it."""
        self.wizard.ask_profile()

    def action_go_on(self) -> None:
        """Go on with what was typed and is not saved yet."""
        self.wizard.go(Step.HOSTS)

    def action_status(self) -> None:
        """Show how the cluster that was installed last stands."""
        if self.standing:
            self.app.push_screen(StatusScreen(self.standing[0]))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only a cluster that stands has a status, and only what was typed can be gone on with."""
        match action:
            case "status":
                return bool(self.standing)
            case "go_on":
                return self.session.unsaved
        return super().check_action(action, parameters)

    def action_practice(self) -> None:
        """Go to the practice datacenter."""
        self.app.push_screen(PracticeScreen())

    def action_nothing(self) -> None:
        """There is nothing to save here."""


def folder_words(folder: Path) -> str:
    """Return a folder as a person would write it, home as ``~``."""
    home = Path.home()
    return f"~/{folder.relative_to(home)}".rstrip("./") if folder.is_relative_to(home) else str(folder)


def way(key: str, title: str, words: str, id: str) -> Option:
    """Return one line of the list; what is too long for its column is cut: a title's end, a folder's beginning."""
    parts = (
        Content.styled(f" {key}  ", "bold $accent"),
        Content(f"{cut(title, TITLE):<{TITLE}} "),
        Content.styled(cut(words, WORDS, front=True), "$quiet"),
    )
    return Option(Content.assemble(*parts), id=id)
