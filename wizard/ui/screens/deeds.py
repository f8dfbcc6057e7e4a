"""What can be done with a cluster that stands, from the screens that show one: by key, or by the exact command."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, OptionList, Static
from textual.widgets.option_list import Option

from wizard.hints import PROFILE, for_shell
from wizard.plans.maintain import maintenance, margin
from wizard.plans.renew import renewal
from wizard.plans.task import Kind, Task
from wizard.profile.model import Profile
from wizard.ui.frame import Modal, StepScreen
from wizard.ui.screens.asking import AskChoice, Confirm

VERIFY, MAINTAIN, RENEW = "verify", "maintain", "renew"
OUT, BACK = "Take it out", "Take it back"
NAME = 18
"""Columns that the name of a deed takes."""


class Deeds(Modal[str]):
    """A list of deeds, each with its key, and the commands of what takes something away. Answers with the deed."""

    BINDINGS = [
        Binding("v", f"choose('{VERIFY}')", "Verify"),
        Binding("m", f"choose('{MAINTAIN}')", "Maintenance"),
        Binding("c", f"choose('{RENEW}')", "Certificates"),
    ]

    def __init__(self, cluster: str, file: Path | None, host: str) -> None:
        """`file` is the site's profile, None where nobody knows it; `host` the one at hand, or empty."""
        super().__init__()
        self.cluster = cluster
        self.file = for_shell(file) if file else PROFILE
        self.host = host

    def dialog(self) -> ComposeResult:
        """Compose list and commands."""
        with Vertical(classes="dialog -wide"):
            yield Static(Content(f"What else for {self.cluster}?"), classes="title")
            yield OptionList(*self.deeds(), id="deeds", compact=True)
            with VerticalScroll(classes="words", can_focus=False):
                yield Static(self.commands())
            with Horizontal(classes="buttons"):
                yield Button("Close (esc)", id="close", compact=True)

    def deeds(self) -> tuple[Option, ...]:
        """Return a line for each deed."""
        who = self.host or "one host"
        lines = (
            ("v", "Verify", "prove it by using it: Pods, names, Services", VERIFY),
            ("m", "Maintenance", f"take {who} out for patching, or back", MAINTAIN),
            ("c", "Certificates", "make all anew, host by host, while it serves", RENEW),
        )
        return tuple(
            Option(Content.assemble(Content.styled(f" {key}  ", "bold $accent"), f"{name:<{NAME}}{what}"), id=id)
            for key, name, what, id in lines
        )

    def commands(self) -> Content:
        """Return what is done elsewhere, and how."""
        file = self.file
        rows = (
            ("Add or take out hosts, change anything", f"slipway --profile {file}"),
            ("The same without the wizard", f"slipway apply {file} --allow-removal"),
            ("Put one host back to what it was before", f"slipway reset {file} --host NAME"),
            ("Take the whole cluster away", f"slipway reset {file}"),
        )
        known = [] if self.file != PROFILE else [Content.styled(f"{PROFILE} is the site's file.", "$quiet")]
        return Content("\n").join(
            [Content.assemble(Content.styled(f"{what}:\n", "$quiet"), f"  {command}") for what, command in rows] + known
        )

    def on_mount(self) -> None:
        """Put the keys on the list."""
        self.query_one("#deeds").focus()

    @on(OptionList.OptionSelected, "#deeds")
    def chosen(self, event: OptionList.OptionSelected) -> None:
        """Answer with the line under the cursor."""
        self.dismiss(event.option.id)

    def action_choose(self, deed: str) -> None:
        """Answer by key."""
        self.dismiss(deed)

    @on(Button.Pressed, "#close")
    def close(self) -> None:
        """Do nothing."""
        self.dismiss(None)


class ClusterScreen(StepScreen):
    """A screen that shows a cluster which stands, with the keys for what can be done with it."""

    BINDINGS = [
        Binding("v", "verify", "Verify"),
        Binding("m", "maintain", "Maintain"),
        Binding("o", "more", "More"),
    ]

    def site(self) -> Profile | None:
        """Return the profile that was applied, None where nothing stands."""
        raise NotImplementedError

    def host_at_hand(self) -> str:
        """Return the host under the cursor, or nothing where hosts are no lines here."""
        return ""

    def choose_host(self) -> None:
        """Lead to where a host can be chosen."""

    def action_verify(self) -> None:
        """Prove the cluster by using it; nothing is left there, so nobody is asked."""
        if site := self.site():
            self.wizard.jobs.order(site, Task(kind=Kind.VERIFY))

    def action_maintain(self) -> None:
        """Ask whether the host at hand goes out or comes back, and do that."""
        self.work(self.maintain)

    def action_more(self) -> None:
        """Show all that can be done."""
        self.work(self.more)

    def work(self, deed: Callable[[Profile], Awaitable[None]]) -> None:
        """Ask what a deed needs to know, in the background."""
        if site := self.site():

            async def asking() -> None:
                await deed(site)

            self.wizard.jobs.start("deed", asking)

    async def more(self, site: Profile) -> None:
        """Show the list, and do what is chosen."""
        file = await self.wizard.file_of(site.name)
        match await self.wizard.show(Deeds(site.name, file, self.host_at_hand())):
            case "verify":
                self.action_verify()
            case "maintain":
                await self.maintain(site)
            case "renew":
                await self.renew(site)

    async def maintain(self, site: Profile) -> None:
        """Take the host at hand out, or back."""
        name = self.host_at_hand()
        if not name:
            self.choose_host()
            return
        words = (
            "Out: its Pods move elsewhere, the other masters serve the API, another member leads etcd; no write fails. "
            f"{margin(site, site.host(name))} Back: it takes its part again."
        )
        way = await self.wizard.show(AskChoice(f"Maintenance of {name}", words, (OUT, BACK)))
        if way in (OUT, BACK):
            self.wizard.jobs.order(site, maintenance(name, begin=way == OUT))

    async def renew(self, site: Profile) -> None:
        """Make all certificates anew, after asking."""
        question = Confirm(
            f"Make the certificates of {site.name} anew?",
            "All but the authorities, one host after the other, while the cluster serves. Controllers are started "
            "anew with theirs; everything else reads the new files by itself.",
            yes="Make them",
            no="Not now",
        )
        if await self.wizard.show(question):
            self.wizard.jobs.order(site, renewal())
