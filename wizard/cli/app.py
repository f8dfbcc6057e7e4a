"""The command `slipway`: one command group a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wizard import __version__
from wizard.cli.apply import apply
from wizard.cli.bundle import bundle_app
from wizard.cli.certs import certs_app
from wizard.cli.maintain import maintain
from wizard.cli.opening import open_wizard
from wizard.cli.output import guarded, write_out
from wizard.cli.practice import practice_app
from wizard.cli.preflight import check, plan
from wizard.cli.profile import profile_app
from wizard.cli.reset import reset
from wizard.cli.status import kubeconfig, runs_app, status
from wizard.cli.usage import Commands
from wizard.cli.verify import verify
from wizard.cli.work import run_order
from wizard.errors import UsageError
from wizard.hints import PROFILE

app = typer.Typer(
    name="slipway", cls=Commands, no_args_is_help=False, pretty_exceptions_enable=False, add_completion=False
)
app.add_typer(bundle_app, name="bundle")
app.add_typer(practice_app, name="practice")
app.add_typer(profile_app, name="profile")
app.command()(check)
app.command()(plan)
app.command()(apply)
app.command()(verify)
app.command()(status)
app.command()(maintain)
app.command()(reset)
app.command()(kubeconfig)
app.add_typer(certs_app, name="certs")
app.add_typer(runs_app, name="runs")
app.command(hidden=True)(run_order)


@app.callback(invoke_without_command=True)
@guarded
def root(
    context: typer.Context,
    profile: Annotated[
        Path | None,
        typer.Option("--profile", metavar="FILE", help="Open the wizard with this profile.", show_default=False),
    ] = None,
    version: Annotated[bool, typer.Option("--version", help="Print slipway's version.")] = False,
) -> None:
    """From one jump host, bare machines become a highly available Kubernetes, proven.

    Without a command the wizard opens.
    """
    command = context.invoked_subcommand
    if version:
        write_out(f"slipway {__version__}")
        raise typer.Exit
    if command is None:
        raise typer.Exit(open_wizard(profile))
    if profile is not None:
        raise UsageError("--profile opens the wizard", hint=f"For the command write: slipway {command} {PROFILE}")
