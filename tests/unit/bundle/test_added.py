"""Images that slipway doesn't build: added by hand, kept by later builds, told where they are missing."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.unit.bundle.support import Workshop
from wizard.bundle.added import absent, add
from wizard.bundle.lock import BundleError
from wizard.bundle.opened import Bundle, load_bundle
from wizard.bundle.verify import verify
from wizard.checks import BundleSummary
from wizard.cli.bundle import bundle_app
from wizard.render.images import OFFICIAL, image_refs
from wizard.versions import components

REFS = image_refs(components("1.37.2"))
NODE = REFS["calico-node"]
RUNNER = CliRunner()


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def saved(path: Path, *refs: str, arch: str = "amd64", lost: bool = False, extra: int = 0) -> Path:
    """Write an archive as `docker save` does, of one image with one layer (`extra` more images on request)."""
    config = json.dumps({"architecture": arch, "os": "linux", "rootfs": {"type": "layers"}}).encode()
    name = f"blobs/sha256/{hashlib.sha256(config).hexdigest()}"
    entry = {"Config": name, "RepoTags": list(refs), "Layers": ["layer.tar"]}
    members = {"manifest.json": json.dumps([entry] * (1 + extra)).encode(), name: config}
    if not lost:
        members["layer.tar"] = b"a layer " * 100
    with tarfile.open(path, "w") as tar:
        for member, content in members.items():
            info = tarfile.TarInfo(member)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def run(*words: Any) -> tuple[int, dict[str, Any]]:
    result = RUNNER.invoke(bundle_app, [*map(str, words), "--json"])
    return result.exit_code, json.loads(result.stdout)


def refs_of(bundle: Bundle) -> set[str]:
    return {artifact.ref for artifact in bundle.images()}


def test_an_added_image_is_an_image_of_the_bundle_like_any_other(workshop: Workshop, tmp_path: Path) -> None:
    workshop.build()
    archive = saved(tmp_path / "node.tar", "quay.io/other:v1", NODE)
    (added,) = add(workshop.folder, [archive])
    bundle = load_bundle(workshop.folder)
    assert bundle.artifact("image/calico-node") == added
    assert (added.ref, added.arch, added.content_size) == (NODE, "amd64", archive.stat().st_size)
    with tarfile.open(archive) as tar:
        config = tar.extractfile(json.loads(tar.extractfile("manifest.json").read())[0]["Config"]).read()  # type: ignore[union-attr]
    assert added.image_id == f"sha256:{hashlib.sha256(config).hexdigest()}"
    assert verify(bundle) == ()
    assert BundleSummary.of(bundle.lock).images == {NODE}
    assert set(absent(bundle).values()) == {REFS[name] for name in OFFICIAL} - {NODE}


def test_a_later_build_keeps_it_and_another_version_of_it_takes_its_place(workshop: Workshop, tmp_path: Path) -> None:
    workshop.build()
    add(workshop.folder, [saved(tmp_path / "node.tar", NODE)])
    assert workshop.build().changed is False
    assert refs_of(load_bundle(workshop.folder)) == {NODE}
    before = load_bundle(workshop.folder)
    add(workshop.folder, [saved(tmp_path / "again.tar", NODE, "quay.io/more:v2")])
    after = load_bundle(workshop.folder)
    assert len(after.images()) == 1
    assert not before.path(before.artifact("image/calico-node")).exists()
    assert verify(after) == ()


def test_a_build_lets_go_of_an_added_image_that_is_damaged(workshop: Workshop, tmp_path: Path) -> None:
    workshop.build()
    (added,) = add(workshop.folder, [saved(tmp_path / "node.tar", NODE)])
    load_bundle(workshop.folder).path(added).write_bytes(b"short")
    assert workshop.build().changed
    assert refs_of(load_bundle(workshop.folder)) == set()
    assert verify(load_bundle(workshop.folder)) == ()


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: saved(path, "quay.io/calico/node:v0.0.1"), "its image is quay.io/calico/node:v0.0.1"),
        (lambda path: saved(path), "its image is without a name"),
        (lambda path: saved(path, NODE, arch="arm64"), "is for arm64, and the bundle for amd64"),
        (lambda path: saved(path, NODE, lost=True), "layer layer.tar is missing"),
        (lambda path: saved(path, NODE, extra=1), "it holds 2 images"),
        (lambda path: path.write_bytes(b"no tar at all" * 100) and path, "no archive of a container image"),
        (lambda path: path, "No such file"),
    ],
)
def test_what_is_no_image_for_this_bundle_is_refused_and_nothing_is_added(
    workshop: Workshop, tmp_path: Path, make: Any, why: str
) -> None:
    before = workshop.build().bundle.digest
    good, bad = saved(tmp_path / "good.tar", REFS["cilium"]), make(tmp_path / "bad.tar")
    with pytest.raises(BundleError, match="can't be added") as error:
        add(workshop.folder, [good, bad])
    assert why in error.value.why
    assert error.value.where == str(bad)
    assert error.value.hint
    assert load_bundle(workshop.folder).digest == before
    assert verify(load_bundle(workshop.folder)) == ()


def test_the_commands_tell_what_a_bundle_could_have_and_how_it_comes_in(workshop: Workshop, tmp_path: Path) -> None:
    workshop.build()
    everything = {f"image/{name}": REFS[name] for name in OFFICIAL}
    for command in ("list", "verify"):
        code, found = run(command, "--bundle", workshop.folder)
        assert (code, found["absent"]) == (0, everything)
        said = RUNNER.invoke(bundle_app, [command, "--bundle", str(workshop.folder)]).stderr
        assert NODE in said
        assert "slipway bundle add" in said
    archives = [saved(tmp_path / f"{name}.tar", REFS[name]) for name in OFFICIAL]
    code, found = run("add", *archives, "--bundle", workshop.folder)
    assert (code, found["absent"]) == (0, {})
    assert [item["ref"] for item in found["added"]] == [REFS[name] for name in OFFICIAL]
    assert "Not in it" not in RUNNER.invoke(bundle_app, ["list", "--bundle", str(workshop.folder)]).stderr
    code, found = run("add", tmp_path / "gone.tar", "--bundle", workshop.folder)
    assert (code, found["result"]) == (1, "failed")
