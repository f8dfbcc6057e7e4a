"""What is judged: the profile, what was found on the hosts, what the bundle holds; and how findings are worded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from wizard.bundle.lock import Kind, Lock
from wizard.errors import Level, Problem
from wizard.facts.model import Facts, Survey
from wizard.profile.model import Host, Profile

GIB = 1024**3
MIB = 1024**2


@dataclass(frozen=True, slots=True)
class BundleSummary:
    """What a bundle can be used for: target releases (``debian-12``), Go's architectures, the Kubernetes version."""

    releases: frozenset[str]
    architectures: frozenset[str]
    kubernetes: str = ""
    images: frozenset[str] = frozenset()
    """The names of its container images, as Pods say them."""

    @classmethod
    def of(cls, lock: Lock) -> BundleSummary:
        """Return the summary of a bundle's lock."""
        images = frozenset(artifact.ref for artifact in lock.artifacts if artifact.kind is Kind.IMAGE)
        return cls(frozenset(lock.releases), frozenset((lock.arch,)), lock.kubernetes, images)


@dataclass(frozen=True, slots=True)
class Found:
    """One host that answered: its place in the profile, what is wanted of it, what it is."""

    index: int
    host: Host
    facts: Facts
    ours: bool
    """It belongs to this very cluster: what runs there is meant to run."""

    @property
    def name(self) -> str:
        """Return the host's name in the profile."""
        return self.host.name

    def field(self, name: str = "") -> str:
        """Return the profile's path of one of the host's fields, or of the host itself."""
        return f"hosts[{self.index}]{f'.{name}' if name else ''}"

    def problem(self, code: str, level: Level, message: str, hint: str = "", field: str = "") -> Problem:
        """Return a finding about this host; `field` is a path of the profile."""
        return Problem(code, level, message, hint, field, self.name)


@dataclass(frozen=True, slots=True)
class Case:
    """All that the checks look at. `uid` is the cluster's identity on this jump host, empty before the first install.

    `bundle` is None where none is at hand: what needs it isn't judged.
    """

    profile: Profile
    survey: Survey
    bundle: BundleSummary | None = None
    uid: str = ""
    applied: Profile | None = None
    """The profile that was applied last, where this machine keeps one."""

    def found(self) -> Iterator[Found]:
        """Yield the hosts that answered, in the profile's order."""
        for index, host in enumerate(self.profile.hosts):
            facts = self.survey.facts.get(host.name)
            if facts is not None:
                ours = bool(self.uid) and facts.traces.marker.uid == self.uid
                yield Found(index, host, facts, ours)


def size(amount: float) -> str:
    """Return bytes for a person: ``512 MiB``, ``3.5 GiB``, ``1.8 TiB``."""
    if amount >= 1024 * GIB:
        return f"{amount / 1024 / GIB:.1f} TiB"
    return f"{amount / GIB:.1f} GiB" if amount >= GIB else f"{amount / MIB:.0f} MiB"


def spoken(names: tuple[str, ...] | list[str]) -> str:
    """Return names as words: ``m1``, ``m1 and m2``, ``m1, m2 and m3``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def ipv4(text: str | None) -> IPv4Address | None:
    """Return the address that `text` is, or None where it is a name or none at all."""
    try:
        return IPv4Address(text or "")
    except ValueError:
        return None
