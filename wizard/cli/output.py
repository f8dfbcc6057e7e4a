"""What every command says and where: ONE JSON object on stdout for machines, everything for people on stderr.

A command is written like this; `guarded` turns every `SlipwayError` into its error view and exit code:

    @app.command()
    @guarded
    def check(profile: Path, json_flag: JsonFlag = False) -> None:
        ...
        emit({"result": "done", "problems": problem_list(problems)}, json_flag, problems_view(problems))

Nothing said here is parsed as markup, and control characters from hosts or files never reach the terminal.
"""

from __future__ import annotations

import errno
import functools
import json
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, NoReturn, ParamSpec, TypeVar

import typer
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from typer.exceptions import TyperException

from wizard import hints
from wizard.errors import Exit, Level, Problem, SlipwayError, refused_here
from wizard.paths import state_dir

P = ParamSpec("P")
T = TypeVar("T")

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout; people's words go to stderr.")]
"""The type of the parameter `json_flag`, by which `guarded` knows how to report a failure."""

RESULTS: Mapping[int, str] = {
    Exit.DONE: "done",
    Exit.FAILED: "failed",
    Exit.USAGE: "failed",
    Exit.HELD: "held",
    Exit.PARTIAL: "partial",
    Exit.INTERRUPTED: "interrupted",
}
"""Exit code → the common field `result`."""

_MARKS = {Level.ERROR: ("✗", "red"), Level.WARNING: ("!", "yellow"), Level.INFO: ("·", "cyan")}
_PIPE_WIDTH = 1_000_000
_PROFILE: ContextVar[Path | None] = ContextVar("profile", default=None)
"""The profile's file that the command under way was given."""


def people() -> Console:
    """Return the console for people: stderr, in colour on a terminal, one finding a line (unwrapped) in a pipe."""
    terminal = sys.stderr.isatty()
    return Console(stderr=True, highlight=False, markup=False, emoji=False, width=None if terminal else _PIPE_WIDTH)


def say(*lines: RenderableType) -> None:
    """Tell the person something, on stderr. A string is taken as it is: no markup."""
    console = people()
    for line in lines:
        view = plain(line) if isinstance(line, str) else line
        if console.is_terminal:
            console.print(view)
            continue
        with console.capture() as shown:
            console.print(view)
        # A table fills each row up to its widest one.
        console.file.write("\n".join(row.rstrip() for row in shown.get().split("\n")))


def emit(result: Mapping[str, Any], json_flag: bool, view: RenderableType | None = None) -> None:
    """Report what a command found: `result` as JSON on stdout with ``--json``, else `view` for people on stderr."""
    if json_flag:
        typer.echo(json.dumps(result, indent=2, ensure_ascii=False, default=str))
    elif view is not None:
        say(view)


def write_out(text: str) -> None:
    """Write what a pipe wants (a profile, a schema, a path) to stdout, as it is."""
    typer.echo(text, nl=not text.endswith("\n"))


def fail(error: SlipwayError, json_flag: bool) -> NoReturn:
    """Show `error` on stderr, report it as JSON on stdout with ``--json``, and leave with its exit code."""
    if json_flag:
        emit(failure(error), True)
    say(error_view(error))
    raise typer.Exit(int(error.exit_code)) from error


def failure(error: SlipwayError) -> dict[str, Any]:
    """Return `error` as the JSON object of a command that failed."""
    return {
        "result": RESULTS[error.exit_code],
        "error": {
            "title": error.title,
            "where": error.where,
            "why": error.why,
            "hint": named(error.hint),
            "details": error.details,
        },
        "problems": problem_list(getattr(error, "problems", ())),
    }


