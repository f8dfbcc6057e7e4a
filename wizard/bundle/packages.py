"""The source "packages": what hosts need of their distribution, with everything that depends on it.

A host is taken to have what the smallest installation has (Essential and required packages, and apt). Which of the
bundle's packages a host lacks, or has older, is seen when the host is.
"""

from __future__ import annotations

import hashlib
import inspect
import tempfile
from pathlib import Path

from wizard.bundle import apt, image, rootfs
from wizard.bundle.apt import Apt, Package
from wizard.bundle.aptsources import SYSTEM_SOURCES, find_sources, named_release
from wizard.bundle.image import write_layer
from wizard.bundle.lock import Artifact, Kind
from wizard.bundle.pack import keep
from wizard.bundle.rootfs import LAYER_PACKAGES, iptables_tree
from wizard.bundle.task import Done, Inputs, Report, Task
from wizard.paths import assets_dir
from wizard.versions import Versions

HOST_PACKAGES = (
    "keepalived",
    "haproxy",
    "conntrack",
    "chrony",
    "zstd",
    "socat",
    "ebtables",
    "ethtool",
    "iptables",
    "nftables",
    "ipset",
    "curl",
    "ca-certificates",
    "iproute2",
    "kmod",
    "procps",
)
"""What a host gets. zstd unpacks the rest of the bundle; the kubelet and kube-proxy call the network tools."""

LAYER = "iptables-layer.tar"
"""The plain file with the root filesystem for kube-proxy's and flannel's images."""


class PackageSource:
    """Fetches the packages of one release, from the jump host's own sources unless others are named."""

    name = "packages"

    def __init__(self, release: str = "", sources: Path = SYSTEM_SOURCES) -> None:
        """Take the release asked for (``debian-12``), this machine's where it is empty, and an apt folder.

        Raises `BundleError` where the folder has no sources for it.
        """
        self.release = named_release(release)
        self._sources = find_sources(self.release, sources)

    @property
    def task_name(self) -> str:
        """Return the name of its task."""
        return f"packages/{self.release.name}"

    def tasks(self, versions: Versions, arch: str) -> tuple[Task, ...]:
        """Return the one task: the closure for hosts, and the layer for images."""
        del versions

        def inputs(_: Done) -> Inputs:
            return {
                "release": self.release.name,
                "arch": arch,
                "packages": HOST_PACKAGES,
                "layer": LAYER_PACKAGES,
                "tree": _code_digest(),
                # Only its hash: sources may hold a login.
                "sources": hashlib.sha256(self._sources.encode()).hexdigest(),
            }

        def make(target: Path, _: Done, report: Report) -> tuple[Artifact, ...]:
            with tempfile.TemporaryDirectory(dir=target, prefix="apt-") as scratch:
                own = Apt(Path(scratch), self.release, arch, self._sources)
                report(0.0, "fetching the lists of packages")
                own.update()
                report(0.3, "resolving")
                return self._make(own, Path(scratch), target, report)

        return (Task(self.task_name, f"packages for {self.release.name}", 25, inputs, make, perishable=True),)

    def _make(self, own: Apt, scratch: Path, target: Path, report: Report) -> tuple[Artifact, ...]:
        base_names = own.base()
        base = {package.name for package in own.closure(base_names)}
        wanted = [package for package in own.closure([*HOST_PACKAGES, *base_names]) if package.name not in base]
        layer = own.closure(LAYER_PACKAGES)
        report(0.5, f"fetching {len({*wanted, *layer})} packages")
        files = own.download(sorted({*wanted, *layer}), scratch / "debs")
        report(0.8, "making the layer for images")
        (target / "raw").mkdir()
        write_layer(iptables_tree(files[package] for package in layer), target / "raw" / LAYER)
        return tuple(self._artifact(package, files[package], target) for package in wanted)

    def _artifact(self, package: Package, path: Path, target: Path) -> Artifact:
        release = self.release
        return Artifact(
            name=f"{release.name}/{package.name}",
            version=package.version,
            arch=package.arch,
            kind=Kind.PACKAGE,
            source=f"{release.name} main {package.name} {package.version}",
            release=release.name,
            package=package.name,
            filename=path.name,
            requested=package.name in HOST_PACKAGES,
            **keep(path, target / "files"),
        )


def _code_digest() -> str:
    """Return the hash of what decides which packages and which layer come out, so that a change makes new ones."""
    digest = hashlib.sha256((assets_dir() / "bundle" / "image" / "iptables-wrapper").read_bytes())
    for module in (image, rootfs, apt):
        digest.update(inspect.getsource(module).encode())
    return digest.hexdigest()
