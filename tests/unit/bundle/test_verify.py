from __future__ import annotations

import os
from pathlib import Path

from tests.unit.bundle.support import Workshop
from wizard.bundle import verify as verify_module
from wizard.bundle.opened import Bundle
from wizard.bundle.pack import sha256_of
from wizard.bundle.verify import verify, verify_quick

LONG_AGO = 1_500_000_000


def file_of(bundle: Bundle, name: str) -> Path:
    return bundle.path(bundle.artifact(name))


def flip(path: Path) -> None:
    """Turn one bit over, in place, and put size and modification time back."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    with path.open("r+b") as file:
        file.write(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_whole_bundle_has_no_problems(workshop: Workshop) -> None:
    bundle = workshop.build().bundle
    assert verify(bundle) == ()
    assert verify_quick(bundle) == ()


def test_every_missing_altered_and_extra_file_is_named(workshop: Workshop) -> None:
    bundle = workshop.build().bundle
    file_of(bundle, "kubelet").unlink()
    flip(file_of(bundle, "etcd"))
    file_of(bundle, "runc").write_bytes(b"other")
    (workshop.folder / "files" / "notes.txt").write_text("mine")
    (workshop.folder / "readme").write_text("mine")
    found = {(problem.code, problem.field) for problem in verify(bundle)}
    assert found == {
        ("bundle.missing", "kubelet"),
        ("bundle.altered", "etcd"),
        ("bundle.altered", "runc"),
        ("bundle.extra", ""),
    }
    extra = " ".join(problem.message for problem in verify(bundle) if problem.code == "bundle.extra")
    assert "notes.txt" in extra
    assert "readme" in extra
    assert all(problem.hint for problem in verify(bundle))


def test_the_quick_look_finds_a_flipped_byte(workshop: Workshop) -> None:
    bundle = workshop.build().bundle
    assert verify_quick(bundle) == ()
    flip(file_of(bundle, "etcd"))
    assert [problem.field for problem in verify_quick(bundle)] == ["etcd"]
    assert [problem.field for problem in verify_quick(bundle)] == ["etcd"], "a bad file is never remembered as good"


def test_the_quick_look_reads_nothing_twice(workshop: Workshop, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    bundle = workshop.build().bundle
    read: list[Path] = []

    def reading(path: Path) -> str:
        read.append(path)
        return sha256_of(path)

    monkeypatch.setattr(verify_module, "sha256_of", reading)
    monkeypatch.setattr(verify_module, "SETTLED", -(10**9))
    verify_module.remember(bundle, verify_module.stats_of(bundle))
    assert verify_quick(bundle) == ()
    assert read == []
    os.utime(file_of(bundle, "etcd"), (LONG_AGO, LONG_AGO))
    assert verify_quick(bundle) == ()
    assert read == [file_of(bundle, "etcd")]


def test_a_file_changed_a_moment_ago_is_not_trusted_by_its_times(workshop: Workshop) -> None:
    bundle = workshop.build().bundle
    path = file_of(bundle, "runc")
    path.write_bytes(path.read_bytes())
    verify_module.remember(bundle, verify_module.stats_of(bundle))
    assert path.name not in verify_module._load_stats(bundle)


def test_a_folder_in_place_of_a_file_is_named(workshop: Workshop) -> None:
    bundle = workshop.build().bundle
    file_of(bundle, "etcd").unlink()
    file_of(bundle, "etcd").mkdir()
    assert "bundle.altered" in {problem.code for problem in verify(bundle)}
