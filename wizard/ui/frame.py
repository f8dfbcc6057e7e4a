"""The frame every step of the wizard stands in: trail above, body, keys below."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container
from textual.message import Message
from textual.screen import ModalScreen, Screen, ScreenResultType
from textual.widget import Widget

from wizard.hints import named
from wizard.ui.session import Session, Step
from wizard.ui.widgets.keys import Keys
from wizard.ui.widgets.saying import say
from wizard.ui.widgets.trail import Stop, Trail

if TYPE_CHECKING:
    from wizard.ui.app import SlipwayApp


class SessionChanged(Message):
    """Something in the session is new (a look at a host, a judgement, a record): look there. Carries nothing itself."""

    def can_replace(self, message: Message) -> bool:
        """Let many of these become one."""
        return isinstance(message, SessionChanged)


class StepScreen(Screen[None]):
    """One step: a body between trail and keys. It is drawn from the session and may be thrown away at any time."""

    step: ClassVar[Step | None] = None
    BINDINGS = [
        Binding("escape", "back", "Back"),
        Binding("ctrl+n", "next", "Next"),
        Binding("ctrl+s", "app.save", "Save"),
    ]

    _keys_of: tuple[object, ...] = ()
    focus_path = ""
    """The profile path of the field that shall have the keys at first."""

    @property
    def wizard(self) -> SlipwayApp:
        """Return the app."""
        return cast("SlipwayApp", self.app)

    @property
    def session(self) -> Session:
        """Return what the wizard holds."""
        return self.wizard.session

    def compose(self) -> ComposeResult:
        """Compose the frame around the body."""
        yield Trail(self.step, self.session.reached, self.cluster_name())
        with Container(id="body"):
            yield from self.body()
        yield Keys()

    def cluster_name(self) -> str:
        """Return what stands at the right of the header."""
        name = self.session.draft.name
        if not name:
            return ""
        return f"{name} *" if self.session.unsaved else name

    def file(self) -> Path | None:
        """Return the file of the profile that this step is about; None where it is in none, or nobody knows it."""
        return self.session.path

    def named(self, hint: str) -> str:
        """Return a hint whose commands name that file."""
        return named(hint, self.file())

    def room(self) -> int:
        """Return how many columns a page has: the body's margins and a scroll bar are taken off."""
        return self.size.width - (5 if self.has_class("-tall") or self.app.has_class("-tall") else 3)

    def retitle(self) -> None:
        """Show the cluster's name anew."""
        say(self, "#cluster", self.cluster_name(), fixed=True)

    @on(SessionChanged)
    def title_anew(self) -> None:
        """Say anew whose site it is, and whether all of it is saved; a screen that is going has nowhere to say it."""
        if self.query("#cluster"):
            self.retitle()

    def refresh_keys(self, *state: object) -> None:
        """Draw the keys anew where `state`, on which they depend, is another one: it costs a layout."""
        if state != self._keys_of:
            self._keys_of = state
            self.refresh_bindings()

    def body(self) -> Iterable[Widget]:
        """Yield what this step shows."""
        return ()

    def action_back(self) -> None:
        """Go to the step before."""

    def action_next(self) -> None:
        """Go to the step after, if this one allows it."""

    @on(Stop.Clicked)
    def jump(self, event: Stop.Clicked) -> None:
        """Go to the step that was clicked."""
        self.wizard.go(event.step)


class Modal(ModalScreen[ScreenResultType]):
    """A question in front of a step, with its own keys below. Escape answers it with nothing."""

    BINDINGS = [
        Binding("escape", "refuse", "Close"),
        Binding("question_mark,f1", "app.help", "Help"),
        Binding("ctrl+q", "app.leave", "Quit"),
    ]

    @property
    def wizard(self) -> SlipwayApp:
        """Return the app."""
        return cast("SlipwayApp", self.app)

    def compose(self) -> ComposeResult:
        """Compose the dialog, and the keys that do something in it."""
        yield from self.dialog()
        yield Keys()

    def dialog(self) -> ComposeResult:
        """Compose what the person sees in front of the step."""
        yield from ()

    def action_refuse(self) -> None:
        """Close without an answer."""
        self.dismiss(None)
