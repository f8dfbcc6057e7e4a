"""The hosts' clocks against each other and against the jump host's."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from wizard.checks.case import Case, Found
from wizard.errors import Level, Problem

NOTABLE = 2.0
HARMFUL = 30.0
"""Seconds from the median of all hosts. etcd and leases bear a second or two; beyond that TLS and leases break."""

LEAST_KNOWN = 30.0
JUMP_LIMIT = 240.0
"""Seconds that hosts may be behind the jump host: certificates made there are valid from 5 minutes before."""


def judge(case: Case) -> Iterator[Problem]:
    """Yield clocks that are off, and clocks that nobody keeps."""
    hosts = list(case.found())
    told = [found for found in hosts if found.facts.clock.known]
    if told:
        middle = median(found.facts.clock.offset for found in told)
        yield from _jump_host(middle)
        if len(told) > 1:
            for found in told:
                yield from _skew(found, middle)
    for found in hosts:
        yield from _service(case, found)


def _skew(found: Found, middle: float) -> Iterator[Problem]:
    clock = found.facts.clock
    skew = clock.offset - middle
    certain = abs(skew) - clock.error
    if certain <= NOTABLE:
        return
    way = "ahead of" if skew > 0 else "behind"
    message = f"Its clock is {duration(abs(skew))} {way} the other hosts'"
    fix = f"Set it (`chronyc makestep`, or `date -s`) and see why nothing keeps it right on {found.name}."
    if certain > HARMFUL:
        yield found.problem(
            "clock.wrong", Level.ERROR, f"{message}: certificates and etcd's leases would not hold", fix
        )
    else:
        yield found.problem("clock.off", Level.WARNING, message, fix)


def _jump_host(middle: float) -> Iterator[Problem]:
    """Judge the jump host's own clock: it makes the certificates. Positive: the hosts are ahead."""
    if abs(middle) <= LEAST_KNOWN:
        return
    way = "behind" if middle > 0 else "ahead of"
    message = f"This machine's clock is {duration(abs(middle))} {way} the hosts'"
    hint = "Set the clock of this machine (or of the hosts, if they are wrong)."
    if middle < -JUMP_LIMIT:
        message += ": the certificates it makes would not be valid there yet"
        yield Problem("clock.jump-host-ahead", Level.ERROR, message, hint)
    else:
        yield Problem("clock.jump-host", Level.WARNING, message, hint)


def _service(case: Case, found: Found) -> Iterator[Problem]:
    clock, servers = found.facts.clock, case.profile.time_servers
    if found.facts.system.container:
        return  # its clock is that of the machine underneath
    if not clock.service and not servers:
        yield found.problem(
            "clock.no-service",
            Level.WARNING,
            "Nothing keeps its clock, and the profile names no time servers",
            "Name the site's servers in time_servers: slipway then sets up chrony.",
            "time_servers",
        )
    elif not clock.service:
        yield found.problem(
            "clock.chrony-comes",
            Level.INFO,
            f"Nothing keeps its clock yet; slipway sets up chrony with {', '.join(servers)}",
            "",
            "time_servers",
        )
    elif clock.synchronized is False:
        yield found.problem(
            "clock.unsynchronized",
            Level.WARNING,
            f"{clock.service} runs, and has not set its clock by any server",
            "See whether its servers can be reached from there, or name the site's own in time_servers.",
            "time_servers",
        )


def duration(seconds: float) -> str:
    """Return seconds for a person: ``4.2 s``, ``12 min``, ``3.5 h``, ``41 days``."""
    for limit, unit, name in ((120, 1, "s"), (7200, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            number = seconds / unit
            return f"{number:.1f} {name}" if number < 10 else f"{number:.0f} {name}"
    return f"{seconds / 86400:.0f} days"
