"""CPUs and memory: enough for the roles a host has."""

from __future__ import annotations

from collections.abc import Iterator

from wizard.checks.case import MIB, Case, Found, size
from wizard.errors import Level, Problem
from wizard.profile.model import Role

MASTER_CPUS = 2
MASTER_MEMORY = 1700 * MIB
"""What kubeadm demands of a control plane (kubeadm's constants: ControlPlaneNumCPU, ControlPlaneMem)."""

MASTER_COMFORT = 3500 * MIB
"""Below it a master runs, with little room for anything to grow; etcd's guide starts at 8 GB."""

ETCD_MEMORY = 512 * MIB
ETCD_COMFORT = 1900 * MIB
"""etcd alone: a full database of 8 GiB is mapped into memory, a small one needs little."""


WORKER_MEMORY = 900 * MIB
WORKER_COMFORT = 1900 * MIB
"""A worker's own processes take about 200 MiB, and as much again is kept from Pods; "1 GB" machines show a little less
than 1 GiB. kubeadm asks nothing of a worker."""


_GUIDES = dict.fromkeys(("a master", "an etcd member"), "8 GiB is what etcd's guide starts with") | {
    "a worker": "what is to run on it decides"
}


def judge(case: Case) -> Iterator[Problem]:
    """Yield hosts with too little, and hosts with just enough."""
    for found in case.found():
        yield from _cpus(found, MASTER_CPUS if Role.MASTER in found.host.roles else 1)
        yield from _memory(found)


def _cpus(found: Found, least: int) -> Iterator[Problem]:
    cpus = found.facts.hardware.cpus
    if 0 < cpus < least:
        yield found.problem(
            "cpu.too-few",
            Level.ERROR,
            f"It has {cpus} CPU; a master needs {least}",
            f"Give {found.name} more CPUs, or another role.",
            found.field("roles"),
        )


def _memory(found: Found) -> Iterator[Problem]:
    memory = found.facts.hardware.memory
    if Role.MASTER in found.host.roles:
        role, least, comfort = "a master", MASTER_MEMORY, MASTER_COMFORT
    elif Role.WORKER in found.host.roles:
        role, least, comfort = "a worker", WORKER_MEMORY, WORKER_COMFORT
    else:
        role, least, comfort = "an etcd member", ETCD_MEMORY, ETCD_COMFORT
    if 0 < memory < least:
        yield found.problem(
            "memory.too-small",
            Level.ERROR,
            f"It has {size(memory)} of memory; {role} needs {size(least)}",
            f"Give {found.name} more memory, or another role.",
            found.field("roles"),
        )
    elif 0 < memory < comfort:
        yield found.problem(
            "memory.small",
            Level.WARNING,
            f"It has {size(memory)} of memory: {role} runs with that, and has little to spare",
            f"{size(comfort)} or more is comfortable; {_GUIDES[role]}.",
        )
