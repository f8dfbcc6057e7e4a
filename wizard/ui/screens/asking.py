"""Small questions: yes or no, a path, a secret, one of several words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Static

from wizard.remote.base import Secret
from wizard.ui.frame import Modal
from wizard.ui.widgets.saying import say
from wizard.ui.words import BAD


class Confirm(Modal[bool]):
    """Yes or no. The keys are written on the buttons; Escape means no. `no` first has the focus when it is risky."""

    BINDINGS = [
        Binding("y", "answer(True)", "Yes"),
        Binding("n", "answer(False)", "No"),
        Binding("left,right", "app.focus_next", show=False),
    ]

    def __init__(self, title: str, text: str = "", *, yes: str = "Yes", no: str = "No", risky: bool = False) -> None:
        super().__init__()
        self.question = title
        self.text = text
        self.yes = yes
        self.no = no
        self.risky = risky

    def dialog(self) -> ComposeResult:
        """Compose the question."""
        with Vertical(classes="dialog"):
            yield Static(Content(self.question), classes="title")
            if self.text:
                with VerticalScroll(classes="words", can_focus=False):
                    yield Static(Content(self.text))
            with Horizontal(classes="buttons"):
                yield Button(
                    Content(f"{self.yes} (y)"), id="yes", variant="error" if self.risky else "primary", compact=True
                )
                yield Button(Content(f"{self.no} (n)"), id="no", compact=True)

    def on_mount(self) -> None:
        """Put the keys on the harmless answer."""
        self.query_one("#no" if self.risky else "#yes").focus()

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        """Answer."""
        self.dismiss(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:
        """Answer by key."""
        self.dismiss(yes)

    def action_refuse(self) -> None:
        """Escape means no."""
        self.dismiss(False)


class AskText(Modal[str]):
    """One line of text, such as a path."""

    def __init__(
        self,
        title: str,
        text: str = "",
        *,
        start: str = "",
        ok: str = "OK",
        masked: bool = False,
        judge: Callable[[str], str] = lambda _text: "",
    ) -> None:
        """`judge` returns what is wrong with a text, which is not taken then, or nothing."""
        super().__init__()
        self.judge = judge
        self.question = title
        self.text = text
        self.start = start
        self.ok = ok
        self.masked = masked

    def dialog(self) -> ComposeResult:
        """Compose the prompt."""
        with Vertical(classes="dialog"):
            yield Static(Content(self.question), classes="title")
            if self.text:
                yield Static(Content(self.text), classes="words")
            yield Input(self.start, password=self.masked, compact=True, select_on_focus=False, id="answer")
            yield Static("", classes="problem")
            with Horizontal(classes="buttons"):
                yield Button(self.ok, id="ok", variant="primary", compact=True)
                yield Button("Cancel (esc)", id="cancel", compact=True)

    @on(Input.Changed)
    def typed(self, event: Input.Changed) -> None:
        """Say what is wrong with it so far."""
        wrong = self.judge(event.value)
        self.query_one(".problem").display = bool(wrong)
        say(self, ".problem", f"{BAD} {wrong}" if wrong else "", style="$error")

    @on(Input.Submitted)
    @on(Button.Pressed, "#ok")
    def give(self) -> None:
        """Hand over what was typed."""
        text = self.query_one("#answer", Input).value
        if not self.judge(text):
            self.dismiss(text)

    @on(Button.Pressed, "#cancel")
    def cancel(self) -> None:
        """Hand over nothing."""
        self.dismiss(None)


class AskSecretText(Modal[Secret]):
    """A masked prompt. What is typed lives in memory only."""

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self.question = title
        self.text = text

    def dialog(self) -> ComposeResult:
        """Compose the prompt."""
        with Vertical(classes="dialog"):
            yield Static(Content(self.question), classes="title")
            yield Static(Content(self.text), classes="words")
            yield Input("", password=True, compact=True, id="answer")
            yield Static("Kept in memory only, and never written down.", classes="quiet")
            with Horizontal(classes="buttons"):
                yield Button("OK", id="ok", variant="primary", compact=True)
                yield Button("Cancel (esc)", id="cancel", compact=True)

    @on(Input.Submitted)
    @on(Button.Pressed, "#ok")
    def give(self) -> None:
        """Hand over what was typed."""
        self.dismiss(Secret(self.query_one("#answer", Input).value))

    @on(Button.Pressed, "#cancel")
    def cancel(self) -> None:
        """Hand over nothing."""
        self.dismiss(None)


class AskChoice(Modal[str]):
    """One of several answers, each a button; the digits choose too."""

    def __init__(self, title: str, text: str, choices: Sequence[str]) -> None:
        super().__init__()
        self.question = title
        self.text = text
        self.choices = tuple(choices)

    def dialog(self) -> ComposeResult:
        """Compose the question."""
        with Vertical(classes="dialog -wide"):
            yield Static(Content(self.question), classes="title")
            with VerticalScroll(classes="words", can_focus=False):
                yield Static(Content(self.text))
            with Horizontal(classes="buttons"):
                for number, choice in enumerate(self.choices, 1):
                    yield Button(Content(f"{choice} ({number})"), name=choice, compact=True)
                yield Button("Later (esc)", id="later", compact=True)

    def on_key(self, event: object) -> None:
        """Let a digit answer."""
        key = getattr(event, "key", "")
        if key.isdigit() and 0 < int(key) <= len(self.choices):
            self.dismiss(self.choices[int(key) - 1])

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        """Answer, or leave the question open."""
        self.dismiss(event.button.name)
