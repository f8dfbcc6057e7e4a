"""A status as styled text: its cells, its lines, its problems, and all that is known of one host."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from textual.content import Content

from wizard.errors import Level, Problem
from wizard.plans.status.model import Cause, Change, Status
from wizard.plans.status.words import (
    Cell,
    Mood,
    drift_cell,
    host_runs,
    node_cell,
    node_troubles,
    version_cells,
)
from wizard.ui.words import LEVEL_MARK, LEVEL_STYLE
from wizard.ui.wrapping import HELD, hanging

STYLES = {
    Mood.PLAIN: "$foreground",
    Mood.QUIET: "$quiet",
    Mood.GOOD: "$success",
    Mood.WARN: "$warning",
    Mood.BAD: "$error",
}
CAUSES = {Cause.BY_HAND: "changed by hand", Cause.NOT_APPLIED: "not applied yet", Cause.UNKNOWN: "differs"}
SIGNS = {"+": "$success", "-": "$error", "@": "$accent"}


def content(cell: Cell, *, bold: bool = False) -> Content:
    """Return a cell as styled text."""
    text = "".join(char for char in cell.text if char.isprintable())
    return Content.styled(text, f"bold {STYLES[cell.mood]}" if bold else STYLES[cell.mood])


def lines(status: Status) -> Content:
    """Return versions and drift, a line each."""
    versions = Content("  ").join(map(content, version_cells(status)))
    drift = Content.assemble(Content.styled("drift: ", "$quiet"), content(drift_cell(status.drift, status.asked)))
    return Content("\n").join([versions, drift])


def problems(found: Iterable[Problem], width: int) -> Content:
    """Return problems, the gravest first, each with what to do, in at most `width` columns."""
    order = list(Level)
    return Content("\n").join(
        hanging(
            Content.styled(f"{LEVEL_MARK[item.level]} ", LEVEL_STYLE[item.level]),
            Content.assemble(
                Content.styled(f"{item.host}: " if item.host else "", "bold"),
                item.message,
                Content.styled(f" →{HELD}{item.hint}" if item.hint else "", "$quiet"),
            ),
            width,
        )
        for item in sorted(found, key=lambda problem: order.index(problem.level))
    )


def changes(found: Iterable[Change]) -> Content:
    """Return what has drifted, each with its differences; secrets are masked already."""
    return Content("\n\n").join(
        Content.assemble(
            Content.styled(f"{change.host} ", "bold"),
            Content(change.subject),
            Content.styled(f"  {CAUSES[change.cause]}\n", "$warning"),
            Content("\n").join(_difference(change)),
        )
        for change in found
    )


def _difference(change: Change) -> Iterator[Content]:
    if "\n" not in change.before.strip() and "\n" not in change.after.strip():
        yield Content.styled(f"- {change.before or 'absent'}", SIGNS["-"])
        yield Content.styled(f"+ {change.after or 'absent'}", SIGNS["+"])
        return
    for line in list(difflib.unified_diff(change.before.splitlines(), change.after.splitlines(), lineterm="", n=2))[2:]:
        yield Content.styled(line, SIGNS.get(line[:1], "$quiet"))


def host_facts(status: Status, name: str) -> Iterator[tuple[str, Content]]:
    """Yield all that is known of a host, as names and texts."""
    host = next(host for host in status.hosts if host.name == name)
    yield "Roles", Content(" ".join(host.roles))
    yield "Runs", Content("\n").join(map(content, host_runs(host)))
    for unit in host.units.values():
        if unit.restarts:
            yield unit.name, Content(f"started again {unit.restarts} times, in this state for {unit.seconds:.0f} s")
    if node := status.node(name):
        words = [*node_troubles(node), node.message, f"kubelet {node.version}", node.runtime]
        more = ", ".join(filter(None, words))
        yield "Node", Content.assemble(content(node_cell(status, host)), f"  {more}")
    for backend in host.backends or ():
        why = f": {backend.why}" if backend.why else ""
        yield f"→ {backend.server}", Content(f"its haproxy has the apiserver {backend.use.value}{why}")
    if host.time.service:
        synchronized = {True: ", set by a server", False: ", not set by any server", None: ""}[host.time.synchronized]
        yield "Clock", Content(f"{host.time.service}{synchronized}")
    for item in host.certificates:
        yield f"{item.days} d", Content(f"{item.purpose}  {item.path}")
