"""Our side: `slipway apply`, timed from outside as a user would, with the memory and round trips it takes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from tests.bench import machine
from wizard import practice
from wizard.bundle.opened import load_bundle
from wizard.bundle.places import default_folder
from wizard.engine.journal_reader import JournalReader
from wizard.engine.record import Record
from wizard.paths import cache_dir
from wizard.practice import Datacenter

SLIPWAY = str(Path(sys.executable).with_name("slipway"))
TALKATIVE = "/etc/ssh/sshd_config.d/bench.conf"


def state_home() -> Path:
    """Return where the measured clusters keep their state: not among the person's own."""
    return cache_dir() / "bench" / "state"


def install(datacenter: Datacenter, kubernetes: str, names: Collection[str] = ()) -> dict[str, object]:
    """Install a cluster that never was before, on all hosts or those of `names`, and return the figures."""
    bundle = load_bundle(default_folder(kubernetes))
    machine.warm(bundle.path(artifact) for artifact in bundle.lock.artifacts)
    shutil.rmtree(state_home(), ignore_errors=True)
    profile = profile_of(datacenter, names)
    idle = machine.wait_for_quiet()
    said, figures = apply(datacenter, profile)
    if said["result"] != "done":
        raise SystemExit(f"slipway apply failed: {json.dumps(said, indent=1)}")
    # kubeadm proves nothing: the clock stops before that phase.
    proof = _proof(datacenter, str(said["run"]))
    figures |= {"seconds": float(str(figures["seconds"])) - proof, "seconds of proof": proof}
    ready = _ready_nodes(datacenter)
    if ready != len(names or datacenter.hosts):
        raise SystemExit(f"only {ready} nodes are Ready after apply")
    return figures | {"idle before": idle, "steps": len(said["changed"])}


def converged(datacenter: Datacenter) -> dict[str, object]:
    """Apply once more to what is as wanted, and return the figures; `sessions` is the most commands a host saw."""
    profile = profile_of(datacenter)
    idle = machine.wait_for_quiet()
    said, figures = apply(datacenter, profile)
    if said["result"] != "done" or said["changed"]:
        raise SystemExit(f"apply on a converged cluster changed something: {json.dumps(said, indent=1)}")
    return figures | {"idle before": idle, "sessions": _sessions(datacenter, profile)}


def _proof(datacenter: Datacenter, run: str) -> float:
    """Return the seconds from the beginning of `slipway verify`'s part of a run to the end of the run."""
    record = record_of(datacenter, run)
    return record.now - record.steps["verify/try"].started


def record_of(datacenter: Datacenter, run: str) -> Record:
    """Return the record of a run."""
    return JournalReader(state_home() / "slipway" / datacenter.name).record(run)


def apply(datacenter: Datacenter, profile: Path) -> tuple[dict[str, Any], dict[str, object]]:
    """Apply a profile, and return what the command said and the figures."""
    before = machine.work_of(datacenter.hosts)
    began = time.monotonic()
    process = subprocess.Popen(
        [SLIPWAY, "apply", str(profile), "--yes", "--json"],
        stdout=subprocess.PIPE,
        env={**os.environ, "XDG_STATE_HOME": str(state_home())},
    )
    usage = _watch(process)
    seconds = time.monotonic() - began
    assert process.stdout is not None
    said = json.load(process.stdout)
    work = machine.work_of(datacenter.hosts).since(before)
    figures = {
        "seconds": seconds,
        "hosts' processor seconds": work.hosts,
        "machine's processor seconds": work.machine,
        **usage,
    }
    return said, figures


def _watch(process: subprocess.Popen[bytes]) -> dict[str, object]:
    """Wait for the command to end, and read what the run's own process uses (VmHWM, its peak: proc_pid_status(5))."""
    peak, ticks, run = 0, 0, 0
    while process.poll() is None:
        run = run or _run_of(process.pid)
        with suppress(OSError, IndexError, ValueError):
            if run:
                status = Path(f"/proc/{run}/status").read_text()
                peak = max(peak, int(status.split("VmHWM:")[1].split()[0]))
                fields = Path(f"/proc/{run}/stat").read_text().rpartition(")")[2].split()
                ticks = int(fields[11]) + int(fields[12])
        time.sleep(0.05)
    return {"peak MB": peak / 1024, "run's processor seconds": ticks / machine.TICK}


def _run_of(parent: int) -> int:
    """Return the process ID of the run that `slipway apply` started, 0 while there is none."""
    with suppress(OSError):
        for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
            if b"run-order" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
    return 0


def _sessions(datacenter: Datacenter, profile: Path) -> int:
    """Return how many commands a host sees in an apply: sshd itself counts, told to log each session it starts."""
    for host in datacenter.hosts:
        practice.execute(host, "sh", "-c", f"echo LogLevel VERBOSE > {TALKATIVE}; systemctl reload ssh")
    time.sleep(1)
    since = {host.name: _started(datacenter, host.name) for host in datacenter.hosts}
    said, _ = apply(datacenter, profile)
    if said["changed"]:
        raise SystemExit(f"apply on a converged cluster changed something: {said['changed']}")
    return max(_started(datacenter, name) - before for name, before in since.items())


def _started(datacenter: Datacenter, name: str) -> int:
    log = practice.execute(datacenter.host(name), "journalctl", "-u", "ssh", "-o", "cat", "--no-pager")
    return log.count("Starting session: ")


def _ready_nodes(datacenter: Datacenter) -> int:
    kubectl = "/usr/local/bin/kubectl --kubeconfig /etc/kubernetes/admin.conf get nodes --no-headers"
    said = practice.execute(datacenter.hosts[0], "sh", "-c", kubectl)
    return sum(" Ready " in f"{line} " for line in said.splitlines())


def profile_of(datacenter: Datacenter, names: Collection[str] = (), **more: Any) -> Path:
    """Write the ready profile of a datacenter, or of those of its hosts that are named, and return its file.

    `more` is said in it besides.
    """
    path = cache_dir() / "bench" / f"{datacenter.name}.yaml"
    practice.write_profile(datacenter, path)
    if names:
        data = yaml.safe_load(path.read_text())
        data["hosts"] = [host for host in data["hosts"] if host["name"] in names]
        path.write_text(yaml.safe_dump({**data, **more}, sort_keys=False))
    return path
