"""One look at a host: the script that is sent, and what is read out of its answer."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace

from wizard.errors import SlipwayError
from wizard.facts import clock, cluster, hardware, network, ports, settled, software, storage, system
from wizard.facts.model import Facts, Prefixed
from wizard.facts.text import MARK, integer, parts

FAMILIES = (system, hardware, storage, network, ports, software, clock, cluster, settled)
"""One family a module: a fragment `SCRIPT` and a pure `parse`."""

HEAD = f"""LC_ALL=C; export LC_ALL
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export PATH
part() {{ printf '\\n{MARK}%s\\n' "$1"; }}
part clock/began
date +%s.%N
"""
"""Begins every script that looks: one language, every tool, and `part`, which names what follows."""

_TAIL = """
part clock/ended
date +%s.%N
part end
"""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look gave: facts, and what `prefix_script` left where there was one."""

    facts: Facts
    prefixed: Prefixed | None = None


def script(etcd_data_dir: str, prefix_script: str = "") -> str:
    """Return the POSIX shell script of one look, to be run as root.

    Each family runs in a shell of its own: a tool that is missing leaves a gap and ends nothing. Reads only, apart
    from what `prefix_script` does; that runs first, in a subshell, and its exit status is part of the answer.
    """
    prefix = ""
    if prefix_script:
        prefix = f"part prefix/output\n(\n{prefix_script}\n)\nstatus=$?\npart prefix/status\necho $status\n"
    families = "\n".join(f"({family.SCRIPT}) 2>/dev/null </dev/null" for family in FAMILIES)
    return f"{HEAD}{prefix}ETCD_DIR={shlex.quote(etcd_data_dir)}\n{families}\n{_TAIL}"


def read(host: str, text: str, etcd_data_dir: str, sent: float, received: float) -> Look:
    """Return what the answer `text` says; `sent` and `received` are the jump host's clock around it (epoch seconds).

    Raises `SlipwayError` where the answer isn't whole; what is missing inside it is left empty.
    """
    part = parts(text)
    if "end" not in part:
        raise SlipwayError(
            "The host's answer was cut short",
            where=host,
            why="the script that looks at the host did not reach its end",
            hint=f"Look at the host: enough memory, free processes, a working /bin/sh? Then try again ({host}).",
            details="\n".join(text.splitlines()[-5:]),
        )
    prefixed = None
    if "prefix/status" in part:
        prefixed = Prefixed(integer(part["prefix/status"], 1), part.get("prefix/output", ""))
    return Look(_facts(host, text, etcd_data_dir, sent, received), prefixed)


def _facts(host: str, text: str, etcd_data_dir: str, sent: float, received: float) -> Facts:
    installed, net, disks = software.parse(text), network.parse(text), storage.parse(text, etcd_data_dir)
    listeners = ports.parse(text)
    traces = cluster.parse(text)
    processes = {item.process for item in listeners} & cluster.CLUSTER_PROCESSES
    running = tuple(sorted((installed.units & cluster.CLUSTER_UNITS) | processes))
    return Facts(
        host=host,
        system=replace(system.parse(text), systemd_resolved="systemd-resolved" in installed.units),
        hardware=hardware.parse(text),
        disks=disks.disks,
        filesystems=disks.filesystems,
        etcd_filesystem=disks.etcd,
        interfaces=net.interfaces,
        routes=net.routes,
        listeners=listeners,
        packages=installed.packages,
        clock=clock.clock_of(clock.parse(text), sent, received, installed.units),
        traces=replace(traces, running=running),
        settled=settled.parse(text),
        commands=installed.commands,
        units=installed.units,
        nameservers=net.nameservers,
    )
