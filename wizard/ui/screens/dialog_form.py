"""Forms in front of the hosts step: one host, the shared login. They work on a copy and hand it over at the end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Static

from wizard.errors import Level, Problem
from wizard.ui.draft import ETCD, ROLE_SETS, Draft, HostDraft, role_words
from wizard.ui.fields import HOST, LOGIN, FieldSpec
from wizard.ui.frame import Modal
from wizard.ui.screens.form import Help
from wizard.ui.validate import fold
from wizard.ui.widgets.field import Field

T = TypeVar("T")

PEER = "etcd_ip"

ROLES = FieldSpec(
    "roles",
    "Role",
    "A master runs the control plane, a worker ordinary Pods. A host for etcd alone is no Kubernetes node: it holds a "
    "member of the database and nothing else. The etcd step hands members out.",
    choices=tuple(ROLE_SETS),
)


class FormDialog(Modal[T], Generic[T]):
    """Fields with the rules' words beneath. Ctrl+S or Enter in the last field takes them; Escape drops them."""

    BINDINGS = [Binding("ctrl+s,ctrl+n", "take", "OK"), Binding("tab", "app.focus_next", "Next field")]
    specs: tuple[FieldSpec, ...] = ()
    heading = ""

    def __init__(self, draft: Draft) -> None:
        super().__init__()
        self.draft = draft
        self.touched: set[str] = set()

    def dialog(self) -> ComposeResult:
        """Compose heading, fields, help, buttons."""
        with Vertical(classes="dialog -wide -form"):
            yield Static(Content(self.heading), classes="title")
            with VerticalScroll(id="form", can_focus=False):
                for spec in self.specs:
                    yield Field(spec, self.text(spec.path))
            yield Help("", id="help")
            with Horizontal(classes="buttons"):
                yield from self.buttons()

    def buttons(self) -> Iterable[Widget]:
        """Yield the ways out."""
        yield Button("OK (ctrl+s)", id="ok", variant="primary", compact=True)
        yield Button("Cancel (esc)", id="cancel", compact=True)

    def on_mount(self) -> None:
        """Judge what is there, and put the keys into the first field."""
        self.fit()
        self.touched = {spec.path for spec in self.specs if self.text(spec.path)}
        self.judge()
        self.query(Field).first().take_focus()

    def text(self, path: str) -> str:
        """Return the text of a field."""
        raise NotImplementedError

    def put(self, path: str, text: str) -> None:
        """Take the text of a field."""
        raise NotImplementedError

    def candidate(self) -> tuple[Draft, str]:
        """Return the draft as it would be, and the prefix of this form's paths in it."""
        raise NotImplementedError

    def result(self) -> T:
        """Return what is handed over."""
        raise NotImplementedError

    def fit(self) -> None:
        """Show the fields that mean something for what was chosen so far."""

    def judge(self) -> tuple[Problem, ...]:
        """Show beneath each field what the rules say of it; return what is wrong in this form."""
        draft, prefix = self.candidate()
        folded = fold(draft)
        found: list[Problem] = []
        for field in self.query(Field):
            problem = folded.at(prefix + field.spec.path)
            field.show(problem, quiet=field.spec.path not in self.touched)
            if problem:
                found.append(replace(problem, field=field.spec.path))
        return tuple(found)

    @on(Field.Changed)
    def typed(self, event: Field.Changed) -> None:
        """Take what was typed, and judge it."""
        event.stop()
        if self.text(event.spec.path) != event.text:
            self.put(event.spec.path, event.text)
            self.fit()
            self.touched.add(event.spec.path)
            self.judge()

    @on(Field.Focused)
    def explain(self, event: Field.Focused) -> None:
        """Show why this field matters."""
        event.stop()
        self.query_one(Help).explain(event.spec)

    def action_take(self) -> None:
        """Hand the form over, or show what holds it."""
        self.touched = {spec.path for spec in self.specs}
        for problem in self.judge():
            if problem.level is Level.ERROR:
                next(field for field in self.query(Field) if field.spec.path == problem.field).take_focus()
                return
        self.dismiss(self.result())

    @on(Button.Pressed, "#ok")
    def ok(self) -> None:
        """Hand the form over."""
        self.action_take()

    @on(Button.Pressed, "#cancel")
    def cancel(self) -> None:
        """Drop what was typed."""
        self.dismiss(None)


class HostForm(FormDialog[HostDraft]):
    """One host, new or known."""

    specs = (*HOST[:2], ROLES, *HOST[2:])

    def __init__(self, draft: Draft, index: int, host: HostDraft) -> None:
        super().__init__(draft)
        self.index = index
        self.host = host
        self.heading = f"Host {host.name}" if index < len(draft.hosts) else "New host"

    def text(self, path: str) -> str:
        """Return the text of a field of the host."""
        return role_words(self.host.roles) if path == "roles" else self.host.text(path)

    def put(self, path: str, text: str) -> None:
        """Take the text of a field of the host."""
        if path == "roles":
            self.host = replace(self.host, roles=ROLE_SETS[text])
        else:
            self.host = self.host.typed(path, text)

    def fit(self) -> None:
        """Ask for an address among etcd members only where there is to be a member."""
        for field in self.query(Field):
            if field.spec.path == PEER:
                field.display = ETCD in self.host.roles

    def candidate(self) -> tuple[Draft, str]:
        """Return the draft with this host in it."""
        return self.draft.with_host(self.index, self.result()), f"hosts[{self.index}]."

    def result(self) -> HostDraft:
        """Return the host, without what its role has no use for: what can't be seen can't be put right either."""
        if ETCD in self.host.roles:
            return self.host
        texts = {path: text for path, text in self.host.texts.items() if path != PEER}
        return replace(self.host, texts=texts)


class LoginForm(FormDialog[Draft]):
    """The login that all hosts share."""

    specs = LOGIN
    heading = "Login shared by all hosts"

    def text(self, path: str) -> str:
        """Return the text of a field."""
        return self.draft.text(path)

    def put(self, path: str, text: str) -> None:
        """Take the text of a field."""
        self.draft = self.draft.typed(path, text)

    def candidate(self) -> tuple[Draft, str]:
        """Return the draft as it would be."""
        return self.draft, ""

    def result(self) -> Draft:
        """Return the draft."""
        return self.draft
