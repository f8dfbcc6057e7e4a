"""Looks at the API: they are taken where it answers, and cost next to nothing where it doesn't."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.unit.checks.sites import profile
from wizard.engine.step import Drifted, Satisfied, Step, Unknown, Verdict
from wizard.steps.cluster import node_step, objects_step, rollout_step
from wizard.steps.nodes import nodes_step

from .test_kit import Here

MANIFEST = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\n"
MASTERS = ("m1", "m2", "m3")
STEPS = (
    objects_step("cluster/objects", "Objects", MASTERS, MANIFEST, needs_any=(), weight=1.0),
    objects_step("cluster/objects", "Objects", MASTERS, MANIFEST, needs_any=(), weight=1.0, fresh=True),
    rollout_step("cluster/rollout", "Rollout", MASTERS, MANIFEST.replace("ConfigMap", "DaemonSet"), weight=1.0),
    node_step(profile(), profile().hosts[0], needs=(), weight=1.0),
    nodes_step(profile(), MASTERS, after=(), needs=()),
)


class Master(Here):
    """A stand-in for a master: kubectl notes each call and finds nothing, curl answers as it is told."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.command("kubectl", "#!/bin/sh\necho kubectl >> $HERE/calls\n")

    def look(self, step: Step, *answers: int, installed: bool = True) -> Verdict:
        """Take the step's look; each of curl's calls ends with one of `answers`, the last one for good."""
        (self.folder / "calls").unlink(missing_ok=True)
        (self.folder / "answers").write_text("".join(f"{answer}\n" for answer in answers))
        self.command(
            "curl",
            "#!/bin/sh\necho curl >> $HERE/calls\nread answer < $HERE/answers\n"
            "[ $(wc -l < $HERE/answers) = 1 ] || sed -i 1d $HERE/answers\nexit $answer\n",
        )
        file = self.folder / "super-admin.conf"
        file.write_text("") if installed else file.unlink(missing_ok=True)
        done = self.sh(step.probe.script.replace("/etc/kubernetes/super-admin.conf", str(file)))
        return step.probe.judge(done.stdout.decode(), done.returncode)


@pytest.fixture
def master(tmp_path: Path) -> Master:
    return Master(tmp_path)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.id)
def test_where_no_apiserver_answers_kubectl_is_not_asked(master: Master, step: Step) -> None:
    begun = time.monotonic()
    assert isinstance(master.look(step, 7), Unknown)
    assert master.calls() == ["curl"] * 3
    assert time.monotonic() - begun < 20  # the pauses between take 1.5 s; a test host may be busy


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.id)
def test_a_moment_without_an_answer_is_borne(master: Master, step: Step) -> None:
    assert isinstance(master.look(step, 7, 22, 0), Drifted | Satisfied)
    assert master.calls()[:4] == ["curl", "curl", "curl", "kubectl"]


def test_a_bare_host_is_asked_for_nothing(master: Master) -> None:
    assert isinstance(master.look(STEPS[0], 0, installed=False), Unknown)
    assert master.calls() == []
