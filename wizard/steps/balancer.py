"""haproxy and keepalived: the endpoint that outlives any one master."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from wizard.engine.step import Blocked, Context, Probe, Step
from wizard.errors import Level, Problem, SlipwayError
from wizard.profile.model import Host
from wizard.remote.base import Command
from wizard.render import api as render
from wizard.render.places import BALANCER_HEALTH_PORT, HAPROXY_SOCKET
from wizard.render.site import Site
from wizard.steps.kit import Service, files_of, note_folders, service_step

HAPROXY_UNIT = "haproxy.service"
KEEPALIVED_UNIT = "keepalived.service"
_LOG = "/var/lib/haproxy/dev/log"
"""Where the distribution's unit lets haproxy reach the journal: systemd makes the place, and a purge leaves it."""
DRAINED = "drained"
_QUIET_SECONDS = 1
"""After the drain requests under way end within this time; those that last (watches) are told by the apiserver."""
_NONE_FORCED = (
    f"! echo 'show servers state apiservers' | socat -t 3 - UNIX-CONNECT:{HAPROXY_SOCKET} "
    "| cut -s -d' ' -f7 | grep -qx '[1-9][0-9]*'"
)
"""No server's state was set by hand: the column srv_admin_state is zero (haproxy's management guide, 9.3)."""


def haproxy_step(site: Site, host: Host, *, needs: tuple[str, ...], weight: float) -> Step:
    """Return the step that keeps haproxy configured and running. A change is a reload: a restart would fail writes."""
    service = Service(
        unit=HAPROXY_UNIT,
        files=files_of(render.haproxy(site, host)),
        # Any answer will do: it says 503 while no apiserver is up yet. What a killed run left drained is drift.
        ready=f"curl -s -m 2 -o /dev/null http://127.0.0.1:{BALANCER_HEALTH_PORT}/ && {_NONE_FORCED}",
        before_start="\n".join(
            [
                note_folders([_LOG.rpartition("/")[0]]),
                *(undrain_fragment(master.name) for master in site.profile.masters),
            ]
        ),
        state=(_LOG,),
        ready_seconds=30,
        reload="haproxy -c -q -f /etc/haproxy/haproxy.cfg && systemctl reload haproxy.service",
    )
    return service_step(
        f"{host.name}/haproxy", "Load balancer", host.name, "endpoint", service, needs=needs, weight=weight
    )


def keepalived_step(site: Site, host: Host, *, needs: tuple[str, ...], weight: float) -> Step:
    """Return the step that keeps keepalived configured and running. A change is a reload: the VIP stays where it is.

    On a host that could not be looked at nobody knows the interface, unless the profile names it.
    """
    if site.facts_of(host) is None and not site.profile.endpoint.interface:
        return _not_seen(host, needs)
    service = Service(
        unit=KEEPALIVED_UNIT,
        files=files_of(render.keepalived(site, host)),
        ready="systemctl is-active -q keepalived.service",
        ready_seconds=30,
        reload="systemctl reload keepalived.service",
    )
    return service_step(
        f"{host.name}/keepalived", "Virtual IP", host.name, "endpoint", service, needs=needs, weight=weight
    )


def _not_seen(host: Host, needs: tuple[str, ...]) -> Step:
    problem = Problem(
        "host.not-seen",
        Level.ERROR,
        f"{host.name} could not be looked at when this run began, so the VIP's interface there is not known",
        "Run again: it is looked at first.",
        host=host.name,
    )
    probe = Probe("true", lambda _output, _status: Blocked(problem))
    return Step(f"{host.name}/keepalived", "Virtual IP", host.name, "endpoint", probe, needs=needs)


def drain_fragment(server: str, seconds: float = _QUIET_SECONDS) -> str:
    """Return the shell lines that take an apiserver out of a host's haproxy gently and print `DRAINED`.

    Nothing is done, and nothing printed, where it gets no requests anyway, or where no other would be left.
    """
    return f"""
ask() {{ echo "$1" | socat -t 3 - UNIX-CONNECT:{HAPROXY_SOCKET}; }}
if [ -S {HAPROXY_SOCKET} ]; then
  up=$(ask 'show stat apiservers 4 -1' | cut -d, -f2,18 | grep ',UP' | cut -d, -f1)
  if echo "$up" | grep -qx {shlex.quote(server)} && echo "$up" | grep -qvx {shlex.quote(server)}; then
    ask 'set server apiservers/{server} state drain' >/dev/null && echo {DRAINED} && sleep {seconds}
  fi
fi
:
"""


def undrain_fragment(server: str) -> str:
    """Return the shell lines that let a host's haproxy use a drained apiserver again as its checks say."""
    return (
        f"[ ! -S {HAPROXY_SOCKET} ] || echo 'set server apiservers/{server} state ready' "
        f"| socat -t 3 - UNIX-CONNECT:{HAPROXY_SOCKET} >/dev/null || :"
    )


def used_fragment(server: str, seconds: float = 8) -> str:
    """Return the shell lines that wait until a host's haproxy gives an apiserver requests again; not for ever."""
    ask = f"echo 'show stat apiservers 4 -1' | socat -t 3 - UNIX-CONNECT:{HAPROXY_SOCKET}"
    test = f"{ask} | grep -q '^apiservers,{server},.*,UP,'"
    return f"for i in $(seq {round(seconds * 4)}); do if {test}; then break; fi; sleep 0.25; done\n:"


def stands(site: Site) -> bool:
    """Tell whether a cluster is there already whose requests shall not fail."""
    return any(facts.traces.etcd_data for facts in site.facts.values())


def draining(site: Site, host: Host) -> Callable[[Context], AbstractAsyncContextManager[None]] | None:
    """Return what a step that disturbs the apiserver on `host` is done within; None where no cluster stands yet."""
    if not stands(site):
        return None
    masters = site.profile.masters
    return lambda context: drained(context, masters, host)


@asynccontextmanager
async def drained(context: Context, masters: Sequence[Host], host: Host) -> AsyncIterator[None]:
    """Keep new requests away from the apiserver on `host`, on every master's haproxy, for the block.

    A haproxy that can't be told is no failure: it sees by its own checks when the apiserver stops, which serves on for
    a while after it has said so (``--shutdown-delay-duration``).
    """

    async def tell(master: Host, script: str) -> str:
        try:
            return (await context.run(master.name, Command(script, timeout=20))).text
        except SlipwayError:
            return ""

    said = await asyncio.gather(*(tell(master, drain_fragment(host.name)) for master in masters))
    told = [master for master, text in zip(masters, said, strict=True) if DRAINED in text.split()]
    if told:
        context.say(f"no new requests to it from the haproxy on {', '.join(master.name for master in told)}")
    back = undrain_fragment(host.name)
    try:
        yield
        # haproxy takes a while until it is sure of it: whoever comes next shall not find too few.
        back += f"\n{used_fragment(host.name)}"
    finally:
        await asyncio.gather(*(tell(master, back) for master in told))
