"""The review in words and signs: pure functions that the review screen draws with."""

from __future__ import annotations

from textual.content import Content

from wizard.errors import Level, Problem
from wizard.plans.removal import LEAVES
from wizard.profile.survival import Survival
from wizard.ui.previewview import deed
from wizard.ui.session import Judgement, Session
from wizard.ui.words import BAD, BUSY, LEVEL_MARK, LEVEL_STYLE, OK, WARN, count
from wizard.ui.wrapping import hanging

LEVEL_COLUMNS = 11
"""Columns that mark and word of a level take."""


def gravest_first(problems: tuple[Problem, ...]) -> list[Problem]:
    """Return problems in the order in which they are listed."""
    order = list(Level)
    return sorted(problems, key=lambda problem: order.index(problem.level))


def problem_words(problem: Problem, width: int, *, accepted: bool) -> Content:
    """Return a problem and beneath it what to do, in at most `width` columns."""
    level = problem.level
    head = Content.styled(f"{LEVEL_MARK[level]} {level.value}".ljust(LEVEL_COLUMNS), LEVEL_STYLE[level])
    where = f"{problem.host}: " if problem.host and not problem.message.startswith(problem.host) else ""
    words = hanging(head, f"{where}{problem.message}{'  (accepted)' if accepted else ''}", width)
    hint = problem.hint
    if problem.code == LEAVES:  # the hint speaks of the command line
        held = level is Level.ERROR
        hint = "If that is meant, press x. Otherwise Enter goes to the hosts: add it again." if held else ""
    if not hint:
        return words
    return Content("\n").join([words, hanging(" " * LEVEL_COLUMNS, hint, width, "$quiet")])


def findings_label(judgement: Judgement | None) -> str:
    """Return what the page of errors, warnings and notes is called: as many as are listed there."""
    found = judgement.problems if judgement else ()
    return f"Findings {len(found)}" if found else "Findings"


def survival_words(said: Survival, width: int) -> Content:
    """Return what the site survives, and what goes with each zone, in at most `width` columns."""
    lines = [Content.styled("What it survives", "$accent")]
    lines += [hanging("• ", line, width) for line in said.words]
    if said.zones:
        lines.append(Content.styled("When a zone dies", "$accent"))
    for loss in said.zones:
        mark, style = (OK, "$success") if loss.survives else (BAD, "$error")
        lines.append(hanging(Content.styled(f"{mark} ", style), loss.words, width))
    return Content("\n").join(lines)


def verdict(session: Session) -> Content:
    """Return in one line whether the install may begin."""
    judgement = session.judgement
    if judgement is None and session.unjudged:
        return Content.styled(f"{BAD} Not judged: {session.unjudged}. Press r to look again.", "$error")
    if judgement is None:
        looked = sum(1 for look in session.looks.values() if look.facts or look.error)
        looking = f"Looking at the hosts: {looked} of {len(session.looks)} have answered"
        words = looking if session.surveying else "Judging"
        return Content.styled(f"{BUSY} {words} …", "$accent")
    if judgement.errors:
        more = f", {count(len(judgement.warnings), 'warning')}" if judgement.warnings else ""
        words = f"{BAD} {count(len(judgement.errors), 'error')} in the way of the install{more}"
        return Content.styled(words, "$error")
    waiting = session.open_warnings()
    if waiting:
        words = f"{WARN} {count(len(waiting), 'warning')}: read them, then press w to go on all the same"
        return Content.styled(words, "$warning")
    accepted = f" {count(len(judgement.warnings), 'warning')} accepted." if judgement.warnings else ""
    words = deed(judgement.preview, session.draft.name, len(session.draft.hosts))
    nothing = judgement.preview is not None and judgement.preview.nothing
    press = "." if nothing else ": press i."
    return Content.styled(f"{OK} {words}{press}{accepted}", "$success")


def why_not(judgement: Judgement | None, waiting: int, unjudged: str = "") -> str:
    """Return why the install can't begin; empty when it can.

    `waiting` warnings nobody has accepted yet; `unjudged` says what went wrong where there is no judgement.
    """
    if judgement is None and unjudged:
        return "Not judged: press r to look again."
    if judgement is None:
        return "Not yet: the hosts are still being looked at."
    if judgement.leaving and len(judgement.leaving) == len(judgement.errors):
        return f"Held: {count(len(judgement.leaving), 'host')} would leave. Is that meant? Press x."
    if judgement.errors:
        return f"Held by {count(len(judgement.errors), 'error')}: Enter goes where it is mended."
    if waiting:
        return f"Read the {count(waiting, 'warning')} first, then press w."
    return "" if judgement.plan is not None else "Not yet: there is no plan."
