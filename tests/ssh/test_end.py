"""Ends before the end: time is up, nobody waits any more, the connection breaks."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.ssh.server import Wire
from wizard.remote import launch
from wizard.remote.base import Command, TimedOut, Unreachable
from wizard.remote.ssh import SshConnector, login
from wizard.remote.ssh import connection as connection_module


def stat_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text()


async def gone(pid: int) -> bool:
    """Tell whether process `pid` ends within a while (a zombie has ended)."""
    for _ in range(400):
        try:
            state = stat_of(pid).rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        await asyncio.sleep(0.05)
    return False


def pid_in(folder: Path) -> int:
    return int((folder / "pid").read_text())


async def started(folder: Path) -> int:
    for _ in range(1000):
        if (folder / "pid").exists() and (folder / "pid").read_text().endswith("\n"):
            return pid_in(folder)
        await asyncio.sleep(0.01)
    raise AssertionError("the command never began")


def sleeper(folder: Path, timeout: float) -> Command:
    """A command that has a child of its own."""
    return Command(f"echo begun; sleep 600 & echo $! > {folder}/pid; wait", timeout=timeout)


@pytest.mark.parametrize("sudo", [False, True])
async def test_time_is_up_on_the_host_as_well(connector, target, server, tmp_path, sudo):
    server.sudo("nopasswd")
    connection = await connector.connect(replace(target, sudo=sudo))
    with pytest.raises(TimedOut) as caught:
        await connection.run(sleeper(tmp_path, 1))
    assert await gone(pid_in(tmp_path))
    assert caught.value.where == "m1"
    assert "1 s" in caught.value.why
    assert caught.value.details == "begun"
    assert caught.value.transient
    assert (await connection.run(Command("echo fine"))).text == "fine\n"


async def test_a_command_that_ignores_the_end_is_killed(connector, target, tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "KILL_AFTER", 0.3)
    connection = await connector.connect(target)
    stubborn = f"trap '' TERM; echo $$ > {tmp_path}/pid; while :; do sleep 1; done"
    with pytest.raises(TimedOut):
        await connection.run(Command(stubborn, timeout=1))
    assert await gone(pid_in(tmp_path))


async def test_exit_124_of_the_command_itself_is_a_result(connector, target):
    assert (await (await connector.connect(target)).run(Command("exit 124"))).status == 124


@pytest.mark.parametrize("sudo", [False, True])
async def test_a_cancelled_command_ends_on_the_host(connector, target, server, tmp_path, sudo):
    server.sudo("nopasswd")
    connection = await connector.connect(replace(target, sudo=sudo))
    running = asyncio.create_task(connection.run(sleeper(tmp_path, 600)))
    pid = await started(tmp_path)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await gone(pid)
    assert (await connection.run(Command("echo fine"))).text == "fine\n"


async def test_a_connection_lost_in_the_middle_is_opened_anew(connector, target, server, tmp_path):
    connection = await connector.connect(target)
    running = asyncio.create_task(connection.run(sleeper(tmp_path, 5)))
    pid = await started(tmp_path)
    server.cut()
    with pytest.raises(Unreachable, match="Lost the connection") as caught:
        await running
    assert caught.value.where == "m1"
    assert caught.value.transient
    again = await connector.connect(target)
    assert again is not connection
    assert (await again.run(Command("echo back"))).text == "back\n"
    os.kill(pid, 9)


async def test_a_host_that_goes_silent_is_given_up(connector, target, server, monkeypatch, tmp_path):
    monkeypatch.setattr(login, "KEEPALIVE", 0.2)
    async with Wire(server.port).up() as wire:
        connection = await connector.connect(replace(target, port=wire.port))
        running = asyncio.create_task(connection.run(Command(f"echo $$ > {tmp_path}/pid; exec sleep 600", timeout=600)))
        await started(tmp_path)
        wire.go_silent()
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1.*it answered nothing"):
            await running
        assert connection.closed


async def test_closing_a_silent_connection_does_not_wait_for_it(connector, target, server, monkeypatch):
    monkeypatch.setattr(connection_module, "CLOSE_WAIT", 0.2)
    async with Wire(server.port).up() as wire:
        connection = await connector.connect(replace(target, port=wire.port))
        running = asyncio.create_task(connection.run(Command("cat >/dev/null", (bytes(50_000_000),), timeout=600)))
        wire.go_silent()
        await asyncio.sleep(0.3)
        await connection.close()
        assert connection.closed
        with pytest.raises(Unreachable):
            await running


async def test_a_command_on_a_closed_connection(connector, target):
    connection = await connector.connect(target)
    await connection.close()
    await connection.close()
    with pytest.raises(Unreachable):
        await connection.run(Command("true"))
    assert (await (await connector.connect(target)).run(Command("echo new"))).text == "new\n"


async def test_an_open_connection_is_given_again(connector, target, server):
    first, second = await asyncio.gather(connector.connect(target), connector.connect(target))
    assert first is second
    assert len(server.connections) == 1


async def test_without_a_server_it_says_refused(tmp_path, target, unused_port):
    with pytest.raises(Unreachable, match="connection refused") as caught:
        await SshConnector(tmp_path / "kh").connect(replace(target, port=unused_port))
    assert "systemctl status ssh" in caught.value.hint


@pytest.fixture
async def unused_port():
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port


async def test_what_speaks_no_ssh_and_what_says_nothing(tmp_path, target, monkeypatch):
    monkeypatch.setattr(login, "LOGIN_TIME", 0.3)

    async def http(reader, writer):
        writer.write(b"SSH-1.0-ancient\r\n")
        await reader.read()
        writer.close()

    async def mute(reader, writer):
        await reader.read()
        writer.close()

    for serve, words in ((http, "no proper SSH"), (mute, "login takes too long")):
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unreachable, match=words):
            await SshConnector(tmp_path / "kh").connect(replace(target, port=port))
        server.close()


async def test_a_name_without_an_address(tmp_path, target):
    with pytest.raises(Unreachable, match="no address"):
        await SshConnector(tmp_path / "kh").connect(replace(target, address="no-such-host.invalid"))
