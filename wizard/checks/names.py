"""Finding other machines: the resolver and proxies."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from wizard.checks.case import Case, Found, ipv4, spoken
from wizard.errors import Level, Problem
from wizard.render.node import is_node


def judge(case: Case) -> Iterator[Problem]:
    """Yield resolvers that Pods can't use, and proxies that would catch the cluster's own traffic."""
    some = any(found.facts.nameservers for found in case.found() if is_node(found.host))
    for found in case.found():
        if is_node(found.host) and not case.profile.network.upstream_dns:
            yield from _resolver(found, some=some)
        yield from _proxy(case, found)


def _resolver(found: Found, *, some: bool) -> Iterator[Problem]:
    """Judge a node's own resolver; `some` tells whether any node names a server."""
    servers = found.facts.nameservers
    if not servers and some:
        # CoreDNS does not start where it finds none, and may be started on any node.
        yield found.problem(
            "resolver.none",
            Level.WARNING,
            "/etc/resolv.conf names no server, and that of other nodes does: names outside the cluster won't resolve "
            "in any Pod, because the cluster's DNS may run on this host",
            "Name the site's servers in /etc/resolv.conf here as well.",
        )
    elif not servers:
        yield found.problem(
            "resolver.none",
            Level.INFO,
            "/etc/resolv.conf names no server: names outside the cluster won't resolve in Pods on this host",
            "Nothing to do on a closed site without DNS.",
        )
    elif not found.facts.system.systemd_resolved and all(map(_loopback, servers)):
        yield found.problem(
            "resolver.loopback",
            Level.WARNING,
            f"/etc/resolv.conf names only {spoken(list(servers))}: inside a Pod that is the Pod itself, so names "
            "outside the cluster won't resolve there",
            "Name a server of the network in /etc/resolv.conf.",
        )


def _loopback(server: str) -> bool:
    return server.startswith("127.") or server == "::1"


def _proxy(case: Case, found: Found) -> Iterator[Problem]:
    """Judge proxies as kubeadm does: what goes to the VIP, the hosts and the cluster's networks must not use one."""
    settings = dict(item.partition("=")[::2] for item in found.facts.system.proxy)
    used = [name for name in ("http_proxy", "https_proxy", "all_proxy") if settings.get(name)]
    if not used:
        return
    direct = [item.strip() for item in settings.get("no_proxy", "").split(",") if item.strip()]
    wanted = [case.profile.endpoint.vip, *(host.ip for host in case.profile.hosts)]
    wanted += [case.profile.network.service_cidr, case.profile.network.pod_cidr]
    missing = [item for item in dict.fromkeys(wanted) if not _covered(item, direct)]
    if missing:
        yield found.problem(
            "proxy.set",
            Level.WARNING,
            f"The host uses a proxy ({spoken([f'{name}={settings[name]}' for name in used])}), also for "
            f"{spoken(missing)}: programs started from a login would ask the proxy for the cluster",
            f"Add to no_proxy: {','.join(missing)}.",
        )


def _covered(wanted: str, direct: list[str]) -> bool:
    """Tell whether an address or a network is excepted from the proxy, by itself or by a network around it."""
    if "*" in direct or wanted in direct:
        return True
    try:
        network = IPv4Network(wanted, strict=False)
    except ValueError:
        return any(wanted.endswith(item.lstrip("*")) for item in direct if item.startswith((".", "*.")))
    for item in direct:
        if "/" not in item and ipv4(item) is None:
            continue
        try:
            if network.subnet_of(IPv4Network(item, strict=False)):
                return True
        except ValueError:
            continue
    return False
