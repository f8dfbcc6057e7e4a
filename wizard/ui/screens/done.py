"""Done: where the kubeconfig is, what was built, what it survives."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Static

from wizard import versions
from wizard.profile.model import Profile
from wizard.profile.survival import survival
from wizard.ui.reviewview import survival_words
from wizard.ui.screens.deeds import ClusterScreen
from wizard.ui.screens.status import StatusScreen
from wizard.ui.session import Step
from wizard.ui.topology import topology
from wizard.ui.words import OK, WARN, count, duration


class DoneScreen(ClusterScreen):
    """The end of the way, drawn from what the run has left."""

    step = Step.DONE
    BINDINGS = [
        Binding("escape", "app.first", "First screen"),
        Binding("q", "app.leave", show=False),
        Binding("ctrl+n", "nothing", show=False),
        Binding("s", "status", "Status", tooltip="how it stands: hosts, etcd, VIP, drift"),
        Binding("l", "run", "Run", tooltip="look at the run again"),
        Binding("c", "copy", "Copy path", tooltip="copy the kubeconfig's path"),
    ]

    def site(self) -> Profile | None:
        """Return the profile that was applied."""
        return self.session.built.profile if self.session.built else None

    def file(self) -> Path | None:
        """Return the file of the profile of the run's cluster."""
        return self.session.run_file

    def choose_host(self) -> None:
        """Go where hosts are lines."""
        self.action_status()
        self.notify("Put the cursor on the host, then press m.")

    def cluster_name(self) -> str:
        """Return the name of the cluster that stands."""
        built = self.session.built
        return built.profile.name if built else ""

    def body(self) -> Iterable[Widget]:
        """Yield what stands."""
        built, record = self.session.built, self.session.record
        if built is None:
            return
        profile = built.profile
        took = f", after {duration(record.seconds)}" if record else ""
        mark, style = (WARN, "$warning") if built.notes else (OK, "$success")
        yield Static(Content.styled(f"{mark} {profile.name} stands{took}", f"bold {style}"), id="judgement")
        with VerticalScroll(id="done"):
            for note in (*built.notes, *self.not_saved(profile)):
                yield Static(Content.styled(f"! {note}", "$warning"))
            version = profile.kubernetes or versions.default()
            yield fact(
                "Built",
                f"Kubernetes {version}: {', '.join(_counts(profile))}, "
                f"API at {profile.endpoint.vip}:{profile.endpoint.port}",
            )
            if self.session.path and self.session.draft.name == profile.name and not self.session.unsaved:
                yield fact("Profile", str(self.session.path))
            if built.kubeconfig is not None:
                # Lines to be copied begin where the screen does: there is most room for them.
                yield Static("Try it", classes="name")
                yield Static(Content(f"export KUBECONFIG={built.kubeconfig}\nkubectl get nodes"), id="try")
            yield Static(survival_words(survival(profile), self.app.size.width - 5), id="survives")
            yield Static("What stands", classes="heading")
            yield Static(Content(topology(profile, max(40, self.app.size.width - 3))))
        with Horizontal(id="way-on"):
            yield Static("", id="verdict")
            yield Button("Copy path", id="copy", compact=True)
            yield Button("First screen", id="close", variant="primary", compact=True)

    def not_saved(self, profile: Profile) -> tuple[str, ...]:
        """Return that the profile which was installed is in no file, where it is so."""
        session = self.session
        if session.draft.name != profile.name or not session.unsaved:
            return ()
        where = f"not in {session.path.name}" if session.path else "in no file yet"
        return (f"This profile is {where}: ctrl+s saves it. What is done by the file later would undo it.",)

    def on_mount(self) -> None:
        """Put the keys on the way back."""
        self.query_one("#close").focus()

    def action_nothing(self) -> None:
        """There is nothing after this."""

    def action_status(self) -> None:
        """Show how the cluster stands."""
        if self.session.built is not None:
            self.app.push_screen(StatusScreen(self.session.built.profile))

    def action_run(self) -> None:
        """Look at the run again."""
        self.wizard.go(Step.RUN)

    @on(Button.Pressed, "#copy")
    def action_copy(self) -> None:
        """Put the kubeconfig's path into the clipboard."""
        built = self.session.built
        if built is not None and built.kubeconfig is not None:
            self.app.copy_to_clipboard(str(built.kubeconfig))
            self.notify("Copied, if your terminal allows it.")

    @on(Button.Pressed, "#close")
    def close(self) -> None:
        """Go back to the first screen."""
        self.wizard.action_first()


def _counts(profile: Profile) -> list[str]:
    """Return how many masters, etcd members and workers there are; workers only where there are some."""
    workers = [count(len(profile.workers), "worker")] if profile.workers else []
    return [count(len(profile.masters), "master"), count(len(profile.etcd_members), "etcd member"), *workers]


def fact(name: str, text: str) -> Widget:
    """Return a named line."""
    return Horizontal(Static(name, classes="name"), Static(Content(text), classes="text"), classes="fact")
