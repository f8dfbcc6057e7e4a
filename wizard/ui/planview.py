"""A plan in a few lines: what will be done, in order, and on which hosts; what is so already is not among it."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content

from wizard.engine.step import Plan
from wizard.ui.previewview import ALONE, tally
from wizard.ui.session import Judgement
from wizard.ui.words import count, cut
from wizard.ui.wrapping import hanging


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One thing to be done: in which phase, its title, and on which hosts."""

    phase: str
    title: str
    hosts: tuple[str, ...]


def plan_lines(plan: Plan, only: frozenset[str] | None = None) -> tuple[PlanLine, ...]:
    """Return the plan with steps that are the same on several hosts drawn together, in the plan's order.

    With `only`, the steps with those ids alone.
    """
    hosts: dict[tuple[str, str], list[str]] = {}
    for step in plan.steps:
        if only is None or step.id in only:
            hosts.setdefault((step.phase, step.title), []).append(step.host)
    order = {phase: place for place, phase in enumerate(dict.fromkeys(step.phase for step in plan.steps))}
    lines = (PlanLine(phase, title, tuple(dict.fromkeys(names))) for (phase, title), names in hosts.items())
    return tuple(sorted(lines, key=lambda line: order[line.phase]))


def hosts_words(line: PlanLine, everyone: int, room: int = 24) -> str:
    """Return the hosts of a line: their names, or that it is all of them."""
    if len(line.hosts) == everyone and everyone > 3:
        return f"all {everyone} hosts"
    words = " ".join(line.hosts)
    return words if len(words) <= room else f"{len(line.hosts)} hosts"


PHASES = {
    "host": "Ground",
    "software": "Binaries",
    "runtime": "Container runtime",
    "images": "Images",
    "etcd": "etcd",
    "endpoint": "VIP and load balancer",
    "control-plane": "Control plane",
    "network": "Network",
    "cluster": "Cluster",
}


def phase_words(phase: str) -> str:
    """Return a phase as people say it."""
    return PHASES.get(phase, phase)


def plan_words(judgement: Judgement | None, width: int) -> Content:
    """Return what will be done, phase by phase, in at most `width` columns (90 are enough).

    Where it was seen what would change, those steps alone.
    """
    plan, preview = (judgement.plan, judgement.preview) if judgement else (None, None)
    if judgement is None or plan is None:
        return Content.styled("The plan is made once nothing stands in the way.", "$quiet")
    heading = tally(preview, plan) or f"{count(len(plan.steps), 'step')} on {count(len(plan.hosts), 'host')}."
    rows = [hanging("", f"{heading} {ALONE}", width, "$quiet")]
    if judgement.unseen:
        rows.append(hanging("! ", f"What would change could not be seen: {judgement.unseen}", width, "$warning"))
    rows.append(Content(""))
    phase = ""
    for line in plan_lines(plan, preview.changing if preview else None):
        if line.phase != phase:
            phase = line.phase
            rows.append(Content.styled(phase_words(phase), "$accent"))
        hosts = hosts_words(line, len(plan.hosts))
        room = max(20, min(90, width) - len(hosts) - 2)
        rows.append(Content.assemble(f"  {cut(line.title, room - 2):<{room}}", Content.styled(hosts, "$quiet")))
    return Content("\n").join(rows)
