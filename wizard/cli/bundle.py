"""`slipway bundle build|add|verify|list`: everything an install needs, in one folder."""

from __future__ import annotations

import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from wizard import versions
from wizard.bundle.added import absent
from wizard.bundle.build import BuildResult, build_bundle
from wizard.bundle.lock import Artifact
from wizard.bundle.opened import Bundle, load_bundle
from wizard.bundle.progress import BuildProgress, OnProgress, State
from wizard.bundle.verify import verify
from wizard.cli.bundle_add import add_command
from wizard.cli.bundle_folder import Folder, Kubernetes, absent_words, folder_of, megabytes
from wizard.cli.output import JsonFlag, emit, guarded, people, plain, problem_list, problems_view, say
from wizard.errors import Exit

bundle_app = typer.Typer(help="Build, verify and list the bundle: everything an install needs.", no_args_is_help=True)
bundle_app.command("add")(add_command)

PLAIN_EVERY = 10.0
"""Seconds between two lines about the same task in a pipe."""


@bundle_app.command()
@guarded
def build(
    folder: Folder = None,
    kubernetes: Kubernetes = "",
    release: Annotated[
        list[str] | None,
        typer.Option(help="A release of the hosts, such as debian-12; may be given again. Default: this machine's."),
    ] = None,
    sources: Annotated[
        Path | None, typer.Option(metavar="DIR", help="An apt folder to take the packages' sources from.")
    ] = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="Fetch the distribution's newest packages.")] = False,
    json_flag: JsonFlag = False,
) -> None:
    """Build the bundle from source, or bring it up to date; what was built before is not built again."""
    with _ends_politely(), _progress() as on_progress:
        result = build_bundle(
            kubernetes or versions.default(),
            folder=folder,
            releases=release or (),
            package_sources=sources,
            refresh=refresh,
            on_progress=on_progress,
        )
    emit(
        {
            "result": "done",
            "changed": result.changed,
            "built": list(result.built),
            "seconds": round(result.seconds, 2),
            **summary(result.bundle),
        },
        json_flag,
        _built_view(result),
    )


@bundle_app.command("verify")
@guarded
def verify_command(folder: Folder = None, kubernetes: Kubernetes = "", json_flag: JsonFlag = False) -> None:
    """Read every file of the bundle and name each one that is missing, extra or altered."""
    begin = time.monotonic()
    bundle = _open(folder, kubernetes)
    problems = verify(bundle)
    emit(
        {
            "result": "failed" if problems else "done",
            "seconds": round(time.monotonic() - begin, 2),
            **summary(bundle),
            "problems": problem_list(problems),
            "absent": dict(absent(bundle)),
        },
        json_flag,
        problems_view(problems)
        if problems
        else Text(f"✓ {plain(_in_words(bundle))}: every file is as recorded.\n{plain(absent_words(bundle))}".rstrip()),
    )
    if problems:
        raise typer.Exit(Exit.FAILED)


@bundle_app.command("list")
@guarded
def list_command(folder: Folder = None, kubernetes: Kubernetes = "", json_flag: JsonFlag = False) -> None:
    """List what the bundle holds, with versions and where each thing comes from."""
    bundle = _open(folder, kubernetes)
    lock = bundle.lock
    emit(
        {
            "result": "done",
            **summary(bundle),
            "components": dict(lock.components),
            "releases": list(lock.releases),
            "built_with": dict(lock.built_with),
            "artifacts": [_row(artifact) for artifact in lock.artifacts],
            "absent": dict(absent(bundle)),
        },
        json_flag,
        _list_view(bundle),
    )


def summary(bundle: Bundle) -> dict[str, str | int]:
    """Return what tells one bundle from another, for JSON."""
    lock = bundle.lock
    return {
        "bundle": str(bundle.folder),
        "kubernetes": lock.kubernetes,
        "arch": lock.arch,
        "digest": lock.digest,
        "artifact_count": len(lock.artifacts),
        "size": lock.size,
    }


def _open(folder: Path | None, kubernetes: str) -> Bundle:
    return load_bundle(folder_of(folder, kubernetes))


