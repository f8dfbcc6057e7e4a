"""The wizard: a Textual app that owns the session, its background work, and the way from step to step."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from textual.app import App
from textual.binding import Binding
from textual.events import Event, Key, Paste
from textual.worker import WorkerFailed

from wizard.errors import SlipwayError
from wizard.ui.draft import load
from wizard.ui.frame import Modal, SessionChanged, StepScreen
from wizard.ui.jobs import Jobs
from wizard.ui.saving import leave, may_go, save, typed_path
from wizard.ui.screens.asking import AskText
from wizard.ui.screens.done import DoneScreen
from wizard.ui.screens.error import ErrorView
from wizard.ui.screens.etcd import EtcdScreen
from wizard.ui.screens.help import HelpView, key_rows
from wizard.ui.screens.hosts import HostsScreen
from wizard.ui.screens.network import NetworkScreen
from wizard.ui.screens.review import ReviewScreen
from wizard.ui.screens.run import RunScreen
from wizard.ui.screens.welcome import WelcomeScreen
from wizard.ui.services import Opened, RunRef, Services
from wizard.ui.session import Session, Step
from wizard.ui.theme import THEMES
from wizard.ui.turns import Turns

Answer = TypeVar("Answer")

DEPTH = 3
"""Screens of the stack while a step is open: Textual's blank one, the first screen, the step."""

SCREENS: dict[Step, type[StepScreen]] = {
    Step.HOSTS: HostsScreen,
    Step.NETWORK: NetworkScreen,
    Step.ETCD: EtcdScreen,
    Step.REVIEW: ReviewScreen,
    Step.RUN: RunScreen,
    Step.DONE: DoneScreen,
}


