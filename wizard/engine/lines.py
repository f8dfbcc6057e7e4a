"""Events in words: one line each, the same in the screen's log, in ``apply --follow`` and in the report."""

from __future__ import annotations

from dataclasses import dataclass

from wizard.engine import events as e
from wizard.engine.events import Event, Seen, StepInfo


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the log; `host` and `step` are empty for what belongs to the whole run."""

    time: float
    text: str
    host: str = ""
    step: str = ""


def log_line(event: Event, info: StepInfo | None, host: str = "") -> LogLine | None:
    """Return `event` in words, or None for what isn't worth a line.

    `info` is the step the event speaks of, None for an event of the whole run; `host` is where the step runs.
    """
    text = _of_step(event, info.title) if info else _of_run(event)
    if not text:
        return None
    return LogLine(event.time, text, getattr(event, "host", "") or host, info.id if info else "")


def _of_step(event: Event, title: str) -> str:
    match event:
        case e.StepLog(line=line):
            return line
        case e.StepStarted(attempt=attempt):
            return f"{title}: started" if attempt == 1 else f"{title}: started again, try {attempt}"
        case e.StepWaiting(text=text) if text == title:
            return f"{title}: waits until it is so"
        case e.StepWaiting(text=text):
            return f"{title}: waits for {text}"
        case e.StepDone(changed=True, seconds=seconds):
            return f"{title}: done in {seconds:.1f} s"
        case e.StepFailed(problem=problem):
            return f"{title}: failed: {problem.message}"
        case e.StepSkipped(why=why):
            return f"{title}: skipped: {why}"
        case e.StepReset(why=why):
            return f"{title}: will be tried again{': ' + why if why else ''}"
        case e.StepProbed(seen=Seen.BLOCKED, summary=summary):
            return f"{title}: blocked: {summary}"
        case e.Question(text=text):
            return f"{title}: question: {text}"
        case _:
            return ""


def _of_run(event: Event) -> str:
    match event:
        case e.RunStarted(title=title, steps=steps):
            return f"{title}: {len(steps)} {'step' if len(steps) == 1 else 'steps'}" if steps else title
        case e.FactsGathered(seconds=seconds):
            return f"answered in {seconds:.1f} s"
        case e.HostQuarantined(why=why):
            return f"in quarantine: {why}"
        case e.HostReleased():
            return "tried again"
        case e.Question(text=text):
            return f"question: {text}"
        case e.Answered(answer=answer):
            return f"answered: {answer}"
        case e.RunPaused():
            return "paused: nothing new starts"
        case e.RunResumed():
            return "goes on"
        case e.CancelAsked():
            return "cancel: steps under way finish, nothing new starts"
        case e.Note(text=text):
            return text
        case e.RunFinished(result=result, seconds=seconds):
            return f"{result.value} after {seconds:.0f} s"
        case _:
            return ""
