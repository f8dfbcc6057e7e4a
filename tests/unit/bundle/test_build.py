from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.bundle.support import VERSIONS, Workshop
from wizard.bundle import cache as cache_module
from wizard.bundle.build import assemble, cached_binary
from wizard.bundle.lock import BundleError
from wizard.bundle.opened import load_bundle
from wizard.bundle.progress import BuildProgress, State
from wizard.bundle.task import Task
from wizard.bundle.verify import verify


def test_a_second_build_does_nothing(workshop: Workshop) -> None:
    first = workshop.build()
    assert first.changed
    assert first.built == ("kubelet", "etcd", "runc")
    before = (workshop.folder / "bundle.lock").stat()
    second = workshop.build()
    assert not second.changed
    assert second.built == ()
    assert workshop.made == []
    assert second.bundle.digest == first.bundle.digest
    assert (workshop.folder / "bundle.lock").stat() == before


def test_only_what_has_other_inputs_is_built_again(workshop: Workshop) -> None:
    workshop.build()
    workshop.contents["etcd"] = b"newer"
    result = workshop.build()
    assert workshop.made == ["etcd"]
    assert verify(result.bundle) == (), "the old etcd is no longer in the bundle"
    assert result.bundle.blob("etcd").path.read_bytes() == b"newer"


def test_the_same_inputs_give_the_same_key_and_others_another(workshop: Workshop) -> None:
    task = workshop.task("etcd")
    assert cache_module.key(task, {}) == cache_module.key(workshop.task("etcd"), {})
    workshop.contents["etcd"] += b"."
    assert cache_module.key(task, {}) != cache_module.key(workshop.task("etcd"), {})
    twin = Task("other", "Other", 1, task.inputs, task.make)
    assert cache_module.key(twin, {}) != cache_module.key(task, {})


def test_an_interrupted_build_leaves_nothing_half_made(workshop: Workshop) -> None:
    workshop.fail_at = "etcd"
    with pytest.raises(KeyboardInterrupt):
        workshop.build()
    assert workshop.left_over() == []
    with pytest.raises(BundleError, match="no bundle"):
        load_bundle(workshop.folder)
    workshop.fail_at = ""
    workshop.build()
    assert workshop.made == ["etcd", "runc"], "what was whole before is kept"


def test_an_interrupted_rebuild_keeps_the_bundle_that_was_there(workshop: Workshop) -> None:
    digest = workshop.build().bundle.digest
    workshop.contents["etcd"] = b"newer"
    workshop.fail_at = "etcd"
    with pytest.raises(KeyboardInterrupt):
        workshop.build()
    bundle = load_bundle(workshop.folder)
    assert bundle.digest == digest
    assert verify(bundle) == ()


def test_what_a_killed_build_left_is_cleaned_by_the_next(workshop: Workshop) -> None:
    rubbish = workshop.cache.folder / ".unfinished-abc" / "raw"
    rubbish.mkdir(parents=True)
    (workshop.folder / "files").mkdir(parents=True)
    (workshop.folder / "files" / ".part-99").write_bytes(b"half")
    bundle = workshop.build().bundle
    assert workshop.left_over() == []
    assert verify(bundle) == ()


def test_a_build_mends_an_altered_bundle(workshop: Workshop) -> None:
    bundle = workshop.build().bundle
    bundle.blob("etcd").path.write_bytes(b"other")
    bundle.blob("runc").path.unlink()
    result = workshop.build()
    assert result.changed
    assert workshop.made == []
    assert verify(result.bundle) == ()


def test_damage_in_the_cache_is_found_and_built_anew(workshop: Workshop) -> None:
    bundle = workshop.build().bundle
    path = bundle.blob("etcd").path
    size = path.stat().st_size
    path.unlink()
    stored = next(workshop.cache.folder.glob(f"etcd-*/files/{path.name}"))
    stored.write_bytes(b"x" * size)
    with pytest.raises(BundleError, match="damaged in the build cache"):
        workshop.build()
    assert verify(workshop.build().bundle) == ()
    assert workshop.made == ["etcd"]


def test_a_result_with_a_missing_file_counts_as_not_built(workshop: Workshop) -> None:
    workshop.build()
    next(workshop.cache.folder.glob("runc-*/raw/runc")).unlink()
    workshop.build()
    assert workshop.made == ["runc"]


def test_refreshing_makes_only_what_perishes(workshop: Workshop) -> None:
    workshop.perishable = {"runc"}
    workshop.build()
    assert workshop.build().built == ()
    assert workshop.build(refresh=True).built == ("runc",)


def test_a_folder_of_somebody_elses_is_left_alone(workshop: Workshop) -> None:
    workshop.folder.mkdir()
    (workshop.folder / "thesis.txt").write_text("mine")
    with pytest.raises(BundleError, match="not empty and is no bundle") as error:
        workshop.build()
    assert "thesis.txt" in error.value.why
    assert workshop.made == [], "said before anything is built"


def test_one_task_sees_what_another_made(workshop: Workshop) -> None:
    image = Task(
        "image",
        "Image",
        1,
        lambda done: {"binary": done["etcd"].raw["etcd"]},
        lambda folder, done, report: () if done["etcd"].raw_path("etcd").read_bytes().startswith(b"etcd") else 1 / 0,  # type: ignore[return-value]
    )
    tasks = [workshop.task("etcd"), image]
    results = [assemble(VERSIONS, "amd64", tasks, folder=workshop.folder, cache=workshop.cache).built for _ in range(2)]
    assert results == [("etcd", "image"), ()]


def test_progress_goes_up_to_the_end(workshop: Workshop) -> None:
    reports: list[BuildProgress] = []
    workshop.build(on_progress=reports.append)
    fractions = [report.fraction for report in reports]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert {report.title for report in reports} == {"Kubelet", "Etcd", "Runc"}
    workshop.contents["etcd"] = b"newer"
    reports.clear()
    workshop.build(on_progress=reports.append)
    assert {report.title for report in reports if report.state is State.CACHED} == {"Kubelet", "Runc"}
    assert reports[-1].fraction == 1.0


def test_a_binary_outside_the_bundle_is_found_by_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for version in ("1.37.2", "1.36.1"):
        folder = tmp_path / "slipway" / "builds" / f"kubernetes-{version.replace('.', '')}"
        (folder / "raw").mkdir(parents=True)
        (folder / "raw" / "kubeadm").write_text(version)
        (folder / "build.json").write_text(json.dumps({"inputs": {"source": f"k8s.io/kubernetes@v{version}"}}))
    assert cached_binary("v1.36.1", "kubeadm").read_text() == "1.36.1"
    with pytest.raises(BundleError, match="was not built"):
        cached_binary("1.35.4", "kubeadm")
