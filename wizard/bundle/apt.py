"""A distribution's packages, by way of apt with a state of its own: the jump host's is neither read nor touched.

apt checks signatures and hashes as always. Only the sources of the distribution itself count (Origin Debian or
Ubuntu, component main): what else the jump host installs from is not for the site.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from wizard.bundle.aptsources import ORIGINS, Release
from wizard.bundle.lock import BundleError
from wizard.bundle.process import need, run


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """One package as the archive has it: name, Debian version, architecture."""

    name: str
    version: str
    arch: str


class Apt:
    """apt with everything it writes in `folder`, for one release and architecture, and nothing installed."""

    def __init__(self, folder: Path, release: Release, arch: str, sources: str) -> None:
        self._folder = folder
        self._get = need("apt-get", "apt", "to fetch the hosts' packages")
        self._cache = need("apt-cache", "apt", "to look into the hosts' packages")
        for name in ("state/lists/partial", "cache/archives/partial", "etc", "log"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "status").touch()
        (folder / "etc" / "slipway.sources").write_text(sources, encoding="utf-8")
        (folder / "etc" / "preferences").write_text(PREFERENCES.format(origin=ORIGINS[release.distribution]))
        self._config = folder / "apt.conf"
        self._config.write_text(CONFIGURATION.format(folder=folder, arch=arch), encoding="utf-8")

    def update(self) -> None:
        """Fetch the lists of packages. Raises `BundleError` where a source does not answer or its signature is bad."""
        self._run([self._get, "update", "-q", "--error-on=any"], "Fetching the lists of packages")

    def closure(self, names: Sequence[str]) -> tuple[Package, ...]:
        """Return what an install of `names` on an empty system would install, without recommended packages."""
        said = self._run([self._get, "install", "-s", "-q", "--", *names], f"Resolving {' '.join(names[:4])} …")
        found = re.findall(r"^Inst (\S+) \((\S+) .*\[(\w+)\]\)", said, flags=re.MULTILINE)
        return tuple(sorted(Package(*words) for words in found))

    def base(self) -> tuple[str, ...]:
        """Return what even the smallest system has: packages that are Essential or of priority required, and apt."""
        said = self._run([self._cache, "dumpavail"], "Reading the lists of packages")
        names = {"apt"}
        # On an empty system apt would choose usrmerge, and perl with it, which a host with merged /usr doesn't have.
        if re.search(r"^Package: usr-is-merged$", said, flags=re.MULTILINE):
            names.add("usr-is-merged")
        for stanza in said.split("\n\n"):
            if re.search(r"^(Essential: yes|Priority: required)$", stanza, flags=re.MULTILINE):
                names |= set(re.findall(r"^Package: (\S+)$", stanza, flags=re.MULTILINE))
        return tuple(sorted(names))

    def download(self, packages: Iterable[Package], target: Path) -> dict[Package, Path]:
        """Fetch packages into the folder `target`, checked against the signed lists, and return where each is."""
        wanted = list(packages)
        names = [f"{package.name}:{package.arch}={package.version}" for package in wanted]
        target.mkdir(parents=True, exist_ok=True)
        self._run([self._get, "download", "-q", *names], "Fetching packages", cwd=target)
        found = {}
        for package in wanted:
            # apt writes what a file name can't hold as %xx: the colon of an epoch.
            path = target / f"{package.name}_{package.version.replace(':', '%3a')}_{package.arch}.deb"
            if not path.is_file():
                raise BundleError(f"apt fetched no {package.name} {package.version}", why=f"{path.name} is not there")
            found[package] = path
        return found

    def _run(self, words: Sequence[str], doing: str, cwd: Path | None = None) -> str:
        return run(
            [words[0], "-c", str(self._config), *words[1:]],
            doing=doing,
            cwd=cwd,
            env={"LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"},
            hint="Check that `apt-get update` works on this machine, then run it again.",
        )


# Read after the machine's own configuration, so that its proxies and logins count and its hooks do not.
CONFIGURATION = """\
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Update::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Invoke;
#clear DPkg::Pre-Install-Pkgs;
#clear APT::Architectures;
APT::Architecture "{arch}";
APT::Architectures {{ "{arch}"; }};
APT::Install-Recommends "false";
APT::Install-Suggests "false";
APT::Get::AllowUnauthenticated "false";
APT::Sandbox::User "";
APT::Default-Release "";
Acquire::AllowInsecureRepositories "false";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Log "{folder}/log";
Dir::Etc::SourceList "{folder}/etc/slipway.sources";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "{folder}/etc/preferences";
Dir::Etc::PreferencesParts "/dev/null";
"""

# The first stanza that fits decides; a source of another origin offers nothing.
PREFERENCES = """\
Package: *
Pin: release o={origin}
Pin-Priority: 500

Package: *
Pin: release c=main
Pin-Priority: -1
"""
