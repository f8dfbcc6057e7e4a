"""Through a bastion: only its SSH port is open."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.ssh.server import Server
from wizard.remote.base import Blob, Command, HostKeyUnknown, LoginRefused, Unreachable
from wizard.remote.ssh import SshConnector


@pytest.fixture
async def chain(tmp_path, server, key, key_file):
    """Two bastions before the server, all with pinned keys."""
    known = [key.convert_to_public()]
    async with (
        Server(tmp_path / "outer", authorized=known).listening() as outer,
        Server(tmp_path / "inner", authorized=known).listening() as inner,
    ):
        hops = tuple(
            hop.target(key_file, name, fingerprint=hop.fingerprint)
            for hop, name in ((outer, "outer"), (inner, "inner"))
        )
        yield outer, inner, server.target(key_file, fingerprint=server.fingerprint, via=hops)


async def test_commands_and_blobs_go_through_the_chain(chain, connector, server, tmp_path):
    outer, inner, target = chain
    (tmp_path / "blob").write_bytes(bytes(1_000_000))
    connection = await connector.connect(target)
    result = await connection.run(Command("wc -c", (Blob(tmp_path / "blob", "", 1_000_000),)))
    assert result.text.strip() == "1000000"
    assert [len(one.connections) for one in (outer, inner, server)] == [1, 1, 1]
    assert outer.commands == inner.commands == []


async def test_hosts_share_the_way_to_the_bastion(chain, connector, server):
    outer, inner, target = chain
    await asyncio.gather(*(connector.connect(replace(target, name=f"m{number}")) for number in range(4)))
    assert [len(one.connections) for one in (outer, inner, server)] == [1, 1, 4]


@pytest.mark.parametrize("hop", [0, 1])
async def test_each_hop_is_verified(chain, tmp_path, hop):
    _, _, target = chain
    via = list(target.via)
    via[hop] = replace(via[hop], fingerprint="")
    target = replace(target, via=tuple(via))
    connector = SshConnector(tmp_path / "kh")
    with pytest.raises(HostKeyUnknown) as caught:
        await connector.connect(target)
    assert caught.value.where == via[hop].name
    connector.accept(target, caught.value.key)
    await connector.connect(target)
    await connector.close()


async def test_a_hop_that_refuses_is_named(chain, connector, server):
    outer, _, target = chain
    outer.authorized.clear()
    with pytest.raises(LoginRefused) as caught:
        await connector.connect(target)
    assert caught.value.where == "outer"


async def test_a_bastion_that_may_not_forward(chain, connector):
    _, inner, target = chain
    inner.forwarding = False
    with pytest.raises(Unreachable, match="may not forward") as caught:
        await connector.connect(target)
    assert caught.value.where == "m1"


async def test_a_port_nobody_listens_on_behind_the_bastion(chain, connector):
    _, _, target = chain
    with pytest.raises(Unreachable, match="jump host doesn't get there") as caught:
        await connector.connect(replace(target, port=1))
    assert "via 127.0.0.1" in caught.value.why


async def test_the_chain_is_opened_anew_after_it_broke(chain, connector):
    outer, _, target = chain
    connection = await connector.connect(target)
    running = asyncio.create_task(connection.run(Command("sleep 600")))
    await asyncio.sleep(0.2)
    outer.cut()
    with pytest.raises(Unreachable):
        await running
    assert (await (await connector.connect(target)).run(Command("echo back"))).text == "back\n"


async def test_a_forwarded_port_reaches_what_the_host_reaches(connection):
    async def echo(reader, writer):
        writer.write(b"got " + await reader.readline())
        writer.close()

    service = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with connection.forward("127.0.0.1", service.sockets[0].getsockname()[1]) as (address, port):
        assert address == "127.0.0.1"
        reader, writer = await asyncio.open_connection(address, port)
        writer.write(b"hello\n")
        assert await reader.read() == b"got hello\n"
        writer.close()
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        await asyncio.open_connection(address, port)
    service.close()


async def test_no_forward_over_a_lost_connection(connection):
    await connection.close()
    with pytest.raises(Unreachable):
        async with connection.forward("127.0.0.1", 1):
            pass
