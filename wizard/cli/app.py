"""The command `slipway`: one command group a file."""

from __future__ import annotations

import typer

from wizard.cli.apply import apply
from wizard.cli.bundle import bundle_app
from wizard.cli.practice import practice_app
from wizard.cli.preflight import check, plan
from wizard.cli.profile import profile_app
from wizard.cli.status import kubeconfig, runs_app, status
from wizard.cli.work import run_order

app = typer.Typer(name="slipway", no_args_is_help=False, pretty_exceptions_enable=False, add_completion=False)
app.add_typer(bundle_app, name="bundle")
app.add_typer(practice_app, name="practice")
app.add_typer(profile_app, name="profile")
app.command()(check)
app.command()(plan)
app.command()(apply)
app.command()(status)
app.command()(kubeconfig)
app.add_typer(runs_app, name="runs")
app.command(hidden=True)(run_order)


@app.callback()
def root() -> None:
    """From one jump host, bare machines become a highly available Kubernetes, proven."""
