"""Practice datacenters for real: two at once, power, what a killed run leaves, and that nothing stays."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from wizard import practice
from wizard.cli.practice import practice_app
from wizard.errors import UsageError
from wizard.practice import cgroups, datacenter, kernel, machine, network, store
from wizard.profile.model import Profile

pytestmark = pytest.mark.practice

SLIPWAY = (sys.executable, "-m", "wizard")
OWN = f"test-{os.getpid()}-"
"""How the names of this run's datacenters begin; those of runs that are gone are ended before it starts."""


@dataclass(frozen=True)
class Pair:
    """Two datacenters that are up at once, as `up --json` described them, and the profile of the second."""

    one: dict[str, Any]
    two: dict[str, Any]
    profile: Path


def slipway(*words: str) -> dict[str, Any]:
    done = CliRunner().invoke(practice_app, [*words, "--json"])
    assert done.exit_code == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def ssh(name: str, host: str, script: str, stdin: str = "", check: bool = True) -> str:
    there = practice.load(name)
    words = practice.ssh_command(there, there.host(host))
    words[1:1] = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=5"]
    done = subprocess.run([*words, script], input=stdin, capture_output=True, text=True, timeout=60)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout.strip()


def traces(number: int) -> dict[str, list[str]]:
    """Return everything this machine has of the datacenter `number`."""
    mark = re.compile(rf"\bslip{number}\b")
    commands = {"links": ("ip", "-o", "link"), "rules": ("ip", "rule"), "namespaces": ("ip", "netns")}
    found = {key: run(*words) for key, words in commands.items()}
    found["addresses"] = [line for line in run("ip", "-o", "address") if f"198.18.{number}." in line]
    found["mounts"] = Path("/proc/self/mountinfo").read_text().splitlines()
    groups = cgroups.detect()
    found["groups"] = [str(path) for each in groups.folders(number, "*") for path in each.parent.glob(each.name)]
    found["processes"] = [pid for pid in processes() if alive(pid) and f"/slip{number}/" in belongs(pid)]
    return {
        key: [line for line in lines if key in {"addresses", "processes"} or mark.search(line)]
        for key, lines in found.items()
    }


def processes() -> list[str]:
    return [path.name for path in Path("/proc").iterdir() if path.name.isdigit()]


def alive(pid: str) -> bool:
    with suppress(OSError):
        return not re.search(r"^State:\s+[ZX]", Path("/proc", pid, "status").read_text(), re.M)
    return False


def belongs(pid: str) -> str:
    with suppress(OSError):
        return Path("/proc", pid, "cgroup").read_text()
    return ""


def run(*words: str) -> list[str]:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.fixture(scope="module", autouse=True)
def _clean() -> Iterator[None]:
    assert os.geteuid() == 0, "tests on practice hosts need root: run them with sudo"
    for name in practice.names():
        owner = re.fullmatch(r"test-(\d+)-\w+", name)
        if owner and not Path("/proc", owner[1]).exists():
            practice.down(name)
    yield
    for name in practice.names():
        if name.startswith(OWN):
            practice.down(name)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    profile = tmp_path_factory.mktemp("profile") / "two.yaml"
    words = [*SLIPWAY, "practice", "up", "--json"]
    shapes = (
        ["--name", f"{OWN}one"],
        ["--name", f"{OWN}two", "--etcd", "1", "--user", "ops", "--profile", str(profile)],
    )
    running = [subprocess.Popen([*words, *shape], stdout=-1, stderr=-1, text=True) for shape in shapes]
    said = [process.communicate(timeout=600) for process in running]
    for process, (_, complaint) in zip(running, said, strict=True):
        assert process.returncode == 0, complaint
    return Pair(json.loads(said[0][0]), json.loads(said[1][0]), profile)


def test_two_datacenters_have_hosts_and_networks_of_their_own(pair: Pair) -> None:
    assert [host["name"] for host in pair.one["hosts"]] == ["m1", "m2", "m3"]
    assert [host["name"] for host in pair.two["hosts"]] == ["m1", "m2", "m3", "e1"]
    assert pair.one["subnet"] != pair.two["subnet"]
    machine_ids, keys = set(), set()
    for each in (pair.one, pair.two):
        for host in each["hosts"]:
            state, name, machine_id, key = ssh(
                each["name"],
                host["name"],
                "systemctl is-system-running --wait; hostname; cat /etc/machine-id; cat /etc/ssh/*_key.pub",
            ).splitlines()
            assert (state, name) == ("running", host["name"])
            machine_ids.add(machine_id)
            keys.add(key.split()[1])
            assert Path(f"/proc/{host['pid']}/comm").read_text() == "systemd\n"
    assert len(machine_ids) == len(keys) == 7


def test_the_profile_is_ready_and_pins_the_host_keys(pair: Pair) -> None:
    profile = Profile.model_validate(yaml.safe_load(pair.profile.read_text()))
    assert [(host.name, host.fingerprint) for host in profile.hosts] == [
        (host["name"], host["fingerprint"]) for host in pair.two["hosts"]
    ]
    assert profile.ssh.user == "ops"
    assert len(profile.etcd_members) == 4
    address = pair.two["hosts"][0]["address"]
    shown = subprocess.run(
        ["sh", "-c", f"ssh-keyscan -t ed25519 {address} 2>/dev/null | ssh-keygen -lf -"], capture_output=True, text=True
    )
    assert profile.hosts[0].fingerprint in shown.stdout


