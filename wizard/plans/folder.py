"""The cluster's folder on this jump host: its identity, its admin kubeconfig, and the profile that was applied."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable
from pathlib import Path

from wizard import versions
from wizard.errors import SlipwayError, refused_here
from wizard.pki.hosts import admin_kubeconfig
from wizard.pki.store import Pki
from wizard.profile.model import Host, Profile
from wizard.remote.targets import merged

APPLIED = "profile.json"
"""The profile that was applied last, in the cluster's folder."""


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
        raise refused_here(error) or SlipwayError(
            "The cluster's identity can't be read",
            where=str(path),
            why=str(error),
            hint="Copy the file back from where it is whole; every host's /etc/slipway/cluster.json has the UID.",
        ) from error


def applied(folder: Path) -> Profile | None:
    """Return the profile that was applied last, None where none was, or where this version can't read it.

    It names every host of the cluster, those too that a later profile names no more and that are still to be taken out.
    """
    try:
        return Profile.model_validate_json((folder / APPLIED).read_bytes())
    except (OSError, ValueError):
        return None


def remember(folder: Path, profile: Profile) -> None:
    """Keep `profile` in the cluster's `folder` as the one that was applied last."""
    _put(folder / APPLIED, profile.model_dump_json(indent=1).encode())


def with_hosts(profile: Profile, before: Profile, hosts: Iterable[Host]) -> Profile:
    """Return `profile` with further `hosts` of the profile `before`, each with the login it had there."""
    more = [host.model_copy(update={"ssh": merged(host.ssh, before.ssh)}) for host in hosts]
    return profile.model_copy(update={"hosts": (*profile.hosts, *more)})


def keep(folder: Path, profile: Profile, keys: Pki, *, applied: bool) -> None:
    """Keep the admin kubeconfig in the cluster's `folder` (0600), and the profile too where it was `applied`.

    Raises `SlipwayError` where that fails.
    """
    _put(folder / "admin.conf", admin_kubeconfig(keys, profile))
    if applied:
        # With the version that was meant, which another slipway's default is not.
        remember(folder, profile.model_copy(update={"kubernetes": profile.kubernetes or versions.default()}))


def _put(path: Path, content: bytes) -> None:
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.touch(mode=0o600)
        fresh.write_bytes(content)
        fresh.replace(path)
    except OSError as error:
        raise SlipwayError(
            f"The cluster's {path.name} could not be kept", where=str(path.parent), why=error.strerror or str(error),
            hint="What is done on the hosts stays done. Make room there and run the same command again.",
        ) from error  # fmt: skip
