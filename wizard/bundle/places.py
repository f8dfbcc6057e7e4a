"""Where bundles and builds are, and for which architecture."""

from __future__ import annotations

import hashlib
import platform
from pathlib import Path

from wizard.bundle.lock import BundleError
from wizard.paths import cache_dir, carried_dir

ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def host_arch() -> str:
    """Return this machine's architecture in Go's words (``amd64``). Raises `BundleError` for others."""
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        raise BundleError(
            f"slipway builds no bundle on {machine}", why="it knows amd64 and arm64", hint="Build it on one of those."
        )
    return ARCHITECTURES[machine]


def default_folder(kubernetes: str, arch: str = "") -> Path:
    """Return where the bundle of a version is unless a folder is named: one that came along, or the cache's."""
    name = f"{kubernetes.removeprefix('v')}-{arch or host_arch()}"
    came_along = carried_dir() / name
    return came_along if came_along.is_dir() else cache_dir() / "bundles" / name


def builds_dir() -> Path:
    """Return the build cache: one folder a component and hash of its inputs."""
    return cache_dir() / "builds"


def lock_name(folder: Path) -> str:
    """Return the name of the lock in the build cache that whoever writes the bundle in `folder` holds."""
    return hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
