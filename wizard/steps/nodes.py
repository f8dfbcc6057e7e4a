"""Labels and taints that the profile gives to nodes, held in the API.

A kubelet brings taints when it registers and never again, and may not give itself most labels; so a master does it.
What slipway gave a node is noted on it, so that it is taken away when the profile names it no more, and no other is.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence

from wizard.engine.step import Change, Diff, Drifted, Probe, Satisfied, Step, Unknown, Verdict
from wizard.profile.extras_syntax import taint_parts
from wizard.profile.model import Host, Profile
from wizard.render.node import is_node, zone_label
from wizard.steps.kubectl import AGAIN, KUBECTL, PATIENCE, where_it_answers

NOTE = "slipway/given"
"""The annotation that names what slipway gave: keys of labels, and keys and effects of taints."""
ZONE = "topology.kubernetes.io/zone"
_ROW = (
    r'{range .items[*]}{.metadata.name}{"\t"}{.metadata.labels}{"\t"}{.spec.taints}{"\t"}'
    rf'{{.metadata.annotations.{NOTE}}}{{"\n"}}{{end}}'
)


def nodes_step(profile: Profile, masters: Sequence[str], *, after: tuple[str, ...], needs: tuple[str, ...]) -> Step:
    """Return the step that holds labels and taints of all nodes that are there. One that is missing holds up none."""
    hosts = [host for host in profile.hosts if is_node(host)]

    def judge(output: str, status: int) -> Verdict:
        if status != 0:
            return Unknown("the API does not answer yet")
        rows = dict(line.split("\t", 1) for line in output.splitlines() if "\t" in line)
        diff = tuple(one for host in hosts if host.name in rows and (one := difference(host, rows[host.name])))
        return Drifted(diff) if diff else Satisfied("labels and taints as wanted")

    return Step(
        "cluster/nodes", "Labels and taints", masters[0], "nodes",
        Probe(where_it_answers(f"{KUBECTL} get nodes -o jsonpath={shlex.quote(_ROW)}"), judge),
        lambda drift: Change(script=_script(drift)),
        needs=needs, after=after, alternates=tuple(masters[1:]), weight=0.5, timeout=120.0, settle=20.0,
    )  # fmt: skip


def wanted(host: Host) -> tuple[dict[str, str], dict[str, str]]:
    """Return the labels that the profile gives to `host`, and its taints: ``key:effect`` → value."""
    labels = {**({ZONE: zone_label(host.zone)} if host.zone else {}), **host.labels}
    taints = {f"{key}:{effect}": value for key, value, effect in map(taint_parts, host.taints)}
    return labels, taints


def difference(host: Host, row: str) -> Diff | None:
    """Return what of a node's labels and taints is not as wanted, a line each, from its row in the look."""
    labels_text, taints_text, note = row.split("\t")
    seen_labels: Mapping[str, str] = json.loads(labels_text or "{}")
    seen_taints = {
        f"{item['key']}:{item['effect']}": str(item.get("value", "")) for item in json.loads(taints_text or "[]")
    }
    labels, taints = wanted(host)
    given_labels, given_taints = _given(note)
    before = _lines(
        {key: seen_labels[key] for key in {*labels, *given_labels} if key in seen_labels},
        {key: seen_taints[key] for key in {*taints, *given_taints} if key in seen_taints},
        note,
    )
    after = _lines(labels, taints, _note(labels, taints))
    return Diff(f"node {host.name}", before, after) if before != after else None


def _lines(labels: Mapping[str, str], taints: Mapping[str, str], note: str) -> str:
    found = [f"label {key}={value}" for key, value in sorted(labels.items())]
    for about, value in sorted(taints.items()):
        key, _, effect = about.rpartition(":")
        found.append(f"taint {key}={value}:{effect}")
    return "\n".join([*found, *([f"given {note}"] if note else [])])


def _note(labels: Mapping[str, str], taints: Mapping[str, str]) -> str:
    return json.dumps({"labels": sorted(labels), "taints": sorted(taints)}) if labels or taints else ""


def _given(note: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the labels' keys and the taints that a note names; nothing where somebody made it unreadable."""
    try:
        data = json.loads(note or "{}")
        return tuple(map(str, data.get("labels", ()))), tuple(map(str, data.get("taints", ())))
    except (ValueError, AttributeError, TypeError):
        return (), ()


def _script(drift: Drifted) -> str:
    lines = []
    for diff in drift.diff:
        before, after = diff.before.splitlines(), diff.after.splitlines()
        words = {"label": list[str](), "taint": list[str](), "given": list[str]()}
        for line in after:
            what, _, text = line.partition(" ")
            words[what].append(f"{NOTE}={text}" if what == "given" else text)
        kept = {_key(line) for line in after}
        for line in before:
            if (key := _key(line)) not in kept:
                words[line.partition(" ")[0]].append(f"{key.partition(' ')[2]}-")
        for verb, what in (("label", "label"), ("taint", "taint"), ("annotate", "given")):
            if words[what]:
                words_of = f"{verb} --overwrite {diff.subject} {shlex.join(words[what])}"
                lines.append(f"again {PATIENCE} {KUBECTL} {words_of} >/dev/null")
    return AGAIN + "\n".join(lines) if lines else ""


def _key(line: str) -> str:
    """Return what a line is about, as kubectl names it to take it away: ``taint key:effect``."""
    what, _, text = line.partition(" ")
    if what == "given":
        return f"given {NOTE}"
    key, _, value = text.partition("=")
    return f"{what} {key}:{value.rpartition(':')[2]}" if what == "taint" else f"{what} {key}"
