"""Of the API, asked on a master: the nodes with their conditions and versions."""

from __future__ import annotations

from collections.abc import Iterator

from wizard.facts.text import parts
from wizard.plans.status.model import Condition, Node
from wizard.profile.model import Host, Profile, Role
from wizard.steps.kubectl import KUBECTL

_SEPARATOR = "\x1f"
"""Between fields: no text of the API has it. In kubectl's template: ``\\u001f``."""
_TEMPLATE = (
    r'{range .items[*]}{"\u001fnode\u001f"}{.metadata.name}{"\u001f"}{.spec.unschedulable}'
    r'{"\u001f"}{.status.nodeInfo.kubeletVersion}{"\u001f"}{.status.nodeInfo.containerRuntimeVersion}'
    r'{"\u001f"}{.status.conditions[?(@.type=="Ready")].message}'
    r'{range .status.conditions[*]}{"\u001f"}{.type}={.status}={.reason}{end}{end}'
)
"""Only what is wanted: a whole node is ten kilobytes, most of it names of images."""


def script(host: Host) -> str:
    """Return the fragment that asks the API for its nodes; empty where `host` is no master.

    Every master asks, through the haproxy beside it: no one of them has to be there.
    """
    if Role.MASTER not in host.roles:
        return ""
    return f"""
part nodes/nodes
timeout 8 {KUBECTL} --request-timeout=5s get nodes -o jsonpath='{_TEMPLATE}' && printf '\\037end'
"""


def parse(profile: Profile, text: str) -> tuple[Node, ...] | None:
    """Return the nodes; None where the API did not tell."""
    said = parts(text).get("nodes/nodes", "")
    if not said.endswith(f"{_SEPARATOR}end"):
        return None
    known = {host.name for host in profile.hosts}
    items = said.removesuffix(f"{_SEPARATOR}end").split(f"{_SEPARATOR}node{_SEPARATOR}")[1:]
    return tuple(_node(item.split(_SEPARATOR), known) for item in items)


def _node(fields: list[str], known: set[str]) -> Node:
    name, unschedulable, version, runtime, message, *conditions = (*fields, *[""] * (5 - len(fields)))
    bad = tuple(_bad(conditions))
    ready = any(text.startswith("Ready=True=") for text in conditions)
    return Node(
        name,
        ready,
        bad,
        unschedulable != "true",
        version.removeprefix("v"),
        runtime,
        "" if ready else " ".join(message.split()),
        name not in known,
    )


def _bad(conditions: list[str]) -> Iterator[Condition]:
    """Yield what is not as it should be: Ready that isn't True, and any other that isn't False."""
    for text in conditions:
        kind, status, reason = (*text.split("=", 2), "", "")[:3]
        if status != ("True" if kind == "Ready" else "False"):
            yield Condition(kind, status, reason)
