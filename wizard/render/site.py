"""All that rendering may look at, as one value: what is wanted, what was found, and which versions."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

from wizard.errors import SlipwayError
from wizard.facts.model import Facts
from wizard.profile.model import EtcdTuning, Host, Profile, Role
from wizard.render.extras_files import ExtrasFiles
from wizard.render.places import API_PORT, ETCD_CLIENT_PORT, ETCD_PEER_PORT, LOCAL_API
from wizard.versions import Versions


@dataclass(frozen=True, slots=True)
class Site:
    """One cluster to be rendered.

    `uid` is the cluster's identity; etcd's bootstrap token is made of it, so that members of two clusters never join.
    `tuning` is the profile's etcd tuning with ``auto`` already decided by the facts of all members: it must be equal
    on all of them. A host without facts is rendered as an ordinary one (cgroup v2, systemd, nothing missing).
    `extras_files` is what the site's own files hold. `upstream_dns` is False where the hosts have no name server:
    CoreDNS does not start with an empty resolv.conf.
    """

    profile: Profile
    versions: Versions
    uid: str
    facts: Mapping[str, Facts] = field(default_factory=dict)
    tuning: EtcdTuning = EtcdTuning.DEFAULT
    upstream_dns: bool = True
    maintained: frozenset[str] = frozenset()
    """Hosts that are out for maintenance: haproxy uses their apiservers only where no other is left."""
    extras_files: ExtrasFiles = field(default_factory=ExtrasFiles)

    def facts_of(self, host: Host) -> Facts | None:
        """Return what is known of `host`, or None."""
        return self.facts.get(host.name)

    def cgroup_v1(self, host: Host) -> bool:
        """Tell whether the host has the old cgroup hierarchy: a fact that chooses the cgroup driver."""
        facts = self.facts_of(host)
        return facts is not None and facts.system.cgroup_version == 1

    def lacks_sys_resource(self, host: Host) -> bool:
        """Tell whether root on the host can't lower OOM scores or raise limits."""
        facts = self.facts_of(host)
        return facts is not None and facts.system.lacks_sys_resource

    def interface(self, host: Host) -> str:
        """Return the interface that carries the VIP on `host`: the profile's, or the one with the node address.

        A host that could not be looked at is taken for one like the other masters: nothing is done on it in this run.
        Raises `SlipwayError` where neither is known.
        """
        if self.profile.endpoint.interface:
            return self.profile.endpoint.interface
        alike = (host,) if host.name in self.facts else self.profile.masters
        cards = (facts.address_interface(item.ip) for item in alike if (facts := self.facts_of(item)))
        found = next((card for card in cards if card), None)
        if found is None:
            raise SlipwayError(
                "No interface is known for the VIP",
                where=host.name,
                why=f"none of its interfaces holds the node address {host.ip}",
                hint="Set node_ip of that host to an address it has, or name endpoint.interface in the profile.",
            )
        return found.name


def service_ip(profile: Profile, number: int) -> str:
    """Return the address with that number in the Service CIDR: 1 is the API's, 10 is the DNS's."""
    return str(ipaddress.ip_network(profile.network.service_cidr)[number])


def endpoint_url(profile: Profile) -> str:
    """Return where people find the API: at the VIP. The DNS name is in the certificate, but may not resolve yet."""
    return f"https://{profile.endpoint.vip}:{profile.endpoint.port}"


def own_api_url(host: Host) -> str:
    """Return a master's own apiserver."""
    return f"https://{host.ip}:{API_PORT}"


def node_api_url(profile: Profile, host: Host) -> str:
    """Return where a node's own Pods find the API: the haproxy beside them on a master, else the VIP."""
    return LOCAL_API if Role.MASTER in host.roles else endpoint_url(profile)


def etcd_client_urls(profile: Profile, host: Host) -> tuple[str, ...]:
    """Return the etcd endpoints of a master's apiserver: the local member where there is one, else all.

    With several endpoints a dead one hangs requests for tens of seconds; with the local one growth restarts nobody.
    """
    if Role.ETCD in host.roles:
        return (f"https://127.0.0.1:{ETCD_CLIENT_PORT}",)
    return tuple(f"https://{member.peer_ip}:{ETCD_CLIENT_PORT}" for member in profile.etcd_members)


def initial_cluster(profile: Profile) -> str:
    """Return etcd's ``initial-cluster``: every member with its peer URL, in the profile's order."""
    return ",".join(f"{host.name}=https://{host.peer_ip}:{ETCD_PEER_PORT}" for host in profile.etcd_members)
