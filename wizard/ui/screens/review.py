"""The review: what stands in the way, the site as a picture, what it survives, what will be done; then Install."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, ContentSwitcher, OptionList, Static
from textual.widgets.option_list import Option

from wizard.errors import Level, Problem
from wizard.profile.survival import survival
from wizard.ui.fields import BY_PATH, ETCD, LOGIN
from wizard.ui.frame import SessionChanged, StepScreen
from wizard.ui.planview import plan_words
from wizard.ui.screens.asking import Confirm
from wizard.ui.session import Judgement, Step
from wizard.ui.topology import topology
from wizard.ui.validate import fold
from wizard.ui.widgets.choice import Choice
from wizard.ui.widgets.saying import say
from wizard.ui.words import BUSY, LEVEL_MARK, LEVEL_STYLE, OK, count

TABS = ("Problems", "Site", "Plan")


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
        Binding("1", "tab('Problems')", show=False),
        Binding("2", "tab('Site')", show=False),
        Binding("3", "tab('Plan')", show=False),
        Binding("w", "accept", "Accept warnings"),
        Binding("r", "again", "Look again"),
        Binding("i", "next", "Install"),
    ]

    def body(self) -> Iterable[Widget]:
        """Yield verdict, tabs and the way on."""
        yield Static("", id="judgement")
        yield Horizontal(Static("Show", classes="label"), Choice(TABS, TABS[0], id="tabs"), id="tab-line")
        with ContentSwitcher(initial="Problems", id="pages"):
            yield OptionList(id="Problems")
            with VerticalScroll(id="Site"):
                yield Static("", id="picture")
                yield Static("", id="survives")
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
        """Draw verdict, problems, picture, plan."""
        session, judgement = self.session, self.session.judgement
        say(self, "#judgement", self.verdict(judgement), fixed=True)
        self.query_one("#install", Button).disabled = not self.may_install()
        self.refresh_keys(self.check_action("accept", ()))
        state = (judgement, session.accepted, self.size)
        if state == self.shown:
            return
        self.shown = state
        self.draw_problems(judgement)
        profile = fold(session.draft).profile
        if profile is not None:
            say(self, "#picture", topology(profile, max(40, self.size.width - 3)))
            lines = [f"• {line}" for line in survival(profile).words]
            heading = Content.styled("What it survives", "$accent")
            say(self, "#survives", Content("\n").join([heading, *(Content(line) for line in lines)]))
        say(self, "#plan", plan_words(judgement.plan if judgement else None, self.size.width - 8))
        found = f"Problems {len(judgement.problems)}" if judgement and judgement.problems else "Problems"
        self.query_one("#tabs", Choice).relabel((found, *TABS[1:]))
        if judgement is not None and judgement is not self.opened_for:
            self.opened_for = judgement
            self.action_tab("Problems" if judgement.errors or session.open_warnings() else "Site")

    def on_resize(self) -> None:
        """The picture depends on the width."""
        self.draw()

    def verdict(self, judgement: Judgement | None) -> Content:
        """Return in one line whether the install may begin."""
        session = self.session
        if judgement is None:
            looked = sum(1 for look in session.looks.values() if look.facts or look.error)
            hosts = len(session.draft.hosts)
            words = f"Looking at the hosts: {looked} of {hosts} have answered" if session.surveying else "Judging"
            return Content.styled(f"{BUSY} {words} …", "$accent")
        if judgement.errors:
            return Content.styled(f"✗ {count(len(judgement.errors), 'error')} in the way of the install", "$error")
        waiting = session.open_warnings()
        if waiting:
            words = f"! {count(len(waiting), 'warning')}: read them, then press w to go on all the same"
            return Content.styled(words, "$warning")
        machines = count(len(session.draft.hosts), "host")
        accepted = f" {count(len(judgement.warnings), 'warning')} accepted." if judgement.warnings else ""
        return Content.styled(f"{OK} Ready to install on {machines}: press i.{accepted}", "$success")

    def draw_problems(self, judgement: Judgement | None) -> None:
        """Draw the list of problems, the gravest first."""
        problems = self.query_one("#Problems", OptionList)
        problems.clear_options()
        if judgement is None:
            return
        order = list(Level)
        self.listed = sorted(judgement.problems, key=lambda problem: order.index(problem.level))
        for number, problem in enumerate(self.listed):
            problems.add_option(Option(self.problem_words(problem), id=str(number)))
        if not self.listed:
            problems.add_option(Option(Content.styled(f"{OK} Nothing was found.", "$success"), disabled=True))
        else:
            problems.highlighted = 0

    def problem_words(self, problem: Problem) -> Content:
        """Return a problem in two lines or more."""
        style = LEVEL_STYLE[problem.level]
        where = f"{problem.host}: " if problem.host and not problem.message.startswith(problem.host) else ""
        accepted = "  (accepted)" if problem in self.session.accepted else ""
        first = Content.assemble(
            Content.styled(f"{LEVEL_MARK[problem.level]} {problem.level.value}  ", style),
            f"{where}{problem.message}{accepted}",
        )
        hint = [Content.styled(f"  {problem.hint}", "$quiet")] if problem.hint else []
        return Content("\n").join([first, *hint])

    def may_install(self) -> bool:
        """Tell whether nothing holds the install."""
        judgement = self.session.judgement
        return bool(judgement and judgement.plan and not judgement.errors and not self.session.open_warnings())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Show a key only when it does something."""
        if action == "accept":
            return bool(self.session.open_warnings())
        return True

    @on(Choice.Changed, "#tabs")
    def tab(self, event: Choice.Changed) -> None:
        """Show the page that was chosen."""
        self.query_one("#pages", ContentSwitcher).current = event.value

    def action_tab(self, name: str) -> None:
        """Show a page and put the keys there."""
        self.query_one("#tabs", Choice).index = TABS.index(name)
        self.query_one("#pages", ContentSwitcher).current = name

    @on(OptionList.OptionSelected, "#Problems")
    def jump_to(self, event: OptionList.OptionSelected) -> None:
        """Go to the field that a problem is about."""
        problem = self.listed[int(event.option.id or 0)]
        self.wizard.go(step_of(problem), focus=problem.field or problem.host)

    def action_accept(self) -> None:
        """Acknowledge every warning that is shown."""
        self.session.accepted = (*self.session.accepted, *self.session.open_warnings())
        self.draw()

    def action_again(self) -> None:
        """Look at the hosts anew and judge anew."""
        self.wizard.jobs.judge(anew=True)

    def action_back(self) -> None:
        """Go back to etcd."""
        self.wizard.go_by(-1)

    def action_next(self) -> None:
        """Ask once, then start the run."""
        if not self.may_install():
            self.action_tab("Problems")
            return
        draft = self.session.draft
        question = Confirm(
            f"Install on {count(len(draft.hosts), 'host')}?",
            f"{draft.name}: {', '.join(host.name for host in draft.hosts)}. Packages, units and files of Kubernetes "
            "are put on these machines. The run goes on when this screen is closed.",
            yes="Install",
            no="Not yet",
        )
        self.app.push_screen(question, lambda yes: self.wizard.jobs.install() if yes else None)

    @on(Button.Pressed, "#install")
    def pressed_install(self) -> None:
        """Install, by mouse or Enter."""
        self.action_next()

    @on(Button.Pressed, "#back")
    def pressed_back(self) -> None:
        """Go back, by mouse or Enter."""
        self.action_back()
