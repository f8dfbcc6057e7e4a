"""The proxy by which containerd fetches images, and what never goes through it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, ip_interface

from wizard.profile import addresses
from wizard.profile.model import Host
from wizard.render.site import Site


def environment(site: Site, host: Host) -> tuple[tuple[str, str], ...]:
    """Return the variables for containerd on `host`, in both spellings; nothing where the site has no proxy.

    https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config
    """
    proxy = site.profile.proxy
    if not proxy.http_proxy and not proxy.https_proxy:
        return ()
    values = {
        "HTTP_PROXY": proxy.http_proxy or "",
        "HTTPS_PROXY": proxy.https_proxy or "",
        "NO_PROXY": ",".join(direct(site, host)),
    }
    filled = [(name, value) for name, value in values.items() if value]
    return (*filled, *((name.lower(), value) for name, value in filled))


def direct(site: Site, host: Host) -> tuple[str, ...]:
    """Return what is asked without the proxy: the cluster's own networks, its VIP, its hosts, and what the site says.

    Hosts in the network of `host` are named by that network: one more of them changes nothing on it.
    """
    profile = site.profile
    near = _network(site, host)
    hosts = [item for one in profile.hosts for item in dict.fromkeys((one.address, one.ip, one.peer_ip))]
    far = [item for item in hosts if addresses.ipv4(item) is None and not (near and IPv4Address(item) in near)]
    names = [item for item in hosts if addresses.ipv4(item) is not None and not item.startswith("127.")]
    network = profile.network
    found = (
        *("localhost", "127.0.0.0/8", network.pod_cidr, network.service_cidr),
        *(".svc", f".{network.dns_domain}", profile.endpoint.vip),
        *((profile.endpoint.dns_name,) if profile.endpoint.dns_name else ()),
        *((str(near),) if near else ()),
        *far,
        *names,
        *profile.proxy.no_proxy,
    )
    return tuple(dict.fromkeys(found))


def _network(site: Site, host: Host) -> IPv4Network | None:
    """Return the network that the host's own address is in, as its interface has it."""
    facts = site.facts_of(host)
    card = facts.address_interface(host.ip) if facts else None
    for text in card.addresses if card else ():
        found = ip_interface(text)
        if str(found.ip) == host.ip and isinstance(found.network, IPv4Network):
            return found.network
    return None
