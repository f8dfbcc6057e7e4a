"""A host goes out and comes back: what each step looks for, and scripts run by a real shell beside stand-ins."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.render.sites import profile, site
from tests.unit.steps.samples import judged
from wizard.engine.step import Change, Satisfied, Step, Unknown
from wizard.facts.maintenance import NOTE, Note, parse
from wizard.render import api as render
from wizard.render.places import HAPROXY_STATE
from wizard.steps.maintain import (
    CORDONED,
    cordon_step,
    let_go_step,
    note_step,
    uncordon_step,
    vip_step,
    works_step,
)

SITE = site(profile(3, 1, 1))
M1, E1, W1 = (SITE.profile.host(name) for name in ("m1", "e1", "w1"))
OUT = Note().begun("m1", "2026-11-26T23:10:00Z")


def change_of(step: Step) -> Change:
    assert isinstance(step.change, Change)
    return step.change


def node(ready: bool = True, unschedulable: bool = False, **annotations: str) -> str:
    status = {"conditions": [{"type": "Ready", "status": "True" if ready else "Unknown"}]}
    spec = {"unschedulable": True} if unschedulable else {}
    return json.dumps(
        {"kind": "Node", "metadata": {"name": "m1", "annotations": annotations}, "spec": spec, "status": status}
    )


def test_the_note_is_a_file_that_says_who_is_out() -> None:
    (file,) = change_of(note_step("m2", OUT)).files
    assert (file.path, isinstance(file.content, bytes)) == (NOTE, True)
    assert parse(bytes(file.content).decode()) == OUT  # type: ignore[arg-type]


def test_a_node_that_a_person_made_unschedulable_is_not_slipways_to_free() -> None:
    cordon, uncordon = cordon_step(M1, ["m2"], needs=()), uncordon_step(M1, ["m2"], needs=())
    assert judged(cordon, node()) == ["node m1"]
    assert judged(cordon, node(unschedulable=True)) == []
    assert judged(uncordon, node(unschedulable=True)) == [], "as it was before"
    assert judged(uncordon, node(unschedulable=True, **{CORDONED: "maintenance"})) == ["node m1"]
    assert judged(uncordon, node(ready=False)) == ["node m1"]
    assert isinstance(cordon.probe.judge("", 1), Unknown)
    assert isinstance(cordon.probe.judge("", 0), Satisfied), "an etcd host is no node"


def test_the_apiserver_lets_go_once_for_each_maintenance() -> None:
    step = let_go_step(M1, OUT, needs=())
    assert judged(step, "1\n") == []
    assert judged(step, "") == judged(step, "7\n") == ["clients of its apiserver"]


def test_what_has_to_work_again_is_what_runs_there() -> None:
    looks = {host.name: works_step(host).probe.script for host in (M1, E1, W1)}
    assert all(
        word in looks["m1"] for word in ("2381/readyz", ":6443/readyz", "10248", "10257", "10259", "9443", "keepalived")
    )
    assert "10248" in looks["w1"]
    assert "6443" not in looks["w1"] + looks["e1"]
    assert "10248" not in looks["e1"]
    assert judged(works_step(M1), "etcd\nhaproxy\n") == ["etcd", "haproxy"]


def run(step: Step, folder: Path, **stand_ins: str) -> subprocess.CompletedProcess[str]:
    for name, text in stand_ins.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    script = change_of(step).script.replace(HAPROXY_STATE, f"{folder}/state")
    path = f"{folder}:{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-euc", script], env={"PATH": path}, capture_output=True, text=True, timeout=30, check=False
    )


@pytest.mark.parametrize(("haproxy", "after"), [("exit 0", "0"), ("exit 3", "1")], ids=["runs", "is dead"])
def test_the_vip_is_given_up_for_a_moment_and_haproxy_counts_again_as_it_is(
    tmp_path: Path, haproxy: str, after: str
) -> None:
    (tmp_path / "state").write_text("0\n")
    # keepalived gives the VIP up when it reads that haproxy is gone; then another answers there.
    ip = f'[ "$(cat {tmp_path}/state)" = 1 ] || echo "2: eth0 inet 198.18.0.100/32"'
    done = run(vip_step(SITE, M1, needs=()), tmp_path, ip=ip, curl="exit 0", systemctl=haproxy)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "state").read_text().strip() == after


def test_where_nobody_takes_the_vip_the_host_may_have_it_back(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("0\n")
    step = vip_step(SITE, M1, needs=())
    script = change_of(step).script.replace("+10))", "+1))")
    done = run(replace(step, change=Change(script=script)), tmp_path, ip="exit 0", curl="exit 7", systemctl="exit 0")
    assert done.returncode == 1
    assert "no other master took 198.18.0.100" in done.stderr
    assert (tmp_path / "state").read_text().strip() == "0"


def test_an_apiserver_that_is_out_is_used_where_no_other_is_left() -> None:
    out = replace(SITE, maintained=frozenset({"m1"}))
    before, after = (render.haproxy(one, M1)[0].text.splitlines() for one in (SITE, out))
    assert [line.strip() for line in after if line not in before] == [
        "# Out for maintenance: only where no other is left.",
        "server m1 198.18.0.11:6443 backup",
    ]
