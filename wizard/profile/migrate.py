"""Profiles of older formats, brought to today's: one function a version, applied in turn to the plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from wizard.errors import UsageError

CURRENT = 1
"""Version of the format that this slipway writes."""

Migration = Callable[[dict[str, Any]], dict[str, Any]]

MIGRATIONS: Mapping[int, Migration] = {}
"""From which version on → what brings the data to the next one."""


def migrate(
    data: dict[str, Any], where: str, current: int = CURRENT, migrations: Mapping[int, Migration] = MIGRATIONS
) -> dict[str, Any]:
    """Return `data` in today's format; a profile without ``version`` is of version 1.

    Raises `UsageError` where it is newer than this slipway, or of no version at all.
    """
    version = data.get("version", 1)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise UsageError(
            "The profile's version is no version of the format",
            where=where,
            why=f"'version' counts the format of the file from 1, and here it is {version!r}",
            hint=f"Write version: {current}. The Kubernetes version goes under 'kubernetes'.",
        )
    if version > current:
        raise UsageError(
            "The profile was written by a newer slipway",
            where=where,
            why=f"its format is version {version}, and this slipway knows up to {current}",
            hint="Use that slipway, or write the profile anew with 'slipway profile new'.",
        )
    while version < current:
        data = migrations[version](dict(data)) | {"version": version + 1}
        version += 1
    return data
