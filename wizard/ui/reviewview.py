"""The review in words and signs: pure functions that the review screen draws with."""

from __future__ import annotations

from textual.content import Content

from wizard.errors import Level, Problem
from wizard.profile.survival import Survival
from wizard.ui.session import Judgement
from wizard.ui.words import BAD, LEVEL_MARK, LEVEL_STYLE, OK, count
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
    if not problem.hint:
        return words
    return Content("\n").join([words, hanging(" " * LEVEL_COLUMNS, problem.hint, width, "$quiet")])


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


def why_not(judgement: Judgement | None, waiting: int) -> str:
    """Return why the install can't begin; empty when it can. `waiting` warnings nobody has accepted yet."""
    if judgement is None:
        return "Not yet: the hosts are still being looked at."
    if judgement.errors:
        return f"Held by {count(len(judgement.errors), 'error')}: Enter goes where it is mended."
    if waiting:
        return f"Read the {count(waiting, 'warning')} first, then press w."
    return "" if judgement.plan is not None else "Not yet: there is no plan."
