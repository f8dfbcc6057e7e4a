"""An opened bundle: what hosts are given from it, found by name and kind."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from wizard.bundle.lock import LOCK_NAME, Artifact, BundleError, Kind, Lock, NoBundle, broken
from wizard.remote.base import Blob


@dataclass(frozen=True)
class Bundle:
    """An opened bundle: the folder and its lock."""

    folder: Path
    lock: Lock

    @property
    def digest(self) -> str:
        """Return the bundle's identity, the digest of its lock."""
        return self.lock.digest

    @property
    def kubernetes(self) -> str:
        """Return the Kubernetes version it installs, without a leading v."""
        return self.lock.kubernetes

    @cached_property
    def _by_name(self) -> dict[str, Artifact]:
        return {artifact.name: artifact for artifact in self.lock.artifacts}

    def artifact(self, name: str) -> Artifact:
        """Return the artifact of that name. Raises `BundleError` where the bundle has none."""
        found = self._by_name.get(name)
        if found is None:
            raise BundleError(
                f"The bundle has no {name}",
                where=str(self.folder),
                why=f"it was built for Kubernetes {self.kubernetes} with other contents",
                hint="Run `slipway bundle build` and try again.",
            )
        return found

    def path(self, artifact: Artifact) -> Path:
        """Return where the artifact's stored bytes are."""
        return self.folder / artifact.file

    def blob(self, name: str) -> Blob:
        """Return the stored bytes of the artifact of that name, to be streamed to a host."""
        artifact = self.artifact(name)
        return Blob(self.path(artifact), artifact.sha256, artifact.size)

    def of_kind(self, kind: Kind) -> tuple[Artifact, ...]:
        """Return the artifacts of one kind, sorted by name."""
        return tuple(artifact for artifact in self.lock.artifacts if artifact.kind is kind)

    def binaries(self) -> tuple[Artifact, ...]:
        """Return the executables for the host's PATH."""
        return self.of_kind(Kind.BINARY)

    def cni(self) -> tuple[Artifact, ...]:
        """Return the CNI plugins."""
        return self.of_kind(Kind.CNI)

    def images(self) -> tuple[Artifact, ...]:
        """Return the container images."""
        return self.of_kind(Kind.IMAGE)

    def packages(self, release: str) -> tuple[Artifact, ...]:
        """Return the packages for one target release (``debian-12``), dependencies included.

        Raises `BundleError` where the bundle was built without that release.
        """
        if release not in self.lock.releases:
            known = ", ".join(self.lock.releases) or "none"
            raise BundleError(
                f"The bundle has no packages for {release}",
                where=str(self.folder),
                why=f"it was built for: {known}",
                hint=f"On a machine that runs {release}, run `slipway bundle build --release {release}`.",
            )
        return tuple(artifact for artifact in self.of_kind(Kind.PACKAGE) if artifact.release == release)


def load_bundle(folder: Path) -> Bundle:
    """Open the bundle in `folder`, without looking at the files' contents.

    Raises `NoBundle` where there is none, `BundleError` where its lock can't be read.
    """
    try:
        data = (folder / LOCK_NAME).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NoBundle(
            "There is no bundle",
            where=str(folder),
            why=f"{LOCK_NAME} is not there",
            hint="Run `slipway bundle build` first, or name the folder of one with --bundle.",
        ) from error
    except OSError as error:
        raise broken(str(folder / LOCK_NAME), error.strerror or str(error)) from error
    return Bundle(folder, Lock.parse(data, str(folder / LOCK_NAME)))
