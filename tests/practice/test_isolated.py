"""An install from a jump host that sees the hosts and nothing else, by a user who becomes root with a password."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from wizard import practice

from .helpers import Lab

pytestmark = pytest.mark.practice


def test_jump_host_and_hosts_see_each_other_and_nothing_else(closed: Lab) -> None:
    """What the install was run in: no way out from there, none from the hosts, not even to this machine."""
    words = [*closed.inside, "ip", "-4", "route"]
    routes = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line.split()[0] for line in routes] == [closed.datacenter.subnet]
    with socket.create_server(("0.0.0.0", 0)) as server:
        port = server.getsockname()[1]
        knock = [
            sys.executable,
            "-c",
            f"import socket; socket.create_connection(('{closed.datacenter.gateway}', {port}), 2)",
        ]
        assert subprocess.run(knock, capture_output=True).returncode == 0
        assert subprocess.run([*closed.inside, *knock], capture_output=True).returncode != 0
    for name in ("m1", "e1"):
        out = closed.on(name, "curl -s -m 2 -o /dev/null http://192.0.2.1/ || echo none; ip route get 192.0.2.1 2>&1")
        assert out.startswith("none")


def test_the_install_is_complete(closed: Lab) -> None:
    said = closed.kept["first"]
    assert (said.exit, said.result, said.found["failed"]) == (0, "done", [])
    assert closed.ready_nodes() == {"m1", "m2", "m3"}


def test_the_password_was_kept_nowhere(closed: Lab) -> None:
    password = closed.datacenter.spec.password
    assert password
    assert not [path for path in files(closed.cluster) if password.encode() in path.read_bytes()]
    for host in closed.hosts:
        places = "/etc /var/lib/slipway /run /tmp /home /root"
        script = f"grep -rlsF --devices=skip -e '{password}' {places}; journalctl -o cat | grep -cF -e '{password}'"
        assert practice.execute(host, "sh", "-c", f"{script}; true").split() == ["0"], host.name


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
