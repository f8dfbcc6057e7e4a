"""Images that slipway doesn't build: put into a bundle as their makers published them, under their official names.

They come as archives of ``docker save`` (https://github.com/moby/docker-image-spec): a tar with manifest.json, which
names each image, its configuration and its layers. `slipway bundle build` keeps what was added.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wizard.bundle.cache import Cache
from wizard.bundle.lock import FILES, LOCK_NAME, Artifact, BundleError, Kind
from wizard.bundle.opened import Bundle, load_bundle
from wizard.bundle.pack import store
from wizard.bundle.places import builds_dir, lock_name
from wizard.render.images import OFFICIAL, image_refs
from wizard.versions import components

SOURCE = "added"
"""How the source of an artifact begins that somebody put in."""
HOW = "Save it with `docker save REF -o FILE`, or `skopeo copy docker://REF docker-archive:FILE:REF`."


@dataclass(frozen=True, slots=True)
class Saved:
    """The one image of an archive: the names it has there, its ID (``sha256:…``) and its architecture (Go's word)."""

    refs: tuple[str, ...]
    image_id: str
    arch: str


def official_refs(kubernetes: str) -> Mapping[str, str]:
    """Return the images that a bundle for this version may be given: artifact's name → image reference."""
    refs = image_refs(components(kubernetes))
    return {f"image/{name}": refs[name] for name in OFFICIAL}


def absent(bundle: Bundle) -> Mapping[str, str]:
    """Return the official images that the bundle lacks: artifact's name → image reference."""
    there = {artifact.ref for artifact in bundle.images()}
    return {name: ref for name, ref in official_refs(bundle.kubernetes).items() if ref not in there}


def kept(folder: Path, kubernetes: str) -> tuple[Artifact, ...]:
    """Return what was added to the bundle in `folder`, is whole in size, and goes with the version `kubernetes`."""
    try:
        bundle = load_bundle(folder)
    except BundleError:
        return ()
    wanted = official_refs(kubernetes)

    def whole(artifact: Artifact) -> bool:
        path = bundle.path(artifact)
        return path.is_file() and path.stat().st_size == artifact.size

    return tuple(
        artifact
        for artifact in bundle.lock.artifacts
        if artifact.source.startswith(f"{SOURCE} ") and wanted.get(artifact.name) == artifact.ref and whole(artifact)
    )


def add(folder: Path, archives: Sequence[Path]) -> tuple[Artifact, ...]:
    """Put the images of `archives` into the bundle in `folder` and return them.

    All of them are looked at before the first one is stored. Raises `BundleError` where one is no archive of a single
    image, is none that this bundle's version can want, or is for other processors.
    """
    with Cache(builds_dir()).exclusive(lock_name(folder), lambda: None):
        bundle = load_bundle(folder)
        wanted = official_refs(bundle.kubernetes)
        found = [(archive, _judged(archive, look(archive), wanted, bundle.lock.arch)) for archive in archives]
        added = tuple(_stored(bundle, archive, name, wanted[name], saved) for archive, (name, saved) in found)
        _write(bundle, added)
    return added


def _stored(bundle: Bundle, archive: Path, name: str, ref: str, saved: Saved) -> Artifact:
    """Return the artifact of an archive, its bytes stored among the bundle's files."""
    with _writing(bundle.folder):
        stored = store(archive, bundle.folder / FILES)
    return Artifact(
        name=name,
        version=ref.rpartition(":v")[2],
        arch=saved.arch,
        kind=Kind.IMAGE,
        source=f"{SOURCE} {ref}",
        ref=ref,
        image_id=saved.image_id,
        **stored,
    )


def look(archive: Path) -> Saved:
    """Return what image the archive holds. Raises `BundleError` where it is none, or holds several."""
    try:
        with tarfile.open(archive) as tar:
            entries = json.loads(_member(tar, "manifest.json"))
            if len(entries) != 1:
                raise _unfit(archive, f"it holds {len(entries)} images", "Save each image to a file of its own.")
            entry: dict[str, Any] = entries[0]
            config = _member(tar, entry["Config"])
            plain = json.loads(config)
            names = set(tar.getnames())
            if lost := [layer for layer in entry["Layers"] if layer not in names]:
                raise _unfit(archive, f"its layer {lost[0]} is missing", HOW)
            refs = tuple(entry["RepoTags"] or ())
            return Saved(refs, f"sha256:{hashlib.sha256(config).hexdigest()}", plain["architecture"])
    except OSError as error:
        raise _unfit(archive, error.strerror or str(error), "Check path and rights.") from error
    except (tarfile.TarError, EOFError, ValueError, KeyError, TypeError) as error:
        raise _unfit(archive, "it is no archive of a container image as `docker save` writes it", HOW) from error


def _judged(archive: Path, saved: Saved, wanted: Mapping[str, str], arch: str) -> tuple[str, Saved]:
    """Return the artifact's name for an image; raise `BundleError` where this bundle can't want it."""
    name = next((name for name, ref in wanted.items() if ref in saved.refs), "")
    if not name:
        shown = ", ".join(saved.refs) or "without a name"
        raise _unfit(archive, f"its image is {shown}", f"This bundle can take {', '.join(wanted.values())}. {HOW}")
    if saved.arch != arch:
        why = f"{wanted[name]} in it is for {saved.arch}, and the bundle for {arch}"
        raise _unfit(archive, why, f"Save it with `docker pull --platform linux/{arch}` first.")
    return name, saved


def _member(tar: tarfile.TarFile, name: str) -> bytes:
    found = tar.extractfile(name)
    if found is None:
        raise ValueError(f"{name} is no file")
    return found.read()


def _write(bundle: Bundle, added: Sequence[Artifact]) -> None:
    """Write the lock with `added` in the place of what had their names; files that nothing names any more go."""
    names = {artifact.name for artifact in added}
    artifacts = tuple(sorted([*(item for item in bundle.lock.artifacts if item.name not in names), *added]))
    lock = replace(bundle.lock, artifacts=artifacts)
    with _writing(bundle.folder):
        part = bundle.folder / ".part-lock"
        part.write_bytes(lock.dump())
        part.replace(bundle.folder / LOCK_NAME)
        left = {item.sha256 for item in bundle.lock.artifacts} - {item.sha256 for item in artifacts}
        for sha256 in left:
            (bundle.folder / FILES / sha256).unlink(missing_ok=True)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BundleError(
            "The bundle can't be written", where=str(folder), why=error.strerror or str(error), hint="Free some space."
        ) from error


def _unfit(archive: Path, why: str, hint: str) -> BundleError:
    return BundleError("The image can't be added to the bundle", where=str(archive), why=why, hint=hint)
