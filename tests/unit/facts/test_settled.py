"""What a host of a cluster runs with, read from its own files by the real script; and the note of who is out."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.unit.render.sites import by_path, profile, site
from wizard.facts import settled
from wizard.facts.maintenance import Note, dump, newest, parse
from wizard.facts.traces import Settled
from wizard.render import api as render


def looked_at(folder: Path) -> Settled:
    """Run the script on a host whose /etc and /var lie in `folder`."""
    script = "part() { printf '\n==slipway== %s\n' \"$1\"; }\n" + settled.SCRIPT
    for name in ("/etc/", "/var/"):
        script = script.replace(f" {name}", f" {folder}{name}")
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=20, check=False)
    return settled.parse(done.stdout)


def put(folder: Path, files: dict[str, bytes]) -> None:
    for path, content in files.items():
        file = Path(f"{folder}{path}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def test_what_slipway_renders_is_read_back(tmp_path: Path) -> None:
    found = site(profile(3))
    host = found.profile.host("m2")
    parts = (render.etcd, render.kubelet, render.static_pods, render.keepalived)
    put(tmp_path, {path: file.content for part in parts for path, file in by_path(part(found, host)).items()})
    note = Note().begun("m3", "2026-11-26T23:10:00Z")
    put(tmp_path, {"/etc/slipway/maintenance": dump(note).encode()})
    assert looked_at(tmp_path) == Settled(
        node="m2", node_ip="198.18.0.12", member="m2", peer_ip="198.18.0.12", data_dir="/var/lib/etcd", leads=False,
        dns_domain="cluster.local", service_cidr="10.96.0.0/12", pod_cidr="10.244.0.0/16", kubernetes="1.37.2",
        vip="198.18.0.100", maintenance=dump(note).strip(),
    )  # fmt: skip


def test_a_worker_says_who_it_is(tmp_path: Path) -> None:
    found = site(profile(3, workers=1))
    put(tmp_path, {file.path: file.content for file in render.kubelet(found, found.profile.host("w1"))})
    assert looked_at(tmp_path) == Settled(node="w1", node_ip="198.18.0.51", dns_domain="cluster.local")


def test_a_bare_host_says_nothing(tmp_path: Path) -> None:
    assert looked_at(tmp_path) == Settled()


def test_the_leader_is_told_by_its_metrics() -> None:
    assert settled.parse("\n==slipway== settled/etcd\nNAME m1\netcd_server_is_leader 1\n").leads
    assert not settled.parse("\n==slipway== settled/etcd\nNAME m1\n").leads


def test_a_note_is_read_as_it_was_written() -> None:
    out = Note().begun("m1", "2026-11-26T23:10:00Z").begun("w1", "2026-11-26T23:11:00Z")
    assert parse(dump(out)) == out
    assert out.begun("m1", "later") is out, "since when it is out does not change"
    assert out.number == 2
    back = out.ended("m1")
    assert (back.number, set(back.hosts)) == (3, {"w1"})
    assert back.ended("m1") is back
    assert parse(dump(back).strip()) == back
    assert set(out.among(["w1", "w2"]).hosts) == {"w1"}


@pytest.mark.parametrize("text", ["", "m1", dump(Note()).replace("0", "x") + "m1 since then\n"])
def test_what_is_no_note_is_an_empty_one(text: str) -> None:
    assert parse(text) == Note()


def test_the_newest_note_counts() -> None:
    old = Note().begun("m1", "then")
    new = old.ended("m1")
    assert newest([dump(old), "", dump(new)]) == new
    assert newest([]) == Note()
