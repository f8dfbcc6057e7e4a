"""etcd: a member a host, all started at once; what protects its data is here and in the engine's quorum rule."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from wizard.engine.step import Blocked, Change, Context, Probe, Step, Verdict, VoterGroup
from wizard.errors import Level, Problem, SlipwayError
from wizard.profile.model import Host, Profile, Role
from wizard.remote.base import Command
from wizard.render import api as render
from wizard.render.places import API_PORT, ETCD_CLIENT_PORT, ETCD_CONFIG, ETCD_METRICS_PORT, PKI
from wizard.render.site import Site
from wizard.steps.kit import STAMPS, Service, files_of, note_folders, service_step, wait_on_host
from wizard.steps.leader import spared

READY = f"curl -sf -m 3 -o /dev/null http://127.0.0.1:{ETCD_METRICS_PORT}/readyz"
UNIT = "etcd.service"
BOOTSTRAP = f"{ETCD_CONFIG}/bootstrap.env"
"""What etcd reads at its first start alone, while its data directory is empty."""
HEALTH_SECONDS = 8.0
"""A member or apiserver that does not say by then that it is healthy counts as sick."""
_DATA = "--slipway-data--"
_CONNECTIONS = f"ss -Htnp state established '( dport = :{ETCD_CLIENT_PORT} )' | grep -c kube-apiserver"
_KNOWN = f"known=$({_CONNECTIONS}) || :"
"""How many connections the apiserver beside a member has to it: one for each kind of object (kube-apiserver's
`newETCD3Storage`). They begin anew by themselves, after 1 s, then 1.6 times that, and so on (gRPC's
doc/connection-backoff.md)."""


def etcd_step(site: Site, host: Host, *, needs: tuple[str, ...], first_start: bool, weight: float) -> Step:
    """Return the step that keeps the member on `host` configured, running and healthy.

    A host whose member once worked and whose data is gone is blocked: starting it anew would be a new, empty member
    under an old name. That is a recovery. What only a first start reads is left as it is once that is over: who the
    members are is kept by etcd itself from then on.
    """
    data = site.profile.etcd.data_dir
    service = member_service(site, host, ready_seconds=180 if first_start else 90, bootstraps=not worked(site, host))
    touches = {f"etcd/{host.name}"}
    if Role.MASTER in host.roles and len(site.profile.masters) > 1:
        # It asks the member beside it alone. (Whoever has one master is asked about its member, not twice.)
        touches.add(f"apiserver/{host.name}")
    step = service_step(
        f"{host.name}/etcd", "etcd member", host.name, "etcd", service,
        needs=needs, touches=frozenset(touches), weight=weight,
    )  # fmt: skip
    assert isinstance(step.change, Change)
    change = replace(step.change, script=f"{_KNOWN}\n{step.change.script}\n{_found_again(host)}")
    return replace(step, probe=_guarded(step.probe, host, data), around=spared(site, host), change=change)


def _found_again(host: Host) -> str:
    """Return the shell lines that give the apiserver beside a restarted member a while to find it again, as `_KNOWN`.

    One that is only about to is no reason to mend it; one that can't is its own step's business. It is ready as soon as
    the one connection that is asked for that stands. Each kind of object has a connection of its own, and each of them
    waits ever longer from try to try: requests for some kinds would hang for seconds.
    """
    whole = f'[ "$({_CONNECTIONS})" -ge "$known" ]'
    ready = f"! pgrep -x kube-apiserver >/dev/null || {{ {whole} && {api_ready(host)}; }}"
    return f"( {wait_on_host(ready, 20, '', pause=0.3)} ) >/dev/null 2>&1 || :"


def worked(site: Site, host: Host) -> bool:
    """Tell whether the member on `host` is known to have been healthy once."""
    facts = site.facts_of(host)
    return facts is not None and facts.traces.etcd_worked


def member_service(site: Site, host: Host, *, ready_seconds: float, bootstraps: bool) -> Service:
    """Return the member on `host` as a service; with `bootstraps` it has what a member of a new cluster starts from."""
    data = site.profile.etcd.data_dir
    files = files_of(render.etcd(site, host))
    return Service(
        unit=UNIT,
        files=tuple(file for file in files if bootstraps or file.path != BOOTSTRAP),
        ready=READY,
        ready_seconds=ready_seconds,
        # Type=notify tells systemd only once there is a quorum: the others may not be there yet.
        no_block=True,
        before_start=note_folders([data]),
        state=(data,),
        quiet=frozenset({BOOTSTRAP, f"{ETCD_CONFIG}/etcdctl.env"}),
    )


def _guarded(probe: Probe, host: Host, data: str) -> Probe:
    script = (
        f"{probe.script}\necho {_DATA}\n[ -d {data}/member/wal ] && echo data\n[ -e {STAMPS}/{UNIT} ] && echo once\n:"
    )

    def judge(output: str, status: int) -> Verdict:
        rest, _, data_state = output.partition(_DATA)
        if "once" in data_state.split() and "data" not in data_state.split():
            return Blocked(
                Problem(
                    "etcd.data-gone",
                    Level.ERROR,
                    f"etcd has worked on {host.name}, and its data in {data} is gone",
                    "Put the data back (was the disk mounted?) and run again. A member that lost its data must be "
                    "removed from the cluster and join anew; it is never started empty under its old name.",
                    host=host.name,
                )
            )
        return probe.judge(rest, status)

    return Probe(script, judge)


def api_ready(host: Host) -> str:
    """Return the shell test that a master's own apiserver is ready, with its certificate verified."""
    url = f"https://{host.ip}:{API_PORT}/readyz"
    return f"curl -sf -m 3 -o /dev/null --cacert {PKI}/ca.crt {url}"


def voters(profile: Profile, *, first_start: bool) -> VoterGroup:
    """Return etcd's members as a group of voters: touched one at a time, and a quorum of them must stay healthy."""
    members = profile.etcd_members
    return VoterGroup(
        "etcd",
        frozenset(f"etcd/{host.name}" for host in members),
        len(members) // 2 + 1,
        health("etcd", {host.name: READY for host in members}),
        exempt=first_start,
        alone=True,
    )


def apiservers(profile: Profile, *, first_start: bool) -> VoterGroup:
    """Return the apiservers as a group: touched one at a time, with another one ready."""
    masters = profile.masters
    return VoterGroup(
        "apiserver",
        frozenset(f"apiserver/{host.name}" for host in masters),
        1,
        health("apiserver", {host.name: api_ready(host) for host in masters}),
        exempt=first_start,
        alone=True,
    )


def health(prefix: str, tests: Mapping[str, str]) -> Callable[[Context], Awaitable[frozenset[str]]]:
    """Return a question to all hosts at once: who of them passes its test, as ``prefix/host``."""

    async def healthy(context: Context) -> frozenset[str]:
        async def one(host: str, test: str) -> str:
            try:
                # A host that is gone shall not hold up the others: to reach it anew may take much longer.
                async with asyncio.timeout(HEALTH_SECONDS):
                    result = await context.run(host, Command(test, timeout=6))
            except (SlipwayError, TimeoutError):
                return ""
            return f"{prefix}/{host}" if result.ok else ""

        return frozenset(await asyncio.gather(*(one(host, test) for host, test in tests.items()))) - {""}

    return healthy
