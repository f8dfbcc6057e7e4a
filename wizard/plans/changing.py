"""Who comes to a cluster that stands and who leaves it, told from the profile and what was found on the hosts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wizard.profile.model import Host
from wizard.render.site import Site
from wizard.steps import etcd


@dataclass(frozen=True)
class Change:
    """Who comes and who leaves. `dead` can't be reached; `strangers` can, and are not this cluster's (any more)."""

    site: Site
    leaving: tuple[Host, ...]
    drain_seconds: int
    run: str

    @property
    def worked(self) -> tuple[Host, ...]:
        """Return the members that stay and are known to have been healthy."""
        return tuple(host for host in self.site.profile.etcd_members if etcd.worked(self.site, host))

    @property
    def joining(self) -> tuple[Host, ...]:
        """Return the members that may have to join: those first that have data already and only have to go on."""
        there = [host for host in self.site.profile.etcd_members if host not in self.worked]
        return tuple(sorted(there, key=lambda host: not self.has_data(host)))

    def has_data(self, host: Host) -> bool:
        """Tell whether there is a member's data on `host`."""
        facts = self.site.facts_of(host)
        return facts is not None and facts.traces.etcd_data

    @property
    def fresh(self) -> tuple[Host, ...]:
        """Return the masters that have no apiserver yet."""
        found = ((host, self.site.facts_of(host)) for host in self.site.profile.masters)
        return tuple(host for host, facts in found if facts and not _serves(facts.traces.manifests))

    @property
    def old(self) -> tuple[Host, ...]:
        """Return the masters that have an apiserver."""
        return tuple(host for host in self.site.profile.masters if host not in self.fresh)

    @property
    def at_work(self) -> tuple[Host, ...]:
        """Return the masters that stay and can be asked."""
        return tuple(host for host in self.old if host.name in self.site.facts)

    @property
    def alive(self) -> tuple[Host, ...]:
        """Return those that leave, answer, and are this cluster's."""
        found = ((host, self.site.facts_of(host)) for host in self.leaving)
        return tuple(host for host, facts in found if facts and facts.traces.marker.uid == self.site.uid)

    @property
    def dead(self) -> tuple[Host, ...]:
        """Return those that leave and don't answer."""
        return tuple(host for host in self.leaving if host.name not in self.site.facts)


def _serves(manifests: Sequence[str]) -> bool:
    return any(path.endswith("/kube-apiserver.yaml") for path in manifests)
