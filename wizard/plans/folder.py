"""The cluster's folder on this jump host: its identity, its admin kubeconfig, and the profile that was applied."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path

from wizard import versions
from wizard.errors import SlipwayError
from wizard.pki.hosts import admin_kubeconfig
from wizard.pki.store import Pki
from wizard.profile.model import Profile


def identity(folder: Path, cluster: str, *, make: bool = False) -> str:
    """Return the UID of the cluster whose state is in `folder`, or an empty text where there is none yet.

    With `make` a new one is made and kept. Raises `SlipwayError` where the file can't be read or written.
    """
    path = folder / "cluster.json"
    try:
        if path.exists():
            return str(json.loads(path.read_text(encoding="utf-8"))["uid"])
        if not make:
            return ""
        uid = uuid.uuid4().hex
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps({"uid": uid, "name": cluster}) + "\n", encoding="utf-8")
        with fresh.open() as file:
            os.fsync(file.fileno())
        fresh.replace(path)
        return uid
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SlipwayError(
            "The cluster's identity can't be read",
            where=str(path),
            why=str(error),
            hint="Copy the file back from where it is whole; every host's /etc/slipway/cluster.json has the UID.",
        ) from error


def applied(folder: Path) -> Profile | None:
    """Return the profile that was applied last to the cluster whose state is in `folder`; None where none is kept."""
    try:
        return Profile.model_validate_json((folder / "profile.json").read_bytes())
    except (OSError, ValueError):
        return None


def keep(folder: Path, profile: Profile, keys: Pki, *, applied: bool) -> None:
    """Keep the admin kubeconfig in the cluster's `folder` (0600), and the profile too where it was `applied`.

    Raises `SlipwayError` where that fails.
    """
    files = {"admin.conf": admin_kubeconfig(keys, profile)}
    if applied:
        # With the version that was meant, which another slipway's default is not.
        exact = profile.model_copy(update={"kubernetes": profile.kubernetes or versions.default()})
        files["profile.json"] = exact.model_dump_json(indent=1).encode()
    try:
        for name, content in files.items():
            path = folder / name
            fresh = path.with_name(f".{name}.new")
            fresh.touch(mode=0o600)
            fresh.write_bytes(content)
            fresh.replace(path)
    except OSError as error:
        raise SlipwayError(
            "The admin kubeconfig could not be kept", where=str(folder), why=error.strerror or str(error),
            hint="The hosts are done. Make room there and run the same command again.",
        ) from error  # fmt: skip
