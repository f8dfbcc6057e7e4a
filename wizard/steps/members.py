"""etcd's membership: how a member joins a cluster that stands, how one leaves, and who votes meanwhile.

One voter at a time: a new member comes as a learner, which has no vote, and votes once it has caught up; one that
leaves is removed before it stops. https://etcd.io/docs/v3.6/op-guide/runtime-configuration/
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace

from wizard.engine.step import (
    Blocked,
    Change,
    Context,
    Diff,
    Drifted,
    Probe,
    Satisfied,
    Step,
    Unknown,
    Verdict,
    VoterGroup,
)
from wizard.errors import Level, Problem, SlipwayError
from wizard.profile.model import Host, Profile
from wizard.remote.base import Command
from wizard.render.files import fill
from wizard.render.places import ETCD_CLIENT_PORT, ETCD_CONFIG, ETCD_PEER_PORT, ETCD_PKI
from wizard.render.site import Site
from wizard.steps.etcd import BOOTSTRAP, READY, UNIT, member_service
from wizard.steps.kit import digest_of, service_probe, service_script
from wizard.steps.leader import led_elsewhere

JOIN_SECONDS = 300.0
"""How long a new member may take to catch up and vote: all of the cluster's data comes over first."""
LIST = f"(set -a; . {ETCD_CONFIG}/etcdctl.env; etcdctl --command-timeout=5s member list) 2>/dev/null"
_CUT = "--slipway-membership--"


@dataclass(frozen=True, slots=True)
class Member:
    """One line of ``etcdctl member list``. `clients` is empty until the member has first started."""

    id: str
    name: str
    peers: tuple[str, ...]
    clients: tuple[str, ...]
    learner: bool

    def of(self, host: Host) -> bool:
        """Tell whether it is the member on `host`. One that never started may have no name."""
        return self.name == host.name or peer_url(host) in self.peers


def peer_url(host: Host) -> str:
    """Return where the other members find the one on `host`."""
    return f"https://{host.peer_ip}:{ETCD_PEER_PORT}"


def client_url(host: Host) -> str:
    """Return where clients on other hosts find the member on `host`."""
    return f"https://{host.peer_ip}:{ETCD_CLIENT_PORT}"


def members_of(text: str) -> tuple[Member, ...]:
    """Return the members that ``etcdctl member list`` tells of; lines that are none are ignored."""
    rows = [[field.strip() for field in line.split(", ")] for line in text.splitlines()]
    return tuple(
        Member(row[0], row[2], _urls(row[3]), _urls(row[4]), row[5] == "true") for row in rows if len(row) == 6
    )


def _urls(text: str) -> tuple[str, ...]:
    return tuple(url for url in text.split(",") if url)


def join_step(
    site: Site, host: Host, others: Sequence[Host], *, needs: tuple[str, ...], after: tuple[str, ...], weight: float
) -> Step:
    """Return the step by which the member on `host` joins the cluster of `others`, and then runs as any other.

    It goes on wherever an earlier try has come to. A host with data of a member that is none any more is blocked, and
    so is one that lost its data: both would come back as somebody else.
    """
    data = site.profile.etcd.data_dir
    service = member_service(site, host, ready_seconds=JOIN_SECONDS, bootstraps=False)
    digest = digest_of([file for file in service.files if file.path not in service.quiet])
    endpoints = ",".join(client_url(other) for other in others)
    text = fill("etcd/bootstrap.env", initial_cluster="$initial", state="existing", token=f"slipway-{site.uid}")
    join = fill(
        "members/join.sh", name=host.name, peer=peer_url(host), data=data, endpoints=endpoints, pki=ETCD_PKI,
        bootstrap=BOOTSTRAP, text=text.strip(),
    )  # fmt: skip
    joining = replace(service, before_start=f"{service.before_start}\n{join}", ready=f"votes && {READY}")
    return Step(
        f"{host.name}/etcd", "etcd member joins", host.name, "etcd",
        _probe(service_probe(service, digest), host, data, endpoints),
        Change(
            files=service.files,
            script=service_script(joining, digest),
            ours=(f"/var/lib/slipway/units/{UNIT}", data, BOOTSTRAP),
        ),
        needs=needs, after=after, touches=frozenset({f"etcd/{host.name}"}),
        weight=weight, timeout=JOIN_SECONDS + 120, settle=15.0,
    )  # fmt: skip


