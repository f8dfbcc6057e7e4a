"""A status in a few words each, for whoever draws it: cells with a mood. A mood never says what the words don't."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from wizard.checks.case import spoken
from wizard.plans.certs import WARN_DAYS
from wizard.plans.status.judge_etcd import LAGS
from wizard.plans.status.model import Drift, HostStatus, Member, Node, Status, Use


class Mood(StrEnum):
    """What a cell is about."""

    PLAIN = "plain"
    QUIET = "quiet"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Cell:
    """A few words and their mood."""

    text: str
    mood: Mood = Mood.PLAIN


NOTHING = Cell("-", Mood.QUIET)
UNKNOWN = Cell("?", Mood.QUIET)
HOST_COLUMNS = ("host", "roles", "VIP", "units", "Pods", "haproxy", "node", "certs", "clock")
MEMBER_COLUMNS = ("etcd", "state", "db", "in use", "lag", "alarms", "version")
_SHORT = {"kube-apiserver": "apiserver", "kube-controller-manager": "controllers", "kube-scheduler": "scheduler"}


def good(text: str) -> Cell:
    """Return words that all is well."""
    return Cell(f"✓ {text}".rstrip(), Mood.GOOD)


def warn(text: str) -> Cell:
    """Return a warning."""
    return Cell(f"! {text}", Mood.WARN)


def bad(text: str) -> Cell:
    """Return words of something that fails."""
    return Cell(f"✗ {text}".rstrip(), Mood.BAD)


def headline(status: Status) -> Cell:
    """Return in one line whether the cluster is well, and who has the VIP."""
    held = f"{' and '.join(status.holders)} {'has' if len(status.holders) == 1 else 'have'}" if status.holders else ""
    if status.unknown:
        return warn(f"{status.cluster}: nothing is known, no host could be asked")
    vip = f"{held or 'nobody seen to have'} the VIP {status.vip}"
    if status.well and status.maintenance:
        out = spoken(list(status.maintenance))
        verb = "is" if len(status.maintenance) == 1 else "are"
        return warn(f"{status.cluster}: {out} {verb} out for maintenance, the rest is well; {vip}")
    if status.well:
        return good(f"{status.cluster} is well; {vip}")
    if status.well_as_seen:
        hosts = "1 host" if len(status.silent) == 1 else f"{len(status.silent)} hosts"
        return warn(f"{status.cluster}: {hosts} could not be asked, the rest is well; {vip}")
    return bad(f"{status.cluster}: something is wrong; {vip}")


def host_row(status: Status, host: HostStatus) -> tuple[Cell, ...]:
    """Return a host in the columns `HOST_COLUMNS`."""
    name, roles = Cell(host.name), Cell(" ".join(host.roles), Mood.QUIET)
    node = node_cell(status, host)
    if host.failure:
        return (name, roles, UNKNOWN, bad("not asked"), UNKNOWN, UNKNOWN, node, UNKNOWN, UNKNOWN)
    vip = Cell("VIP", Mood.GOOD) if host.vip else NOTHING
    return (name, roles, vip, _units(host), _pods(host), _haproxy(host), node, _certificates(host), _clock(host))


def host_runs(host: HostStatus) -> tuple[Cell, ...]:
    """Return what runs on a host, by name: units and static Pods, those that don't first."""
    if host.failure:
        return (bad(f"not asked: {host.failure}"),)
    down = [bad(f"{unit.name} {unit.state}") for unit in host.units.values() if not unit.well]
    down += [bad(f"{_SHORT.get(pod.name, pod.name)} {pod.why}") for pod in host.pods.values() if not pod.ready]
    up = [unit.name for unit in host.units.values() if unit.well]
    up += [_SHORT.get(pod.name, pod.name) for pod in host.pods.values() if pod.ready]
    return (*down, *((good(" ".join(up)),) if up else ()))


def node_cell(status: Status, host: HostStatus) -> Cell:
    """Return how the API sees a host's node."""
    if host.roles == ("etcd",):
        return NOTHING
    if not status.nodes_asked:
        return UNKNOWN
    node = status.node(host.name)
    if node is None:
        return bad("no node")
    if host.name in status.maintenance:
        return warn("out")
    if not node.ready:
        return bad("not Ready")
    troubles = node_troubles(node)
    return warn(" ".join(troubles)) if troubles else good("Ready")


def node_troubles(node: Node) -> tuple[str, ...]:
    """Return what else is told of a node than that it is Ready."""
    pressed = tuple(item.type for item in node.conditions if item.type != "Ready")
    return (*pressed, *(() if node.schedulable else ("cordoned",)))


