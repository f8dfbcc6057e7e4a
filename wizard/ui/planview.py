"""A plan in a few lines: what will be done, in order, and on which hosts."""

from __future__ import annotations

from dataclasses import dataclass

from wizard.engine.step import Plan


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One thing to be done: in which phase, its title, and on which hosts."""

    phase: str
    title: str
    hosts: tuple[str, ...]


def plan_lines(plan: Plan) -> tuple[PlanLine, ...]:
    """Return the plan with steps that are the same on several hosts drawn together, in the plan's order."""
    hosts: dict[tuple[str, str], list[str]] = {}
    for step in plan.steps:
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
