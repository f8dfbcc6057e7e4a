"""Which release packages are for, and which of a machine's apt sources offer them."""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from pathlib import Path

from wizard.bundle.lock import BundleError

ORIGINS = {"debian": "Debian", "ubuntu": "Ubuntu"}
SYSTEM_SOURCES = Path("/etc/apt")
KEYRINGS = Path("/usr/share/keyrings")
CODENAMES = {
    "debian-12": "bookworm",
    "debian-13": "trixie",
    "ubuntu-22.04": "jammy",
    "ubuntu-24.04": "noble",
}
"""Releases whose packages can be asked for on a machine that runs another (https://wiki.debian.org/DebianReleases)."""


@dataclass(frozen=True, slots=True)
class Release:
    """A distribution's release: its ID (``debian``), version (``12``) and codename (``bookworm``)."""

    distribution: str
    version: str
    codename: str

    @property
    def name(self) -> str:
        """Return the name used in the bundle (``debian-12``)."""
        return f"{self.distribution}-{self.version}"


def own_release() -> Release:
    """Return this machine's release. Raises `BundleError` where it is neither Debian nor Ubuntu."""
    try:
        words = platform.freedesktop_os_release()
    except OSError:
        words = {}
    release = Release(words.get("ID", ""), words.get("VERSION_ID", ""), words.get("VERSION_CODENAME", ""))
    if release.distribution not in ORIGINS or not release.codename:
        raise BundleError(
            f"Packages can't be fetched on {words.get('PRETTY_NAME', 'this system')}",
            why="slipway fetches them with apt, from the sources of Debian or Ubuntu",
            hint="Build the bundle on a machine that runs Debian or Ubuntu, and copy it here.",
        )
    return release


def named_release(name: str) -> Release:
    """Return the release of that name (``debian-12``), this machine's where it is empty.

    Raises `BundleError` where slipway does not know it.
    """
    own = own_release()
    if name in ("", own.name):
        return own
    if name not in CODENAMES:
        raise BundleError(
            f"No package sources are known for {name}",
            why=f"slipway can fetch packages for {', '.join(sorted({own.name, *CODENAMES}))}",
            hint="Name one of them with --release, or build the bundle on a machine that runs it.",
        )
    distribution, _, version = name.partition("-")
    return Release(distribution, version, CODENAMES[name])


def find_sources(release: Release, folder: Path) -> str:
    """Return the sources of `release` in an apt folder (``/etc/apt``), as one deb822 text.

    Where it has those of another release of the same distribution only, these are taken with the suites' names
    changed: one archive holds them all. Raises `BundleError` where there are none.
    """
    keyring = KEYRINGS / f"{release.distribution}-archive-keyring.gpg"
    others = [codename for name, codename in CODENAMES.items() if name.startswith(f"{release.distribution}-")]
    for codename in (release.codename, *others):
        if text := read_sources(folder, codename, wanted=release.codename, keyring=keyring).strip():
            return f"{text}\n"
    raise BundleError(
        f"No package sources are known for {release.name}",
        where=str(folder),
        why=f"no source has the suite {release.codename} with the component main",
        hint=f"Build the bundle on a machine that runs {release.name}, or name an apt folder of one with --sources.",
    )


def read_sources(folder: Path, codename: str, wanted: str = "", keyring: Path | None = None) -> str:
    """Return the sources in an apt folder that have suites of `codename`, as one deb822 text.

    Both of apt's formats are read (sources.list(5)). A source counts where it has the component main; others are
    left out. Suites are renamed to those of `wanted`; `keyring` is named where a source names none and it is there.
    """
    stanzas: list[dict[str, str]] = []
    files = sorted((folder / "sources.list.d").glob("*"))
    for path in [folder / "sources.list", *files]:
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if path.suffix == ".sources":
            stanzas += _deb822(text)
        elif path.suffix == ".list":
            stanzas += [stanza for stanza in map(_one_line, text.splitlines()) if stanza]
    kept = []
    suites_of_release = {codename, f"{codename}-updates", f"{codename}-security", f"{codename}/updates"}
    for stanza in stanzas:
        suites = [suite for suite in stanza.get("Suites", "").split() if suite in suites_of_release]
        if (
            suites
            and "deb" in stanza.get("Types", "deb").split()
            and "main" in stanza.get("Components", "").split()
            and stanza.get("Enabled", "yes").lower() not in ("no", "false", "0")
        ):
            renamed = [suite.replace(codename, wanted or codename, 1) for suite in suites]
            signed = {"Signed-By": str(keyring)} if keyring and keyring.is_file() else {}
            kept.append(signed | stanza | {"Types": "deb", "Suites": " ".join(renamed), "Components": "main"})
    return "\n\n".join("\n".join(f"{key}: {value}" for key, value in stanza.items()) for stanza in kept) + "\n"


def _deb822(text: str) -> list[dict[str, str]]:
    stanzas: list[dict[str, str]] = [{}]
    key = ""
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        if not line.strip():
            stanzas.append({})
        elif line[0] in " \t" and key:
            stanzas[-1][key] += "\n" + line
        else:
            key, _, value = line.partition(":")
            key = key.strip().title()
            stanzas[-1][key] = value.strip()
    return [stanza for stanza in stanzas if stanza]


def _one_line(line: str) -> dict[str, str] | None:
    """Read a line of the old format: ``deb [signed-by=KEY arch=amd64] URI SUITE COMPONENT…``."""
    found = re.match(
        r"deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>[^#]+)", line
    )
    if found is None:
        return None
    stanza = {"Types": "deb", "URIs": found["uri"], "Suites": found["suite"], "Components": found["components"].strip()}
    names = {"signed-by": "Signed-By", "arch": "Architectures", "trusted": "Trusted"}
    for word in (found["options"] or "").split():
        name, _, value = word.partition("=")
        if name in names:
            stanza[names[name]] = value.replace(",", " ")
    return stanza
