from __future__ import annotations

from pathlib import Path

import pytest

from wizard.bundle import aptsources
from wizard.bundle.aptsources import Release, find_sources, named_release, read_sources
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


@pytest.fixture
def on_bookworm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(aptsources, "own_release", lambda: Release("debian", "12", "bookworm"))
    monkeypatch.setattr(aptsources, "KEYRINGS", tmp_path)


@pytest.mark.usefixtures("on_bookworm")
def test_the_machines_own_release_is_the_default(etc: Path) -> None:
    (etc / "sources.list").write_text(OLD_FORMAT)
    assert PackageSource("", etc).release.name == "debian-12"
    assert PackageSource("debian-12", etc).task_name == "packages/debian-12"


@pytest.mark.usefixtures("on_bookworm")
def test_another_release_of_the_distribution_comes_from_the_same_archive(etc: Path) -> None:
    (etc / "sources.list").write_text(OLD_FORMAT)
    sources = find_sources(named_release("debian-13"), etc)
    assert "Suites: trixie\n" in sources
    assert "Suites: trixie-security\n" in sources
    assert "bookworm" not in sources


@pytest.mark.usefixtures("on_bookworm")
def test_another_distribution_needs_sources_of_its_own(etc: Path) -> None:
    (etc / "sources.list").write_text(OLD_FORMAT)
    with pytest.raises(BundleError, match=r"No package sources are known for ubuntu-24\.04") as error:
        PackageSource("ubuntu-24.04", etc)
    assert "on a machine that runs ubuntu-24.04" in error.value.hint
    (etc / "sources.list").write_text("deb http://archive.example/ubuntu noble main universe\n")
    (etc / "ubuntu-archive-keyring.gpg").touch()
    sources = find_sources(named_release("ubuntu-24.04"), etc)
    assert f"Signed-By: {etc}/ubuntu-archive-keyring.gpg" in sources


@pytest.mark.usefixtures("on_bookworm")
def test_an_unknown_release_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(BundleError, match="No package sources are known for rocky-9") as error:
        named_release("rocky-9")
    assert "debian-13" in error.value.why


@pytest.mark.usefixtures("on_bookworm")
def test_a_machine_without_the_distributions_sources_is_told_so(etc: Path) -> None:
    with pytest.raises(BundleError, match="No package sources are known for debian-12"):
        PackageSource("", etc)


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
