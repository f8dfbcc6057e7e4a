"""Saving the profile, and leaving: both ask before anything is lost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wizard.errors import UsageError
from wizard.ui.draft import Draft
from wizard.ui.screens.asking import AskText, Confirm
from wizard.ui.screens.diff import DiffView
from wizard.ui.session import Step
from wizard.ui.validate import fold

if TYPE_CHECKING:
    from wizard.ui.app import SlipwayApp


def save(app: SlipwayApp) -> None:
    """Ask for the path, show the diff, write."""

    async def work() -> None:
        await _save(app)

    app.jobs.start("save", work)


async def _save(app: SlipwayApp) -> bool:
    session = app.session
    draft: Draft = session.draft
    folded = fold(draft)
    if folded.profile is None:
        first = folded.problems[0] if folded.problems else None
        raise UsageError(
            "This can't be saved yet",
            where=first.field if first else "",
            why=first.message if first else "",
            hint="A profile can be saved once every field can be read. " + (first.hint if first else ""),
        )
    start = str(session.path or Path.cwd() / f"{draft.name or 'site'}.yaml")
    answer = await app.show(AskText("Save the profile", "Secrets are never part of a profile.", start=start, ok="Save"))
    if not answer:
        return False
    path = typed_path(answer)
    diff = await app.services.diff(folded.profile, path)
    if not diff:
        app.notify(f"{path} says all of this already.", markup=False)
    elif path.exists() and not await app.show(DiffView(path, diff)):
        return False
    else:
        await app.services.save(folded.profile, path)
        app.notify(f"Saved to {path}.", markup=False)
    session.path, session.saved = path, draft
    app.changed()
    return True


def typed_path(text: str) -> Path:
    """Return the path a person means, their home folder written as ``~``."""
    return Path(text.strip()).expanduser()


def leave(app: SlipwayApp) -> None:
    """Leave the wizard; a run goes on without it, unsaved work is asked about."""

    async def work() -> None:
        session = app.session
        step = app.base_step()
        if step is Step.RUN and (session.record is None or session.record.result is None):
            app.exit(0, message="The run goes on. Open slipway again to attach to it.")
            return
        if step in (Step.RUN, Step.DONE) or not session.unsaved:
            app.exit(0)
            return
        question = Confirm(
            "Leave without saving?",
            "What was typed since the last save is lost. Escape goes back; ctrl+s saves.",
            yes="Leave",
            no="Stay",
            risky=True,
        )
        if await app.show(question):
            app.exit(0)

    app.jobs.start("leave", work)
