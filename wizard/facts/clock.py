"""A host's clock against the jump host's, and who keeps it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from wizard.facts.model import Clock
from wizard.facts.text import parts

SCRIPT = r"""
part clock/timesync
[ -e /run/systemd/timesync/synchronized ] && echo yes
part clock/chrony
[ -S /run/chrony/chronyd.sock ] && command -v chronyc >/dev/null && chronyc -c tracking
"""

SERVICES = ("chrony", "chronyd", "systemd-timesyncd", "ntpsec", "ntp", "ntpd", "openntpd")
"""Units that keep a clock."""

_TIME = re.compile(r"^(\d{1,12})(?:\.(\d{1,9}))?")


@dataclass(frozen=True, slots=True)
class Reading:
    """What the host says of its time: `began` and `ended` by its own clock (UTC epoch seconds), each known to
    `grain` seconds; `synchronized` by the word of its time service.
    """

    began: float | None = None
    ended: float | None = None
    grain: float = 0.0
    synchronized: bool | None = None


def parse(text: str) -> Reading:
    """Return what the host says of its time."""
    part = parts(text)
    began, coarse = _seconds(part.get("clock/began", ""))
    ended, coarse_too = _seconds(part.get("clock/ended", ""))
    synchronized = True if part.get("clock/timesync", "").strip() == "yes" else None
    # The last of chronyc's comma-separated fields is the leap status (chronyc(1), "tracking").
    leap = part.get("clock/chrony", "").strip().rpartition(",")[2]
    if leap:
        synchronized = leap in ("Normal", "Insert second", "Delete second")
    return Reading(began, ended, 1.0 if coarse or coarse_too else 0.0, synchronized)


def clock_of(reading: Reading, sent: float, received: float, units: frozenset[str]) -> Clock:
    """Return the offset to the jump host's clock: positive where the host is ahead.

    `sent` and `received` are the jump host's clock (UTC epoch seconds) just before and after the look. What the host
    did between `began` and `ended` happened between them, as in NTP (RFC 5905, section 8), so the offset is known to
    half of what the network took.
    """
    service = next((name for name in SERVICES if name in units), "")
    synchronized = reading.synchronized
    if synchronized is None and service == "systemd-timesyncd":
        synchronized = False
    if reading.began is None or reading.ended is None:
        return Clock(synchronized=synchronized, service=service)
    low, high = reading.ended - received, reading.began + reading.grain - sent
    return Clock((low + high) / 2, abs(high - low) / 2, True, synchronized, service)


def _seconds(text: str) -> tuple[float | None, bool]:
    """Read ``date +%s.%N``; the flag tells that the fraction is missing, as with busybox."""
    found = _TIME.match(text.strip())
    if not found:
        return None, False
    return float(f"{found[1]}.{found[2] or 0}"), found[2] is None