def guarded(command: Callable[P, T]) -> Callable[P, T]:
    """Wrap a command: a `SlipwayError` becomes its view and exit code, Ctrl-C becomes 130, a defect is put on file.

    The command's parameter `json_flag`, where there is one, chooses how it is reported; `profile` is the file that
    hints name. It stands below ``@app.command()``.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        json_flag = bool(kwargs.get("json_flag", False))
        path = kwargs.get("profile")
        token = _PROFILE.set(path if isinstance(path, Path) else None)
        try:
            return command(*args, **kwargs)
        except SlipwayError as error:
            fail(error, json_flag)
        except KeyboardInterrupt:
            fail(_interrupted(), json_flag)
        except (typer.Exit, typer.Abort, TyperException):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise
            fail(refused_here(error) or _defect(error), json_flag)
        finally:
            _PROFILE.reset(token)

    return run


def error_view(error: SlipwayError) -> RenderableType:
    """Return the one view of a failure: what, where, why, what to do next, and the evidence."""
    head = Text.assemble(("✗ ", "bold red"), (plain(error.title), "bold"))
    rows = Table.grid(padding=(0, 2))
    for label, words in (("where", error.where), ("why", error.why), ("do", named(error.hint))):
        if words:
            rows.add_row(Text(label, style="dim"), Text(plain(words)))
    parts: list[RenderableType] = [head]
    if rows.row_count:
        parts.append(Padding(rows, (0, 0, 0, 2), expand=False))
    problems = getattr(error, "problems", ())
    if problems:
        parts.append(problems_view(problems))
    if error.details:
        parts.append(Padding(Text(plain(error.details), style="dim"), (0, 0, 0, 4), expand=False))
    return Group(*parts)


def problems_view(problems: Iterable[Problem]) -> RenderableType:
    """Return problems for people, the gravest first: level in a word, where, message, and what to do."""
    order = list(Level)
    listed = sorted(problems, key=lambda problem: order.index(problem.level))
    return Group(*(_problem_view(problem) for problem in listed))


def _problem_view(problem: Problem) -> RenderableType:
    """Return one problem: a head line and, indented below, message and hint (each wraps by itself)."""
    mark, colour = _MARKS[problem.level]
    where = " ".join(part for part in (problem.host, problem.field) if part)
    head = Text.assemble(
        (f"{mark} {problem.level.value:<8}", f"bold {colour}"), (plain(where) or "profile", "bold"), " "
    )
    head.append(f"[{plain(problem.code)}]", style="dim")
    parts: list[RenderableType] = [head, Padding(Text(plain(problem.message)), (0, 0, 0, 4), expand=False)]
    if problem.hint:
        hint = Table.grid()
        hint.add_row("→ ", Text(plain(named(problem.hint))))
        parts.append(Padding(hint, (0, 0, 0, 4), expand=False))
    return Group(*parts)


def problem_list(problems: Iterable[Problem]) -> list[dict[str, str]]:
    """Return problems as the common field `problems` of every JSON object."""
    return [replace(problem, hint=named(problem.hint)).as_dict() for problem in problems]


def named(hint: str) -> str:
    """Return a hint whose commands name the profile's file that this command was given, in place of PROFILE."""
    return hints.named(hint, _PROFILE.get())


def plain(text: str) -> str:
    """Return `text` without control characters (escape sequences among them); newlines and tabs stay."""
    return "".join(char for char in text if char in "\n\t" or char.isprintable())


def _interrupted() -> SlipwayError:
    error = SlipwayError("Interrupted", hint="Run the same command again; what is done stays done.")
    error.exit_code = Exit.INTERRUPTED
    return error


def _defect(error: Exception) -> SlipwayError:
    """Return a defect of slipway itself as a failure; the traceback goes to a file, never to the screen."""
    text = "".join(traceback.format_exception(error))
    try:
        folder = state_dir() / ".defects"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".txt", delete=False, encoding="utf-8") as file:
            file.write(text)
        hint = f"This is a defect. Report it with {Path(file.name)}."
    except OSError as problem:
        hint = f"This is a defect, and its report can't be written: {problem.strerror}."
    return SlipwayError("slipway has failed in a way it did not expect", why=type(error).__name__, hint=hint)
