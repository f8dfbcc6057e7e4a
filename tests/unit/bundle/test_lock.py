from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tests.unit.bundle.support import Workshop
from wizard.bundle.lock import Artifact, BundleError, Compression, Kind, Lock
from wizard.bundle.opened import load_bundle


def artifact(name: str, kind: Kind = Kind.BINARY, **more: object) -> Artifact:
    digest = hashlib.sha256(name.encode()).hexdigest()
    words = {
        "version": "1",
        "arch": "amd64",
        "sha256": digest,
        "size": 1,
        "content_sha256": digest,
        "content_size": 2,
        "compression": Compression.ZSTD,
        "source": "example.org/x@v1",
    }
    return Artifact(name=name, kind=kind, **{**words, **more})  # type: ignore[arg-type]


LOCK = Lock(
    kubernetes="1.37.2",
    arch="amd64",
    artifacts=(
        artifact("kubelet"),
        artifact("cni/bridge", Kind.CNI),
        artifact("image/coredns", Kind.IMAGE, ref="registry.k8s.io/coredns/coredns:v1.14.6", image_id="sha256:00"),
        artifact("debian-12/haproxy", Kind.PACKAGE, release="debian-12", package="haproxy", requested=True),
        artifact("ubuntu-24.04/haproxy", Kind.PACKAGE, release="ubuntu-24.04", package="haproxy"),
    ),
    components={"etcd": "3.7.3"},
    releases=("debian-12", "ubuntu-24.04"),
    built_with={"go": "1.26.8"},
)


def write(folder: Path, data: bytes) -> Path:
    (folder / "bundle.lock").write_bytes(data)
    return folder


def test_a_lock_survives_writing_and_reading(tmp_path: Path) -> None:
    bundle = load_bundle(write(tmp_path, LOCK.dump()))
    assert set(bundle.lock.artifacts) == set(LOCK.artifacts)
    assert bundle.lock.components == {"etcd": "3.7.3"}
    assert bundle.digest == LOCK.digest == hashlib.sha256((tmp_path / "bundle.lock").read_bytes()).hexdigest()


def test_the_order_of_artifacts_does_not_change_the_lock() -> None:
    turned = Lock(
        LOCK.kubernetes,
        LOCK.arch,
        tuple(reversed(LOCK.artifacts)),
        LOCK.components,
        tuple(reversed(LOCK.releases)),
        LOCK.built_with,
    )
    assert turned.dump() == LOCK.dump()


def test_the_lock_says_what_every_artifact_is() -> None:
    entry = next(each for each in json.loads(LOCK.dump())["artifacts"] if each["name"] == "kubelet")
    assert {"name", "version", "arch", "kind", "size", "sha256", "source", "file"} <= entry.keys()
    assert entry["file"] == f"files/{entry['sha256']}"


def test_artifacts_are_found_by_name_and_kind(tmp_path: Path) -> None:
    bundle = load_bundle(write(tmp_path, LOCK.dump()))
    blob = bundle.blob("kubelet")
    assert (blob.path, blob.size) == (tmp_path / "files" / blob.sha256, 1)
    assert [each.name for each in bundle.binaries()] == ["kubelet"]
    assert [each.name for each in bundle.cni()] == ["cni/bridge"]
    assert [each.ref for each in bundle.images()] == ["registry.k8s.io/coredns/coredns:v1.14.6"]
    assert [each.name for each in bundle.packages("debian-12")] == ["debian-12/haproxy"]
    assert bundle.packages("debian-12")[0].requested


def test_what_is_not_there_is_said_with_what_to_do(tmp_path: Path) -> None:
    bundle = load_bundle(write(tmp_path, LOCK.dump()))
    with pytest.raises(BundleError, match="has no kubeadm") as missing:
        bundle.blob("kubeadm")
    assert "slipway bundle build" in missing.value.hint
    with pytest.raises(BundleError, match="no packages for rocky-9") as release:
        bundle.packages("rocky-9")
    assert "debian-12" in release.value.why


def test_no_bundle_is_said_with_what_to_do(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(BundleError, match="no bundle") as error:
            load_bundle(folder)
        assert "slipway bundle build" in error.value.hint
        assert error.value.where == str(folder)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no JSON object"),
        (b"\x00\xff", "no JSON object"),
        (b"[]", "no JSON object"),
        (b'{"schema": 2}', "schema 2"),
        (b'{"schema": 1}', "a field is missing"),
        (LOCK.dump().replace(b'"kind": "cni"', b'"kind": "cnj"'), "cnj"),
        (LOCK.dump().replace(b'"sha256": "', b'"sha256": "/../', 1), "is no SHA-256"),
        (LOCK.dump().replace(b'"size": 1', b'"size": "1"', 1), "no number of bytes"),
        (LOCK.dump().replace(b'"cni/bridge"', b'"kubelet"'), "kubelet twice"),
    ],
)
def test_a_broken_lock_is_refused_with_the_reason(tmp_path: Path, data: bytes, why: str) -> None:
    with pytest.raises(BundleError, match="can't be read") as error:
        load_bundle(write(tmp_path, data))
    assert why in error.value.why


def test_a_built_bundle_can_be_opened(workshop: Workshop) -> None:
    bundle = workshop.build().bundle
    blob = load_bundle(workshop.folder).blob("etcd")
    assert blob.path.read_bytes() == workshop.contents["etcd"]
    assert bundle.lock.components["etcd"] == "3.7.3"
