"""What a command line is wrong in: options that need another one, and all of it said to machines as well."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup
from typer.exceptions import TyperException

from wizard.cli.output import emit, failure
from wizard.errors import UsageError

_WORDS = "slipway.words"
"""Under which the words are noted in a context, whose type is typer's own and has no public name."""


def needs(option: str, other: str, *, given: bool, there: bool) -> None:
    """Raise `UsageError` where `option` is given without what it needs: it would be ignored in silence."""
    if given and not there:
        hint = f"Give it together with {other}, or leave it out."
        raise UsageError(f"{option} does nothing without {other}", hint=hint)


def follows(*, follow: bool, detach: bool) -> None:
    """Raise `UsageError` where a run is to be followed to its end and left at once.

    A person sees a run's events in any case, so ``--follow`` without ``--json`` is as good as said.
    """
    if follow and detach:
        raise UsageError("--detach returns at once, and --follow stays to the end", hint="Leave one of them out.")


class Commands(TyperGroup):
    """The commands. A wrong option or argument is an object on stdout as well, where ``--json`` is among the words."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Note the words: they are used up by the time one of them is refused."""
        ctx.meta[_WORDS] = tuple(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except TyperException as error:
            if "--json" in ctx.meta[_WORDS]:
                path = getattr(getattr(error, "ctx", None), "command_path", ctx.command_path)
                hint = f"Try '{path} --help' for help."
                emit(failure(UsageError(error.format_message(), hint=hint)), True)
            raise
