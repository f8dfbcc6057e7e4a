"""The script itself, run by real shells on this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time

import pytest

from wizard.errors import SlipwayError
from wizard.facts.look import read, script
from wizard.facts.model import Prefixed


def run(text: str, shell: str = "sh", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [shell, "-c", text], capture_output=True, text=True, timeout=60, check=False, env=environment or None
    )


@pytest.mark.parametrize("shell", ["sh", "bash", "dash"])
def test_a_real_look_at_this_machine(shell: str) -> None:
    assert shutil.which(shell), f"{shell} is missing on this machine"
    sent = time.time()
    done = run(script("/var/lib/etcd"), shell)
    look = read("here", done.stdout, "/var/lib/etcd", sent, time.time())
    facts = look.facts
    assert (done.returncode, done.stderr, look.prefixed) == (0, "", None)
    assert facts.system.hostname == os.uname().nodename
    assert facts.system.kernel == os.uname().release
    assert facts.hardware.cpus == len(os.sched_getaffinity(0))
    assert facts.hardware.memory == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert any(interface.name == "lo" for interface in facts.interfaces)
    assert facts.etcd_filesystem is not None
    assert facts.etcd_filesystem.size > 0
    assert abs(facts.clock.offset) <= facts.clock.error + 0.001


def test_a_hosts_folder_of_any_name() -> None:
    folder = '/srv/it\'s "here"; $(exit 9) /etcd'
    facts = read("here", run(script(folder)).stdout, folder, 0, 0).facts
    assert facts.etcd_filesystem is not None
    assert folder in facts.etcd_filesystem.paths


@pytest.mark.parametrize("folder", ["etcd", "", "/", "/dev/null/etcd"])
def test_odd_folders_end_too(folder: str) -> None:
    assert read("here", run(script(folder)).stdout, folder, 0, 0).facts.etcd_filesystem


def test_a_host_without_any_tool_still_answers() -> None:
    bare = re.sub(r"^PATH=.*$", "PATH=/nonexistent; export PATH", script("/var/lib/etcd"), count=1, flags=re.M)
    done = run(bare, shutil.which("sh") or "/bin/sh")
    facts = read("bare", done.stdout, "/var/lib/etcd", 0, 0).facts
    assert done.returncode == 0
    assert facts.commands == frozenset()
    assert not facts.clock.known
    assert facts.etcd_filesystem is None


def test_the_prefix_runs_first_and_its_end_does_not_end_the_look() -> None:
    done = run(script("/var/lib/etcd", "echo taken; echo ==; exit 3"))
    look = read("here", done.stdout, "/var/lib/etcd", 0, 0)
    assert look.prefixed == Prefixed(3, "taken\n==")
    assert look.facts.hardware.cpus > 0


def test_the_prefix_keeps_its_own_settings_to_itself() -> None:
    done = run(script("/var/lib/etcd", "set -eu; cd /nonexistent || true; PATH=/nowhere"))
    look = read("here", done.stdout, "/var/lib/etcd", 0, 0)
    assert look.prefixed == Prefixed(0, "")
    assert look.facts.hardware.cpus > 0


def test_an_answer_cut_short_is_an_error() -> None:
    text = run(script("/var/lib/etcd")).stdout
    with pytest.raises(SlipwayError) as caught:
        read("m2", text[: len(text) // 2], "/var/lib/etcd", 0, 0)
    assert caught.value.where == "m2"
    assert "cut short" in caught.value.title
    assert caught.value.hint
