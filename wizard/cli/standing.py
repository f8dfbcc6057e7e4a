"""How a cluster's status is told: as the object of ``--json``, in full for people, and in brief while it is watched."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from wizard.cli.output import plain, problem_list, problems_view
from wizard.cli.preflight import diff_view
from wizard.engine.step import Diff
from wizard.errors import Exit, Level
from wizard.plans.status import words
from wizard.plans.status.drift import by_host
from wizard.plans.status.model import Cause, Change, Drift, HostStatus, Member, Node, Status
from wizard.plans.status.words import Cell, Mood
from wizard.profile.model import Profile

_STYLES = {Mood.PLAIN: "", Mood.QUIET: "dim", Mood.GOOD: "green", Mood.WARN: "yellow", Mood.BAD: "bold red"}
_MARKS = {Level.ERROR: ("✗", "red"), Level.WARNING: ("!", "yellow"), Level.INFO: ("·", "cyan")}
_CAUSES = {Cause.BY_HAND: "changed by hand", Cause.NOT_APPLIED: "not applied yet", Cause.UNKNOWN: "differs"}
_BRIEF = (words.HOST_COLUMNS[0], *words.HOST_COLUMNS[2:])
"""What a line of 80 columns has room for when things go wrong."""


def exit_of(status: Status) -> Exit:
    """Return the exit code: 0 well, 4 well but for hosts that could not be asked, 1 something is wrong."""
    return Exit.DONE if status.well else Exit.PARTIAL if status.well_as_seen else Exit.FAILED


def as_object(profile: Profile, status: Status, seconds: float) -> dict[str, Any]:
    """Return the object of ``--json``. Times are UTC, ages in seconds, sizes in bytes."""
    results = {Exit.DONE: "done", Exit.PARTIAL: "partial", Exit.FAILED: "failed"}
    return {
        "result": results[exit_of(status)],
        "cluster": status.cluster,
        "seconds": round(seconds, 2),
        "asked": _stamp(status.asked),
        "vip": {
            "address": profile.endpoint.vip,
            "port": profile.endpoint.port,
            "holder": status.holders[0] if len(status.holders) == 1 else "",
            "holders": list(status.holders),
        },
        "etcd": {"members": [_member(item) for item in status.members]},
        "nodes": [_node(item) for item in status.nodes],
        "hosts": [_host(item) for item in status.hosts],
        "versions": [
            {"component": item.name, "wanted": item.wanted, "found": dict(item.found)} for item in status.versions
        ],
        "maintenance": dict(status.maintenance),
        "drift": _drift(status.drift),
        "problems": problem_list(status.problems),
    }


def _member(member: Member) -> dict[str, Any]:
    return {**asdict(member), "alarms": list(member.alarms)}


def _node(node: Node) -> dict[str, Any]:
    return {**asdict(node), "conditions": [asdict(item) for item in node.conditions]}


def _host(host: HostStatus) -> dict[str, Any]:
    return {
        "name": host.name,
        "roles": list(host.roles),
        "units": {unit.name: unit.state for unit in host.units.values()},
        "unit_details": [asdict(unit) for unit in host.units.values()],
        "pods": {pod.name: "ready" if pod.ready else pod.why for pod in host.pods.values()},
        "api": host.api,
        "vip": host.vip,
        "through_vip": host.through_vip,
        "backends": None if host.backends is None else [asdict(backend) for backend in host.backends],
        "clock": {key: value for key, value in asdict(host.time).items() if key != "own"},
        "certificates": [{**asdict(item), "ends": f"{item.ends:%Y-%m-%dT%H:%M:%SZ}"} for item in host.certificates],
        "failure": host.failure,
    }


def _drift(drift: Drift) -> dict[str, Any]:
    changes = [{**asdict(change), "cause": change.cause.value} for change in drift.changes]
    return {"looked": _stamp(drift.looked) if drift.looked else None, "why": drift.why, "changes": changes}


def _stamp(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def full(status: Status) -> RenderableType:
    """Return all of a status, for people."""
    runs = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for host in status.hosts:
        runs.add_row(Text(host.name, style="bold"), Text("  ").join(map(_text, words.host_runs(host))))
    parts: list[RenderableType] = [_hosts(status), _spaced(runs), _spaced(_members(status)), _spaced(_lines(status))]
    parts += [_spaced(_changes_view(host, changes)) for host, changes in by_host(status.drift).items()]
    if status.problems:
        parts.append(_spaced(problems_view(status.problems)))
    return Group(*parts, _spaced(_text(words.headline(status), bold=True)))


def brief(status: Status, every: float, lines: int = 0) -> RenderableType:
    """Return a status that fits a terminal of `lines` lines (0: any number), for one that is drawn again and again."""
    clock = time.strftime("%H:%M:%S", time.localtime(status.asked))
    head = Text.assemble(_text(words.headline(status), bold=True), (f"   {clock}, each {every:g} s", "dim"))
    hosts = _table(_BRIEF, (_without_roles(words.host_row(status, host)) for host in status.hosts))
    parts: list[RenderableType] = [head, hosts, _members(status), _lines(status)]
    room = lines - len(status.hosts) - len(status.members) - 6 if lines else len(status.problems)
    shown = [_problem_line(problem) for problem in _gravest(status)]
    if len(shown) > room:
        left = len(shown) - max(1, room - 1)
        shown = [*shown[: max(1, room - 1)], Text(f"… and {left} more: slipway status", style="dim")]
    return Group(*parts, *shown)


def _without_roles(row: Sequence[Cell]) -> Sequence[Cell]:
    return (row[0], *row[2:])


def _gravest(status: Status) -> list[Any]:
    order = list(Level)
    return sorted(status.problems, key=lambda problem: order.index(problem.level))


def _problem_line(problem: Any) -> Text:
    mark, style = _MARKS[problem.level]
    host = f"{problem.host}: " if problem.host else ""
    line = Text.assemble((f"{mark} ", style), (plain(host), "bold"), plain(problem.message))
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


def _hosts(status: Status) -> Table:
    return _table(words.HOST_COLUMNS, (words.host_row(status, host) for host in status.hosts))


def _members(status: Status) -> Table:
    return _table(words.MEMBER_COLUMNS, map(words.member_row, status.members))


def _lines(status: Status) -> RenderableType:
    versions = Text("  ").join(map(_text, words.version_cells(status)))
    drift = Text.assemble(("drift: ", "dim"), _text(words.drift_cell(status.drift, status.asked)))
    return Group(versions, drift)


def _changes_view(host: str, changes: Sequence[Change]) -> RenderableType:
    parts: list[RenderableType] = []
    for change in changes:
        parts.append(Text.assemble(("~ ", "yellow"), (host, "bold"), f"  {_CAUSES[change.cause]}"))
        diff = Diff(change.subject, change.before, change.after, change.secret)
        parts.append(Padding(diff_view(diff), (0, 0, 0, 2), expand=False))
    return Group(*parts)


def _table(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column)
    for first, *rest in rows:
        table.add_row(Text(plain(first.text), style="bold"), *map(_text, rest))
    return table


def _text(cell: Cell, *, bold: bool = False) -> Text:
    return Text(plain(cell.text), style=f"bold {_STYLES[cell.mood]}".strip() if bold else _STYLES[cell.mood])


def _spaced(view: RenderableType) -> Padding:
    return Padding(view, (1, 0, 0, 0), expand=False)
