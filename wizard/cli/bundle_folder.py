"""What the commands about the bundle share: which one is meant, and what of it people are told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wizard import versions
from wizard.bundle.added import absent
from wizard.bundle.opened import Bundle
from wizard.bundle.places import default_folder

Folder = Annotated[
    Path | None,
    typer.Option("--bundle", metavar="DIR", help="The bundle's folder. Default: the cache's, by version and machine."),
]
Kubernetes = Annotated[
    str, typer.Option("--kubernetes", metavar="VERSION", help="The Kubernetes version. Default: the newest known.")
]


def folder_of(folder: Path | None, kubernetes: str) -> Path:
    """Return the bundle's folder: the one named, or the cache's. Raises `UsageError` for an unknown version."""
    return folder or default_folder(versions.components(kubernetes or versions.default()).kubernetes)


def absent_words(bundle: Bundle) -> str:
    """Return, a line each, what the bundle could have and slipway doesn't build; empty where it has all of that."""
    refs = absent(bundle).values()
    if not refs:
        return ""
    first = "Not in it, as slipway doesn't build them; calico and cilium need theirs (`slipway bundle add FILE`):"
    return "\n".join([first, *(f"  {ref}" for ref in refs)])


def megabytes(size: int) -> str:
    """Return a size in bytes in words, in MB (10⁶ bytes) or kB."""
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"
