"""Labels and taints: what is given follows the profile, and what others gave stays."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.render.sites import profile
from wizard.engine.step import Change, Drifted, Satisfied, Step, Unknown
from wizard.profile.extras import Words
from wizard.profile.model import Host, Profile, Role
from wizard.steps.nodes import NOTE, nodes_step


def wanted(**worker: Any) -> Profile:
    host = Host(name="w1", address="198.18.0.51", roles=(Role.WORKER,), **worker)
    plain = profile(3, 1)
    return plain.model_copy(update={"hosts": (*plain.hosts, host)})


def row(name: str, labels: dict[str, str] | None = None, taints: Any = None, note: str = "") -> str:
    texts = (json.dumps(labels) if labels is not None else "", json.dumps(taints) if taints is not None else "")
    return "\t".join([name, *texts, note])


def step_of(of: Profile) -> Step:
    return nodes_step(of, ["m1", "m2", "m3"], needs=(), after=())


def script(of: Profile, *rows: str) -> list[str]:
    """Return kubectl's words for what differs, with where it asks left out."""
    step = step_of(of)
    verdict = step.probe.judge("\n".join(rows) + "\n", 0)
    assert isinstance(verdict, Drifted), verdict
    assert callable(step.change)
    change = step.change(verdict)
    assert isinstance(change, Change)
    asked = (line.partition("--request-timeout=15s ")[2] for line in change.script.splitlines())
    return [words.removesuffix(" >/dev/null") for words in asked if words]


GIVEN = {"labels": ["tier"], "taints": ["gpu:NoSchedule"]}


def test_a_new_node_gets_its_labels_and_taints_and_a_note_of_them() -> None:
    of = wanted(labels=Words({"tier": "gold"}), taints=("gpu=yes:NoSchedule",), zone="rack 1")
    note = json.dumps({"labels": ["tier", "topology.kubernetes.io/zone"], "taints": ["gpu:NoSchedule"]})
    assert script(of, row("m1"), row("w1", {"kubernetes.io/os": "linux"})) == [
        "label --overwrite node w1 tier=gold topology.kubernetes.io/zone=rack-1",
        "taint --overwrite node w1 gpu=yes:NoSchedule",
        f"annotate --overwrite node w1 '{NOTE}={note}'",
    ]


def test_what_the_profile_names_no_more_goes_and_what_others_gave_stays() -> None:
    taints = [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}, {"key": "theirs", "effect": "NoExecute"}]
    assert script(wanted(), row("w1", {"tier": "gold", "theirs": "x"}, taints, json.dumps(GIVEN))) == [
        "label --overwrite node w1 tier-",
        "taint --overwrite node w1 gpu:NoSchedule-",
        f"annotate --overwrite node w1 {NOTE}-",
    ]


def test_what_somebody_changed_is_mended_and_nothing_else_said() -> None:
    of = wanted(labels=Words({"tier": "gold"}), taints=("gpu:NoSchedule",))
    taints = [{"key": "gpu", "effect": "NoSchedule"}]
    assert (
        script(of, row("w1", {"tier": "lead"}, taints, json.dumps(GIVEN)))[0] == "label --overwrite node w1 tier=gold"
    )
    verdict = step_of(of).probe.judge(row("w1", {"tier": "gold", "a": "b"}, taints, json.dumps(GIVEN)), 0)
    assert isinstance(verdict, Satisfied)


def test_a_node_that_is_not_there_a_broken_note_and_an_api_that_is_silent() -> None:
    of = wanted(labels=Words({"tier": ""}))
    assert isinstance(step_of(of).probe.judge(row("m1", {}), 0), Satisfied)
    assert isinstance(step_of(of).probe.judge("", 1), Unknown)
    assert script(of, row("w1", {}, None, "made by hand"))[0] == "label --overwrite node w1 tier="
    assert isinstance(step_of(wanted()).probe.judge(row("w1", {"a": "b"}), 0), Satisfied)


def test_hosts_for_etcd_alone_are_no_nodes() -> None:
    assert isinstance(step_of(wanted()).probe.judge(row("e1", {"x": "y"}, None, json.dumps(GIVEN)), 0), Satisfied)
