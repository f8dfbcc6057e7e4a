"""What the files of a site's extras hold, read on the jump host: rendering itself reads none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wizard.remote.base import Secret

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """The objects of one file of the site's folder: `path` within that folder."""

    path: str
    objects: tuple[Object, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ExtrasFiles:
    """A site's own files. What was not read is not planned, so that nothing is taken for missing.

    `authorities` are PEM by registry, `passwords` by registry. `manifests` is None where the profile names no folder.
    """

    authorities: Mapping[str, bytes] = field(default_factory=dict)
    passwords: Mapping[str, Secret] = field(default_factory=dict)
    manifests: tuple[ManifestFile, ...] | None = None
    read: bool = False
    """The files were looked for: an empty value says that the site has none."""
