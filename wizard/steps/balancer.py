"""haproxy and keepalived: the endpoint that outlives any one master."""

from __future__ import annotations

from wizard.engine.step import Step
from wizard.profile.model import Host
from wizard.render import api as render
from wizard.render.places import BALANCER_HEALTH_PORT
from wizard.render.site import Site
from wizard.steps.kit import Service, files_of, service_step


def haproxy_step(site: Site, host: Host, *, needs: tuple[str, ...], weight: float) -> Step:
    """Return the step that keeps haproxy configured and running. A change is a reload: a restart would fail writes."""
    service = Service(
        unit="haproxy.service",
        files=files_of(render.haproxy(site, host)),
        # Any answer will do: it says 503 while no apiserver is up yet.
        ready=f"curl -s -m 2 -o /dev/null http://127.0.0.1:{BALANCER_HEALTH_PORT}/",
        ready_seconds=30,
        reload="haproxy -c -q -f /etc/haproxy/haproxy.cfg && systemctl reload haproxy.service",
    )
    return service_step(
        f"{host.name}/haproxy", "Load balancer", host.name, "endpoint", service, needs=needs, weight=weight
    )


def keepalived_step(site: Site, host: Host, *, needs: tuple[str, ...], weight: float) -> Step:
    """Return the step that keeps keepalived configured and running. A change is a reload: the VIP stays where it is."""
    service = Service(
        unit="keepalived.service",
        files=files_of(render.keepalived(site, host)),
        ready="systemctl is-active -q keepalived.service",
        ready_seconds=30,
        reload="systemctl reload keepalived.service",
    )
    return service_step(
        f"{host.name}/keepalived", "Virtual IP", host.name, "endpoint", service, needs=needs, weight=weight
    )
