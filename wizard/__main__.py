"""The composition root: where screens, command line and the SSH adapter meet."""

from __future__ import annotations

import gc
import sys

from wizard.cli import early


def main() -> None:
    """Run the command line; without a command, the wizard."""
    gc.disable()  # loading makes many objects and no garbage
    try:
        if sys.argv[1:] == [early.RUN]:
            from wizard.cli.work import run_order

            _loaded()
            return run_order()
        early.begin(sys.argv[1:])
        # Loading takes seconds on a busy machine, in which Ctrl-C may come as well.
        from wizard.cli.app import app

        _loaded()
        app()
    except KeyboardInterrupt:
        sys.stderr.write("✗ Interrupted\n")
        sys.exit(130)


def _loaded() -> None:
    """Collect garbage from now on, without going through what stays anyway."""
    gc.freeze()
    gc.enable()


if __name__ == "__main__":
    main()
