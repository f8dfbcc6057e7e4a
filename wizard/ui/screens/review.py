"""The review: what stands in the way, the site as a picture, what it survives, what will be done; then Install."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, ContentSwitcher, OptionList, Static
from textual.widgets.option_list import Option

from wizard.errors import Problem
from wizard.profile.finding import listed
from wizard.profile.survival import survival
from wizard.ui.fields import BY_PATH, ETCD, LOGIN
from wizard.ui.frame import SessionChanged, StepScreen
from wizard.ui.planview import plan_words
from wizard.ui.previewview import question
from wizard.ui.reviewview import findings_label, gravest_first, problem_words, survival_words, verdict, why_not
from wizard.ui.saving import saving_words
from wizard.ui.screens.asking import Confirm
from wizard.ui.screens.removal import TakeOut
from wizard.ui.session import Judgement, Step
from wizard.ui.topology import topology
from wizard.ui.validate import fold
from wizard.ui.widgets.choice import Choice
from wizard.ui.widgets.saying import say
from wizard.ui.words import OK

TABS = ("Findings", "Site", "Plan")
GOES_ON = "The run goes on when this screen is closed."


class Findings(OptionList):
    """What was found; Enter goes to where it is put right."""

    BINDINGS = [Binding("enter", "select", "Go to it")]


def step_of(problem: Problem) -> Step:
    """Return the step where a problem can be put right."""
    path = problem.field
    if problem.code.startswith("etcd.") or path in {spec.path for spec in ETCD}:
        return Step.ETCD
    if path in BY_PATH and path != "name" and path not in {spec.path for spec in LOGIN}:
        return Step.NETWORK
    if path.startswith(("endpoint", "network", "time_servers", "kubernetes", "masters_schedulable")):
        return Step.NETWORK
    return Step.HOSTS


class ReviewScreen(StepScreen):
    """The judgement of the draft, and the one question before anything is touched."""

    step = Step.REVIEW
    BINDINGS = [
        Binding("escape", "back", "Back"),
        Binding("ctrl+n", "next", show=False),
        Binding("1", "tab('Findings')", "Findings"),
        Binding("2", "tab('Site')", "Site"),
        Binding("3", "tab('Plan')", "Plan"),
        Binding("w", "accept", "Accept"),
        Binding("x", "take_out", "Take out"),
        Binding("r", "again", "Look again"),
        Binding("i", "next", "Install"),
        Binding("i,ctrl+n", "say_why_not", show=False),
    ]

    def body(self) -> Iterable[Widget]:
        """Yield verdict, tabs and the way on."""
        yield Static("", id="judgement")
        yield Static("", id="brief")
        yield Horizontal(Static("Show", classes="label"), Choice(TABS, TABS[0], id="tabs"), id="tab-line")
        with ContentSwitcher(initial="Findings", id="pages"):
            yield Findings(id="Findings")
            with VerticalScroll(id="Site"):
                yield Static("", id="survives")
                yield Static("", id="picture")
            with VerticalScroll(id="Plan"):
                yield Static("", id="plan")
        yield Horizontal(
            Static("", id="verdict"),
            Button("Back", id="back", compact=True),
            Button("Install", id="install", variant="primary", compact=True),
            id="way-on",
        )

    def on_mount(self) -> None:
        """Judge, unless this very draft was judged already."""
        judgement = self.session.judgement
        self.shown: object = None
        self.opened_for: object = None
        if judgement is None or judgement.draft != self.session.draft or self.session.current_survey() is None:
            self.wizard.jobs.judge()
        self.draw()
        self.query_one("#tabs").focus()

    @on(SessionChanged)
    def changed(self) -> None:
        """Draw what is new."""
        self.draw()

    def draw(self) -> None:
        """Draw verdict, findings, picture, plan."""
        session, judgement = self.session, self.session.judgement
        say(self, "#judgement", verdict(session))
        if self.may_install():
            say(self, "#verdict", "")
        self.query_one("#install", Button).disabled = not self.may_install()
        self.refresh_keys(*(self.check_action(action, ()) for action in ("accept", "take_out", "next")))
        state = (judgement, session.accepted, session.path, self.size)
        if state == self.shown:
            return
        self.shown = state
        self.draw_findings(judgement)
        profile = fold(session.draft).profile
        if profile is not None:
            said = survival(profile)
            say(self, "#brief", said.brief, style="$quiet", fixed=True)
            say(self, "#survives", survival_words(said, self.room()))
            say(self, "#picture", topology(profile, max(40, self.room())))
        say(self, "#plan", plan_words(judgement, self.size.width - 8))
        names = (findings_label(judgement), *TABS[1:])
        self.query_one("#tabs", Choice).relabel([f"{number} {name}" for number, name in enumerate(names, 1)])
        if judgement is not None and judgement is not self.opened_for:
            self.opened_for = judgement
            if judgement.errors or session.open_warnings():
                self.action_tab("Findings")
            else:
                self.turn_to("Site")

    def on_resize(self) -> None:
        """What is wrapped and drawn depends on the width."""
        self.draw()

    def draw_findings(self, judgement: Judgement | None) -> None:
        """Draw the list of what was found, the gravest first."""
        found = self.query_one(Findings)
        chosen = found.highlighted or 0
        found.clear_options()
        if judgement is None:
            return
        self.listed = gravest_first(judgement.problems)
        for number, problem in enumerate(self.listed):
            accepted = problem in self.session.accepted
            shown = replace(problem, hint=self.named(problem.hint))
            found.add_option(Option(problem_words(shown, self.room() - 2, accepted=accepted), id=str(number)))
        if not self.listed:
            found.add_option(Option(Content.styled(f"{OK} Nothing was found.", "$success"), disabled=True))
        else:
            found.highlighted = min(chosen, len(self.listed) - 1)

    def may_install(self) -> bool:
        """Tell whether nothing holds the install."""
        judgement = self.session.judgement
        return bool(judgement and judgement.plan and not judgement.errors and not self.session.open_warnings())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Show a key only when it does something."""
        match action:
            case "accept":
                return bool(self.session.open_warnings())
            case "take_out":
                return bool(self.leaving())
            case "next":
                return self.may_install() or None  # shown dim
            case "say_why_not":
                return not self.may_install()
        return True

    @on(Choice.Changed, "#tabs")
    def tab(self, event: Choice.Changed) -> None:
        """Show the page that was chosen."""
        self.query_one("#pages", ContentSwitcher).current = event.value

    def action_tab(self, name: str) -> None:
        """Show a page and put the keys there."""
        self.turn_to(name)
        self.query_one(f"#{name}").focus()

    def turn_to(self, name: str) -> None:
        """Show a page; the keys stay where they are."""
        self.query_one("#tabs", Choice).index = TABS.index(name)
        self.query_one("#pages", ContentSwitcher).current = name

    @on(OptionList.OptionSelected, "#Findings")
    def jump_to(self, event: OptionList.OptionSelected) -> None:
        """Go to the field that a problem is about."""
        problem = self.listed[int(event.option.id or 0)]
        self.wizard.go(step_of(problem), focus=problem.field or problem.host)

    def action_accept(self) -> None:
        """Acknowledge every warning that is shown."""
        self.session.accepted = (*self.session.accepted, *self.session.open_warnings())
        self.draw()

    def leaving(self) -> tuple[Problem, ...]:
        """Return what holds the install because hosts would leave the cluster by it."""
        return self.session.judgement.leaving if self.session.judgement else ()

    def action_take_out(self) -> None:
        """Ask whether it is meant that hosts leave."""
        leaving = self.leaving()
        question = TakeOut(self.session.draft.name, leaving)
        self.app.push_screen(question, lambda yes: self.wizard.jobs.take_out(leaving) if yes else None)

    def action_again(self) -> None:
        """Look at the hosts anew and judge anew."""
        self.wizard.jobs.judge(anew=True)

    def action_back(self) -> None:
        """Go back to etcd."""
        self.wizard.go_by(-1)

    def action_next(self) -> None:
        """Ask once, then start the run."""
        draft, out, judgement = self.session.draft, self.session.taken_out(), self.session.judgement
        if judgement is None or judgement.plan is None:
            return
        hosts = tuple(host.name for host in draft.hosts)
        asked = question(judgement.preview, judgement.plan, draft.name, hosts)
        leaves = f"{listed(out)} {'leaves' if len(out) == 1 else 'leave'} the cluster for good." if out else ""
        dialog = Confirm(
            asked.title,
            " ".join(filter(None, (asked.text, leaves, saving_words(self.session), GOES_ON))),
            yes=asked.yes,
            no="Not yet",
            risky=bool(out),
        )
        self.app.push_screen(dialog, lambda yes: self.wizard.jobs.install() if yes else None)

    def action_say_why_not(self) -> None:
        """Say what holds the install, and show it."""
        words = why_not(self.session.judgement, len(self.session.open_warnings()), self.session.unjudged)
        say(self, "#verdict", words, style="$warning")
        if self.session.judgement is not None:
            self.action_tab("Findings")

    @on(Button.Pressed, "#install")
    def pressed_install(self) -> None:
        """Install, by mouse or Enter."""
        self.action_next()

    @on(Button.Pressed, "#back")
    def pressed_back(self) -> None:
        """Go back, by mouse or Enter."""
        self.action_back()