def member_row(member: Member) -> tuple[Cell, ...]:
    """Return an etcd member in the columns `MEMBER_COLUMNS`."""
    alarms = bad(" ".join(member.alarms)) if member.alarms else Cell("none", Mood.QUIET)
    if not member.seen:
        return (Cell(member.name), Cell("? not asked", Mood.QUIET), *[UNKNOWN] * (len(MEMBER_COLUMNS) - 2))
    if not member.asked:
        state = warn("not asked, connected") if member.healthy else bad("not asked, not connected")
        return (Cell(member.name), state, UNKNOWN, UNKNOWN, UNKNOWN, alarms, UNKNOWN)
    lag = UNKNOWN if member.lag is None else Cell(str(member.lag))
    if member.lag is not None and member.lag > LAGS:
        lag = warn(str(member.lag))
    return (
        Cell(member.name), member_state(member), _size(member.db_size), _size(member.db_in_use), lag,
        alarms, Cell(member.version) if member.version else UNKNOWN,
    )  # fmt: skip


def member_state(member: Member) -> Cell:
    """Return what a member does."""
    if not member.healthy:
        return bad(member.why or "not healthy")
    return good("leads" if member.leader else "learns" if member.learner else "follows")


def version_cells(status: Status) -> tuple[Cell, ...]:
    """Return each component's version, and where another one runs."""
    cells = []
    for item in status.versions:
        if not item.found:
            cells.append(Cell(f"? {item.name}", Mood.QUIET))
        elif item.differing:
            by_version: dict[str, list[str]] = {}
            for host, version in item.differing.items():
                by_version.setdefault(version, []).append(host)
            others = ", ".join(f"{version} on {' '.join(hosts)}" for version, hosts in by_version.items())
            cells.append(warn(f"{item.name} {item.wanted}: {others}"))
        else:
            cells.append(good(f"{item.name} {item.wanted}"))
    return tuple(cells)


def drift_cell(drift: Drift, now: float) -> Cell:
    """Return in one line what has drifted, and when that was looked at."""
    if not drift.looked:
        return Cell(f"not looked at: {drift.why}" if drift.why else "not looked at yet", Mood.QUIET)
    when = f"looked at {ago(now - drift.looked)}"
    rest = f"; {drift.why}" if drift.why else ""
    if not drift.changes:
        return warn(f"none seen, {when}{rest}") if rest else good(f"none, {when}")
    count = len(drift.changes)
    return warn(f"{count} {'thing differs' if count == 1 else 'things differ'}, {when}{rest}")


def _units(host: HostStatus) -> Cell:
    down = [f"{unit.name} {unit.state}" for unit in host.units.values() if not unit.well]
    return bad(", ".join(down)) if down else good(str(len(host.units)))


def _pods(host: HostStatus) -> Cell:
    down = [_SHORT.get(pod.name, pod.name) for pod in host.pods.values() if not pod.ready]
    if not host.pods:
        return NOTHING
    return bad(" ".join(down)) if down else good(str(len(host.pods)))


def _haproxy(host: HostStatus) -> Cell:
    """Return how the host's haproxy sees the apiservers."""
    if host.backends is None:
        return bad("silent") if "haproxy" in host.units else NOTHING
    use = {backend.server: backend.use for backend in host.backends}
    others: Mapping[Use, Sequence[str]] = {
        kind: [server for server, one in use.items() if one is kind] for kind in (Use.DOWN, Use.SPARED, Use.DRAINED)
    }
    words = [f"{' '.join(servers)} {kind.value}" for kind, servers in others.items() if servers]
    if not words:
        return good(str(len(use)))
    return warn(", ".join(words)) if Use.UP in use.values() else bad(", ".join(words))


def _certificates(host: HostStatus) -> Cell:
    """Return how many days the first certificate has left that the host doesn't renew by itself."""
    days = min((item.days for item in host.certificates if not item.own), default=None)
    if days is None:
        return UNKNOWN
    return bad("ended") if days < 0 else warn(f"{days} d") if days < WARN_DAYS else Cell(f"{days} d")


def _clock(host: HostStatus) -> Cell:
    time = host.time
    if not time.own:
        return NOTHING
    if not time.service or time.synchronized is False:
        return warn("not set" if time.service else "nobody")
    return good("") if time.synchronized else Cell(time.service)


def _size(number: int) -> Cell:
    """Return bytes as ``4.1 MB`` (10^6) or ``1.2 GB``; no database is empty."""
    if not number:
        return UNKNOWN
    return Cell(f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.1f} MB")


def ago(seconds: float) -> str:
    """Return how long ago something was."""
    if seconds < 10:
        return "just now"
    return f"{seconds:.0f} s ago" if seconds < 120 else f"{seconds / 60:.0f} min ago"