class SlipwayApp(App[int]):
    """The wizard over some `services`. With a `profile` it opens at the review; with `attach`, at that run."""

    TITLE = "slipway"
    CSS_PATH = ["app.tcss", "forms.tcss", "steps.tcss"]
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (104, "-broad")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (32, "-tall")]
    BINDINGS = [
        Binding("ctrl+q", "leave", "Quit", priority=True),
        Binding("ctrl+c", "leave", show=False),
        Binding("question_mark,f1", "help", "Help"),
        Binding("f2", "theme", "Light/dark"),
    ]

    def __init__(
        self,
        services: Services,
        *,
        profile: Path | None = None,
        attach: RunRef | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self.clock = clock
        self.services = services
        self.session = Session()
        self.jobs = Jobs(self)
        self.turns = Turns(self)
        self.first_profile = profile
        self.first_run = attach
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = THEMES[0].name

    @property
    def failure(self) -> Exception | None:
        """Return the defect that has ended the app, if one has."""
        return self._exception.error if isinstance(self._exception, WorkerFailed) else self._exception  # type: ignore[return-value]

    def _handle_exception(self, error: Exception) -> None:
        """End without Textual's traceback: it shows local variables, and a secret may be among them."""
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()

    async def on_event(self, event: Event) -> None:
        """Take what happens, a key or a paste only in its turn; one that comes back from a widget has had it."""
        if not isinstance(event, (Key, Paste)) or event.is_forwarded or self.turns.has_come(event):
            await super().on_event(event)

    def on_unmount(self) -> None:
        """Forget the keys that nobody waits for any more."""
        self.turns.end()

    def on_mount(self) -> None:
        """Open where the person wants to be."""
        self.push_screen(WelcomeScreen())
        if self.first_run is not None:
            self.jobs.attach(self.first_run)
        elif self.first_profile is not None:
            self.open_profile(self.first_profile)

    # The way from step to step

    def go(self, step: Step, *, focus: str = "") -> None:
        """Show a step, made anew from the session, with the keys at the field of the path `focus`."""
        while isinstance(self.screen, Modal):
            self.screen.dismiss(None)
        self.session.reached = max(self.session.reached, step.number)
        screen = SCREENS[step]()
        screen.focus_path = focus
        while len(self.screen_stack) > DEPTH:  # a status is open above a step
            self.pop_screen()
        if isinstance(self.screen, WelcomeScreen):
            self.push_screen(screen)
        else:
            self.switch_screen(screen)

    def action_first(self) -> None:
        """Go back to the first screen; what was typed stays."""
        while not isinstance(self.screen, WelcomeScreen):
            self.pop_screen()

    def go_by(self, steps: int) -> None:
        """Go `steps` forth or back in the trail; before the first one is the welcome."""
        current = self.screen.step if isinstance(self.screen, StepScreen) else None
        number = (current.number if current else -1) + steps
        if number < 0:
            self.action_first()
        elif number < len(Step):
            self.go(list(Step)[number])

    async def show(self, dialog: Modal[Answer]) -> Answer | None:
        """Show a dialog and wait for its answer; for workers only. When the worker is ended, the dialog goes too."""
        try:
            return await self.push_screen_wait(dialog)
        except asyncio.CancelledError:
            if dialog in self.screen_stack and self.screen is dialog:
                self.pop_screen()
            raise

    def changed(self) -> None:
        """Tell every screen that the session has something new."""
        for screen in self.screen_stack:
            screen.post_message(SessionChanged())

    # Opening, saving, leaving

    def begin(self) -> None:
        """Begin a new site."""

        async def work() -> None:
            if await may_go(self):
                self.session = Session()
                self.go(Step.HOSTS)

        self.jobs.start("open", work)

    def open_profile(self, path: Path) -> None:
        """Open a profile and go to the review."""

        async def work() -> None:
            if await may_go(self):
                self.take(await self.services.open(path))

        self.jobs.start("open", work)

    def ask_profile(self) -> None:
        """Ask for a profile's path and open it; what can't be opened is said, and the path can be mended."""

        async def work() -> None:
            text = f"{Path.cwd()}/"
            while True:
                dialog = AskText("Open a profile", "The path of a YAML file.", start=text, ok="Open")
                text = await self.show(dialog) or ""
                if not text:
                    return
                try:
                    opened = await self.services.open(typed_path(text))
                except SlipwayError as error:
                    await self.show(ErrorView(error))
                    continue
                if await may_go(self):
                    self.take(opened)
                return

        self.jobs.start("open", work)

    def take(self, opened: Opened) -> None:
        """Take an opened profile as the draft."""
        draft = load(opened.profile)
        self.session = Session(draft=draft, saved=draft, path=opened.path, reached=Step.REVIEW.number)
        self.go(Step.REVIEW)

    async def file_of(self, cluster: str) -> Path | None:
        """Return the file of a cluster's profile: the one that is open here, or one that was; None where none is."""
        if self.session.path and self.session.draft.name == cluster:
            return self.session.path
        return await self.services.file_of(cluster)

    def named(self, hint: str) -> str:
        """Return a hint whose commands name the file of the profile that the step under any dialogs is about."""
        steps = (screen for screen in reversed(self.screen_stack) if isinstance(screen, StepScreen))
        step = next(steps, None)
        return step.named(hint) if step else hint

    def action_help(self) -> None:
        """Show what the keys of this screen do; a second time: close that."""
        if isinstance(self.screen, HelpView):
            self.screen.dismiss(None)
        else:
            self.push_screen(HelpView(key_rows(self, self.screen)))

    def action_save(self) -> None:
        """Save the draft as a profile."""
        save(self)

    def action_leave(self) -> None:
        """Leave the wizard; asks where something would be lost."""
        leave(self)

    def action_theme(self) -> None:
        """Change between the dark and the light look."""
        names = [theme.name for theme in THEMES]
        self.theme = names[(names.index(self.theme) + 1) % len(names)]

    def base_step(self) -> Step | None:
        """Return the step that is open under any dialogs."""
        steps = (screen.step for screen in reversed(self.screen_stack) if isinstance(screen, StepScreen))
        return next(steps, None)
