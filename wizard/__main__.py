"""The composition root: where screens, command line and the SSH adapter meet."""

from __future__ import annotations

import sys

from wizard.cli import early


def main() -> None:
    """Run the command line; without a command, the wizard."""
    try:
        early.begin(sys.argv[1:])
        # Loading takes seconds on a busy machine, in which Ctrl-C may come as well.
        from wizard.cli.app import app

        app()
    except KeyboardInterrupt:
        sys.stderr.write("✗ Interrupted\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
