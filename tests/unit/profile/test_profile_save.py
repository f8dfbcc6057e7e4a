"""Saving writes one canonical form, whole or not at all, and keeps what was there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from profile_samples import of_size, profile

from wizard.errors import SlipwayError
from wizard.profile import save as saving
from wizard.profile.dump import dump
from wizard.profile.load import load, parse
from wizard.profile.model import Profile
from wizard.profile.save import difference, save

ROOT = Path(__file__).parents[3]

label = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,10}[a-z0-9])?", fullmatch=True)
name = label.filter(lambda text: text != "practice")
text = st.text(max_size=20).map(str.strip)
ssh = st.fixed_dictionaries(
    {},
    optional={
        "user": text,
        "port": st.integers(1, 65535),
        "key": text,
        "via": st.lists(st.fixed_dictionaries({"address": text}, optional={"port": st.integers(1, 65535)}), max_size=2),
        "sudo": st.sampled_from(["auto", "password", "nopasswd"]),
    },
)
host = st.fixed_dictionaries(
    {"name": label, "address": text},
    optional={
        "node_ip": text,
        "etcd_ip": text,
        "roles": st.lists(st.sampled_from(["master", "etcd", "worker"]), max_size=3),
        "zone": text,
        "ssh": ssh,
        "fingerprint": text,
    },
)
profiles = st.fixed_dictionaries(
    {
        "name": name,
        "hosts": st.lists(host, max_size=3),
        "endpoint": st.fixed_dictionaries(
            {"vip": text},
            optional={
                "port": st.integers(1, 65535),
                "dns_name": label.map("api-{}".format),
                "interface": text,
                "advert_interval": st.floats(0.05, 10),
            },
        ),
    },
    optional={
        "kubernetes": text,
        "ssh": ssh,
        "etcd": st.fixed_dictionaries({"data_dir": text}, optional={"tuning": st.sampled_from(["auto", "slow-disk"])}),
        "network": st.fixed_dictionaries({"pod_cidr": text, "kube_proxy": st.sampled_from(["iptables", "nftables"])}),
        "masters_schedulable": st.booleans(),
        "time_servers": st.lists(text, max_size=3),
    },
)


@given(profiles)
@settings(max_examples=150)
def test_what_is_written_reads_back(data: dict[str, Any]) -> None:
    wanted = Profile.model_validate(data)
    assert parse(dump(wanted)) == wanted


WORDS = [
    "no",
    "1",
    "1e3",
    "0x10",
    "1_000",
    "~",
    "null",
    "2024-01-01",
    "true",
    ".5",
    "-",
    "a: b",
    "#x",
    "",
    "ä",
    "12:30",
]


@pytest.mark.parametrize("word", WORDS)
def test_words_that_yaml_would_misread_are_quoted(word: str) -> None:
    import yaml

    wanted = profile(("hosts[0].zone", word), ("time_servers", [word]))
    written = dump(wanted)
    assert parse(written) == wanted
    # Other programs, with YAML 1.1, read the same.
    assert yaml.safe_load(written)["time_servers"] == [word]


def test_the_form_is_canonical() -> None:
    written = dump(of_size(3))
    assert dump(parse(written)) == written
    assert "service_cidr: 10.96.0.0/12" in written  # defaults stand in the file
    assert "fingerprint" not in written  # what is empty does not


def test_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "site1.yaml"
    saved = save(of_size(3), path)
    assert saved.changed
    assert saved.backup is None
    assert all(line.startswith(("+", "-", "@", " ")) for line in saved.diff.splitlines())
    assert load(path).profile == of_size(3)
    assert [entry.name for entry in tmp_path.iterdir()] == ["site1.yaml"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_the_file_that_was_there_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "site1.yaml"
    path.write_text("# my own words\n" + dump(of_size(3)))
    before = path.read_text()
    path.chmod(0o600)
    shown = difference(of_size(5), path)
    saved = save(of_size(5), path)
    assert saved.diff == shown
    assert "+  - name: m4" in shown
    assert "-# my own words" in shown
    assert saved.backup == tmp_path / "site1.yaml.bak"
    assert saved.backup.read_text() == before
    assert {item.stat().st_mode & 0o777 for item in tmp_path.iterdir()} == {0o600}


def test_no_change_touches_nothing(tmp_path: Path) -> None:
    path = tmp_path / "site1.yaml"
    save(of_size(3), path)
    save(of_size(5), path)
    before = [(entry.name, entry.stat().st_mtime_ns, entry.read_bytes()) for entry in sorted(tmp_path.iterdir())]
    again = save(of_size(5), path)
    assert not again.changed
    assert difference(of_size(5), path) == ""
    after = [(entry.name, entry.stat().st_mtime_ns, entry.read_bytes()) for entry in sorted(tmp_path.iterdir())]
    assert after == before


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "site1.yaml"
    link.symlink_to(tmp_path / "real" / "site.yaml")
    save(of_size(3), link)
    save(of_size(5), link)
    assert link.is_symlink()
    assert sorted(entry.name for entry in (tmp_path / "real").iterdir()) == ["site.yaml", "site.yaml.bak"]


@pytest.mark.parametrize("step", ["fsync", "fchmod"])
def test_a_failure_leaves_the_old_file_and_no_rubbish(tmp_path: Path, monkeypatch: Any, step: str) -> None:
    path = tmp_path / "site1.yaml"
    save(of_size(3), path)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(saving.os, step, full)
    with pytest.raises(SlipwayError) as caught:
        save(of_size(5), path)
    monkeypatch.undo()
    assert caught.value.why == "No space left on device"
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["site1.yaml"]


def test_it_is_synced_before_it_is_renamed(tmp_path: Path, monkeypatch: Any) -> None:
    order: list[str] = []
    real_fsync, real_replace = os.fsync, Path.replace
    monkeypatch.setattr(saving.os, "fsync", lambda number: (order.append("sync"), real_fsync(number))[1])
    monkeypatch.setattr(Path, "replace", lambda self, to: (order.append("rename"), real_replace(self, to))[1])
    save(of_size(3), tmp_path / "site1.yaml")
    assert order == ["sync", "rename", "sync"]


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(SlipwayError) as caught:
        save(of_size(3), tmp_path / "nowhere" / "site1.yaml")
    assert caught.value.hint == "Make the folder first."


def test_a_secret_in_the_old_file_is_masked_in_the_diff(tmp_path: Path) -> None:
    path = tmp_path / "site1.yaml"
    path.write_text(dump(of_size(3)) + "sudo_password: hunter2\n")
    shown = difference(of_size(3), path)
    assert "hunter2" not in shown
    assert "-sudo_password: •••" in shown


@pytest.mark.parametrize("path", sorted((ROOT / "profiles").glob("*.yaml")), ids=lambda path: path.name)
def test_ready_profiles_can_be_installed_and_are_in_the_canonical_form(path: Path) -> None:
    loaded = load(path)
    assert not [problem for problem in loaded.problems if problem.level != "info"]
    assert loaded.text.endswith(dump(loaded.profile))


def test_there_are_ready_profiles() -> None:
    names = {path.name for path in (ROOT / "profiles").glob("*.yaml")}
    assert names >= {"three-masters.yaml", "five-etcd-three-racks.yaml", "practice.yaml"}


@pytest.mark.parametrize("word", ["1e3", "12e03", "nan", "Yes", "OFF"])
def test_words_that_another_reader_would_misread_are_quoted_too(word: str) -> None:
    assert f'zone: "{word}"' in dump(profile(("hosts[0].zone", word)))
