"""What packages say they need: read from real archives, made here by tar and the compressors."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from wizard.bundle import debian
from wizard.bundle.debian import Deb

CONTROL = """Package: chrony
Version: 4.3-2
Provides: time-daemon, ntp-client (= 1)
Pre-Depends: init-system-helpers (>= 1.54~)
Depends: adduser, iproute2 [linux-any], tzdata | tzdata-legacy,
 libc6:any (>= 2.34), libcap2
Description: a clock
 Depends: nothing
"""
CHRONY = Deb(
    frozenset({"init-system-helpers", "adduser", "iproute2", "tzdata", "tzdata-legacy", "libc6", "libcap2"}),
    frozenset({"time-daemon", "ntp-client"}),
)


def test_a_control_file_says_what_is_needed_and_what_else_it_is_called() -> None:
    assert debian.parse(CONTROL) == CHRONY
    assert debian.parse("Package: a\nVersion: 1\n") == Deb(frozenset(), frozenset())


def deb(path: Path, name: str, words: list[str]) -> Path:
    """Write a package as dpkg-deb does (deb(5)): an ar archive of a version, the control archive, the data."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for each, text in (("./", ""), ("./control", CONTROL), ("./md5sums", "x")):
            info = tarfile.TarInfo(each)
            info.type, info.size = (tarfile.REGTYPE if text else tarfile.DIRTYPE), len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    packed = subprocess.run(words, input=plain.getvalue(), capture_output=True, check=True).stdout
    whole = b"!<arch>\n"
    for each, data in (("debian-binary", b"2.0\n"), (name, packed), ("data.tar.xz", b"not looked at")):
        whole += f"{each:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)
    path.write_bytes(whole)
    return path


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("control.tar.xz", ["xz", "-c"]),
        ("control.tar.gz", ["gzip", "-c"]),
        ("control.tar.zst/", ["zstd", "-cq"]),
        ("control.tar", ["cat"]),
    ],
)
def test_packages_are_read_however_they_are_compressed(tmp_path: Path, name: str, words: list[str]) -> None:
    assert debian.read(deb(tmp_path / "a.deb", name, words)) == CHRONY


@pytest.mark.parametrize("content", [b"", b"no package", b"!<arch>\n", b"!<arch>\nshort", None])
def test_what_cannot_be_read_says_nothing(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.deb"
    if content is not None:
        path.write_bytes(content)
    assert debian.read(path) is None


def test_a_broken_control_archive_says_nothing(tmp_path: Path) -> None:
    path = deb(tmp_path / "a.deb", "control.tar.xz", ["gzip", "-c"])
    assert debian.read(path) is None


def test_a_closure_has_alternatives_and_whoever_provides_what_is_needed() -> None:
    def needs(*names: str, provides: tuple[str, ...] = ()) -> Deb:
        return Deb(frozenset(names), frozenset(provides))

    debs = {
        "haproxy": needs("lua", "init", "base-that-every-host-has"),
        "lua": needs("libc"),
        "init-new": needs("haproxy", provides=("init",)),
        "init-old": needs(provides=("init",)),
        "libc": needs(),
        "curl": needs("libc"),
    }
    assert debian.closure(["haproxy"], debs) == {"haproxy", "lua", "init-new", "init-old", "libc"}
    assert debian.closure(["curl", "unknown"], debs) == {"curl", "libc"}
