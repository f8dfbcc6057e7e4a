"""The writes that failures are measured by: over real TLS, against a stand-in for the API."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from wizard.drill.writes import Write, Writer, access_of, failed, outage, request
from wizard.errors import SlipwayError

from .api import authority, serving


async def until(test: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not test():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_acknowledged_writes_exist_and_a_lost_one_is_named(tmp_path: Path) -> None:
    async with serving(tmp_path, authority()) as (api, kubeconfig):
        writer = Writer(access_of(kubeconfig), prefix="w", interval=0.02)
        async with writer:
            await until(lambda: len(api.names) >= 5)
        assert not failed(writer.writes)
        assert sorted(api.names) == sorted(f"w-{write.number}" for write in writer.writes)
        assert api.users == {"kubernetes-admin"}
        assert await writer.lost() == ()
        gone = api.names.pop(2)
        assert await writer.lost() == (gone,)


@pytest.mark.parametrize(("mode", "word"), [("refuse", "500"), ("drop", "without an answer"), ("hang", "TimeoutError")])
async def test_every_kind_of_failure_counts_and_none_waits_for_another(tmp_path: Path, mode: str, word: str) -> None:
    async with serving(tmp_path, authority()) as (api, kubeconfig):
        writer = Writer(access_of(kubeconfig), interval=0.02)
        async with writer:
            await until(lambda: api.names)
            api.mode = mode
            seen = len(writer.writes)
            await until(lambda: len(failed(writer.writes)) >= 3)
            api.mode = "ok"
            before = len(api.names)
            await until(lambda: len(api.names) > before)
        assert all(word in write.failure for write in failed(writer.writes))
        assert len(writer.writes) > seen + 3
        assert await writer.lost() == (), "a write that failed is not missed"


async def test_a_server_that_nobody_trusts_gets_no_write(tmp_path: Path) -> None:
    async with serving(tmp_path, authority(), trusted=authority("another")) as (api, kubeconfig):
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            await request(access_of(kubeconfig), "GET", "/", seconds=20)
        assert not api.users


async def test_a_port_that_nobody_listens_on_is_a_failed_write(tmp_path: Path) -> None:
    async with serving(tmp_path, authority()) as (_, kubeconfig):
        access = access_of(kubeconfig)
    writer = Writer(access, interval=0.02)
    async with writer:
        await until(lambda: len(writer.writes) >= 2)
    assert len(failed(writer.writes)) == len(writer.writes)


@pytest.mark.parametrize(
    "text", ["", "a: b", "clusters: []", "{clusters: [{cluster: {certificate-authority-data: '!'}}]}"]
)
def test_a_kubeconfig_of_no_use_is_said_clearly(tmp_path: Path, text: str) -> None:
    path = tmp_path / "admin.conf"
    path.write_text(text)
    with pytest.raises(SlipwayError) as caught:
        access_of(path)
    assert caught.value.where == str(path)
    assert caught.value.hint


def test_an_outage_lasts_until_the_start_of_the_last_failed_write() -> None:
    writes = [
        Write(2, 10.1, 11.1, "late"),
        Write(0, 9.0, 9.1, "before"),
        Write(1, 10.0, 10.1),
        Write(3, 10.4, 10.5, "x"),
    ]
    assert outage(writes, 9.5) == pytest.approx(0.9)
    assert [write.number for write in failed(writes)] == [0, 2, 3]
    assert outage(writes, 10.45) == 0.0
    assert outage([], 0.0) == 0.0
