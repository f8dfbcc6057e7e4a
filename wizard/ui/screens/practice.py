"""Practice: real hosts inside this machine, started with a few keys."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Button, RichLog, Static

from wizard.ui.frame import StepScreen
from wizard.ui.saving import may_go
from wizard.ui.screens.asking import Confirm
from wizard.ui.widgets.choice import Choice
from wizard.ui.words import count


class PracticeScreen(StepScreen):
    """How many masters, and what is going on while they start."""

    BINDINGS = [
        Binding("ctrl+n", "next", "Start"),
        Binding("ctrl+s", "nothing", show=False),
    ]

    def cluster_name(self) -> str:
        """Return nothing: this is no step of the site that is open."""
        return ""

    def body(self) -> Iterable[Widget]:
        """Yield the choice and the log."""
        yield Vertical(
            Static("Practice datacenter", classes="heading"),
            Static(
                "Real Debian hosts with systemd and SSH, in a network of their own inside this machine. Break them as "
                "you like: power them off, cut their network, install again. They need root and about 2 GB of memory "
                "for three masters.",
                classes="words",
            ),
            Horizontal(Static("Masters", classes="label"), Choice(("3", "5", "1"), "3", id="masters"), classes="line"),
            Horizontal(
                Button("Start them", id="start", variant="primary", compact=True),
                Button("Back", id="back", compact=True),
                classes="buttons -left",
            ),
            RichLog(id="said", wrap=True, markup=False, max_lines=500),
            id="practice",
        )

    def on_mount(self) -> None:
        """Put the keys on the choice."""
        self.query_one("#masters").focus()

    @on(Button.Pressed, "#start")
    def action_next(self) -> None:
        """Start the hosts, and open the profile that was written for them."""
        masters = int(self.query_one("#masters", Choice).value)
        button = self.query_one("#start", Button)
        if button.disabled:
            return
        question = Confirm(
            f"Start {count(masters, 'practice host')}?",
            "They are processes of this machine, run as root, in a network of their own, until "
            "`slipway practice down` ends them. Their profile is opened then.",
            yes="Start",
            no="Not yet",
        )

        async def work() -> None:
            if not (await may_go(self.wizard) and await self.wizard.show(question)):
                return
            button.disabled = True
            try:
                path = await self.wizard.services.practice(masters, self.say)
            finally:
                button.disabled = False
            if self.is_attached:
                self.wizard.take(await self.wizard.services.open(path))
            else:  # whoever went on with something else is not interrupted
                self.wizard.notify(f"The practice hosts are up; their profile is {path}", markup=False)

        self.wizard.jobs.start("practice", work)

    def say(self, line: str) -> None:
        """Show one line of what goes on."""
        if self.is_attached:
            self.query_one("#said", RichLog).write(line)

    def action_nothing(self) -> None:
        """There is nothing to save here."""

    @on(Button.Pressed, "#back")
    def action_back(self) -> None:
        """Go back to the welcome; hosts that are starting go on starting."""
        self.app.pop_screen()
