"""Putting a cluster's keys and identity away after a reset, so that the next install makes a cluster of its own.

Nothing is deleted. The journal, the logs and the known host keys stay in their place: what was done can still be read,
and the hosts are the same ones.
"""

from __future__ import annotations

import os
from pathlib import Path

from wizard.errors import SlipwayError

PARTS = ("pki", "admin.conf", "profile.json", "cluster.json")
"""In this order: while the identity is there the cluster is not put away."""


def archived(folder: Path, run: str) -> Path:
    """Return where the run `run` puts away what was in the cluster's `folder`; a run's id begins with its time."""
    return folder / f"reset-{run}"


def archive(folder: Path, run: str) -> None:
    """Move keys, identity and applied profile away. Raises `SlipwayError` where that fails; it can be done again."""
    place = archived(folder, run)
    try:
        for name in PARTS:
            if (folder / name).exists():
                place.mkdir(mode=0o700, exist_ok=True)
                (folder / name).rename(place / name)
        for changed in (place, folder):
            if changed.exists():
                descriptor = os.open(changed, os.O_RDONLY | os.O_DIRECTORY)
                os.fsync(descriptor)
                os.close(descriptor)
    except OSError as error:
        raise SlipwayError(
            "The cluster's keys could not be put away",
            where=str(folder),
            why=error.strerror or str(error),
            hint="The hosts are free. Mend that folder and reset again: it then only puts the keys away.",
        ) from error
