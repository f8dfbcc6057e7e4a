"""keepalived-guard and check-haproxy, run for real: their shell, against a stand-in for ``ip`` and a real socket."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from wizard.render import api

from .sites import by_path, site


class Guard:
    """The rendered script with its places moved into a folder; ``ip`` is a fake that keeps the VIP in a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        script = by_path(api.keepalived(site(), site().profile.hosts[0]))[f"{api_libexec()}/keepalived-guard"].text
        script = script.replace("/run/slipway", str(folder)).replace("/etc/keepalived", str(folder / "etc"))
        script = script.replace("sleep ", f"echo slept >> {folder}/slept; : ")
        (folder / "guard").write_text(script)
        (folder / "etc").mkdir()
        for name in ("keepalived.conf", "owner.conf"):
            (folder / "etc" / name).write_text(name)
        (folder / "bin").mkdir()
        fake = folder / "bin" / "ip"
        fake.write_text(
            f'#!/bin/sh\n# A fake of ip(8).\ncase "$*" in *"address del"*) rm {folder}/vip;; '
            f"*) cat {folder}/vip 2>/dev/null;; esac\n"
        )
        fake.chmod(0o755)
        self.write("haproxy", "0")

    def write(self, name: str, content: str) -> None:
        (self.folder / name).write_text(content + "\n")

    def run(self, verb: str, **more: str) -> None:
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        result = subprocess.run(
            ["bash", str(self.folder / "guard"), verb], env={"PATH": path, **more}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr

    def stamp(self, name: str, ago: float) -> None:
        """Write when something was, as the guard does: in milliseconds since boot."""
        uptime = float(Path("/proc/uptime").read_text().split()[0])
        self.write(f"keepalived.{name}", str(int((uptime - ago) * 1000)))

    def ran_for(self, seconds: int) -> None:
        self.stamp("started", seconds)

    @property
    def vip(self) -> bool:
        return (self.folder / "vip").exists()

    @property
    def config(self) -> str:
        return (self.folder / "keepalived.conf").resolve().name


def api_libexec() -> str:
    return "/usr/local/libexec/slipway"


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    return Guard(tmp_path)


def test_an_ordinary_start_is_the_usual_one(guard: Guard) -> None:
    guard.run("before-start")
    assert guard.config == "keepalived.conf"


def test_killed_while_it_held_the_vip_it_resumes_as_owner_and_then_is_an_equal(guard: Guard) -> None:
    guard.write("vip", "198.18.0.100/32")
    guard.write("keepalived-vrrp.pid", "123")
    guard.ran_for(60)
    guard.run("after-stop")
    assert guard.vip
    assert (guard.folder / "keepalived.held").exists()
    # In the future, so that a slow machine can't make it late.
    guard.stamp("held", -60)
    guard.run("before-start")
    assert guard.config == "owner.conf"
    child = subprocess.Popen(["sleep", "30"])
    try:
        guard.run("after-start", MAINPID=str(child.pid))
        assert guard.config == "keepalived.conf"
        assert child.wait(5) == -1, "it was told to read its configuration anew (SIGHUP)"
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize("ago", [2.0, None])
def test_late_it_starts_in_the_usual_way(guard: Guard, ago: float | None) -> None:
    guard.write("keepalived.held", "") if ago is None else guard.stamp("held", ago)
    guard.run("before-start")
    assert guard.config == "keepalived.conf"
    assert not (guard.folder / "keepalived.held").exists()
    assert (guard.folder / "slept").exists(), "it takes the VIP off as it starts: not before another master has it"


def test_one_that_can_not_start_is_not_started_in_a_tight_loop(guard: Guard) -> None:
    guard.run("before-start")
    assert not (guard.folder / "slept").exists()
    guard.stamp("tried", -60)
    guard.run("before-start")
    assert (guard.folder / "slept").exists()


def test_killed_again_at_once_it_gives_the_vip_up(guard: Guard) -> None:
    guard.write("vip", "198.18.0.100/32")
    guard.write("keepalived-vrrp.pid", "123")
    guard.ran_for(1)
    guard.run("after-stop")
    assert not guard.vip
    assert (guard.folder / "slept").exists(), "not before another master has it"


def test_without_a_balancer_behind_it_it_gives_the_vip_up(guard: Guard) -> None:
    guard.write("vip", "198.18.0.100/32")
    guard.write("keepalived-vrrp.pid", "123")
    guard.write("haproxy", "1")
    guard.ran_for(60)
    guard.run("after-stop")
    assert not guard.vip


def test_a_start_that_fails_after_a_kill_gives_the_vip_up(guard: Guard) -> None:
    guard.write("vip", "198.18.0.100/32")
    guard.write("keepalived-vrrp.pid", "123")
    guard.ran_for(60)
    guard.run("after-stop")
    guard.run("before-start")
    guard.run("after-stop")
    assert not guard.vip


def test_a_clean_stop_gives_the_vip_up_after_its_goodbye(guard: Guard) -> None:
    guard.write("vip", "198.18.0.100/32")
    guard.ran_for(60)
    guard.run("after-stop")
    assert not guard.vip
    assert (guard.folder / "slept").exists()


def test_a_backup_that_dies_touches_nothing(guard: Guard) -> None:
    guard.write("keepalived-vrrp.pid", "123")
    guard.ran_for(60)
    guard.run("after-stop")
    guard.run("before-start")
    assert guard.config == "keepalived.conf"
    assert not (guard.folder / "slept").exists()


def answering(answer: bytes | None) -> tuple[socket.socket, int]:
    """A server that gives every client `answer`, or takes the connection and says nothing (None)."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            if answer is not None:
                with client:
                    client.recv(1024)
                    client.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    return server, server.getsockname()[1]


@pytest.mark.parametrize(
    ("answer", "passes"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\n", True),
        (b"HTTP/1.0 503 Service Unavailable\r\n\r\n", False),
        (b"", False),
        (None, False),
    ],
)
def test_check_haproxy(answer: bytes | None, passes: bool, tmp_path: Path) -> None:
    server, port = answering(answer)
    script = by_path(api.keepalived(site(), site().profile.hosts[0]))[f"{api_libexec()}/check-haproxy"]
    assert script.mode == 0o755
    (tmp_path / "check").write_text(script.text.replace("9443", str(port)))
    with server:
        result = subprocess.run(["bash", str(tmp_path / "check")], capture_output=True, timeout=10, check=False)
    assert (result.returncode == 0) is passes


def test_check_haproxy_fails_where_nobody_listens(tmp_path: Path) -> None:
    server, port = answering(None)
    server.close()
    script = by_path(api.keepalived(site(), site().profile.hosts[0]))[f"{api_libexec()}/check-haproxy"].text
    (tmp_path / "check").write_text(script.replace("9443", str(port)))
    result = subprocess.run(["bash", str(tmp_path / "check")], capture_output=True, timeout=10, check=False)
    assert result.returncode != 0
