"""Workers added to a cluster of three masters that runs: by kubeadm one after the other, by slipway all at once.

Both begin with booted hosts on which nothing is prepared, and both clocks stop when the new nodes are Ready and can
give Pods an address. The peer's worker gets the packages that slipway's gets, and the images of what runs on every
node.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from typing import Any

from tests.bench import kubeadm, machine, slipway
from tests.bench.results import Figures
from wizard.bundle.opened import load_bundle
from wizard.bundle.places import default_folder
from wizard.engine.step import Change
from wizard.practice import Datacenter
from wizard.practice.host import Host
from wizard.steps.packages import packages_step

FIRST = ("w1",)
"""Who joins alone."""
FIVE = ("w2", "w3", "w4", "w5", "w6")
"""Who join slipway's cluster together. On kubeadm's side the first one and four more are five joins."""
STAGES = ("prep", "join", "ready")


def joined(datacenter: Datacenter, kubernetes: str, host: Host) -> Figures:
    """Prepare a host and join it to the peer's cluster, which is there with its network, and return the figures."""
    folder = kubeadm.run_folder()
    packages = _packages(kubernetes)
    files = [
        path.relative_to(folder)
        for path in sorted((folder / "pay").rglob("*"))
        if path.parent.name in ("bin", "cni")
        or (path.parent.name == "deb" and path.name.partition("_")[0] in packages)
        or path.name in ("pause.tar", "worker.sh", "containerd.toml", "containerd.service", "kubelet.service")
    ]
    files += [path.relative_to(folder) for path in sorted((folder / "net").iterdir())]
    idle = machine.wait_for_quiet()
    before = machine.work_of(datacenter.hosts)
    began = time.monotonic()
    words = ["bash", str(folder / "join.sh"), host.name, host.address, *map(str, files)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    if done.returncode != 0:
        raise SystemExit(
            f"kubeadm's way did not join {host.name}; see the logs in {folder}: {done.stdout}{done.stderr}"
        )
    ends = {name: float(when) for name, when in re.findall(r"^(\w+) ([\d.]+)$", done.stdout, re.M)}
    return _figures(datacenter, seconds, before, idle) | {f"until {name}": ends[name] for name in STAGES}


def five(joins: list[Figures]) -> Figures:
    """Return the figures of joins one after the other: their sums."""
    sums = {key: sum(one[key] for one in joins) for key in joins[0] if key != "idle before"}
    return sums | {"idle before": min(one["idle before"] for one in joins)}


def added(datacenter: Datacenter, before: tuple[str, ...], names: tuple[str, ...], **more: Any) -> Figures:
    """Add workers to slipway's cluster of the hosts `before`, at once, and return the figures.

    `more` is what the cluster's profile says besides; nothing but the workers is new.
    """
    profile = slipway.profile_of(datacenter, (*before, *names), **more)
    idle = machine.wait_for_quiet()
    said, figures = slipway.apply(datacenter, profile)
    others = {step.partition("/")[0] for step in said["changed"]} - {*names, "cluster", "verify"}
    if said["result"] != "done" or others:
        raise SystemExit(f"slipway apply did not add workers, or touched other hosts: {json.dumps(said, indent=1)}")
    record = slipway.record_of(datacenter, str(said["run"]))
    steps = [record.steps[f"{name}/node"] for name in names]
    # kubeadm's clock stops at Ready, which is before slipway waits for the network's Pods and proves them.
    after = record.now - max(step.started + step.seconds for step in steps)
    whole = float(str(figures["seconds"]))
    return figures | {"seconds": whole - after, "seconds of the whole command": whole, "idle before": idle}


def _packages(kubernetes: str) -> set[str]:
    """Return the packages that slipway installs on a worker that has none of them."""
    bundle = load_bundle(default_folder(kubernetes))
    release = bundle.lock.releases[0]
    steps = (packages_step("w1", bundle, release, balancer=False),)
    changes = [step.change for step in steps if isinstance(step.change, Change)]
    return {pipe.subject.removeprefix("package ") for change in changes for pipe in change.pipes}


def _figures(datacenter: Datacenter, seconds: float, before: machine.Work, idle: float) -> Figures:
    work = machine.work_of(datacenter.hosts).since(before)
    return {
        "seconds": seconds,
        "idle before": idle,
        "hosts' processor seconds": work.hosts,
        "machine's processor seconds": work.machine,
    }
