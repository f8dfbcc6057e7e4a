"""Opening the wizard: on a terminal that can show it, and only there. Textual is imported for nothing else."""

from __future__ import annotations

import os
from pathlib import Path

from wizard.cli.site import on_terminal
from wizard.errors import Exit, UsageError
from wizard.profile.load import load


def open_wizard(profile: Path | None) -> int:
    """Show the wizard until the person leaves it, with `profile` filled in when given; return the exit code.

    Raises `UsageError` where there is no terminal for it, or the profile can't be read.
    """
    demand_terminal()
    if profile is not None:
        load(profile)  # what is wrong with it shows here rather than behind a screen
    from wizard.cli.services import RealServices
    from wizard.ui.app import SlipwayApp

    app = SlipwayApp(RealServices(), profile=profile.absolute() if profile else None)
    left = app.run()
    if app.failure is not None:
        raise app.failure
    return int(Exit.DONE if left is None else left)


def demand_terminal() -> None:
    """Raise `UsageError` where no screen can be drawn: a pipe, a cron job, a dumb terminal."""
    hint = "Run it on a terminal, or use the commands: slipway --help lists them, slipway apply PROFILE installs."
    if not on_terminal():
        raise UsageError("The wizard needs a terminal", why="input or output is a pipe or a file", hint=hint)
    if os.environ.get("TERM", "") in ("", "dumb", "unknown"):
        raise UsageError(
            "The wizard needs a terminal that can move its cursor",
            why=f"TERM is {os.environ.get('TERM') or 'not set'}",
            hint=f"Set TERM to what this terminal is, such as xterm-256color. {hint}",
        )