def _row(artifact: Artifact) -> dict[str, str | int]:
    return {
        "name": artifact.name,
        "version": artifact.version,
        "architecture": artifact.arch,
        "kind": artifact.kind.value,
        "size": artifact.size,
        "sha256": artifact.sha256,
        "source": artifact.source,
        "ref": artifact.ref,
    }


def _in_words(bundle: Bundle) -> str:
    lock = bundle.lock
    kinds = Counter(artifact.kind.value for artifact in lock.artifacts)
    listed = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
    return f"Bundle for Kubernetes {lock.kubernetes} ({lock.arch}), {listed}, {megabytes(lock.size)}"


def _built_view(result: BuildResult) -> RenderableType:
    news = "is ready" if result.changed else "is up to date"
    words = f"✓ {_in_words(result.bundle)} {news} after {duration(result.seconds)}:\n  {result.bundle.folder}"
    return Text(plain(words))


def _list_view(bundle: Bundle) -> RenderableType:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("kind", "name", "version"):
        table.add_column(heading, overflow="fold")
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("source", overflow="fold", style="dim")
    for artifact in sorted(bundle.lock.artifacts, key=lambda each: (each.kind.value, each.name)):
        words = (artifact.kind.value, artifact.name, artifact.version, megabytes(artifact.size), artifact.source)
        table.add_row(*(Text(plain(word)) for word in words))
    return Group(
        table, Text(f"\n{plain(_in_words(bundle))}\n{plain(str(bundle.folder))}"), Text(plain(absent_words(bundle)))
    )


def duration(seconds: float) -> str:
    """Return a time in words: ``45 s``, ``3 min 20 s``."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


def progress_line(report: BuildProgress) -> str:
    """Return a report as one plain line."""
    if report.state is State.WAITING:
        return report.detail
    words = {State.CACHED: "already built", State.DONE: "done", State.RUNNING: report.detail or "building"}
    remaining = f", about {duration(report.remaining)} left" if report.remaining else ""
    return f"[{report.index}/{report.count}] {report.fraction:4.0%}{remaining}: {report.title}: {words[report.state]}"


class PlainProgress:
    """Shows a build in a pipe: a line for each task's start and end, and one each ten seconds between."""

    def __init__(self) -> None:
        self._last = ("", State.WAITING, -PLAIN_EVERY)

    def __call__(self, report: BuildProgress) -> None:
        """Take a report."""
        task, state, when = self._last
        new = (report.task, report.state) != (task, state)
        if report.state is not State.CACHED and (new or report.elapsed - when >= PLAIN_EVERY):
            self._last = (report.task, report.state, report.elapsed)
            say(progress_line(report))


@contextmanager
def _progress() -> Iterator[OnProgress]:
    """Yield what shows a build: a bar on a terminal, lines in a pipe."""
    if not sys.stderr.isatty():
        yield PlainProgress()
        return
    bar = Progress(
        TextColumn("{task.fields[place]}"),
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:3.0f}%"),
        TextColumn("{task.fields[remaining]}"),
        TextColumn("[bold]{task.fields[title]}[/bold] [dim]{task.fields[detail]}[/dim]"),
        console=people(),
        transient=True,
    )
    with bar:
        line = bar.add_task("", total=1.0, place="", remaining="", title="", detail="looking at what is there")

        def show(report: BuildProgress) -> None:
            if report.state is State.DONE:
                bar.console.print(f"✓ {plain(report.title)}")
            bar.update(
                line,
                completed=report.fraction,
                place=f"{report.index}/{report.count}",
                remaining=f"{duration(report.remaining)} left" if report.remaining else "",
                title=plain(report.title).replace("[", "("),
                detail=plain(report.detail).replace("[", "(")[-60:],
            )

        yield show


@contextmanager
def _ends_politely() -> Iterator[None]:
    """Let a hang-up or a request to end take the same way out as Ctrl-C: tools are ended, nothing is left half-made."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise KeyboardInterrupt

    # What is ignored on purpose (nohup) stays ignored.
    heeded = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
