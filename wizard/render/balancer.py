"""The endpoint: keepalived decides which master holds the VIP, haproxy which apiserver gets a request."""

from __future__ import annotations

from dataclasses import dataclass

from wizard.profile.model import Host, Profile, Role
from wizard.render.files import RenderedFile, fill, rendered
from wizard.render.places import (
    API_PORT,
    BALANCER_CHECK_PORT,
    BALANCER_HEALTH_PORT,
    HAPROXY_SOCKET,
    HAPROXY_STATE,
    LIBEXEC,
    RUN,
)
from wizard.render.site import Site

CHECK = f"{LIBEXEC}/check-haproxy"
CONFIG = "/etc/keepalived/keepalived.conf"
OWNER_CONFIG = "/etc/keepalived/owner.conf"
GUARD = f"{LIBEXEC}/keepalived-guard"


def haproxy(site: Site, host: Host) -> tuple[RenderedFile, ...]:
    """Return haproxy's configuration and what is added to the distribution's unit.

    A change of the configuration is a reload; a change of the drop-in waits for the next start.
    """
    if Role.MASTER not in host.roles:
        return ()
    endpoint = site.profile.endpoint
    return (
        rendered(
            "/etc/haproxy/haproxy.cfg",
            "haproxy/haproxy.cfg",
            masters=site.profile.masters,
            maintained=site.maintained,
            vip=endpoint.vip,
            port=endpoint.port,
            api_port=API_PORT,
            health_port=BALANCER_HEALTH_PORT,
            check_port=BALANCER_CHECK_PORT,
            socket=HAPROXY_SOCKET,
        ),
        rendered(
            "/etc/systemd/system/haproxy.service.d/slipway.conf",
            "haproxy/slipway.conf",
            state=HAPROXY_STATE,
            restrict_oom=site.lacks_sys_resource(host),
        ),
    )


def keepalived(site: Site, host: Host) -> tuple[RenderedFile, ...]:
    """Return keepalived's configuration, its check and guard, and what is added to the distribution's unit."""
    if Role.MASTER not in host.roles:
        return ()
    endpoint = site.profile.endpoint
    interface = site.interface(host)
    config = {
        "name": host.name,
        "check": CHECK,
        "state": HAPROXY_STATE,
        "interface": interface,
        "vrid": endpoint.vrid,
        "priority": priority(site.profile, host),
        "advert": endpoint.advert_interval,
        "ip": host.ip,
        "peers": tuple(master.ip for master in site.profile.masters if master != host),
        "vip": endpoint.vip,
    }
    timing = restart_timing(endpoint.advert_interval)
    template = "keepalived/keepalived.conf"
    return (
        *(
            RenderedFile(path, fill(template, **config, owner=owner).encode(), mode=0o600)
            for path, owner in ((CONFIG, False), (OWNER_CONFIG, True))
        ),
        rendered(CHECK, "keepalived/check-haproxy", mode=0o755, port=BALANCER_HEALTH_PORT),
        rendered(
            GUARD,
            "keepalived/keepalived-guard",
            mode=0o755,
            vip=endpoint.vip,
            interface=interface,
            run=RUN,
            state=HAPROXY_STATE,
            grace=timing.grace_ms,
            pause=timing.pause,
            takeover=timing.takeover,
        ),
        rendered(
            "/etc/systemd/system/keepalived.service.d/slipway.conf",
            "keepalived/slipway.conf",
            guard=GUARD,
            run=RUN,
            restrict_oom=site.lacks_sys_resource(host),
        ),
    )


def priority(profile: Profile, host: Host) -> int:
    """Return the master's VRRP priority: distinct and well apart, so that two backups never take the VIP at once."""
    masters = profile.masters
    step = min(40, 249 // len(masters))
    return 250 - step * masters.index(host)


@dataclass(frozen=True, slots=True)
class RestartTiming:
    """When a keepalived that was killed while it held the VIP may do what.

    Within `grace_ms` (milliseconds) it may start as the VIP's owner; `pause` seconds later it is an equal again.
    After `takeover` seconds another master has the VIP for certain.
    """

    grace_ms: int
    pause: float
    takeover: float


def restart_timing(advert: float) -> RestartTiming:
    """Return the times that follow from the interval of adverts (seconds).

    A backup waits for three adverts and a skew of up to one (RFC 9568, section 6.1), the first of which may have been
    almost due when keepalived was killed; keepalived itself takes about 0.1 s to start.
    """
    return RestartTiming(
        grace_ms=max(50, round(2000 * advert) - 100), pause=round(2 * advert, 2), takeover=round(4 * advert + 0.3, 2)
    )
