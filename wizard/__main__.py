"""The composition root: where screens, command line and the SSH adapter meet."""

from __future__ import annotations

from wizard.cli.app import app


def main() -> None:
    """Run the command line; without a command, the wizard."""
    app()


if __name__ == "__main__":
    main()
