"""Container images as OCI layouts in one tar: the same bytes for the same content, whoever builds them and when.

Format: https://github.com/opencontainers/image-spec (image-layout.md, config.md, layer.md). Layers are compressed by
zstd and the archive is not: a host stores and hashes a quarter of the bytes, and unpacks each layer once.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wizard.bundle.pack import compress

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a layer: a file (with a `path` to read or `data`), a symbolic link (`link`), or a folder."""

    mode: int = 0o755
    path: Path | None = None
    data: bytes | None = None
    link: str = ""
    uid: int = 0
    gid: int = 0


Tree = Mapping[str, Entry]
"""A layer's content by its path, without a leading slash. Parent folders need not be named."""


@dataclass(frozen=True, slots=True)
class Config:
    """How an image's program is started; the words of the OCI image configuration."""

    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    environment: Sequence[str] = (PATH,)
    user: str = ""
    working_dir: str = "/"
    labels: Mapping[str, str] = field(default_factory=dict)


BASE: Tree = {
    "etc/passwd": Entry(
        0o644, data=b"root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n"
    ),
    "etc/group": Entry(0o644, data=b"root:x:0:\nnonroot:x:65532:\n"),
    "etc/nsswitch.conf": Entry(0o644, data=b"hosts: files dns\n"),
    "tmp": Entry(0o1777),
}
"""What a static program may expect of its image."""


def with_parents(tree: Tree) -> dict[str, Entry]:
    """Return the tree with every parent folder named, sorted: parents come before what they hold."""
    whole = dict(tree)
    for path in tree:
        for parent in list(Path(path).parents)[:-1]:
            whole.setdefault(str(parent), Entry(0o755))
    return dict(sorted(whole.items()))


def write_layer(tree: Tree, target: Path) -> str:
    """Write a layer's tar and return its SHA-256 (hex), which is its diff ID."""
    with target.open("wb") as file, tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as layer:
        for name, entry in with_parents(tree).items():
            _add(layer, name, entry)
    return _digest_of(target)


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer's tar as a file. `diff_id` is the SHA-256 (hex) of the tar itself, `media_type` how it is compressed."""

    path: Path
    diff_id: str
    media_type: str = "application/vnd.oci.image.layer.v1.tar"


def compressed(layer: Path, target: Path) -> Layer:
    """Compress a layer's tar into `target`. Raises `BundleError` where zstd is missing or fails."""
    compress(layer, target)
    return Layer(target, _digest_of(layer), "application/vnd.oci.image.layer.v1.tar+zstd")


def write_image(ref: str, arch: str, config: Config, layers: Sequence[Layer], target: Path) -> str:
    """Write an OCI archive with one image named `ref` and return the image's ID (``sha256:…`` of its configuration)."""
    layer_blobs = [(_digest_of(layer.path), layer) for layer in layers]
    configuration = _json(
        {
            "architecture": arch,
            "os": "linux",
            "created": EPOCH,
            "config": _present(
                {
                    "Entrypoint": list(config.entrypoint),
                    "Cmd": list(config.command),
                    "Env": list(config.environment),
                    "User": config.user,
                    "WorkingDir": config.working_dir,
                    "Labels": dict(config.labels),
                }
            ),
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.diff_id}" for layer in layers]},
            "history": [{"created": EPOCH, "created_by": "slipway bundle build"} for _ in layers],
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": _descriptor("application/vnd.oci.image.config.v1+json", configuration),
            "layers": [
                {
                    "mediaType": layer.media_type,
                    "digest": f"sha256:{digest}",
                    "size": layer.path.stat().st_size,
                }
                for digest, layer in layer_blobs
            ],
        }
    )
    index = _json(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [
                _descriptor("application/vnd.oci.image.manifest.v1+json", manifest)
                | {
                    "platform": {"architecture": arch, "os": "linux"},
                    "annotations": {
                        "io.containerd.image.name": ref,
                        "org.opencontainers.image.ref.name": ref.rpartition(":")[2],
                    },
                }
            ],
        }
    )
    blobs: dict[str, bytes | Path] = {hashlib.sha256(data).hexdigest(): data for data in (configuration, manifest)}
    blobs |= {digest: layer.path for digest, layer in layer_blobs}
    with target.open("wb") as file, tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        _add(archive, "oci-layout", Entry(0o644, data=_json({"imageLayoutVersion": "1.0.0"})))
        _add(archive, "index.json", Entry(0o644, data=index))
        for digest, content in sorted(blobs.items()):
            where = {"data": content} if isinstance(content, bytes) else {"path": content}
            _add(archive, f"blobs/sha256/{digest}", Entry(0o644, **where))
    return f"sha256:{hashlib.sha256(configuration).hexdigest()}"


def _add(archive: tarfile.TarFile, name: str, entry: Entry) -> None:
    """Add one entry with nothing of this machine in it: no time, no owner's name."""
    info = tarfile.TarInfo(name)
    info.mode, info.uid, info.gid, info.mtime = entry.mode, entry.uid, entry.gid, 0
    if entry.link:
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, entry.link, 0o777
        archive.addfile(info)
    elif entry.path is not None:
        info.size = entry.path.stat().st_size
        with entry.path.open("rb") as file:
            archive.addfile(info, file)
    elif entry.data is not None:
        info.size = len(entry.data)
        archive.addfile(info, io.BytesIO(entry.data))
    else:
        info.type = tarfile.DIRTYPE
        archive.addfile(info)


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _descriptor(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": f"sha256:{hashlib.sha256(data).hexdigest()}", "size": len(data)}


def _present(words: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in words.items() if value}


def _json(plain: Any) -> bytes:
    return json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()
