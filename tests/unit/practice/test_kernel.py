from __future__ import annotations

import json
from pathlib import Path

import pytest

from wizard.practice import kernel, machine
from wizard.practice.kernel import RAISED, SHARED, to_unload, to_write


def test_only_what_differs_is_written_back() -> None:
    saved = {"vm.overcommit_memory": "0", "kernel.panic": "1", "gone": "5"}
    now = {"vm.overcommit_memory": "1", "kernel.panic": "1", "new": "7"}
    assert to_write(saved, now) == {"vm.overcommit_memory": "0"}


def test_only_modules_that_hosts_brought_in_are_unloaded() -> None:
    before = ["ext4", "overlay"]
    now = ["xt_comment", "br_netfilter", "overlay", "usb_storage", "ext4"]
    assert to_unload(before, now) == ["xt_comment", "br_netfilter"]


def test_the_clock_and_swap_are_not_in_the_list_and_what_is_raised_is() -> None:
    assert set(RAISED) <= set(SHARED)
    assert not [name for name in SHARED if "time" in name or name.startswith("net.")]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins for /proc/sys, the register and the machine's routes."""
    sys = tmp_path / "sys"
    for name, value in (("vm.overcommit_memory", "0"), ("fs.inotify.max_user_instances", "128")):
        path = sys.joinpath(*name.split("."))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value)
    monkeypatch.setattr(kernel, "path_of", lambda name: sys.joinpath(*name.split(".")))
    monkeypatch.setattr(kernel, "run", lambda *words, **more: "")
    monkeypatch.setattr(machine, "RUN", tmp_path / "run")
    monkeypatch.setattr(
        machine, "run", lambda *words, **more: json.dumps([{"dst": "default"}, {"dst": "198.18.1.0/24"}])
    )
    return sys


def test_settings_come_back_with_the_last_datacenter_only(settings: Path, tmp_path: Path) -> None:
    overcommit, instances = settings / "vm/overcommit_memory", settings / "fs/inotify/max_user_instances"
    one, two = tmp_path / "one", tmp_path / "two"
    assert machine.claim(one) == 0
    assert instances.read_text() == "8192"
    overcommit.write_text("1")
    assert machine.claim(two) == 2, "198.18.1.0/24 is in use on the machine"
    assert machine.claim(one) == 0, "a second claim gives the same"
    machine.release(one)
    assert overcommit.read_text() == "1"
    machine.release(one)
    machine.release(two)
    assert (overcommit.read_text(), instances.read_text()) == ("0", "128")
    assert machine.numbers() == {}


def test_what_a_run_killed_before_its_claim_saved_is_put_back(settings: Path) -> None:
    kernel.save(machine.register() / "settings.json")
    (settings / "vm/overcommit_memory").write_text("1")
    kernel.save(machine.register() / "settings.json")
    machine.release()
    assert (settings / "vm/overcommit_memory").read_text() == "0"


def test_a_wanted_number_is_given_when_it_is_free(settings: Path, tmp_path: Path) -> None:
    assert machine.claim(tmp_path / "one", 7) == 7
    assert machine.claim(tmp_path / "two", 7) == 0
