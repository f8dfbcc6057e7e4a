"""Hosts of a cluster that stands get further roles: masters become etcd members, and hosts for etcd alone masters."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from wizard.bundle.opened import Bundle

from .failover import Site, beside, writing
from .helpers import Lab, Labs
from .shares import behind

pytestmark = [pytest.mark.practice, pytest.mark.torture]

BEFORE = {"m1": ("master", "etcd"), "m2": ("master",), "m3": ("master",), "m4": ("etcd",), "m5": ("etcd",)}
BOTH = ("master", "etcd")


@pytest.fixture(scope="module")
def site(labs: Labs, bundle: Bundle) -> Iterator[Site]:
    made = labs.open("roles", masters=5)
    yield Site(made.installed(roles(made, "before", BEFORE)))
    labs.end("roles")


def roles(lab: Lab, name: str, wanted: dict[str, tuple[str, ...]]) -> Path:
    def bend(data: dict[str, list[dict[str, object]]]) -> None:
        for host in data["hosts"]:
            host["roles"] = list(wanted[str(host["name"])])

    return lab.written(name, bend)


def test_a_role_is_not_given_up_by_a_host_that_stays(site: Site) -> None:
    held = site.lab.apply(roles(site.lab, "less", {**BEFORE, "m2": BOTH, "m5": ("worker",)}))
    assert (held.exit, held.result, held.errors()) == (3, "held", ["m5 change.role"]), held
    said = held.problem("change.role", "m5")
    assert "m5 is an etcd member of this cluster, and the profile makes it a worker" in said["message"]
    assert "--allow-removal" in said["hint"]


async def test_masters_become_members_and_members_masters_under_writes(site: Site) -> None:
    lab = site.lab
    after = roles(lab, "after", dict.fromkeys(BEFORE, BOTH))
    await site.namespace("POST")
    members = {name: lab.on(name, "pgrep -x etcd") for name in ("m1", "m4", "m5")}
    with behind(site, "m4", "m5"):
        async with writing(site, "roles") as measured:
            said = await asyncio.to_thread(lab.apply, after)
    print(f"\ngrew in {said.found['seconds']} s under {len(measured.writes)} writes: {measured!r}")
    assert (said.exit, said.result) == (0, "done"), said
    rows = lab.on("m1", "set -a; . /etc/etcd/etcdctl.env; etcdctl member list").splitlines()
    assert {row.split(", ")[2] for row in rows if row.endswith("false")} == set(BEFORE)
    assert lab.ready_nodes() == set(BEFORE)
    assert {name: lab.on(name, "pgrep -x etcd") for name in members} == members, "those that were there run on"
    record = lab.journal().record(said.found["run"])
    assert len(measured.failures) <= 0.01 * len(measured.writes), beside(measured, record)
    assert not await measured.lost(), "an acknowledged write is gone"
    again = lab.apply(after)
    assert (again.exit, again.found["changed"]) == (0, [])
