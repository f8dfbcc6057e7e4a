"""The server of these tests leaves nothing behind for a later test to stumble upon."""

from __future__ import annotations

import asyncio
import contextlib

import asyncssh
import pytest

from tests.ssh.server import Server


@pytest.mark.parametrize("seconds", [0.0, 0.0005, 0.001, 0.002, 0.004, 0.3])
async def test_no_command_outlives_its_server_however_far_it_is(tmp_path, key, seconds):
    """Also one whose shell is not there yet, and one whose child in a session of its own holds its pipes."""
    async with Server(tmp_path, authorized=[key.convert_to_public()]).listening() as server:
        client = await asyncssh.connect("127.0.0.1", server.port, username="root", client_keys=[key], known_hosts=None)
        running = asyncio.create_task(client.run("setsid sleep 1 & wait"))
        await asyncio.sleep(seconds)
        client.abort()
        with contextlib.suppress(asyncssh.Error):
            await running
    children = tuple(server.children)
    assert [child.returncode is not None for child in children] == [True] * len(children)
    assert all(child._transport.is_closing() for child in children)
    await asyncio.sleep(0.05)
    assert tuple(server.children) == children, "one began later"
