from __future__ import annotations

from pathlib import Path

import pytest

from wizard.bundle import packages as packages_module
from wizard.bundle.apt import Release, read_sources
from wizard.bundle.image import Entry
from wizard.bundle.lock import BundleError
from wizard.bundle.packages import PackageSource
from wizard.bundle.rootfs import check, merged

OLD_FORMAT = """\
# a comment
deb http://archive.example/debian bookworm main contrib
deb-src http://archive.example/debian bookworm main
deb [signed-by=/usr/share/keyrings/k.gpg arch=amd64,arm64] http://archive.example/security bookworm-security main # why
deb http://other.example/app stable main
deb http://other.example/app bookworm nonfree
"""

NEW_FORMAT = """\
# The distribution
Types: deb deb-src
URIs: http://archive.example/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main non-free
Signed-By: /usr/share/keyrings/k.gpg

Types: deb
Enabled: no
URIs: http://disabled.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://vendor.example/
Suites: nodistro
Components: main
"""


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


def test_sources_of_the_old_format_are_read(etc: Path) -> None:
    (etc / "sources.list").write_text(OLD_FORMAT)
    stanzas = read_sources(etc, "bookworm").strip().split("\n\n")
    assert len(stanzas) == 2
    assert "Suites: bookworm-security" in stanzas[1]
    assert "Signed-By: /usr/share/keyrings/k.gpg" in stanzas[1]
    assert "Architectures: amd64 arm64" in stanzas[1]
    assert all("Components: main" in stanza.splitlines() for stanza in stanzas)


def test_sources_of_the_new_format_are_read(etc: Path) -> None:
    (etc / "sources.list.d" / "debian.sources").write_text(NEW_FORMAT)
    (stanza,) = read_sources(etc, "bookworm").strip().split("\n\n")
    assert "Suites: bookworm bookworm-updates" in stanza.splitlines()
    assert "Types: deb" in stanza.splitlines()


def test_files_apt_would_not_read_are_not_read(etc: Path) -> None:
    (etc / "sources.list.d" / "debian.list.save").write_text(OLD_FORMAT)
    assert read_sources(etc, "bookworm").strip() == ""


def source_for(monkeypatch: pytest.MonkeyPatch, etc: Path, release: str) -> PackageSource:
    monkeypatch.setattr(packages_module, "own_release", lambda: Release("debian", "12", "bookworm"))
    monkeypatch.setattr(packages_module, "SYSTEM_SOURCES", etc)
    return PackageSource(release)


def test_another_release_is_refused_saying_where_to_build_it(monkeypatch: pytest.MonkeyPatch, etc: Path) -> None:
    (etc / "sources.list").write_text(OLD_FORMAT)
    assert source_for(monkeypatch, etc, "debian-12").task_name == "packages/debian-12"
    with pytest.raises(BundleError, match=r"No package sources are known for ubuntu-24\.04") as error:
        source_for(monkeypatch, etc, "ubuntu-24.04")
    assert "on a machine that runs ubuntu-24.04" in error.value.hint


def test_a_machine_without_the_distributions_sources_is_told_so(monkeypatch: pytest.MonkeyPatch, etc: Path) -> None:
    with pytest.raises(BundleError, match="No package sources are known for debian-12"):
        source_for(monkeypatch, etc, "")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("./bin/busybox", "usr/bin/busybox"),
        ("./usr/bin/nft", "usr/bin/nft"),
        ("./lib64/ld-linux-x86-64.so.2", "usr/lib64/ld-linux-x86-64.so.2"),
        ("./etc/protocols", "etc/protocols"),
        ("./lib", ""),
        ("./", ""),
        (".", ""),
    ],
)
def test_paths_are_those_of_a_merged_usr(name: str, path: str) -> None:
    assert merged(name) == path


def test_a_layer_without_its_programs_is_refused_naming_them() -> None:
    with pytest.raises(BundleError, match="lack") as error:
        check({"usr/sbin/nft": Entry()})
    assert "usr/sbin/xtables-nft-multi" in error.value.why
    assert "usr/sbin/nft" not in error.value.why.split(", ")
