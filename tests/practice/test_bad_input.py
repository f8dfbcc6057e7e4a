"""What is wrong with profile, bundle or hosts is said before anything is touched: which host, why, what to do."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from wizard import practice
from wizard.bundle.opened import Bundle, load_bundle
from wizard.bundle.verify import remember, stats_of
from wizard.practice.keys import new_key

from .helpers import SLIPWAY, Lab, Said

pytestmark = pytest.mark.practice

RIGHT, WRONG = "practice-Right-7", "practice-Wrong-7"
LOOK = (
    "find /etc /opt /root /usr/local /var/lib/dpkg /var/lib/etcd /var/lib/slipway /var/lib/kubelet /var/lib/containerd \
 -printf '%p %y %s %m %u %T@\\n' 2>/dev/null | sort; systemctl list-unit-files --no-legend; ls -A /run/slipway/*.lock"
)


@pytest.fixture(scope="module")
def site(hosts: Lab) -> Iterator[Lab]:
    """The booted hosts with two users beside root: ops may become root with a password, guest may not."""
    key = hosts.datacenter.folder.joinpath("id_ed25519.pub").read_text()
    for user, group in (("ops", "sudo"), ("guest", "users")):
        for host in hosts.hosts:
            home = f"/home/{user}"
            script = (
                f"useradd -m -s /bin/bash -G {group} {user} && echo '{user}:{RIGHT}' | chpasswd && "
                f"install -d -m 700 -o {user} {home}/.ssh && echo '{key}' > {home}/.ssh/authorized_keys && "
                f"chown -R {user}: {home}/.ssh"
            )
            hosts.on(host.name, script)
    yield hosts
    for host in hosts.hosts:
        hosts.on(host.name, "userdel -r ops; userdel -r guest", check=False)


@pytest.fixture
def untouched(site: Lab) -> Iterator[None]:
    """Fail where a test left a trace of an install on any host: a file, a unit, a lock."""
    before = looks(site)
    yield
    for name, there in looks(site).items():
        assert there == before[name], name
        assert not [path for path in there if path.startswith(("/etc/slipway", "/etc/kubernetes", "/var/lib/slipway"))]


def looks(site: Lab) -> dict[str, list[str]]:
    with ThreadPoolExecutor() as pool:
        found = pool.map(lambda host: site.on(host.name, LOOK, check=False).splitlines(), site.hosts)
        return {host.name: lines for host, lines in zip(site.hosts, found, strict=True)}


def held(said: Said, *wanted: str) -> None:
    """The run was held by exactly these errors (``m1 host.unreachable``), before anything began."""
    assert (said.exit, said.result) == (3, "held"), said
    assert sorted(said.errors()) == sorted(wanted)
    assert said.found["changed"] == []


def states(problem: dict[str, str], cause: str, remedy: str) -> None:
    assert cause in problem["message"], problem
    assert remedy in problem["hint"], problem


def own(data: dict[str, Any], number: int, **ssh: Any) -> dict[str, Any]:
    host: dict[str, Any] = data["hosts"][number - 1]
    host.setdefault("ssh", {}).update(ssh)
    return host


def test_every_host_that_lets_nobody_in_is_named_with_its_cause(site: Lab, untouched: None) -> None:
    stranger = site.folder / "stranger"
    stranger.write_text(new_key().private)
    stranger.chmod(0o600)
    nobody_there = f"{site.vip.rpartition('.')[0]}.99"

    def bend(data: dict[str, Any]) -> None:
        own(data, 1, key=str(stranger))
        own(data, 2, user="nobody-here")
        data["hosts"][2]["address"] = nobody_there

    said = site.apply(site.written("doors", bend))
    held(said, "m1 host.login-refused", "m2 host.login-refused", "m3 host.unreachable")
    states(said.problem("host.login-refused", "m1"), f"root@{site.host('m1').address}", str(stranger))
    states(said.problem("host.login-refused", "m2"), f"nobody-here@{site.host('m2').address}", "~nobody-here/.ssh")
    states(said.problem("host.unreachable", "m3"), f"{nobody_there} port 22: no route to the host", "cable, power")


def test_a_port_where_no_sshd_listens_and_a_key_that_is_no_key(site: Lab, untouched: None) -> None:
    broken = site.folder / "broken"
    broken.write_text("not a key\n")

    def bend(data: dict[str, Any]) -> None:
        own(data, 1, port=2222)
        own(data, 2, key=str(broken))
        own(data, 3, key=str(site.folder / "missing"))

    said = site.apply(site.written("ports", bend))
    assert said.exit == 3
    assert {one.split()[0] for one in said.errors()} == {"m1", "m2", "m3"}
    states(said.problem("host.unreachable", "m1"), "port 2222: connection refused", "sshd runs")
    for host, file in (("m2", broken), ("m3", site.folder / "missing")):
        (problem,) = [one for one in said.found["problems"] if one["host"] == host and one["level"] == "error"]
        assert str(file) in problem["message"] + problem["hint"]


def test_who_may_not_become_root_is_named_with_the_cause(site: Lab, untouched: None) -> None:
    def bend(data: dict[str, Any]) -> None:
        own(data, 1, user="guest", sudo="password")
        own(data, 2, user="ops", sudo="password")
        own(data, 3, user="ops", sudo="password")

    secrets = f"sudo@m1={RIGHT}\nsudo@m2={WRONG}\n"
    said = site.apply(site.written("sudo", bend), secrets=secrets)
    held(said, "m1 host.sudo-refused", "m2 host.sudo-refused", "m3 host.sudo-refused")
    states(said.problem("host.sudo-refused", "m1"), "not in sudoers", "Add the user to the sudo")
    states(said.problem("host.sudo-refused", "m2"), "the sudo password is wrong", "Give the password of ops")
    states(said.problem("host.sudo-refused", "m3"), "none was given", "Give the password of ops")


def test_a_host_key_that_is_not_the_one_on_record_stops(site: Lab, untouched: None) -> None:
    other = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

    def bend(data: dict[str, Any]) -> None:
        data["hosts"][0]["fingerprint"] = other
        del data["hosts"][1]["fingerprint"]
        del data["hosts"][2]["fingerprint"]

    known = site.cluster / "known_hosts"
    known.parent.mkdir(parents=True, exist_ok=True)
    known.write_text(f"{site.host('m2').address} {new_key().public}\n")
    try:
        said = site.apply(site.written("keys", bend))
    finally:
        after = known.read_text()
        known.unlink()
    held(said, "m1 host.key-changed", "m2 host.key-changed", "m3 host.key-unknown")
    states(said.problem("host.key-changed", "m1"), f"the profile has {other}", "as this host's fingerprint")
    states(said.problem("host.key-changed", "m2"), site.host("m2").fingerprint, "Look at the host's console")
    states(said.problem("host.key-unknown", "m3"), site.host("m3").fingerprint, "ssh-keygen -lf")
    assert len(after.splitlines()) == 1, "--yes accepted a key"


def test_hosts_that_can_not_hold_a_master_are_named_with_the_cause(site: Lab) -> None:
    """A full disk, a port that another process has, the remains of a cluster that isn't slipway's."""
    practice.small_disk(site.host("m1"), "/var/lib/containerd", 16)
    site.on("m2", "systemd-run -q --unit=squatter socat TCP-LISTEN:6443,fork,reuseaddr EXEC:cat")
    site.on("m3", "mkdir -p /etc/kubernetes/manifests && echo '{}' > /etc/kubernetes/manifests/kube-apiserver.yaml")
    try:
        said = site.apply()
        kept = site.on("m3", "cat /etc/kubernetes/manifests/kube-apiserver.yaml")
        answers = site.on("m2", "echo still here | socat - TCP:127.0.0.1:6443")
    finally:
        site.on("m1", "umount /var/lib/containerd && rmdir /var/lib/containerd")
        site.on("m2", "systemctl stop squatter")
        site.on("m3", "rm -r /etc/kubernetes")
    held(said, "m1 disk.full", "m2 port.taken", "m3 host.foreign-cluster")
    states(said.problem("disk.full"), "/var/lib/containerd", "Free some space on m1")
    states(said.problem("port.taken"), "port 6443/tcp, is used by socat", "systemctl disable --now squatter.service")
    states(said.problem("host.foreign-cluster"), "not put there by slipway", "rm -rf /etc/kubernetes")
    assert (kept, answers) == ("{}", "still here")


def test_people_read_host_cause_and_remedy(site: Lab, untouched: None) -> None:
    profile = site.written("people", lambda data: own(data, 2, user="nobody-here"))
    command = [*SLIPWAY, "apply", str(profile), "--yes"]
    done = subprocess.run(command, capture_output=True, text=True, env=site.environment())
    assert done.returncode == 3
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    _, _, finding = done.stderr.partition("m2 hosts[1].ssh [host.login-refused]")
    for words in ("The host refuses the login", f"nobody-here@{site.host('m2').address}", "→ Check the user"):
        assert words in finding


@pytest.mark.parametrize(
    ("text", "line", "cause", "remedy"),
    [
        ("hosts:\n  - {name: m1, adress: 198.18.0.11}\n", 5, "adress", "address"),
        ("hosts: [{name: m1, address: 198.18.0.11}\n", 5, "a comma is missing", "Correct the line"),
        ("hosts:\n\t- name: m1\n", 5, "a tab stands where blanks are wanted", "never with tabs"),
    ],
    ids=["unknown key", "broken YAML", "tab"],
)
def test_a_profile_that_can_not_be_read_is_refused(
    site: Lab, untouched: None, tmp_path: Path, text: str, line: int, cause: str, remedy: str
) -> None:
    profile = tmp_path / "broken.yaml"
    profile.write_text(f"version: 1\nname: broken\nendpoint: {{vip: 198.18.0.100}}\n{text}")
    for command in (["apply", profile, "--yes"], ["plan", profile], ["check", profile]):
        said = site.slipway(*command)
        assert (said.exit, said.result) == (2, "failed")
        for words in (str(profile), f"line {line}", cause, remedy):
            assert words in said.words


def test_a_count_that_no_new_install_may_have_is_refused(site: Lab, untouched: None) -> None:
    said = site.apply(site.written("two", lambda data: data["hosts"].pop()))
    assert (said.exit, said.result) == (2, "failed")
    assert {one["code"] for one in said.found["problems"]} >= {"etcd.even"}, said.found


@pytest.fixture
def copy(bundle: Bundle, tmp_path: Path) -> Bundle:
    """A copy of the bundle whose package of keepalived has a flipped byte."""
    folder = tmp_path / "bundle"
    shutil.copytree(bundle.folder, folder, copy_function=os.link)
    copied = load_bundle(folder)
    path = copied.path(package(copied))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()
    path.write_bytes(content)
    return copied


def package(bundle: Bundle) -> Any:
    return next(one for one in bundle.lock.artifacts if one.package == "keepalived" and one.release == "debian-12")


def test_a_bundle_with_a_flipped_byte_is_refused(site: Lab, untouched: None, copy: Bundle) -> None:
    said = site.apply(None, "--bundle", copy.folder)
    held(said, "bundle.altered")
    states(said.problem("bundle.altered"), package(copy).name, "slipway bundle build")


@pytest.fixture
def alone(site: Lab) -> Iterator[Path]:
    """A profile of m1 alone, for what shows only in the middle of an install; m1 is cleared afterwards."""
    yield site.written("alone", lambda data: data.update(hosts=data["hosts"][:1]))
    site.on("m1", "mountpoint -q /var/lib/slipway && umount /var/lib/slipway; rm -r /var/lib/slipway")
    shutil.rmtree(site.cluster)


def test_a_byte_that_flips_unseen_is_found_by_the_host(site: Lab, copy: Bundle, alone: Path) -> None:
    """The disk of the jump host alters a file by itself: its times stay, and only who reads it can know."""
    time.sleep(0.1)  # younger times are never trusted
    remember(copy, stats_of(copy))
    before = site.on("m1", "dpkg -l")
    said = site.apply(alone, "--bundle", copy.folder)
    assert (said.exit, said.result, said.found["failed"]) == (1, "failed", ["m1/packages"])
    problem = said.problem("step.checksum", "m1")
    states(problem, "package keepalived did not arrive on m1 as it was sent", "slipway bundle verify")
    assert site.on("m1", "dpkg -l") == before
    assert site.on("m1", "ls /etc/slipway /etc/kubernetes", check=False) == ""


def test_a_disk_that_fills_up_in_the_middle_is_said_so(site: Lab, alone: Path) -> None:
    practice.small_disk(site.host("m1"), "/var/lib/slipway", 1)
    before = site.on("m1", "dpkg -l")
    said = site.apply(alone)
    assert (said.exit, said.result, said.found["failed"]) == (1, "failed", ["m1/packages"])
    states(said.problem("step.disk-full", "m1"), "no space left on m1", "Free space")
    assert site.on("m1", "dpkg -l") == before
    assert site.on("m1", "ls /etc/slipway /etc/kubernetes", check=False) == ""
    # It does not stay full of packages that came in part.
    assert site.on("m1", "ls /var/lib/slipway/packages/*.deb", check=False) == ""
