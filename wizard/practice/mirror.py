"""Which Debian mirror to take: the one this machine's own apt uses. Pure but for `mirror_of_this_machine`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

DEBIAN_SUITES = frozenset(
    ["bullseye", "bookworm", "trixie", "forky", "sid", "oldoldstable", "oldstable", "stable", "testing", "unstable"],
)
"""Names of Debian's releases (Ubuntu's are others): a mirror that has one of them has bookworm as well."""

ONE_LINE = re.compile(r"^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)$")


@dataclass(frozen=True, slots=True)
class Source:
    """One suite of one apt source: its address, suite and components."""

    uri: str
    suite: str
    components: tuple[str, ...]


def parse_one_line(text: str) -> Iterator[Source]:
    """Yield the sources of a one-line style file (sources.list(5)); comments and ``deb-src`` are left out."""
    for line in text.splitlines():
        if match := ONE_LINE.match(line.split("#", 1)[0].strip()):
            uri, suite, components = match.groups()
            yield Source(uri, suite, tuple(components.split()))


def parse_deb822(text: str) -> Iterator[Source]:
    """Yield the sources of a deb822 style file (sources.list(5)); disabled stanzas are left out."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for stanza in re.split(r"\n\s*\n", "\n".join(lines)):
        fields: dict[str, str] = {}
        key = ""
        for line in stanza.splitlines():
            if line[:1].isspace():
                fields[key] = fields.get(key, "") + " " + line.strip()
            elif ":" in line:
                key, value = line.split(":", 1)
                key = key.strip().lower()
                fields[key] = value.strip()
        if fields.get("enabled", "yes").lower() in {"no", "false", "0"} or "deb" not in fields.get("types", "").split():
            continue
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield Source(uri, suite, tuple(fields.get("components", "").split()))


def choose(sources: Iterable[Source], suite: str) -> str:
    """Return the address of the mirror to take `suite` from, or empty when none of `sources` is a Debian mirror."""
    usable = [
        source
        for source in sources
        if source.uri.startswith(("http://", "https://", "file:")) and "main" in source.components
    ]
    for source in usable:
        if source.suite == suite:
            return source.uri.rstrip("/")
    return next((source.uri.rstrip("/") for source in usable if source.suite in DEBIAN_SUITES), "")


def mirror_of_this_machine(suite: str, apt: Path = Path("/etc/apt")) -> str:
    """Return the Debian mirror of this machine's apt, or empty when it has none (Ubuntu, or no apt at all)."""
    found: list[Source] = []
    for path in (apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))):
        if not path.is_file():
            continue
        text = path.read_text(errors="replace")
        if path.suffix == ".list":
            found.extend(parse_one_line(text))
        elif path.suffix == ".sources":
            found.extend(parse_deb822(text))
    return choose(found, suite)
