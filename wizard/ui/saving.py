"""Saving the profile, installing it, leaving it: all ask before anything is lost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wizard.errors import UsageError
from wizard.ui.draft import Draft
from wizard.ui.screens.asking import AskText
from wizard.ui.screens.diff import DiffView
from wizard.ui.screens.unsaved import GO_ON, SAVE, SaveFirst, Unsaved
from wizard.ui.session import Session, Step
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
    start = str(file_of(session))
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


def file_of(session: Session) -> Path:
    """Return the file that the draft is saved to: its own, or one in this folder with the site's name."""
    return session.path or Path.cwd() / f"{session.draft.name or 'site'}.yaml"


def saving_words(session: Session) -> str:
    """Return in a sentence what an install does with the profile's file; empty where that says all of it."""
    if not session.unsaved:
        return ""
    path = file_of(session)
    return f"{path.name} doesn't say all of this: that is shown first." if path.exists() else f"It is saved to {path}."


async def saved_first(app: SlipwayApp) -> bool:
    """See that what is about to be installed is in its file, as far as the person wants that.

    False: the person would rather not install yet. Raises `SlipwayError` where the file can't be written.
    """
    session, draft = app.session, app.session.draft
    profile = fold(draft).profile
    if not session.unsaved or profile is None:
        return True
    path = file_of(session)
    diff = await app.services.diff(profile, path)
    if diff and path.exists():
        answer = await app.show(SaveFirst(path, diff))
        if answer != SAVE:
            return answer == GO_ON
    if diff:
        await app.services.save(profile, path)
    session.path, session.saved = path, draft
    app.changed()
    return True


async def may_go(app: SlipwayApp) -> bool:
    """Tell whether the draft may go: nothing is lost by it, it was saved just now, or the person lets it go.

    Raises `UsageError` where it was to be saved and can't be.
    """
    if not app.session.unsaved:
        return True
    answer = await app.show(Unsaved(app.session.draft.name))
    return await _save(app) if answer == SAVE else answer == GO_ON


def typed_path(text: str) -> Path:
    """Return the path a person means, their home folder written as ``~``."""
    return Path(text.strip()).expanduser()


def leave(app: SlipwayApp) -> None:
    """Leave the wizard; a run goes on without it, unsaved work is asked about."""

    async def work() -> None:
        record = app.session.record
        if app.base_step() is Step.RUN and (record is None or record.result is None):
            app.exit(0, message="The run goes on. Open slipway again to attach to it.")
        elif await may_go(app):
            app.exit(0)

    app.jobs.start("leave", work)