def _probe(probe: Probe, host: Host, data: str, endpoints: str) -> Probe:
    options = f"--cacert={ETCD_PKI}/ca.crt --cert={ETCD_PKI}/healthcheck-client.crt"
    options += f" --key={ETCD_PKI}/healthcheck-client.key --endpoints={endpoints} --command-timeout=5s"
    script = (
        f"{probe.script}\necho {_CUT}\n[ -d {data}/member/wal ] && echo data\n"
        f"[ ! -e {ETCD_PKI}/healthcheck-client.key ] || ! command -v etcdctl >/dev/null "
        f"|| etcdctl {options} member list 2>/dev/null\n:"
    )

    def judge(output: str, status: int) -> Verdict:
        rest, _, told = output.partition(_CUT)
        verdict = probe.judge(rest, status)
        members, there = members_of(told), "data" in told.split()
        if not members:
            return verdict
        own = next((member for member in members if member.of(host)), None)
        if own is None and there:
            return Blocked(_stranger(host, data))
        if own is not None and own.clients and not there:
            return Blocked(_data_gone(host, data))
        if own is not None and not own.learner:
            return verdict
        diff = Diff(f"etcd member {host.name}", "a learner" if own else "", "votes")
        return Drifted((*(verdict.diff if isinstance(verdict, Drifted) else ()), diff))

    return Probe(script, judge)


def _stranger(host: Host, data: str) -> Problem:
    return Problem(
        "etcd.not-a-member",
        Level.ERROR,
        f"{host.name} has data of an etcd member in {data}, and the cluster has no such member (any more)",
        f"If nothing of it is needed, run `slipway reset` with --host {host.name}, then run again: it joins anew.",
        host=host.name,
    )


def _data_gone(host: Host, data: str) -> Problem:
    return Problem(
        "etcd.data-gone",
        Level.ERROR,
        f"etcd has worked on {host.name}, and its data in {data} is gone",
        "Put the data back (was the disk mounted?) and run again. Otherwise take the host out of the profile and apply "
        "with --allow-removal, then add it again: it joins anew, and is never started empty under its old name.",
        host=host.name,
    )


def leave_step(
    host: Host, stay: Sequence[Host], *, profile: Profile | None, needs: tuple[str, ...], after: tuple[str, ...],
    going: Sequence[Host] = (),
) -> Step:  # fmt: skip
    """Return the step that removes the member on `host`, asked on the first of the members `stay` that works.

    Where it leads, one of `profile`'s leads before that; None for a dead one, which leads nobody and can't be asked.
    `going` are further living members, which leave after a dead one.
    """

    def judge(output: str, status: int) -> Verdict:
        if status != 0:
            return Unknown("etcd does not tell who its members are")
        found = next((member for member in members_of(output) if member.of(host)), None)
        if found is None:
            return Satisfied(f"{host.name} is no member")
        return Drifted((Diff(f"etcd member {host.name}", "a learner" if found.learner else "votes", ""),))

    script = fill("members/leave.sh", config=ETCD_CONFIG, name=host.name, peer=peer_url(host))
    return Step(
        f"{host.name}/member", "etcd member leaves", stay[0].name, "leave", Probe(LIST, judge), Change(script=script),
        around=led_elsewhere(profile, host) if profile else _hung_up(host, (*stay, *going)),
        needs=needs, after=after, touches=frozenset({f"etcd/{host.name}"}),
        alternates=tuple(other.name for other in stay[1:]), weight=2, timeout=90.0, settle=5.0,
    )  # fmt: skip


def _hung_up(host: Host, living: Sequence[Host]) -> Callable[[Context], AbstractAsyncContextManager[None]]:
    """Return what the removal of a dead member is done within: none of the `living` has a connection to it any more.

    As a member is removed each of the others ends its connections to it, and does nothing else meanwhile (etcd's
    `peer.stop`, called while the change is applied). To a host that vanished without a word a write may be under way,
    which ends after 5 s; a leader that stands still for one is a leader no more. So the kernel ends them before (ss(8),
    ``--kill``); one that can't leaves them as they are.
    """
    script = f"ss -K -tn dst {host.peer_ip} '( dport = :{ETCD_PEER_PORT} or sport = :{ETCD_PEER_PORT} )' || :"

    @asynccontextmanager
    async def around(context: Context) -> AsyncIterator[None]:
        async def end(member: Host) -> None:
            with contextlib.suppress(SlipwayError):
                await context.run(member.name, Command(script, timeout=10))

        await asyncio.gather(*(end(member) for member in living))
        yield

    return around


def changing(group: VoterGroup, known: Sequence[Host], asked: Sequence[Host]) -> VoterGroup:
    """Return etcd's `group` for a plan in which members come and go: of all `known` hosts, those vote that etcd says.

    `asked` are the hosts whose members are asked who votes, the first that answers is believed.
    """

    async def voters(context: Context) -> frozenset[str]:
        for host in asked:
            try:
                result = await context.run(host.name, Command(LIST, timeout=8))
            except SlipwayError:
                continue
            found = [member for member in members_of(result.text) if not member.learner]
            if found:
                return frozenset(f"etcd/{_name(member, known)}" for member in found)
        return frozenset()

    return replace(group, members=frozenset(f"etcd/{host.name}" for host in known), voters=voters)


def _name(member: Member, known: Sequence[Host]) -> str:
    return next((host.name for host in known if member.of(host)), member.name or member.id)
