"""A host's disk and a datacenter's state: plain files, so tried without root."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from wizard.errors import SlipwayError, UsageError
from wizard.practice import base, host, rehearse, shell, store
from wizard.practice.host import Host
from wizard.practice.keys import fingerprint, new_key
from wizard.practice.layout import Spec
from wizard.practice.locks import locked
from wizard.practice.store import Datacenter
from wizard.profile.model import Role


@pytest.fixture
def datacenter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Datacenter:
    monkeypatch.setattr(store, "state_dir", lambda: tmp_path / "state")
    root = tmp_path / "base"
    (root / "var/lib/dpkg").mkdir(parents=True)
    (root / "var/lib/dpkg/status").write_text("Package: x\n")
    folder = store.folder_of("lab")
    folder.mkdir(parents=True)
    hosts = (Host("m1", 3, 11, ("master", "etcd"), "SHA256:one", folder, root),)
    hosts += (Host("e1", 3, 31, ("etcd",), "SHA256:two", folder, root),)
    return Datacenter(Spec(masters=1, etcd=1, user="ops", password="x"), 3, folder, root, hosts, ready=True)


def test_state_comes_back_as_it_was_saved_and_is_private(datacenter: Datacenter) -> None:
    store.save(datacenter)
    assert store.load("lab") == datacenter
    assert (datacenter.folder / "datacenter.json").stat().st_mode & 0o777 == 0o600
    assert store.names() == ["lab"]


def test_no_datacenter_and_a_half_made_one_are_told_apart(datacenter: Datacenter) -> None:
    with pytest.raises(UsageError, match="no practice datacenter"):
        store.load("other")
    with pytest.raises(UsageError) as caught:
        store.load("other")
    assert caught.value.hint == "there is lab; say which one with --name"
    with pytest.raises(SlipwayError, match="half-made"):
        store.load("lab")
    with pytest.raises(UsageError, match="no host m9"):
        datacenter.host("m9")


def test_a_disk_has_its_own_identity_and_root_s_key(datacenter: Datacenter) -> None:
    first, second = datacenter.hosts
    keys = {each.name: new_key() for each in datacenter.hosts}
    for each in (first, second):
        host.prepare(each, keys[each.name], "ssh-ed25519 AAAA login\n")
    upper = first.folder / "upper"
    assert (upper / "etc/hostname").read_text() == "m1\n"
    assert "198.18.3.11 m1" in (upper / "etc/hosts").read_text()
    assert (upper / "root/.ssh/authorized_keys").read_text() == "ssh-ed25519 AAAA login\n"
    ids = {(each.folder / "upper/etc/machine-id").read_text() for each in (first, second)}
    assert len(ids) == 2
    assert all(len(each.strip()) == 32 for each in ids)
    modes = {"root": 0o700, "root/.ssh": 0o700, "etc/ssh/ssh_host_ed25519_key": 0o600, "etc/ssh": 0o755}
    for name, mode in modes.items():
        assert (upper / name).stat().st_mode & 0o777 == mode
    assert (first.folder / "varlib/dpkg/status").read_text() == "Package: x\n"
    (first.folder / "varlib/dpkg/status").write_text("changed")
    assert (first.base / "var/lib/dpkg/status").read_text() == "Package: x\n"


def test_keys_are_ones_that_openssh_reads(tmp_path: Path) -> None:
    key = new_key()
    path = tmp_path / "key"
    path.write_text(key.private)
    path.chmod(0o600)
    public = subprocess.run(["ssh-keygen", "-y", "-f", path], capture_output=True, text=True, check=True).stdout
    assert public.split()[:2] == key.public.split()
    shown = subprocess.run(["ssh-keygen", "-lf", path], capture_output=True, text=True, check=True).stdout
    assert shown.split()[1] == key.fingerprint == fingerprint(public)


def test_the_profile_names_every_host_with_its_key(datacenter: Datacenter, tmp_path: Path) -> None:
    profile = rehearse.profile_of(datacenter)
    assert [(each.name, each.address, each.roles, each.fingerprint) for each in profile.hosts] == [
        ("m1", "198.18.3.11", (Role.MASTER, Role.ETCD), "SHA256:one"),
        ("e1", "198.18.3.31", (Role.ETCD,), "SHA256:two"),
    ]
    assert (profile.ssh.user, profile.ssh.sudo, profile.endpoint.vip) == ("ops", "password", "198.18.3.100")
    rehearse.write_profile(datacenter, tmp_path / "new" / "lab.yaml")
    assert "SHA256:one" in (tmp_path / "new" / "lab.yaml").read_text()
    (tmp_path / "file").write_text("")
    with pytest.raises(SlipwayError, match="can't be written"):
        rehearse.write_profile(datacenter, tmp_path / "file" / "lab.yaml")


def test_a_lock_names_who_holds_it_and_shared_holders_bear_each_other(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locked(path, "it"):
        for shared in (False, True):
            with (
                pytest.raises(SlipwayError, match="another slipway is at work on it"),
                locked(path, "it", shared=shared),
            ):
                raise AssertionError
    both = locked(path, "it", shared=True), locked(path, "it", shared=True)
    with both[0], both[1], pytest.raises(SlipwayError), locked(path, "it"):
        raise AssertionError
    with locked(path, "it"):
        path.unlink()  # by who holds it, when nothing is left to lock
    with locked(path, "it"), pytest.raises(SlipwayError), locked(path, "it"):
        raise AssertionError


def test_debootstrap_takes_the_mirror_and_ends_with_its_starter() -> None:
    words = base.command(Path("/target"), "http://mirror.example/debian")
    assert words[-3:] == ["bookworm", "/target", "http://mirror.example/debian"]
    assert base.command(Path("/target"), "")[-1] == "/target"
    assert words[:3] == ["setpriv", "--pdeathsig", "KILL"]
    assert "--kill-child" in words


def test_progress_names_each_stage_once_and_counts_packages() -> None:
    lines = [
        "I: Retrieving InRelease",
        *[f"I: Retrieving p{n}" for n in range(120)],
        "W: odd",
        "I: Configuring x",
        "E: no",
    ]
    assert list(base.steps(iter(lines))) == [
        "fetching packages …",
        "fetching packages … 50",
        "fetching packages … 100",
        "configuring …",
    ]


def test_missing_tools_are_named_by_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shell, "_found", lambda tool: tool != "debootstrap")
    monkeypatch.setattr(shell, "DEBIAN_KEYRING", tmp_path / "none")
    assert shell.requirements() == ["debian-archive-keyring", "debootstrap"]
    monkeypatch.setattr(shell.os, "geteuid", lambda: 0)
    with pytest.raises(UsageError) as refused:
        shell.demand_machine()
    assert "debian-archive-keyring debootstrap" in str(refused.value) + refused.value.hint


def test_without_root_or_linux_one_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell.os, "geteuid", lambda: 1000)
    with pytest.raises(UsageError, match="need root") as refused:
        shell.demand_machine()
    assert "sudo" in refused.value.hint
    monkeypatch.setattr(shell.sys, "platform", "darwin")
    with pytest.raises(UsageError, match="need Linux"):
        shell.demand_root()


def test_a_tool_that_fails_is_told_with_what_it_said() -> None:
    with pytest.raises(SlipwayError) as failed:
        shell.run("sh", "-c", "echo first >&2; echo no such thing >&2; exit 3")
    assert failed.value.title == "sh failed (exit 3)"
    assert failed.value.why == "no such thing"
    assert failed.value.details == "first\nno such thing"
    assert shell.run("sh", "-c", "exit 3", check=False) == ""
    with pytest.raises(UsageError, match="not installed"):
        shell.run("no-such-tool-anywhere")
