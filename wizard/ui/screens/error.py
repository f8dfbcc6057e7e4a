"""The one error view: what, where, why, what to do, the evidence; all of it can be copied."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from wizard.errors import Level, Problem, SlipwayError
from wizard.ui.frame import Modal
from wizard.ui.reviewview import gravest_first
from wizard.ui.words import LEVEL_MARK, LEVEL_STYLE


def as_text(error: SlipwayError, hint: str = "") -> str:
    """Return the error as plain text, the way it is copied; with a `hint`, that is what to do."""
    parts = [
        ("What", error.title),
        ("Where", error.where),
        ("Why", error.why),
        ("Do", hint or error.hint),
    ]
    lines = [f"{name + ':':7}{text}" for name, text in parts if text]
    lines += [f"{level.value + ':':7}{text}" for level, text in findings(error)]
    return "\n".join([*lines, "", error.details]).strip() + "\n"


def findings(error: SlipwayError) -> list[tuple[Level, str]]:
    """Return the problems because of which there is this error: each one's level, and where, what and what to do."""
    problems: tuple[Problem, ...] = getattr(error, "problems", ())
    return [
        (problem.level, f"{problem.field or problem.host or 'profile'}: {problem.message} {problem.hint}".rstrip())
        for problem in gravest_first(problems)
    ]


class ErrorView(Modal[str]):
    """One failure, told in full. Answers with the key of the way on that was chosen, or nothing for Close."""

    BINDINGS = [
        Binding("r", "choose('retry')", "Retry"),
        Binding("s", "choose('save')", "Save log"),
        Binding("c", "copy", "Copy"),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("down,j", "scroll(1)", show=False),
    ]

    def __init__(self, error: SlipwayError, *, ways: tuple[str, ...] = ()) -> None:
        """`ways` are the ways on besides Close and Copy: ``retry``, ``save``."""
        super().__init__()
        self.error = error
        self.ways = ways
        self.hint = error.hint

    def dialog(self) -> ComposeResult:
        """Compose the view."""
        error, self.hint = self.error, self.wizard.named(self.error.hint)
        with Vertical(classes="dialog -error"):
            yield Static(Content.assemble(Content.styled("✗ ", "$error"), error.title), classes="title")
            with VerticalScroll(classes="words"):
                for name, text in (("Where", error.where), ("Why", error.why), ("Do", self.hint)):
                    if text:
                        with Horizontal(classes="fact"):
                            yield Static(name, classes="name")
                            yield Static(Content(text), classes="text")
                for level, text in findings(error):
                    with Horizontal(classes="fact -key"):
                        yield Static(Content.styled(f"{LEVEL_MARK[level]} {level}", LEVEL_STYLE[level]), classes="name")
                        yield Static(Content(text), classes="text")
                if error.details:
                    yield Static(Content(error.details), classes="details")
            with Horizontal(classes="buttons"):
                if "retry" in self.ways:
                    yield Button("Retry (r)", id="retry", variant="primary", compact=True)
                if "save" in self.ways:
                    yield Button("Save log (s)", id="save", compact=True)
                yield Button("Copy (c)", id="copy", compact=True)
                yield Button("Close (esc)", id="close", compact=True)

    def on_mount(self) -> None:
        """Put the keys on the first way on."""
        self.query(Button).first().focus()

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        """Take the way on that was pressed."""
        match event.button.id:
            case "copy":
                self.action_copy()
            case "close":
                self.dismiss(None)
            case way:
                self.dismiss(way)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Show a key only when its way is open."""
        return action != "choose" or parameters[0] in self.ways

    def action_choose(self, way: str) -> None:
        """Take a way on by key."""
        self.dismiss(way)

    def action_copy(self) -> None:
        """Put the whole text into the clipboard (OSC 52: the terminal has to allow it)."""
        self.app.copy_to_clipboard(as_text(self.error, self.hint))
        self.notify("Copied, if your terminal allows it.")

    def action_scroll(self, by: int) -> None:
        """Scroll the words."""
        self.query_one(".words").scroll_relative(y=by, animate=False)
