"""The bundle on disk: a folder with `bundle.lock` and content-addressed files; what an install takes everything from.

    <folder>/bundle.lock          JSON, sorted: what the bundle is and every artifact in it
    <folder>/files/<sha256>       each artifact's stored bytes, named by their own hash

Binaries and CNI plugins are stored zstd-compressed and stay so on their way to a host, which decompresses them
(``zstd -dc``); packages and images are stored as they are, for what is in them is compressed already. Reading a bundle
hashes nothing: `wizard.bundle.verify` does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from wizard.errors import Exit, SlipwayError

SCHEMA = 1
LOCK_NAME = "bundle.lock"
FILES = "files"


class Kind(StrEnum):
    """What an artifact is."""

    BINARY = "binary"
    """An executable that goes into the host's PATH."""
    CNI = "cni"
    """A CNI plugin, an executable that goes into the CNI folder."""
    IMAGE = "image"
    """A container image as a docker-archive, for ``ctr images import``."""
    PACKAGE = "package"
    """A package of the target's distribution."""


class Compression(StrEnum):
    """How an artifact is stored."""

    ZSTD = "zstd"
    NONE = "none"


class BundleError(SlipwayError):
    """The bundle is missing, broken, or can't be built."""


class NoBundle(BundleError):
    """There is no bundle where one was named or is looked for: wrong usage, as with a profile (exit 2)."""

    exit_code = Exit.USAGE


@dataclass(frozen=True, slots=True, order=True)
class Artifact:
    """One thing in the bundle.

    `name` is unique in it: ``kubelet``, ``cni/bridge``, ``image/coredns``, ``debian-12/keepalived``. `sha256` and
    `size` (bytes) are of the stored file, `content_sha256` and `content_size` of what it is uncompressed. `source`
    says where it comes from (``k8s.io/kubernetes@v1.37.2``, ``debian-12 main haproxy 2.6.12-1``).
    Images have `ref` (the name Pods use) and `image_id` (``sha256:…``, the digest of its configuration, as crictl
    shows it). Packages have `release` (``debian-12``), `package` and `filename`, and `requested` where a component
    asked for the package itself rather than for one that depends on it.
    """

    name: str
    version: str
    arch: str
    kind: Kind
    sha256: str
    size: int
    content_sha256: str
    content_size: int
    compression: Compression
    source: str
    ref: str = ""
    image_id: str = ""
    release: str = ""
    package: str = ""
    filename: str = ""
    requested: bool = False

    @property
    def file(self) -> str:
        """Return the stored file's path inside the bundle."""
        return f"{FILES}/{self.sha256}"


@dataclass(frozen=True)
class Lock:
    """What `bundle.lock` says: the Kubernetes version, the architecture, the parts' versions, every artifact.

    `components` maps a component to its version (``etcd`` → ``3.7.3``); `releases` lists the target releases whose
    packages are in the bundle; `built_with` names the tools that made it (``go`` → ``1.26.8``).
    """

    kubernetes: str
    arch: str
    artifacts: tuple[Artifact, ...]
    components: Mapping[str, str] = field(default_factory=dict)
    releases: tuple[str, ...] = ()
    built_with: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """Return the bundle's identity: the SHA-256 (hex) of the lock file's bytes."""
        return hashlib.sha256(self.dump()).hexdigest()

    @cached_property
    def size(self) -> int:
        """Return how many bytes the stored files have together."""
        return sum({artifact.sha256: artifact.size for artifact in self.artifacts}.values())

    def dump(self) -> bytes:
        """Return the lock file's bytes: JSON with sorted keys and artifacts, the same for the same content."""
        plain = {
            "schema": SCHEMA,
            "kubernetes": self.kubernetes,
            "arch": self.arch,
            "components": dict(self.components),
            "releases": sorted(self.releases),
            "built_with": dict(self.built_with),
            "artifacts": [_plain(artifact) for artifact in sorted(self.artifacts)],
        }
        return (json.dumps(plain, indent=1, sort_keys=True) + "\n").encode()

    @classmethod
    def parse(cls, data: bytes, where: str) -> Lock:
        """Read a lock file's bytes; `where` names it in errors. Raises `BundleError` where it is no lock of ours."""
        try:
            plain = json.loads(data)
            schema = plain["schema"]
        except (ValueError, KeyError, TypeError) as error:
            raise broken(where, "it is no JSON object with a schema number") from error
        if schema != SCHEMA:
            raise broken(where, f"it has schema {schema}, and this slipway reads schema {SCHEMA}")
        try:
            artifacts = tuple(sorted(artifact_of(entry) for entry in plain["artifacts"]))
            lock = cls(
                kubernetes=plain["kubernetes"],
                arch=plain["arch"],
                artifacts=artifacts,
                components=plain["components"],
                releases=tuple(plain["releases"]),
                built_with=plain["built_with"],
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise broken(where, f"a field is missing or has a wrong value: {error}") from error
        names = [artifact.name for artifact in artifacts]
        twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) != len(names) else []
        if twice:
            raise broken(where, f"it names {', '.join(twice)} twice")
        return lock


def unique_files(artifacts: Iterable[Artifact]) -> dict[str, tuple[Artifact, ...]]:
    """Return the artifacts by the stored file they share, keyed by its SHA-256."""
    files: dict[str, tuple[Artifact, ...]] = {}
    for artifact in artifacts:
        files[artifact.sha256] = (*files.get(artifact.sha256, ()), artifact)
    return files


def _plain(artifact: Artifact) -> dict[str, Any]:
    return {key: value for key, value in asdict(artifact).items() if value not in ("", False)} | {"file": artifact.file}


def artifact_of(entry: Mapping[str, Any]) -> Artifact:
    """Return the artifact an entry describes. Raises ValueError, KeyError or TypeError where it describes none."""
    fields = {key: value for key, value in entry.items() if key != "file"}
    artifact = Artifact(**{**fields, "kind": Kind(fields["kind"]), "compression": Compression(fields["compression"])})
    for digest in (artifact.sha256, artifact.content_sha256):
        if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
            raise ValueError(f"{artifact.name}: {digest!r} is no SHA-256")
    if not all(isinstance(size, int) and size >= 0 for size in (artifact.size, artifact.content_size)):
        raise ValueError(f"{artifact.name}: its size is no number of bytes")
    return artifact


def broken(where: str, why: str) -> BundleError:
    """Return the error that says why the lock at `where` can't be read."""
    return BundleError(
        "The bundle's lock can't be read",
        where=where,
        why=why,
        hint="Copy the bundle again from where it is whole, or run `slipway bundle build`.",
    )
