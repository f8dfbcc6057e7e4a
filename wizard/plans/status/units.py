"""Of one host: its systemd units, and its clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wizard.facts import clock, maintenance
from wizard.facts.text import integer, parts
from wizard.plans.status.model import Time, Unit
from wizard.profile.model import Host, Profile, Role
from wizard.render.node import is_node

NODE_UNITS = ("containerd", "kubelet")
MASTER_UNITS = (*NODE_UNITS, "haproxy", "keepalived")

_PROPERTIES = "Id,LoadState,ActiveState,SubState,UnitFileState,NRestarts,StateChangeTimestampMonotonic"


def script(host: Host) -> str:
    """Return the fragment that looks at the units of `host`, and at whoever keeps its clock."""
    return f"""
part units/now
cat /proc/uptime
part units/units
systemctl show -p {_PROPERTIES} -- {" ".join(f"{name}.service" for name in (*expected(host), *clock.SERVICES))}
part units/maintenance
cat {maintenance.NOTE}
part units/container
[ -s /run/systemd/container ] && cat /run/systemd/container
{clock.SCRIPT}"""


def expected(host: Host) -> tuple[str, ...]:
    """Return the units that run on `host` by its roles."""
    own = ("etcd",) if Role.ETCD in host.roles else ()
    if Role.MASTER in host.roles:
        return own + MASTER_UNITS
    return own + (NODE_UNITS if is_node(host) else ())


def parse(host: Host, text: str) -> Mapping[str, Unit]:
    """Return the units that should run, and the time service where there is one; those that aren't there are so."""
    part = parts(text)
    now = _seconds(part.get("units/now", "").partition(" ")[0])
    shown = dict(filter(None, (_unit(block, now) for block in part.get("units/units", "").split("\n\n"))))
    found = {name: shown.get(name, Unit(name, "missing", at_boot=False)) for name in expected(host)}
    # Of several the one that runs keeps the clock; alias names show as the unit's own.
    keepers = [shown[name] for name in clock.SERVICES if name in shown]
    for unit in sorted(keepers, key=lambda unit: not unit.well)[:1]:
        # In a container none runs: its clock is that of the machine underneath.
        if unit.well or (unit.at_boot and not _contained(part)):
            found[unit.name] = unit
    return found


def parse_maintenance(profile: Profile, texts: Iterable[str]) -> Mapping[str, str]:
    """Return the hosts of `profile` that are out for maintenance, each with the time since when, by all answers."""
    notes = (parts(text).get("units/maintenance", "") for text in texts)
    return maintenance.newest(notes).among(host.name for host in profile.hosts).hosts


def parse_time(text: str, units: Mapping[str, Unit], sent: float, received: float) -> Time:
    """Return how the host's clock stands; `sent` and `received` are ours around the look, in UTC epoch seconds."""
    running = frozenset(name for name, unit in units.items() if unit.well)
    read = clock.clock_of(clock.parse(text), sent, received, running)
    return Time(
        read.service,
        read.synchronized,
        read.offset if read.known else None,
        read.error,
        own=not _contained(parts(text)),
    )


def _contained(part: Mapping[str, str]) -> bool:
    return bool(part.get("units/container", "").strip())


def _unit(block: str, now: float) -> tuple[str, Unit] | None:
    seen = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
    name = seen.get("Id", "").removesuffix(".service")
    if not name or seen.get("LoadState") != "loaded":
        return None
    since = integer(seen.get("StateChangeTimestampMonotonic", "")) / 1e6
    return name, Unit(
        name,
        seen.get("ActiveState", "unknown"),
        seen.get("SubState", ""),
        seen.get("UnitFileState", "") in ("enabled", "enabled-runtime", "alias", "static"),
        max(0.0, now - since),
        integer(seen.get("NRestarts", "")),
    )


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
