"""The host's marker, ``/etc/slipway/cluster.json``: whose host this is, what slipway put there, what was there before.

A marker is a value; the runner holds each host's and sends the new one in the stream of every change that adds files.
Two streams may run on a host at once: each marker names all that was sent so far, and `revision` says which is newer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from wizard.engine.files import check_path, sha256_of
from wizard.engine.step import Change

MARKER = "/etc/slipway/cluster.json"
BEFORE = "/var/lib/slipway/before"
"""Where a file that was there before slipway is kept: this folder plus its own path."""
STATE = "/var/lib/slipway"
"""What slipway keeps on a host beside the marker."""
FOLDERS = f"{STATE}/folders"
"""The folders that slipway had to make, a line each: those that are empty in the end go when the host is put back."""
DIRECTORIES = f"{STATE}/directories"
"""The marker's paths at which a directory was before: ``full PATH``, or ``empty PATH``, a line each."""
FOUND = f"{STATE}/found"
"""What else was so before slipway: kernel parameters, users, swap, units."""
SCHEMA = 1
ABSENT = "absent"
DIRECTORY = "directory"


@dataclass(frozen=True, slots=True)
class Owner:
    """The cluster a run works for: its UID, its name, and slipway's own version."""

    uid: str
    cluster: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class Put:
    """One thing slipway put on the host, by which step and version; no `sha256` and `mode` for what a script made."""

    sha256: str = ""
    mode: str = ""
    step: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class HostMarker:
    """The marker of one host. `before` names for a path what was there: ``absent``, ``directory``, or the kept copy.

    A path in `files` that `before` doesn't name was absent unless a copy lies under `BEFORE`: a run was killed.
    """

    uid: str = ""
    cluster: str = ""
    version: str = ""
    revision: int = 0
    files: Mapping[str, Put] = field(default_factory=dict)
    before: Mapping[str, str] = field(default_factory=dict)


def parse(text: str) -> HostMarker:
    """Return the marker in `text`; an empty one (no UID) for no text. Raises ValueError where it isn't a marker."""
    if not text.strip():
        return HostMarker()
    try:
        data: dict[str, Any] = json.loads(text)
        if not isinstance(data["uid"], str) or int(data["schema"]) > SCHEMA:
            raise ValueError(f"schema {data['schema']}")
        files = {path: Put(**_known(put)) for path, put in data.get("files", {}).items()}
        before = {path: str(found) for path, found in data.get("before", {}).items()}
        words = (str(data["uid"]), str(data.get("name", "")), str(data.get("version", "")))
        return HostMarker(*words, int(data.get("revision", 0)), files, before)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{MARKER} is not a marker this version of slipway can read: {error}") from error


def _known(put: dict[str, Any]) -> dict[str, str]:
    return {key: str(put.get(key, "")) for key in ("sha256", "mode", "step", "version")}


def dump(marker: HostMarker) -> str:
    """Return `marker` as the text of its file: JSON, one entry a line, the revision (a host's shell reads it) first."""
    data = {
        "revision": marker.revision,
        "schema": SCHEMA,
        "uid": marker.uid,
        "name": marker.cluster,
        "version": marker.version,
        "files": {path: asdict(marker.files[path]) for path in sorted(marker.files)},
        "before": {path: marker.before[path] for path in sorted(marker.before)},
    }
    return json.dumps(data, indent=1) + "\n"


def judge(text: str, uid: str) -> str:
    """Return whose host this is by its marker: ``ours``, ``another's`` (or unreadable), or ``none``."""
    try:
        found = parse(text).uid
    except ValueError:
        return "another's"
    return "none" if not found else "ours" if found == uid else "another's"


def with_change(marker: HostMarker, owner: Owner, step: str, change: Change) -> HostMarker:
    """Return `marker` with what `change` of `step` puts on the host; what it removes is named until it is gone."""
    files = dict(marker.files)
    for file in change.files:
        files[check_path(file.path)] = Put(sha256_of(file), f"{file.mode:04o}", step, owner.version)
    for path in change.ours:
        files[check_path(path)] = Put(step=step, version=owner.version)
    return replace(
        marker,
        uid=owner.uid,
        cluster=owner.cluster,
        version=owner.version,
        revision=marker.revision + 1,
        files=files,
    )


def with_before(marker: HostMarker, found: Mapping[str, str]) -> HostMarker:
    """Return `marker` with what was `found` before (path → ``absent``, ``directory``, kept copy); the first stays."""
    fresh = {path: what for path, what in found.items() if path not in marker.before}
    return replace(marker, before={**marker.before, **fresh}, revision=marker.revision + 1) if fresh else marker


def without(marker: HostMarker, paths: Iterable[str]) -> HostMarker:
    """Return `marker` without `paths` and what lay below them: they are gone from the host."""
    gone = tuple(paths)
    under = tuple(f"{path}/" for path in gone)
    files = {path: put for path, put in marker.files.items() if path not in gone and not path.startswith(under)}
    return replace(marker, files=files, revision=marker.revision + 1) if len(files) < len(marker.files) else marker
