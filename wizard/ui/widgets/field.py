"""One field of a form: label, text or choice, a mark, and beneath it the rule's own words when something is wrong."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.events import DescendantFocus
from textual.geometry import Size
from textual.message import Message
from textual.reactive import Reactive
from textual.widgets import Input, Label, Static

from wizard.errors import Level, Problem
from wizard.ui.fields import FieldSpec
from wizard.ui.widgets.choice import Choice
from wizard.ui.widgets.saying import say
from wizard.ui.words import LEVEL_MARK, OK


class Line(Input):
    """A one-line text without a frame; while it is empty, the right arrow takes what is suggested."""

    BINDINGS = [Binding("right", "cursor_right_or_take", show=False)]
    virtual_size = Reactive(Size(0, 0), layout=False)
    """How far the text can scroll. No size on the screen depends on it, so a key needs no new layout."""
    suggestion = ""

    def action_cursor_right_or_take(self) -> None:
        """Take the suggestion into the empty line, or move as ever."""
        if not self.value and self.suggestion:
            self.value = self.suggestion
            self.cursor_position = len(self.value)
        else:
            self.action_cursor_right()


class Field(Vertical):
    """A labelled text or choice. It holds what is typed, and shows the problem it is told to show."""

    class Changed(Message):
        """The person typed or chose."""

        def __init__(self, spec: FieldSpec, text: str) -> None:
            super().__init__()
            self.spec = spec
            self.text = text

    class Focused(Message):
        """The field has the keys now."""

        def __init__(self, spec: FieldSpec) -> None:
            super().__init__()
            self.spec = spec

    def __init__(self, spec: FieldSpec, text: str) -> None:
        super().__init__(classes="field", id=widget_id(spec.path))
        self.spec = spec
        self.start = text
        self.problem: Problem | None = None

    def compose(self) -> ComposeResult:
        """Compose label, input and mark in one line, the problem beneath."""
        with Horizontal(classes="line"):
            yield Label(self.spec.label, classes="label")
            if self.spec.choices:
                yield Choice(self.spec.choices, self.start)
            else:
                hint = self.spec.empty or (f"such as {self.spec.example}" if self.spec.example else "")
                yield Line(self.start, placeholder=hint, compact=True, select_on_focus=False)
            yield Label("", classes="mark")
        yield Static("", classes="problem")

    @property
    def text(self) -> str:
        """Return what is typed or chosen now."""
        return self.query_one(Choice).value if self.spec.choices else self.query_one(Input).value

    def take_focus(self) -> None:
        """Put the keys into this field."""
        self.query_one(Choice if self.spec.choices else Input).focus()

    def suggest(self, text: str) -> None:
        """Offer `text` while nothing is typed."""
        line = self.query_one(Line)
        line.suggestion = text
        line.placeholder = f"→ takes {text}: no host here has it"

    def show(self, problem: Problem | None, *, quiet: bool = False) -> None:
        """Show `problem`, or that all is well; `quiet` shows neither (nothing was typed yet)."""
        self.problem = None if quiet else problem
        level = problem.level if problem and not quiet else None
        for name in Level:
            self.set_class(level is name, f"-{name}")
        good = not quiet and problem is None and bool(self.text) and not self.spec.choices
        self.set_class(good, "-good")
        say(self, ".mark", LEVEL_MARK[level] if level else OK if good else " ", fixed=True)
        self.query_one(".problem").display = level is not None
        if problem and level:
            say(self, ".problem", f"{LEVEL_MARK[level]} {problem.message} {problem.hint}".rstrip())

    @on(Input.Changed)
    def typed(self, event: Input.Changed) -> None:
        """Pass the text up."""
        event.stop()
        self.post_message(self.Changed(self.spec, event.value))

    @on(Choice.Changed)
    def chosen(self, event: Choice.Changed) -> None:
        """Pass the choice up."""
        event.stop()
        self.post_message(self.Changed(self.spec, event.value))

    @on(Input.Submitted)
    def submitted(self, event: Input.Submitted) -> None:
        """Enter goes to the next field."""
        event.stop()
        self.screen.focus_next()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Ask for this field's help to be shown."""
        self.post_message(self.Focused(self.spec))


def widget_id(path: str) -> str:
    """Return the widget id of the field at a profile path."""
    return "field-" + path.replace(".", "-")
