"""What the failover tests do to an installed cluster on practice hosts, and what they ask of it: without SSH."""

from __future__ import annotations

import asyncio
import csv
import errno
import json
import os
import shlex
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from wizard import practice
from wizard.drill.writes import Access, Write, Writer, access_of, failed, outage, request
from wizard.engine.record import Record
from wizard.practice import cgroups

from .helpers import Lab, until

ETCDCTL = "set -a; . /etc/etcd/etcdctl.env; etcdctl --command-timeout=2s"
HAPROXY = "socat -t 5 - UNIX-CONNECT:/run/haproxy/admin.sock"
NAMESPACE = "failover"
"""Where the writes go; made before the first and removed after the last."""
WARM, REST = 1.2, 3.0
"""Writes begin so long before what is done, and go on for so long after it, in seconds: late failures are seen."""


@dataclass(frozen=True)
class Site:
    """An installed cluster, as failures look at it."""

    lab: Lab

    @cached_property
    def access(self) -> Access:
        """Return who writes: the cluster's own admin, through the VIP."""
        return access_of(self.lab.cluster / "admin.conf")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(host.name for host in self.lab.hosts)

    def all(self, script: str) -> dict[str, str]:
        """Run a script on every host at once; hosts that are off or where it fails say nothing."""
        running = {
            host.name: subprocess.Popen(
                practice.inside(host, "sh", "-c", script), stdout=-1, stderr=-1, stdin=subprocess.DEVNULL, text=True
            )
            for host in self.lab.hosts
            if host.running
        }
        said = {name: process.communicate(timeout=60)[0].strip() for name, process in running.items()}
        return {name: text for name, text in said.items() if text and running[name].returncode == 0}

    def holders(self) -> tuple[str, ...]:
        """Return the hosts that have the VIP on an interface."""
        return tuple(self.all(f"ip -4 -o address show to {self.lab.vip}/32"))

    def holder(self) -> str:
        found = self.holders()
        assert len(found) == 1, f"the VIP is on {found or 'no host'}"
        return found[0]

    def leader(self) -> str:
        """Return the host of etcd's leader; empty while none says that it leads."""
        for name, text in self.all(f"{ETCDCTL} endpoint status -w json").items():
            status = json.loads(text)[0]["Status"]
            if status["header"]["member_id"] == status["leader"]:
                return name
        return ""

    def lead(self, name: str) -> None:
        """Make the etcd member on that host the leader."""
        there = self.leader()
        if there != name:
            status = json.loads(self.lab.on(name, f"{ETCDCTL} endpoint status -w json"))[0]["Status"]
            self.lab.on(there, f"{ETCDCTL} move-leader {status['header']['member_id']:x}")
            until(f"etcd on {name} leads", lambda: self.leader() == name, 10)

    def servers(self) -> dict[str, dict[str, dict[str, str]]]:
        """Return what each host's haproxy says of each apiserver: ``show stat``'s columns."""
        return {
            name: {row["svname"]: row for row in csv.DictReader(text.removeprefix("# ").splitlines())}
            for name, text in self.all(f"echo 'show stat apiservers 4 -1' | {HAPROXY}").items()
        }

    def states(self) -> dict[str, str]:
        """Return how each haproxy stands to each apiserver, such as ``UP``, by ``haproxy's host/apiserver``."""
        return {f"{by}/{of}": row["status"] for by, rows in self.servers().items() for of, row in rows.items()}

    def downs(self) -> dict[str, int]:
        """Return how often each haproxy took each apiserver down since it was loaded, by ``host/apiserver``."""
        return {f"{by}/{of}": int(row["chkdown"]) for by, rows in self.servers().items() for of, row in rows.items()}

    def whole(self) -> bool:
        """Tell whether all works: one holder, every etcd member healthy, every apiserver used by every haproxy."""
        count = len(self.names)
        healthy = self.all(f"{ETCDCTL} endpoint health >/dev/null 2>&1 && systemctl is-active keepalived haproxy")
        return (
            len(self.holders()) == 1
            and len(healthy) == count
            and list(self.states().values()) == ["UP"] * count * count
        )

    def settle(self) -> None:
        until("the cluster is whole again", self.whole, 180)

    async def namespace(self, method: str) -> None:
        """Make (POST) or remove (DELETE) the namespace that the writes go to."""
        there = "/api/v1/namespaces" + (f"/{NAMESPACE}" if method == "DELETE" else "")
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}} if method == "POST" else None
        status, content = await request(self.access, method, there, body, seconds=20)
        assert status in (200, 201, 202, 409), content

    def cut(self, name: str, measured: Measured) -> None:
        """Cut a host's power: link down, then every process dies."""
        measured.now()
        practice.cut(self.lab.host(name))

    def power_on(self, name: str) -> None:
        """Bring a host back whose power was cut. Called in a thread of its own."""
        os.setpriority(os.PRIO_PROCESS, 0, 0)  # this thread's: what it starts would inherit it
        host = self.lab.host(name)
        practice.power_off(host)
        practice.power_on(host)

    @contextmanager
    def trigger(self, host: str, script: str) -> Iterator[Callable[[], None]]:
        """Yield what runs `script` on a host within a millisecond: a shell waits there for the word."""
        words = practice.inside(self.lab.host(host), "sh", "-c", f"echo ready; read -r word; {script}")
        with subprocess.Popen(words, stdin=-1, stdout=-1, text=True, bufsize=1) as shell:
            assert shell.stdin is not None
            assert shell.stdout is not None
            assert shell.stdout.readline() == "ready\n"
            stdin = shell.stdin
            yield lambda: print("go", file=stdin)
            stdin.close()
            assert shell.wait(60) == 0, f"{host}: {script}"


