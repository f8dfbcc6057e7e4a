"""The command `slipway`: one command group a file."""

from __future__ import annotations

import typer

app = typer.Typer(name="slipway", no_args_is_help=False, pretty_exceptions_enable=False, add_completion=False)


@app.callback()
def root() -> None:
    """From one jump host, bare machines become a highly available Kubernetes, proven."""
