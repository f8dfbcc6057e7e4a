"""Locks: the cluster's on the jump host, and the leases on hosts, by really running their fragments."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.engine.fakes import run_here
from wizard.engine.locks import (
    HostLock,
    cluster_lock,
    holder_of,
    parse_take,
    release_fragment,
    renew_fragment,
    take_fragment,
)
from wizard.errors import Exit, HeldError
from wizard.remote.base import Command

MINE = HostLock("r1", "jump-1 (aaaa)", 60)
OTHER = HostLock("r2", "jump-2's own (bbbb)", 60)


async def take(root: Path, lock: HostLock, *, take_over: bool = False) -> object:
    result = await run_here(Command("echo noise\n" + take_fragment(lock, take_over=take_over, root=str(root))))
    assert result.ok, result.complaint
    return parse_take(result.text)


async def sh(script: str) -> int:
    return (await run_here(Command(f"set -eu\ndie() {{ exit 97; }}\n{script}"))).status


async def test_a_lease_is_taken_held_released_and_taken_by_another(tmp_path: Path) -> None:
    lease = tmp_path / "run/slipway/run.lock"
    reply = parse_take("")
    assert reply is None
    reply = await take(tmp_path, MINE)
    assert reply.taken  # type: ignore[attr-defined]
    data = json.loads(lease.read_text())
    assert (data["run"], data["holder"]) == ("r1", "jump-1 (aaaa)")
    held = await take(tmp_path, OTHER)
    assert (held.taken, held.run, held.holder, held.stale) == (False, "r1", "jump-1 (aaaa)", False)  # type: ignore[attr-defined]
    assert 0 < held.left <= 60  # type: ignore[attr-defined]
    assert await sh(release_fragment(OTHER, str(tmp_path))) == 0
    assert lease.exists()
    assert await sh(release_fragment(MINE, str(tmp_path))) == 0
    assert not lease.exists()
    assert (await take(tmp_path, OTHER)).taken  # type: ignore[attr-defined]
    assert "jump-2's own" in lease.read_text()


async def test_the_same_jump_host_takes_its_own_lease_over_without_asking(tmp_path: Path) -> None:
    await take(tmp_path, MINE)
    assert (await take(tmp_path, HostLock("r7", MINE.holder))).taken  # type: ignore[attr-defined]
    assert json.loads((tmp_path / "run/slipway/run.lock").read_text())["run"] == "r7"


async def test_a_stale_lease_is_told_and_taken_over_only_when_asked(tmp_path: Path) -> None:
    await take(tmp_path, HostLock("r1", "jump-1", -100))
    stale = await take(tmp_path, OTHER)
    assert (stale.taken, stale.stale, stale.run) == (False, True, "r1")  # type: ignore[attr-defined]
    assert (await take(tmp_path, OTHER, take_over=True)).taken  # type: ignore[attr-defined]


async def test_a_change_renews_its_own_lease_and_is_refused_when_another_has_it(tmp_path: Path) -> None:
    lease = tmp_path / "run/slipway/run.lock"
    assert await sh(renew_fragment(MINE, str(tmp_path))) == 0
    assert json.loads(lease.read_text())["run"] == "r1"
    before = lease.read_text()
    assert await sh(renew_fragment(OTHER, str(tmp_path))) == 97
    assert lease.read_text() == before


async def test_a_lease_that_cannot_be_read_is_somebodys(tmp_path: Path) -> None:
    (tmp_path / "run/slipway").mkdir(parents=True)
    (tmp_path / "run/slipway/run.lock").write_text("garbage")
    held = await take(tmp_path, MINE)
    assert (held.taken, held.stale) == (False, True)  # type: ignore[attr-defined]


def test_one_run_a_cluster_at_a_time(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with cluster_lock(folder, "r1"):
        with pytest.raises(HeldError) as held, cluster_lock(folder, "r2"):
            pass
        assert "run r1" in held.value.why
        assert str(os.getpid()) in held.value.why
        assert held.value.exit_code is Exit.HELD
    with cluster_lock(folder, "r2"):
        pass


def test_the_lock_ends_with_its_process(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom wizard.engine.locks import cluster_lock\n"
        "with cluster_lock(Path(sys.argv[1]), 'r1'):\n print('held', flush=True)\n time.sleep(600)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    with pytest.raises(HeldError), cluster_lock(tmp_path, "r2"):
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with cluster_lock(tmp_path, "r2"):
        pass


def test_a_holder_is_a_jump_host_and_a_folder(tmp_path: Path) -> None:
    assert holder_of(tmp_path / "a") == holder_of(tmp_path / "a")
    assert holder_of(tmp_path / "a") != holder_of(tmp_path / "b")
