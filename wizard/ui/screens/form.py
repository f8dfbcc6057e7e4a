"""A step that is a form: sections of fields, with the help of the focused one beside or below."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Static

from wizard.errors import Level, Problem
from wizard.ui.fields import FieldSpec
from wizard.ui.frame import StepScreen
from wizard.ui.validate import Folded, fold
from wizard.ui.widgets.field import Field
from wizard.ui.widgets.saying import say


class Help(Static):
    """Why the focused field matters, and an example."""

    def explain(self, spec: FieldSpec) -> None:
        """Show the help of `spec`."""
        more = [f"Example: {spec.example}"] if spec.example else []
        if spec.choices:
            more.append("← → choose")
        elif spec.empty:
            more.append(f"Empty: {spec.empty}.")
        self.tell(spec.label, spec.help, "  ".join(more))

    def tell(self, title: str, text: str, hint: str = "") -> None:
        """Show something worth knowing here: in paragraphs where the help stands beside, in a row below the form."""
        parts = (Content.styled(title, "$accent"), Content(text), Content.styled(hint, "$quiet"))
        beside = self.app.has_class("-broad") or self.screen.has_class("-broad")
        gap = "\n\n" if beside and not isinstance(self.screen, ModalScreen) else "  "
        self.update(Content(gap).join(part for part in parts if part.plain), layout=False)


class FormScreen(StepScreen):
    """Fields bound to the draft. Every keystroke goes into the draft, and the rules' words beneath the field."""

    sections: ClassVar[tuple[tuple[str, tuple[FieldSpec, ...]], ...]] = ()
    next_label: ClassVar[str] = "Next"

    def body(self) -> Iterable[Widget]:
        """Yield the sections, the help and the way on."""
        yield Horizontal(
            VerticalScroll(*self.form(), id="form", can_focus=False),
            Help("", id="help"),
            id="form-and-help",
        )
        yield Horizontal(
            Static("", id="verdict"),
            Button("Back", id="back", compact=True),
            Button(self.next_label, id="next", variant="primary", compact=True),
            id="way-on",
        )

    def form(self) -> Iterable[Widget]:
        """Yield the fields under their headings."""
        for heading, specs in self.sections:
            if heading:
                yield Static(heading, classes="heading")
            for spec in specs:
                yield Field(spec, self.session.draft.text(spec.path))

    def on_mount(self) -> None:
        """Judge what is there already, saying nothing yet of fields nobody has filled."""
        self.touched: set[str] = {spec.path for spec in self.specs() if self.session.draft.text(spec.path)}
        self.judge()
        if self.focus_path:
            self.call_after_refresh(self.focus_field, self.focus_path)

    def specs(self) -> tuple[FieldSpec, ...]:
        """Return all fields of this form."""
        return tuple(spec for _, specs in self.sections for spec in specs)

    @on(Field.Changed)
    def typed(self, event: Field.Changed) -> None:
        """Take what was typed into the draft and judge it."""
        path = event.spec.path
        if self.session.draft.text(path) == event.text:
            return
        self.session.draft = self.session.draft.typed(path, event.text)
        self.touched.add(path)
        self.judge()

    @on(Field.Focused)
    def explain(self, event: Field.Focused) -> None:
        """Show why this field matters."""
        self.query_one(Help).explain(event.spec)

    def judge(self) -> Folded:
        """Ask the rules, and show beneath each field what they say of it."""
        folded = fold(self.session.draft)
        for field in self.query(Field):
            path = field.spec.path
            field.show(folded.at(path), quiet=path not in self.touched)
        self.retitle()
        self.sum_up(self.mine(folded))
        return folded

    def mine(self, folded: Folded) -> tuple[Problem, ...]:
        """Return the problems that are of this step."""
        paths = {spec.path for spec in self.specs()}
        return tuple(problem for problem in folded.problems if problem.field in paths)

    def sum_up(self, problems: tuple[Problem, ...]) -> None:
        """Say in one line whether the way on is open."""
        bad = [problem for problem in problems if problem.level is Level.ERROR and self.told(problem)]
        words = f"✗ {len(bad)} to put right" if bad else ""
        say(self, "#verdict", words, style="$error")

    def told(self, problem: Problem) -> bool:
        """Tell whether a problem is shown: one of a field that nobody has filled yet is not."""
        return problem.field in self.touched

    def action_next(self) -> None:
        """Go on, unless something here holds it: then show all of it and put the keys there."""
        self.touched |= {spec.path for spec in self.specs()}
        folded = self.judge()
        for problem in self.mine(folded):
            if problem.level is Level.ERROR:
                self.focus_field(problem.field)
                return
        self.go_on()

    def focus_field(self, path: str) -> None:
        """Put the keys into the field at `path`, where this form has it."""
        for field in self.query(Field):
            if field.spec.path == path:
                field.take_focus()

    def go_on(self) -> None:
        """Go to the step after."""
        assert self.step is not None
        self.wizard.go_by(1)

    def action_back(self) -> None:
        """Go to the step before; what was typed stays."""
        self.wizard.go_by(-1)

    @on(Button.Pressed, "#next")
    def pressed_next(self) -> None:
        """Go on by mouse or Enter."""
        self.action_next()

    @on(Button.Pressed, "#back")
    def pressed_back(self) -> None:
        """Go back by mouse or Enter."""
        self.action_back()
