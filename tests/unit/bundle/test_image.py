from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from wizard.bundle.image import BASE, Config, Entry, compressed, write_image, write_layer


def make(folder: Path) -> tuple[Path, str]:
    """Write an image of one tiny program, as the sources do."""
    folder.mkdir()
    binary = folder / "program"
    binary.write_bytes(b"\x7fELF tiny")
    tree = {**BASE, "usr/local/bin/program": Entry(0o755, path=binary), "bin": Entry(link="usr/bin")}
    write_layer(tree, folder / "layer.tar")
    config = Config(entrypoint=("/usr/local/bin/program",), user="65532:65532")
    layer = compressed(folder / "layer.tar", folder / "layer.tar.zst")
    image_id = write_image("registry.example/program:v1", "amd64", config, [layer], folder / "image.tar")
    return folder / "image.tar", image_id


def blob(archive: tarfile.TarFile, digest: str) -> bytes:
    file = archive.extractfile(f"blobs/sha256/{digest.removeprefix('sha256:')}")
    assert file is not None
    content = file.read()
    assert f"sha256:{hashlib.sha256(content).hexdigest()}" == digest
    return content


def read(archive: tarfile.TarFile, name: str) -> Any:
    file = archive.extractfile(name)
    assert file is not None
    return json.load(file)


def test_an_image_is_the_same_whoever_makes_it_and_when(tmp_path: Path) -> None:
    first, first_id = make(tmp_path / "a")
    os.utime(tmp_path / "a" / "program", (1, 1))
    old = os.umask(0o077)
    try:
        second, second_id = make(tmp_path / "b")
    finally:
        os.umask(old)
    assert first.read_bytes() == second.read_bytes()
    assert first_id == second_id


def test_every_digest_in_the_archive_is_right(tmp_path: Path) -> None:
    path, image_id = make(tmp_path / "a")
    with tarfile.open(path) as archive:
        assert read(archive, "oci-layout") == {"imageLayoutVersion": "1.0.0"}
        (described,) = read(archive, "index.json")["manifests"]
        assert described["annotations"]["io.containerd.image.name"] == "registry.example/program:v1"
        assert described["platform"] == {"architecture": "amd64", "os": "linux"}
        manifest = json.loads(blob(archive, described["digest"]))
        assert manifest["config"]["digest"] == image_id
        config = json.loads(blob(archive, image_id))
        diff_id = hashlib.sha256((tmp_path / "a" / "layer.tar").read_bytes()).hexdigest()
        assert config["rootfs"]["diff_ids"] == [f"sha256:{diff_id}"]
        (layer,) = manifest["layers"]
        assert layer["mediaType"] == "application/vnd.oci.image.layer.v1.tar+zstd"
        unpacked = subprocess.run(
            ["zstd", "-dc"], input=blob(archive, layer["digest"]), capture_output=True, check=True
        )
        assert hashlib.sha256(unpacked.stdout).hexdigest() == diff_id
        assert [len(blob(archive, layer["digest"])) for layer in manifest["layers"]] == [
            layer["size"] for layer in manifest["layers"]
        ]
        assert config["config"]["Entrypoint"] == ["/usr/local/bin/program"]
        assert config["config"]["User"] == "65532:65532"
        assert "Cmd" not in config["config"]


def test_a_layer_holds_nothing_of_this_machine(tmp_path: Path) -> None:
    make(tmp_path / "a")
    with tarfile.open(tmp_path / "a" / "layer.tar") as layer:
        members = {member.name: member for member in layer}
    assert list(members) == sorted(members), "folders come before what they hold"
    assert {"usr", "usr/local", "usr/local/bin"} <= members.keys()
    assert members["usr/local/bin/program"].mode == 0o755
    assert members["bin"].linkname == "usr/bin"
    assert members["tmp"].mode == 0o1777
    assert {(member.mtime, member.uid, member.gid, member.uname) for member in members.values()} == {(0, 0, 0, "")}
