"""What a person may say to a run, and what the run asks and tells: the keys of the run screen."""

from __future__ import annotations

from pathlib import Path

from textual.binding import Binding

from wizard.engine.events import Question, RunResult
from wizard.engine.record import Record, State, StepRecord
from wizard.plans.kinds import KINDS
from wizard.ui.frame import StepScreen
from wizard.ui.runview import as_error, failures
from wizard.ui.screens.asking import AskChoice, AskSecretText, AskText, Confirm
from wizard.ui.screens.error import ErrorView
from wizard.ui.session import Step

AGAIN = (RunResult.FAILED, RunResult.INTERRUPTED, RunResult.PARTIAL, RunResult.HELD)
"""Ends of a run after which it can be resumed."""


class RunIntents(StepScreen):
    """The half of the run screen that sends intents; the other half draws."""

    BINDINGS = [
        Binding("ctrl+n", "forward", show=False),
        Binding("b", "forward", "What was built"),
        Binding("ctrl+s", "save_log", show=False),
        Binding("a", "answer", "Answer"),
        Binding("e", "error", "Error"),
        Binding("r", "retry", "Retry"),
        Binding("r", "resume", "Resume"),
        Binding("space", "pause", "Pause"),
        Binding("s", "save_log", "Save log"),
        Binding("c", "cancel", "Cancel"),
        Binding("q", "detach", "Detach"),
        Binding("ctrl+q", "detach", show=False, priority=True),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[tuple[str, int]] = set()
        """Questions that were put, by id and place in the journal: one asked anew, as after a typo, is put anew."""

    @property
    def record(self) -> Record:
        """Return the run as it stands."""
        return self.session.record or Record()

    def file(self) -> Path | None:
        """Return the file of the profile of the run's cluster."""
        return self.session.run_file

    def chosen_step(self) -> StepRecord | None:
        """Return the step under the cursor."""
        raise NotImplementedError

    def tell(self, record: Record) -> None:
        """Once the run has ended, show what comes of it."""
        if record.result is None or self.session.told == record.run or self.app.screen is not self:
            return
        if record.result is RunResult.DONE:
            if self.session.built is not None:
                self.session.told = record.run
                self.wizard.go(Step.DONE)
            return
        self.session.told = record.run
        if record.result in (RunResult.FAILED, RunResult.HELD):
            self.action_error()

    def ask(self, record: Record) -> None:
        """Ask the first open question that was not put off."""
        if self.app.screen is self:
            for question in record.questions:
                if (question.id, question.sequence) not in self.asked:
                    self.put(question)
                    return

    def put(self, question: Question) -> None:
        """Put a question of the run to the person."""
        self.asked.add((question.id, question.sequence))
        title = f"The run asks ({question.host})" if question.host else "The run asks"
        services, jobs = self.wizard.services, self.wizard.jobs
        if question.secret:
            self.app.push_screen(
                AskSecretText(title, question.text),
                lambda secret: (
                    jobs.send(lambda run: services.answer_secret(run, question.id, secret)) if secret else None
                ),
            )
            return
        screen = (
            AskChoice(title, question.text, question.choices) if question.choices else AskText(title, question.text)
        )
        self.app.push_screen(
            screen, lambda text: jobs.send(lambda run: services.answer(run, question.id, text)) if text else None
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Show a key only when it does something."""
        record = self.record
        match action:
            case "answer":
                return bool(record.questions)
            case "error":
                return as_error(record) is not None
            case "retry":
                return record.result is None and bool(failures(record))
            case "resume":
                return record.result in AGAIN
            case "forward":
                return self.session.built is not None
            case "pause" | "cancel" | "calm":
                return record.result is None
        return True

    def action_answer(self) -> None:
        """Answer the first open question."""
        if self.record.questions:
            self.put(self.record.questions[0])

    def action_error(self) -> None:
        """Show the failure under the cursor, or the first one."""
        step = self.chosen_step()
        error = as_error(self.record, step if step and step.state is State.FAILED else None)
        if error is not None:
            self.app.push_screen(ErrorView(error, ways=("retry", "save")), self.after_error)

    def after_error(self, way: str | None) -> None:
        """Take the way on that the error view gave."""
        if way == "retry":
            self.action_retry()
        elif way == "save":
            self.action_save_log()

    def action_retry(self) -> None:
        """Ask for another try of the failed step while the run goes on; once it has ended, resume."""
        record, services = self.record, self.wizard.services
        if record.result is not None:
            self.action_resume()
            return
        step = self.chosen_step()
        if step is None or step.state is not State.FAILED:
            step = next(iter(failures(record)), None)
        if step is not None:
            name = step.info.id
            self.wizard.jobs.send(lambda run: services.retry(run, name))

    def action_resume(self) -> None:
        """Run again what has ended without being done; asks where that destroys what hosts hold."""
        run = self.session.run
        if run is None or not KINDS[run.kind].undoes:
            self.wizard.jobs.resume()
            return
        question = Confirm(
            "Go on with the reset?",
            f"{run.title}. What the hosts hold of {run.cluster} is destroyed, as it was asked for; nothing of it "
            "can be brought back.",
            yes="Go on",
            no="Leave it",
            risky=True,
        )
        self.app.push_screen(question, lambda yes: self.wizard.jobs.resume() if yes else None)

    def action_pause(self) -> None:
        """Pause, or go on."""
        paused = not self.record.paused
        self.wizard.jobs.send(lambda run: self.wizard.services.pause(run, paused))

    def action_save_log(self) -> None:
        """Write the whole log to a file."""
        self.wizard.jobs.send(self.wizard.services.save_log, "The log is in {}")

    def action_cancel(self) -> None:
        """Ask, then stop the run."""
        question = Confirm(
            "Stop this run?",
            "Steps under way finish, nothing new starts. What was done stays, and the run can be resumed later.",
            yes="Stop it",
            no="Let it run",
            risky=True,
        )
        self.app.push_screen(question, lambda yes: self.wizard.jobs.send(self.wizard.services.cancel) if yes else None)

    def action_detach(self) -> None:
        """Leave; the run goes on."""
        self.wizard.action_leave()

    def action_forward(self) -> None:
        """Go on to what was built, once it stands."""
        if self.session.built is not None:
            self.wizard.go(Step.DONE)
