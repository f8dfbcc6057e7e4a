"""What every host needs before any component: kernel modules and settings, a run directory, users, time servers."""

from __future__ import annotations

from wizard.profile.model import Host, Role
from wizard.render.files import RenderedFile, rendered
from wizard.render.site import Site


def system(site: Site, host: Host) -> tuple[RenderedFile, ...]:
    """Return the settings of `host`.

    In a container (a practice host) the kernel is another machine's: modules and settings that are not the
    container's own are left out.
    """
    facts = site.facts_of(host)
    container = bool(facts and facts.system.container)
    balancer = Role.MASTER in host.roles
    files = [
        rendered(
            "/etc/sysctl.d/90-slipway.conf",
            "system/sysctl.conf",
            balancer=balancer,
            container=container,
            own=tuple(site_sysctls(site, host).items()),
        ),
        rendered(
            "/etc/tmpfiles.d/slipway.conf", "system/tmpfiles.conf", balancer=balancer, etcd=Role.ETCD in host.roles
        ),
    ]
    if not container:
        files.insert(0, rendered("/etc/modules-load.d/slipway.conf", "system/modules.conf"))
    if Role.ETCD in host.roles:
        files.append(rendered("/etc/sysusers.d/slipway.conf", "system/sysusers.conf"))
    if site.profile.time_servers:
        # The host keeps the time service it has; one without any gets chrony.
        timesyncd = facts is not None and facts.clock.service == "systemd-timesyncd"
        path, template = (
            ("/etc/systemd/timesyncd.conf.d/slipway.conf", "system/timesyncd.conf")
            if timesyncd
            else ("/etc/chrony/sources.d/slipway.sources", "system/chrony.sources")
        )
        files.append(rendered(path, template, servers=site.profile.time_servers))
    return tuple(files)


def site_sysctls(site: Site, host: Host) -> dict[str, str]:
    """Return the site's own kernel settings for `host`, in one order: in a container only the network's."""
    facts = site.facts_of(host)
    container = bool(facts and facts.system.container)
    return {
        key: " ".join(value.split())
        for key, value in sorted(site.profile.sysctls.items())
        if key.startswith("net.") or not container
    }