def test_the_user_becomes_root_with_the_password_alone(pair: Pair) -> None:
    name, password = pair.two["name"], pair.two["password"]
    assert ssh(name, "m1", "id -un") == "ops"
    there = practice.load(name)
    words = [*practice.ssh_command(there, there.host("m1"))]
    words[-1] = words[-1].replace("ops@", "root@")
    assert "denied" in subprocess.run([*words, "-o", "BatchMode=yes", "id"], capture_output=True, text=True).stderr
    assert ssh(name, "m1", "sudo -S -p '' id -u", stdin=f"{password}\n") == "0"
    assert ssh(name, "m1", "sudo -k; sudo -n id -u", check=False) == ""
    assert ssh(name, "m1", "sudo -k; sudo -S -p '' id -u", stdin="wrong\n", check=False) == ""


def test_no_way_leads_out(pair: Pair) -> None:
    one, neighbour = pair.one, pair.two["hosts"][0]["address"]
    here = one["hosts"][0]["address"]
    ping = "ping -q -c 1 -W 1 {} >/dev/null && echo answers || echo silence"
    assert ssh(one["name"], "m1", ping.format(one["hosts"][1]["address"])) == "answers"
    assert ssh(one["name"], "m1", ping.format(neighbour)) == "silence"
    # Whatever the machine's own forwarding is set to, the kernel's route for such a packet is a refusal.
    number = practice.load(one["name"]).number
    route = subprocess.run(
        ["ip", "route", "get", neighbour, "from", here, "iif", f"slip{number}"], capture_output=True, text=True
    )
    assert route.returncode != 0
    assert any(f"iif slip{number} prohibit" in line for line in run("ip", "rule"))


def test_an_isolated_namespace_sees_the_hosts_and_nothing_else(pair: Pair) -> None:
    there = practice.load(pair.one["name"])
    script = "import socket,sys; socket.create_connection((sys.argv[1], 22), 2).recv(4) == b'SSH-' or sys.exit(1)"
    server = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import socket; s=socket.create_server(('0.0.0.0', 22022)); print(flush=True); s.accept()",
        ],
        stdout=subprocess.PIPE,
    )
    try:
        assert server.stdout is not None
        server.stdout.readline()
        with practice.isolated_namespace(there) as inside:
            namespace = inside.netns
            for host in there.hosts:
                words = inside.command(sys.executable, "-c", script, host.address)
                assert subprocess.run(words, capture_output=True).returncode == 0
            assert run(*inside.command("ip", "route", "show", "default")) == []
            knock = f"import socket; socket.create_connection(('{there.gateway}', 22022), 1)"
            assert subprocess.run(inside.command(sys.executable, "-c", knock), capture_output=True).returncode != 0
            assert subprocess.run([sys.executable, "-c", knock], capture_output=True).returncode == 0
    finally:
        server.kill()
        server.communicate()
    assert not network.exists(namespace)


def test_power_off_leaves_the_disk_and_nothing_running(pair: Pair) -> None:
    name = pair.one["name"]
    vip = pair.one["vip"]
    ssh(
        name,
        "m1",
        f"sleep 999 >&- 2>&- & echo kept | tee /var/lib/kept >/etc/kept; sync; ip address add {vip}/32 dev eth0",
    )
    before = practice.load(name).host("m1")
    pid, mac = before.pid, ssh(name, "m1", "cat /sys/class/net/eth0/address")
    slipway("power-off", "m1", "--name", name)
    assert not alive(str(pid))
    assert [host["running"] for host in slipway("status", "--name", name)["datacenters"][0]["hosts"]] == [
        False,
        True,
        True,
    ]
    assert traces(before.number)["groups"] == [g for g in traces(before.number)["groups"] if not g.endswith("/m1")]
    assert not network.exists(before.netns)
    assert slipway("power-off", "m1", "--name", name)["host"]["running"] is False

    assert slipway("power-on", "m1", "--name", name)["host"]["running"] is True
    assert ssh(name, "m1", "cat /var/lib/kept /etc/kept") == "kept\nkept"
    assert ssh(name, "m1", "cat /sys/class/net/eth0/address") == mac
    assert vip not in ssh(name, "m1", "ip -o address")
    assert ssh(name, "m1", "systemctl is-system-running --wait") == "running"


def test_a_cut_ends_every_process_at_once(pair: Pair) -> None:
    there = practice.load(pair.one["name"])
    target = there.host("m3")
    inside = cgroups.pids(cgroups.detect().folders(target.number, "m3"))
    practice.cut(target)
    hosts = [pid for pid in inside if alive(str(pid)) and "unshare" not in Path(f"/proc/{pid}/comm").read_text()]
    assert hosts == []
    practice.power_on(target)
    assert ssh(there.name, "m3", "echo back") == "back"


