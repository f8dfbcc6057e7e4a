"""What the keeper of a cluster does on an ordinary day, each under a write started every 50 ms through the VIP.

etcd grows from three members to five and shrinks again, every certificate is renewed, an apiserver's option is changed.
None of it moves the VIP as planned, so no failed write is anybody's due.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.bench import machine
from tests.bench.results import Figures
from tests.practice.failover import NAMESPACE, Site, to_themselves, writing
from tests.practice.helpers import Lab
from wizard.drill.writes import request
from wizard.paths import cache_dir
from wizard.practice import Datacenter

KINDS = {
    "grown": "etcd grows from 3 members to 5",
    "shrunk": "… and shrinks to 3 again",
    "renewed": "Every certificate is renewed",
    "option": "An option of every apiserver changes",
}
"""What is measured, by side, in order. An apiserver that is started anew comes last: with a new login at the kubelets
each breaks off its first connection to one (client-go, transport/cert_rotation.go), which is no matter of writes."""
LEFT = {"extra_args": {"kube-apiserver": {"audit-log-maxage": 29}}}
"""What the profile says afterwards that it did not before."""


class Masters(Site):
    """The cluster's masters; neither the VIP nor an apiserver is elsewhere."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(host.name for host in self.lab.hosts if "master" in host.roles)


def measure(datacenter: Datacenter, take: Callable[[str, Figures], None]) -> None:
    """Do all of it on the installed cluster of the datacenter's masters; `take` gets the figures of each."""
    site = Masters(Lab(datacenter, cache_dir() / "bench"))
    with to_themselves(site):
        asyncio.run(_all(site, take))


async def _all(site: Masters, take: Callable[[str, Figures], None]) -> None:
    await site.namespace("POST")
    for kind, words in _commands(site):
        await asyncio.to_thread(site.settle)
        idle = await asyncio.to_thread(machine.wait_for_quiet)
        take(kind, await _measured(site, kind, words) | {"idle before": idle})
    await site.namespace("DELETE")
    # Thousands of objects go with it, one by one: what is measured next shall not pay for that.
    gone = f"/api/v1/namespaces/{NAMESPACE}"
    for _ in range(180):
        if (await request(site.access, "GET", gone, seconds=20))[0] == 404:
            return
        await asyncio.sleep(1)
    raise SystemExit(f"the namespace {NAMESPACE} of the writes is not gone after 3 minutes")


def _commands(site: Masters) -> Iterator[tuple[str, tuple[str | Path, ...]]]:
    """Give each kind with its command; the profiles are written when their turn comes."""

    def profile(name: str, roles: set[str], **more: Any) -> Path:
        def bend(data: dict[str, Any]) -> None:
            data.update(more, hosts=[host for host in data["hosts"] if set(host["roles"]) & roles])

        return site.lab.written(name, bend)

    yield "grown", ("apply", profile("grown", {"master", "etcd"}))
    small = profile("shrunk", {"master"})
    yield "shrunk", ("apply", small, "--allow-removal")
    yield "renewed", ("certs", "renew", small)
    yield "option", ("apply", profile("option", {"master"}, **LEFT))


async def _measured(site: Masters, kind: str, words: tuple[str | Path, ...]) -> Figures:
    before = machine.work_of(site.lab.hosts)
    async with writing(site, kind) as measured:
        began = time.monotonic()
        said = await asyncio.to_thread(site.lab.slipway, *words, "--yes")
        seconds = time.monotonic() - began
    work = machine.work_of(site.lab.hosts).since(before)
    if said.exit != 0 or not said.changed:
        raise SystemExit(f"slipway failed, or changed nothing ({KINDS[kind]}): {said.found}\n{said.words}")
    if measured.failures:
        print(f"{kind}: {measured!r}", flush=True)
    return {
        "seconds": seconds,
        "writes": len(measured.writes),
        "failed": len(measured.failures),
        "lost": len(await measured.lost()),
        "longest": max(write.ended - write.started for write in measured.writes),
        "hosts' processor seconds": work.hosts,
        "machine's processor seconds": work.machine,
    }
