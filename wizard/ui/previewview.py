"""What an install would do to a cluster that stands, or to bare hosts, in words: the verdict's, the question's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wizard.engine.step import Plan
from wizard.plans.preview import Preview
from wizard.profile.finding import listed
from wizard.ui.words import count

ALONE = "What is as wanted is left alone."


@dataclass(frozen=True, slots=True)
class Question:
    """The one question before anything is touched: its title, what there is to know, and the word for yes."""

    title: str
    text: str
    yes: str


def some(hosts: Iterable[str]) -> str:
    """Return hosts by name, or how many where the names would be a long list."""
    names = tuple(hosts)
    return listed(names) if len(names) <= 4 else count(len(names), "host")


def deed(preview: Preview | None, cluster: str, hosts: int) -> str:
    """Return in a few words what an install of `cluster` on so many `hosts` would do, as its verdict says it."""
    if preview is None:
        return f"Ready to install on {count(hosts, 'host')}"
    if preview.changing is None:
        return f"Ready to install on {count(hosts, 'bare host')}"
    if not preview.stands:
        return f"Ready to go on with the install of {cluster}"
    parts = [f"adds {some(preview.new)} to {cluster}"] if preview.new else []
    parts += [f"takes {some(preview.leaving)} out{'' if parts else f' of {cluster}'}"] if preview.leaving else []
    words = " and ".join(parts)
    if words:
        return words[0].upper() + words[1:]
    if preview.changing:
        return f"Changes {cluster}"
    if preview.unseen:
        return f"No change seen; {some(preview.unseen)} could not be looked at"
    return f"Nothing to change: {cluster} is as this profile says"


def tally(preview: Preview | None, plan: Plan) -> str:
    """Return how many steps of `plan` would change something, and on which hosts; empty where nobody has looked."""
    if preview is None or preview.changing is None:
        return ""
    steps = count(len(plan.steps), "step")
    unseen = f" {some(preview.unseen)} could not be looked at." if preview.unseen else ""
    if not preview.changing:
        return f"0 of {steps} would change something.{unseen}"
    by_host: dict[str, int] = {}
    for step in plan.steps:
        if step.id in preview.changing:
            by_host[step.host] = by_host.get(step.host, 0) + 1
    hosts = listed([f"{number} on {host}" for host, number in by_host.items()])
    where = hosts if len(by_host) <= 8 else f"on {count(len(by_host), 'host')}"
    return f"{len(preview.changing)} of {steps} would change something: {where}.{unseen}"


def question(preview: Preview | None, plan: Plan, cluster: str, hosts: tuple[str, ...]) -> Question:
    """Return what is asked before an install of `plan` begins on `hosts`."""
    begun = preview is not None and preview.changing is not None
    if preview is None or not begun:
        bare = "bare host" if preview else "host"
        put = "Packages, units and files of Kubernetes are put on these machines."
        return Question(f"Install on {count(len(hosts), bare)}?", f"{cluster}: {', '.join(hosts)}. {put}", "Install")
    words = f"{tally(preview, plan)} {ALONE}"
    if not preview.stands:
        return Question(f"Go on with the install of {cluster}?", words, "Go on")
    if preview.new:
        more = f" and take {some(preview.leaving)} out" if preview.leaving else ""
        return Question(f"Add {some(preview.new)} to {cluster}{more}?", words, "Add")
    if preview.leaving:
        return Question(f"Take {some(preview.leaving)} out of {cluster}?", words, "Take out")
    if preview.changing:
        return Question(f"Change {cluster}?", words, "Change")
    words = f"{deed(preview, cluster, len(hosts))}. {words}"
    return Question("Run the install all the same?", words, "Run it")