def test_a_small_disk_fills(pair: Pair) -> None:
    target = practice.load(pair.one["name"]).host("m2")
    practice.small_disk(target, "/var/lib/small", 1)
    said = ssh(
        pair.one["name"],
        "m2",
        "head -c 2M /dev/zero >/var/lib/small/file; LC_ALL=C df --output=avail /var/lib/small",
        check=False,
    )
    assert said.split()[-1] == "0"
    practice.execute(target, "umount", "/var/lib/small")


def test_kernel_settings_of_the_machine_are_put_back_and_its_clock_is_not_touched(pair: Pair, tmp_path: Path) -> None:
    kernel.save(tmp_path / "settings.json")
    before = kernel.current()
    other = "1" if before["vm.overcommit_memory"] != "1" else "0"
    target = practice.load(pair.one["name"]).host("m1")
    practice.execute(target, "sysctl", "-q", "-w", f"vm.overcommit_memory={other}", "kernel.panic=17")
    assert kernel.current()["kernel.panic"] == "17"
    kernel.restore(tmp_path / "settings.json")
    assert kernel.current() == before
    assert not (tmp_path / "settings.json").exists()
    assert "not permitted" in ssh(pair.one["name"], "m1", "LC_ALL=C date -s @1 2>&1", check=False)


def test_up_again_changes_nothing_and_another_shape_is_refused(pair: Pair) -> None:
    name = pair.two["name"]
    before = {host.name: host.pid for host in practice.load(name).hosts}
    assert {
        host["name"]: host["pid"] for host in slipway("up", "--name", name, "--etcd", "1", "--user", "ops")["hosts"]
    } == before
    with pytest.raises(UsageError, match="another shape"):
        practice.up(practice.Spec(name=name, masters=1))
    assert {host.name: host.pid for host in practice.load(name).hosts} == before


def test_what_a_killed_up_left_is_cleared_by_the_next_up_and_by_down() -> None:
    name = f"{OWN}killed"
    kill_half_way(name)
    left = store.load(name)
    assert not left.ready
    assert traces(left.number)["links"]
    made = practice.up(practice.Spec(name=name, masters=2))
    assert made.ready
    assert [host.running for host in made.hosts] == [True, True]
    assert ssh(name, "m2", "hostname") == "m2"
    practice.down(name)

    kill_half_way(name)
    number = store.load(name).number
    practice.down(name)
    assert not any(traces(number).values())
    assert name not in practice.names()


def kill_half_way(name: str) -> None:
    words = [*SLIPWAY, "practice", "up", "--name", name, "--masters", "2"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "booting" in line:
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL


def test_a_datacenter_comes_back_after_a_restart_of_the_machine() -> None:
    """A restart takes processes, links and /run away and leaves disk and state; so does this."""
    spec = practice.Spec(name=f"{OWN}again", masters=1)
    before = practice.up(spec)
    ssh(before.name, "m1", "echo kept >/etc/kept; sync")
    datacenter.sweep(before.number)
    machine.release(before.folder)
    assert not any(traces(before.number).values())
    assert practice.up(spec) == before
    assert ssh(before.name, "m1", "cat /etc/kept") == "kept"
    practice.down(before.name)


def test_a_datacenter_whose_state_is_gone_is_cleared_by_the_next_command() -> None:
    lost = practice.up(practice.Spec(name=f"{OWN}lost", masters=1))
    shutil.rmtree(lost.folder)
    practice.down(lost.name)
    assert not any(traces(lost.number).values())


def test_a_host_boots_on_version_2_control_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the machine has version 1, its version 2 hierarchy stands in: the same tree, but no controllers."""
    second = next(
        Path(line.split()[4]) for line in Path("/proc/self/mountinfo").read_text().splitlines() if " - cgroup2 " in line
    )
    if cgroups.detect().version == 1:
        groups = cgroups.Cgroups(2, (cgroups.Hierarchy(second),))
        monkeypatch.setattr(cgroups, "detect", lambda: groups)
    made = practice.up(practice.Spec(name=f"{OWN}second", masters=1))
    assert "0::/init.scope" in practice.execute(made.hosts[0], "cat", "/proc/1/cgroup")
    assert (
        ssh(made.name, "m1", "stat -f -c %T /sys/fs/cgroup; systemctl is-system-running --wait") == "cgroup2fs\nrunning"
    )
    practice.power_off(made.hosts[0])
    assert not made.hosts[0].running
    practice.down(made.name)
    assert not any(traces(made.number).values())


def test_down_leaves_nothing(pair: Pair) -> None:
    numbers = [practice.load(each["name"]).number for each in (pair.one, pair.two)]
    for number in numbers:
        assert all(traces(number)[kind] for kind in ("links", "rules", "namespaces", "groups", "processes"))
    for each in (pair.one, pair.two):
        assert slipway("down", "--name", each["name"])["ended"] == [each["name"]]
    for number in numbers:
        assert not any(traces(number).values())
    assert not [path for path in store.practice_dir().iterdir() if OWN in path.name]
    done = CliRunner().invoke(practice_app, ["down", "--name", pair.one["name"]])
    assert done.exit_code == 2
    assert "there is no practice datacenter" in done.stderr
