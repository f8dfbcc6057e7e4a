"""Each way once: what is started, in which environment, and that the hosts are then as they shall be."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.bench import machine
from tests.bench.ten import work
from wizard import practice
from wizard.bundle.apt import Apt
from wizard.bundle.aptsources import SYSTEM_SOURCES, find_sources, named_release
from wizard.bundle.places import host_arch
from wizard.paths import cache_dir
from wizard.practice import Datacenter

HOSTS = 10
SIDES = ("floor", "engine", "pyinfra", "ansible")
PEERS = {"ansible": "ansible-core==2.19.14", "pyinfra": "pyinfra==3.10.0"}
HERE = Path(__file__).parent


def prepare(datacenter: Datacenter) -> None:
    """Make the peers' environments, and give the hosts the Python that ansible needs on them."""
    for name, requirement in PEERS.items():
        _environment(name, requirement)
    debs = _python_packages()
    for host in datacenter.hosts:
        target = host.folder / "varlib" / "python-debs"
        shutil.copytree(debs, target, dirs_exist_ok=True)
        # Some want others configured before they are unpacked (Pre-Depends): each pass gets further.
        install = "dpkg -i --force-unsafe-io /var/lib/python-debs/*.deb > /dev/null 2>&1"
        practice.execute(host, "sh", "-c", " || ".join([install] * 4))
        shutil.rmtree(target)


def measure(datacenter: Datacenter, side: str) -> dict[str, object]:
    """Do the work once by `side` and return the figures."""
    for host in datacenter.hosts:
        practice.execute(host, "rm", "-rf", work.ROOT)
    words, variables = _command(datacenter, side)
    idle = machine.wait_for_quiet()
    before = machine.work_of(datacenter.hosts)
    began = time.monotonic()
    done = subprocess.run(words, env={**os.environ, **variables}, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    used = machine.work_of(datacenter.hosts).since(before)
    if done.returncode != 0:
        raise SystemExit(f"{side} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    _demand_done(datacenter, side)
    return {
        "seconds": seconds,
        "idle before": idle,
        "hosts' processor seconds": used.hosts,
        "machine's processor seconds": used.machine,
    }


def _command(datacenter: Datacenter, side: str) -> tuple[list[str], dict[str, str]]:
    scratch = cache_dir() / "bench" / side
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    hosts = {host.name: host.address for host in datacenter.hosts}
    order = {
        "key": str(datacenter.key),
        "known_hosts": str(datacenter.known_hosts),
        "hosts": hosts,
        "state": str(scratch),
    }
    if side in ("floor", "engine"):
        return [sys.executable, str(HERE / f"{side}.py"), json.dumps(order)], {}
    if side == "ansible":
        return _ansible(scratch, order)
    return _pyinfra(scratch, order)


def _ansible(scratch: Path, order: dict[str, object]) -> tuple[list[str], dict[str, str]]:
    hosts = order["hosts"]
    assert isinstance(hosts, dict)
    (scratch / "template.j2").write_text(work.TEMPLATE)
    lines = [f"{name} ansible_host={address} address={address}" for name, address in hosts.items()]
    (scratch / "hosts").write_text("\n".join(["[all]", *lines, ""]))
    (scratch / "ansible.cfg").write_text(
        "[defaults]\nforks = 10\ninventory = hosts\nremote_user = root\n"
        f"private_key_file = {order['key']}\n"
        "[ssh_connection]\npipelining = true\ncontrol_path_dir = control\n"
        f"ssh_args = -C -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile={order['known_hosts']}\n"
    )
    extra = {
        "folders": work.FOLDERS,
        "templates": work.TEMPLATES,
        "commands": work.COMMANDS,
        "peers": list(hosts.values()),
        "source": str(scratch / "template.j2"),
    }
    shutil.copy(HERE / "playbook.yml", scratch)
    program = str(_folder("ansible") / "bin" / "ansible-playbook")
    words = [program, str(scratch / "playbook.yml"), "-e", json.dumps(extra)]
    (scratch / "control").mkdir()
    return words, {"ANSIBLE_CONFIG": str(scratch / "ansible.cfg"), "ANSIBLE_LOCAL_TEMP": str(scratch / "tmp")}


def _pyinfra(scratch: Path, order: dict[str, object]) -> tuple[list[str], dict[str, str]]:
    hosts = order["hosts"]
    assert isinstance(hosts, dict)
    names = {address: name for name, address in hosts.items()}
    data = {"ssh_user": "root", "ssh_key": order["key"], "ssh_known_hosts_file": order["known_hosts"]}
    (scratch / "inventory.py").write_text(f"hosts = {[(address, data) for address in names]!r}\n")
    shutil.copy(HERE / "deploy.py", scratch)
    told = {
        "folders": work.FOLDERS,
        "templates": work.TEMPLATES,
        "commands": work.COMMANDS,
        "template": work.TEMPLATE,
        "names": names,
    }
    program = str(_folder("pyinfra") / "bin" / "pyinfra")
    words = [program, "-y", "--parallel", "10", str(scratch / "inventory.py"), str(scratch / "deploy.py")]
    return words, {"BENCH_ORDER": json.dumps(told)}


def _demand_done(datacenter: Datacenter, side: str) -> None:
    """See on every host that all of the work was done, whichever way did it."""
    for host in datacenter.hosts:
        looks = ("ls -d folder* | wc -l", "cat command* | grep -c .", "stat -c %a folder*/*", "cat folder4/app9.conf")
        script = "; ".join((f"cd {work.ROOT}", *looks))
        said = practice.execute(host, "sh", "-c", script).splitlines()
        wanted = [str(len(work.FOLDERS)), str(2 * len(work.COMMANDS)), *(["640"] * len(work.TEMPLATES))]
        if said[:12] != wanted or f"listen = {host.address}:9009" not in said:
            raise SystemExit(f"{side} left {host.name} otherwise than it should: {said[:15]}")


def _folder(name: str) -> Path:
    return cache_dir() / "bench" / "venv" / PEERS[name].replace("==", "-")


def _environment(name: str, requirement: str) -> None:
    """Make the peer's environment, unless it is there whole."""
    folder = _folder(name)
    whole = folder / "whole"
    if whole.exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([str(folder / "bin" / "pip"), "install", "-q", requirement], check=True)
    whole.touch()


def _python_packages() -> Path:
    """Return a folder with the packages of Python for the hosts' release, fetched once."""
    folder = cache_dir() / "bench" / "python-debian-12"
    if folder.is_dir():
        return folder
    release = named_release("debian-12")
    scratch = folder.with_suffix(".unfinished")
    shutil.rmtree(scratch, ignore_errors=True)
    apt = Apt(scratch / "apt", release, host_arch(), find_sources(release, SYSTEM_SOURCES))
    apt.update()
    base = {package.name for package in apt.closure(apt.base())}
    wanted = [package for package in apt.closure(["python3"]) if package.name not in base]
    apt.download(wanted, scratch / "debs")
    (scratch / "debs").rename(folder)
    shutil.rmtree(scratch)
    return folder
