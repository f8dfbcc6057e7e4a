"""The endpoint: keepalived decides which master holds the VIP, haproxy which apiserver gets a request."""

from __future__ import annotations

from wizard.profile.model import Host, Profile, Role
from wizard.render.files import RenderedFile, rendered
from wizard.render.places import (
    API_PORT,
    BALANCER_CHECK_PORT,
    BALANCER_HEALTH_PORT,
    HAPROXY_SOCKET,
    HAPROXY_STATE,
)
from wizard.render.site import Site

CHECK = "/usr/local/libexec/slipway/check-haproxy"


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
    """Return keepalived's configuration, its check, and what is added to the distribution's unit."""
    if Role.MASTER not in host.roles:
        return ()
    endpoint = site.profile.endpoint
    interface = site.interface(host)
    return (
        rendered(
            "/etc/keepalived/keepalived.conf",
            "keepalived/keepalived.conf",
            mode=0o600,
            name=host.name,
            check=CHECK,
            state=HAPROXY_STATE,
            interface=interface,
            vrid=endpoint.vrid,
            priority=priority(site.profile, host),
            advert=endpoint.advert_interval,
            ip=host.ip,
            peers=tuple(master.ip for master in site.profile.masters if master != host),
            vip=endpoint.vip,
        ),
        rendered(CHECK, "keepalived/check-haproxy", mode=0o755, port=BALANCER_HEALTH_PORT),
        rendered(
            "/etc/systemd/system/keepalived.service.d/slipway.conf",
            "keepalived/slipway.conf",
            vip=endpoint.vip,
            interface=interface,
            takeover=takeover_seconds(site.profile),
            restrict_oom=site.lacks_sys_resource(host),
        ),
    )


def priority(profile: Profile, host: Host) -> int:
    """Return the master's VRRP priority: distinct and well apart, so that two backups never take the VIP at once."""
    masters = profile.masters
    step = min(40, 249 // len(masters))
    return 250 - step * masters.index(host)


def takeover_seconds(profile: Profile) -> float:
    """Return how long another master needs at most to take the VIP of one that is silent, with some room.

    RFC 9568: three adverts, and a skew of (256 - priority) / 256 of one.
    """
    return round(4 * profile.endpoint.advert_interval + 0.3, 2)
