"""Storing a file: zstd-compressed, named by its own hash, with the hash of what it was."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

from wizard.bundle.lock import Compression
from wizard.bundle.process import need, run

LEVEL = 12
"""zstd's level: 15 takes twice as long for 1 % (measured on kube-apiserver); reading it is as fast at every level."""
CHUNK = 1 << 20


def sha256_of(path: Path) -> str:
    """Return the SHA-256 (hex) of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def copy_hashing(source: Path, target: Path) -> str:
    """Copy a file's content and return its SHA-256 (hex); `target` must not exist."""
    digest = hashlib.sha256()
    with source.open("rb") as reader, target.open("xb") as writer:
        while chunk := reader.read(CHUNK):
            digest.update(chunk)
            writer.write(chunk)
    return digest.hexdigest()


def compress(path: Path, target: Path) -> None:
    """Write what zstd makes of `path` to `target`. Raises `BundleError` where zstd is missing or fails.

    Its output is the same for the same input whatever the number of threads, as long as there are threads at all.
    """
    run(
        [need("zstd", "zstd", "to compress the bundle"), "-q", "-f", f"-{LEVEL}", "-T2", str(path), "-o", str(target)],
        doing=f"Compressing {path.name}",
    )


def store(path: Path, files: Path) -> dict[str, Any]:
    """Compress `path` into the folder `files` and return what `Artifact` wants to know about it."""
    files.mkdir(exist_ok=True)
    number, name = tempfile.mkstemp(dir=files)
    os.close(number)
    compress(path, Path(name))
    sha256 = sha256_of(Path(name))
    stored = Path(name).rename(files / sha256)
    stored.chmod(0o644)
    return {
        "sha256": sha256,
        "size": stored.stat().st_size,
        "content_sha256": sha256_of(path),
        "content_size": path.stat().st_size,
        "compression": Compression.ZSTD,
    }


def keep(path: Path, files: Path) -> dict[str, Any]:
    """Move `path` into the folder `files` as it is and return what `Artifact` wants to know about it."""
    files.mkdir(exist_ok=True)
    sha256, size = sha256_of(path), path.stat().st_size
    path.rename(files / sha256)
    return {
        "sha256": sha256,
        "size": size,
        "content_sha256": sha256,
        "content_size": size,
        "compression": Compression.NONE,
    }