@dataclass(repr=False)
class Measured:
    """Writes while something happened. `began` is the moment of the fault (monotonic seconds)."""

    writer: Writer
    began: float = 0.0
    back: float = 0.0
    """When what was done was undone (monotonic seconds)."""

    def now(self) -> None:
        """Say that the fault happens now."""
        self.began = time.monotonic()

    @property
    def writes(self) -> list[Write]:
        return self.writer.writes

    @property
    def failures(self) -> tuple[Write, ...]:
        return failed(self.writes)

    @property
    def seconds(self) -> float:
        """From the fault to the start of the last failed write."""
        return outage(self.writes, self.began)

    def __repr__(self) -> str:
        pulse = self.writer.pulse
        words = (
            f"{len(self.failures)} of {len(self.writes)} writes failed, the last {self.seconds:.2f} s after the fault; "
            f"the writer itself stood still for {pulse.stood:.2f} s, {pulse.worst:.2f} s at most at a time"
        )
        each = (
            f"\n  {write.started - self.began:+.2f} s, {write.ended - write.started:.2f} s long: {write.failure}"
            for write in self.failures
        )
        return words + "".join(each)

    @property
    def seconds_until_back(self) -> float:
        """From the fault to the start of the last failed write before it was undone."""
        return outage([write for write in self.writes if write.started < self.back], self.began)

    @property
    def figure(self) -> str:
        """Return the measured as two cells of a table."""
        return f"{len(self.failures)} | {f'{self.seconds:.2f} s' if self.failures else 'none'}"

    def undone(self) -> None:
        """Say that what was done is undone now."""
        self.back = time.monotonic()

    def failed_after(self, moment: float) -> tuple[Write, ...]:
        return tuple(write for write in self.failures if write.started >= moment)

    async def lost(self) -> tuple[str, ...]:
        """Return the acknowledged writes that are gone."""
        return await self.writer.lost()


def beside(measured: Measured, record: Record) -> str:
    """Return what was measured, and which of a run's steps were under way, or had just been, when writes failed."""
    if not measured.failures:
        return repr(measured)
    at_zero = time.time() - time.monotonic() + measured.began
    first, last = (measured.failures[end].started - measured.began for end in (0, -1))
    lines = [
        f"\n  {began:+.2f} to {ended:+.2f} s: {name}"
        for name, step in record.steps.items()
        if step.seconds and (ended := (began := step.started - at_zero) + step.seconds) > first - REST and began < last
    ]
    return f"{measured!r}\nMeanwhile:{''.join(lines)}"


@asynccontextmanager
async def writing(site: Site, name: str, rest: float = REST) -> AsyncIterator[Measured]:
    """Write through the VIP around the block. Raises AssertionError where a write failed before the block began."""
    measured = Measured(Writer(site.access, namespace=NAMESPACE, prefix=f"{name}-{time.time_ns() // 1_000_000}"))
    async with measured.writer:
        await asyncio.sleep(WARM)
        early = measured.failures
        measured.now()
        yield measured
        await asyncio.sleep(rest)
    assert not early, f"a write failed before anything was done: {early[0]}"


async def strike(site: Site, name: str, host: str, script: str, rest: float = REST) -> Measured:
    """Write, run `script` on `host`, write on, and return what was measured."""
    with site.trigger(host, script) as go:
        async with writing(site, name, rest) as measured:
            measured.now()
            go()
    return measured


def signal_apiserver(signal: str) -> str:
    """Return the script that sends a signal to a host's apiserver; a host has a PID namespace of its own."""
    return f"kill -{signal} $(pgrep -x kube-apiserver)"


def signal_unit(signal: str, unit: str) -> str:
    """Return the script that sends a signal to every process of a unit."""
    return f"systemctl kill --signal={signal} --kill-whom=all {shlex.quote(unit)}"


@contextmanager
def to_themselves(site: Site) -> Iterator[None]:
    """Give the hosts, and the writer, the processor before anything else on this machine for the block.

    In a datacenter every master has cores of its own. Here they share a few with each other and with whatever else
    runs, which would measure that.
    """
    groups = cgroups.detect()
    folders = [path.parent for path in groups.folders(site.lab.datacenter.number, site.names[0])]
    wanted = {"cpu.shares": "100000", "cpu.weight": "10000"}
    files = {above / name: value for path in folders for above in (path, path.parent) for name, value in wanted.items()}
    before = {file: file.read_text() for file in files if file.exists()}
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    for file in before:
        file.write_text(files[file])
    os.setpriority(os.PRIO_PROCESS, 0, -15)
    _rank_of_session(-15)
    try:
        yield
    finally:
        for file, value in before.items():
            if file.exists():
                file.write_text(value)
        os.setpriority(os.PRIO_PROCESS, 0, nice)
        _rank_of_session(0)


def _rank_of_session(nice: int) -> None:
    """The kernel shares the processor between sessions first, then within each (sched(7), autogroup).

    What descends from no session but the system's first stands in the root's group, which has no rank of its own
    (the kernel says EINVAL): there the process's nice value alone counts.
    """
    session = Path("/proc/self/autogroup")
    if session.exists():
        try:
            session.write_text(str(nice))
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
