"""etcd's leader moves away before its member is disturbed: a member that leads and stops costs an election."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from wizard.engine.step import Context, Diff, Drifted, Probe, Satisfied, Step, Unknown, Verdict
from wizard.errors import SlipwayError
from wizard.profile.model import Host, Profile, Role
from wizard.remote.base import Command
from wizard.render.places import ETCD_CONFIG, ETCD_METRICS_PORT
from wizard.render.site import Site
from wizard.steps.balancer import draining, stands

ETCDCTL = f"set -a; . {ETCD_CONFIG}/etcdctl.env; etcdctl --command-timeout=5s"
STATUS = f"( {ETCDCTL} endpoint status -w json ) 2>/dev/null; echo; ps -o etimes= -C etcd"
"""A member's status as JSON, and how many seconds its process has lived."""
STANDS, MUSTERED = 0.9, 0.4
"""For how long the apiservers stand still at most while the leader moves, and how long the move waits for the last of
them, in seconds. Whoever writes meanwhile waits so long."""
STAND_STILL = f"""p=$(pgrep -x kube-apiserver) || exit 0
seen() {{
  curl -sf -m 1 http://127.0.0.1:{ETCD_METRICS_PORT}/metrics | grep -E '^etcd_server_(has_leader 1|leader_changes_seen)'
}}
clock() {{ read -r t rest </proc/uptime; t=${{t%.*}}${{t#*.}}; }}
before=$(seen)
(
  # Until the member beside it is led by another one; without such a member, for a while.
  clock; end=$((t+{round(STANDS * 100)})); [ -n "$before" ] || end=$((t+25))
  while sleep 0.02; clock; [ $t -lt $end ]; do
    case $(seen) in "$before") ;; *'has_leader 1'*changes_seen*) break ;; esac
  done
  kill -CONT $p
) </dev/null >/dev/null 2>&1 &
# Whatever becomes of that shell, they go on.
( sleep 2; kill -CONT $p ) </dev/null >/dev/null 2>&1 &
kill -STOP $p"""
"""What members are asked for while a leader hands over is dropped, and whoever asked hears nothing for seconds. So for
that moment nobody asks: requests wait until the member that would pass them on knows whom to."""
BEHIND = 1000
"""A member whose log is so many entries behind catches up first: it shall not lead."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member as it says itself: its ID, whether it leads, its place in the log, its process's age in seconds."""

    id: int
    leads: bool
    learner: bool = False
    index: int = 0
    age: int = 0


def read(text: str) -> Member | None:
    """Return the member of what `STATUS` printed on its host; None where it has no leader, or doesn't answer."""
    first, _, age = text.strip().rpartition("\n")
    try:
        status: dict[str, Any] = json.loads(first)[0]["Status"]
        own, leader = int(status["header"]["member_id"]), int(status.get("leader", 0))
        learner, index = bool(status.get("isLearner", False)), int(status.get("raftIndex", 0))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return None
    age = age.strip()
    return Member(own, own == leader, learner, index, int(age) if age.isdigit() else 0) if leader else None


def successor(members: Mapping[str, Member], host: str) -> str:
    """Return on which host etcd shall be led instead of on `host`; empty where nobody can.

    The youngest process of those that have the log: in a rolling change it is one that had its turn already.
    """
    newest = max((member.index for member in members.values()), default=0)
    able = {
        name: member
        for name, member in members.items()
        if name != host and not member.learner and newest - member.index <= BEHIND
    }
    return min(able, key=lambda name: able[name].age, default="")


async def hand_over(context: Context, profile: Profile, host: Host) -> str:
    """Move etcd's leader away from `host` if it leads; return where to, or an empty text where nothing was to do.

    Every apiserver stands still for the moment, so that no request is lost on the way. Raises `SlipwayError` where
    nobody else can lead, or the move failed.
    """

    async def ask(name: str) -> Member | None:
        try:
            async with asyncio.timeout(10):
                return read((await context.run(name, Command(STATUS, timeout=8))).text)
        except (SlipwayError, TimeoutError):
            return None

    own = await ask(host.name)
    if own is None or not own.leads:
        return ""
    others = [member.name for member in profile.etcd_members if member.name != host.name]
    said = await asyncio.gather(*(ask(name) for name in others))
    found = {host.name: own, **{name: member for name, member in zip(others, said, strict=True) if member}}
    to = successor(found, host.name)
    if not to:
        raise SlipwayError(
            "Nobody else can lead etcd", where=host.name, why="no other member answers and has the whole log",
            hint="See `slipway status`, mend the other members, then run again.",
        )  # fmt: skip

    async def still(master: Host) -> None:
        with contextlib.suppress(SlipwayError):
            await context.run(master.name, Command(STAND_STILL, timeout=10))

    standing = asyncio.gather(*(still(master) for master in profile.masters))
    try:
        await asyncio.wait([standing], timeout=MUSTERED)
        done = await context.run(host.name, Command(f"{ETCDCTL} move-leader {found[to].id:x}", timeout=15))
    finally:
        await standing
    if not done.ok:
        raise SlipwayError(
            f"etcd's leader did not move to {to}", where=host.name, why=done.complaint, hint="Run it again."
        )
    context.say(f"etcd is led by {to} now")
    return to


def led_elsewhere(profile: Profile, host: Host) -> Callable[[Context], AbstractAsyncContextManager[None]]:
    """Return what a step that takes the member on `host` away is done within: one of `profile`'s others leads."""

    @asynccontextmanager
    async def around(context: Context) -> AsyncIterator[None]:
        try:
            await hand_over(context, profile, host)
        except SlipwayError as error:
            # One that stops hands over by itself, a little more roughly; and one that is sick has nothing to give.
            context.say(str(error))
        yield

    return around


def spared(site: Site, host: Host) -> Callable[[Context], AbstractAsyncContextManager[None]] | None:
    """Return what a step that restarts the member on `host` is done within; None where no cluster stands yet.

    The apiserver beside it asks this member alone, so it gets no requests meanwhile; and another member leads.
    """
    if not stands(site):
        return None
    drains = draining(site, host) if Role.MASTER in host.roles else None
    led = led_elsewhere(site.profile, host)

    @asynccontextmanager
    async def around(context: Context) -> AsyncIterator[None]:
        async with drains(context) if drains else contextlib.nullcontext(), led(context):
            yield

    return around


def leader_step(site: Site, host: Host, *, needs: tuple[str, ...]) -> Step:
    """Return the step after which another member leads etcd."""

    def judge(output: str, _status: int) -> Verdict:
        member = read(output)
        if member is None:
            return Unknown("the member has no leader, or does not answer")
        return Drifted((Diff("etcd's leader", host.name, "another member"),)) if member.leads else Satisfied("follows")

    async def wait(context: Context) -> None:
        await hand_over(context, site.profile, host)

    step = Step(f"{host.name}/leader", "Another member leads etcd", host.name, "etcd", Probe(STATUS, judge))
    return replace(step, needs=needs, wait=wait, weight=1, timeout=60.0, settle=10.0)
