"""The run: every host and step live, the log beside, and the few words a person may say to it."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.binding import Binding
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import DataTable, Static

from wizard.engine.estimate import remaining
from wizard.engine.events import RunResult
from wizard.engine.lines import LogLine
from wizard.engine.record import GOOD, UNDER_WAY, Record, State, StepRecord
from wizard.plans.kinds import KINDS
from wizard.ui.frame import SessionChanged
from wizard.ui.runview import (
    Group,
    bar,
    ending,
    failures,
    groups,
    host_words,
    marks,
    percent,
    step_time,
    step_words,
)
from wizard.ui.screens.intents import RunIntents
from wizard.ui.session import Step
from wizard.ui.widgets.logview import LogView
from wizard.ui.widgets.rows import Rows
from wizard.ui.widgets.saying import say
from wizard.ui.words import OK, about, cut_name, duration

ALL = "all hosts"
NAME = 12
"""Columns of the hosts' names, with a blank behind each."""


def _time(line: LogLine) -> float:
    return line.time


class RunScreen(RunIntents):
    """Draws the session's record and sends intents; it knows nothing of how the run is made."""

    step = Step.RUN
    BINDINGS = [
        Binding("escape", "calm", show=False),
        Binding("escape", "app.first", "First screen"),
        Binding("tab", "app.focus_next", "Next pane"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, Group] = {}

    def cluster_name(self) -> str:
        """Return the cluster of the run, which need not be that of the draft."""
        run = self.session.run
        return run.cluster if run else ""

    def body(self) -> Iterable[Widget]:
        """Yield totals, hosts, steps, log."""
        yield Static("", id="run-title")
        yield Static("", id="run-total")
        yield Static("", id="run-banner")
        yield Rows((("name", NAME), ("bar", 15), ("percent", 7), ("now", 0)), id="run-hosts")
        with Container(id="run-lower"):
            with Vertical(id="run-steps-pane"):
                yield Static("", id="run-steps-heading", classes="heading")
                yield Rows((("mark", 2), ("title", 0), ("time", 7)), id="run-steps")
            with Vertical(id="run-log-pane"):
                yield Static("", id="run-log-heading", classes="heading")
                yield LogView(id="run-log")

    def on_mount(self) -> None:
        """Lay the tables out, and let the clock tick."""
        self.hosts.focus()
        self.draw()
        self.set_interval(1.0, self.draw)

    @property
    def hosts(self) -> Rows:
        """Return the table of hosts."""
        return self.query_one("#run-hosts", Rows)

    @property
    def steps(self) -> Rows:
        """Return the table of steps."""
        return self.query_one("#run-steps", Rows)

    def now(self) -> float:
        """Return the time to draw for: the clock while the run goes on, its last event's time afterwards."""
        return self.wizard.clock() if self.record.result is None else self.record.now

    @on(SessionChanged)
    def draw(self) -> None:
        """Draw all of the record."""
        record, now = self.record, self.now()
        self.draw_totals(record, now)
        self.draw_hosts(record)
        self.draw_steps(record, now)
        self.draw_log(record)
        keys = ("forward", "answer", "error", "retry", "resume", "pause", "calm")
        self.refresh_keys(*(self.check_action(key, ()) for key in keys))
        self.ask(record)
        self.tell(record)

    def draw_totals(self, record: Record, now: float) -> None:
        """Draw title, bar, clock and banner."""
        end = ending(record)
        run = self.session.run
        title = record.title or (run.title if run else "Starting")
        room = self.size.width - len(end.words) - 7  # how the run stands is the last to be cut off
        title = title if len(title) <= room else f"{title[: max(8, room) - 1]}…"
        parts = (Content.styled(title, "bold"), "   ", Content.styled(f"{end.mark} {end.words}", end.style))
        say(self, "#run-title", Content.assemble(*parts), fixed=True)
        left = about(remaining(record, now)) if record.result is None and record.run else ""
        clock = f"{percent(record.fraction)}   {duration(record.elapsed(now))} elapsed   {left}"
        width = max(10, self.size.width - len(clock) - 8)
        say(
            self,
            "#run-total",
            Content.assemble(bar(record.fraction, width, end.style if record.result else "$accent"), " ", clock),
            fixed=True,
        )
        words = self.banner(record)
        self.query_one("#run-banner").display = bool(words)
        say(self, "#run-banner", words)

    def banner(self, record: Record) -> Content:
        """Return what the person should look at, if anything."""
        if record.questions:
            return Content.styled(f"? The run asks: {record.questions[0].text}   a answers", "$warning")
        failed = failures(record)
        if failed:
            first = failed[0]
            return Content.styled(
                f"✗ {first.host}: {first.problem.message if first.problem else first.text}   e shows all", "$error"
            )
        run = self.session.run
        if record.result is RunResult.DONE and run is not None and not KINDS[run.kind].installs:
            good = record.total.count(State.DONE, State.UNCHANGED)
            words = KINDS[run.kind].tally.format(changed=record.changed, good=good, total=len(record.steps))
            return Content.styled(f"{OK} {words}.", "$success")
        return Content("")

    def draw_hosts(self, record: Record) -> None:
        """Draw a row for each host, and one for all."""
        same = record.total.count(State.UNCHANGED)
        words = f"{record.total.count(*GOOD)} of {len(record.steps)} steps done" if record.steps else ""
        words += f", {same} of them were so already" if same else ""
        rows: dict[str, tuple[Content, ...]] = {
            ALL: (Content(ALL), Content(""), Content(""), Content.styled(words, "$quiet"))
        }
        for host, tally in record.by_host.items():
            style = "$error" if tally.count(State.FAILED) else "$warning" if host in record.quarantined else "$accent"
            style = "$success" if tally.fraction >= 1.0 and style == "$accent" else style
            now = host_words(record, host, tally)
            rows[host] = (
                Content(cut_name(host, NAME - 1) or "cluster"),
                bar(tally.fraction, 14, style),
                Content(percent(tally.fraction)),
                now,
            )
        self.hosts.fill(rows)

    @property
    def chosen_host(self) -> str:
        """Return the host under the cursor."""
        return self.hosts.chosen or ALL

    def draw_steps(self, record: Record, now: float) -> None:
        """Draw the steps of the chosen host; the cursor follows the work unless the person is in the table."""
        host, ended = self.chosen_host, record.result is not None
        together = host == ALL
        chosen = tuple(step for step in record.steps.values() if together or step.host == host)
        self.lines = {group.name: group for group in groups(chosen, together=together)}
        names = tuple(item for item in record.by_host if item) if together else (host,)
        each = 2 if not together else min(5, max((len(name) for name in names), default=1) + 1)
        self.steps.widen("mark", max(2, len(names) * each))
        self.steps.fill(
            {
                group.name: (
                    marks(group, names, each, ended=ended),
                    step_words(group.foremost, ended=ended),
                    step_time(group.foremost, now),
                )
                for group in self.lines.values()
            }
        )
        good = sum(1 for step in chosen if step.state in GOOD)
        heading = "".join(f"{name[-(each - 1) :]:<{each}}" for name in names) if together else f"{host}  "
        say(self, "#run-steps-heading", f"{heading}{good} of {len(chosen)} steps", fixed=True)
        if not self.steps.has_focus and self.lines:
            row = self.current_line()
            self.steps.move_cursor(row=row, scroll=False)
            self.steps.scroll_to(y=row - self.steps.size.height // 2, animate=False)

    def current_line(self) -> int:
        """Return the line of the step to look at: failed, else under way, else the one before the first that waits."""
        foremost = [group.foremost.state for group in self.lines.values()]
        for states in ({State.FAILED}, UNDER_WAY):
            for number, state in enumerate(foremost):
                if state in states:
                    return number
        waiting = next((number for number, state in enumerate(foremost) if state is State.WAITING), len(foremost))
        return max(0, waiting - 1)

    def chosen_step(self) -> StepRecord | None:
        """Return the step under the cursor."""
        group = self.lines.get(self.steps.chosen)
        return group.foremost if group else None

    def draw_log(self, record: Record) -> None:
        """Draw the log of the step under the cursor while the person is there; else the end of the whole log."""
        group = self.lines.get(self.steps.chosen) if self.steps.has_focus else None
        lines = sorted((line for step in group.steps for line in step.log), key=_time) if group else record.log
        many = group is None or len(group.steps) > 1
        name = f"Log of {group.title}" if group else "Log"
        say(self, "#run-log-heading", name, fixed=True)
        self.query_one(LogView).show(lines, hosts=many)

    @on(DataTable.RowHighlighted)
    def moved(self) -> None:
        """Show what belongs to the row under the cursor."""
        self.draw_steps(self.record, self.now())
        self.draw_log(self.record)

    def on_descendant_focus(self) -> None:
        """Show the log that belongs to what has the keys now."""
        self.draw_log(self.record)

    @on(DataTable.RowSelected, "#run-steps")
    def entered(self) -> None:
        """Show a failed step's error."""
        self.action_error()

    def action_calm(self) -> None:
        """Put the keys back on the hosts."""
        self.hosts.focus()
