"""The files that a profile's extras name, found from the profile's own place: a profile goes with its folder."""

from __future__ import annotations

from pathlib import Path

from wizard.profile.model import Profile


def based(profile: Profile, folder: Path) -> Profile:
    """Return `profile` with the paths of its own files absolute: relative ones are meant from `folder`, ``~`` is home.

    A run's process has another current folder, and a run that is resumed finds them again.
    """

    def absolute(path: str | None) -> str | None:
        return str(folder.absolute() / Path(path).expanduser()) if path else path

    registries = tuple(
        item.model_copy(update={"ca": absolute(item.ca), "password_file": absolute(item.password_file)})
        for item in profile.registries
    )
    return profile.model_copy(update={"manifests": absolute(profile.manifests), "registries": registries})
