"""Kernel settings that practice hosts share with this machine: saved before the first host, put back after the last.

A network namespace has `net.*` of its own. These here have no namespace: what a host writes, the machine gets.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from wizard.practice.shell import run

SHARED = (
    # What Kubernetes nodes and slipway set.
    "vm.overcommit_memory",
    "vm.overcommit_ratio",
    "vm.panic_on_oom",
    "vm.swappiness",
    "vm.max_map_count",
    "vm.dirty_ratio",
    "vm.dirty_background_ratio",
    "kernel.panic",
    "kernel.panic_on_oops",
    "kernel.keys.root_maxkeys",
    "kernel.keys.root_maxbytes",
    "fs.inotify.max_user_instances",
    "fs.inotify.max_user_watches",
    "fs.aio-max-nr",
    # What systemd and Debian's sysctl.d set when a host boots.
    "fs.file-max",
    "fs.nr_open",
    "fs.protected_fifos",
    "fs.protected_hardlinks",
    "fs.protected_regular",
    "fs.protected_symlinks",
    "fs.suid_dumpable",
    "kernel.pid_max",
    "kernel.threads-max",
    "kernel.core_pattern",
    "kernel.core_uses_pid",
    "kernel.printk",
    "kernel.sysrq",
    "kernel.dmesg_restrict",
    "kernel.kptr_restrict",
)

RAISED = {"fs.inotify.max_user_instances": 8192, "fs.inotify.max_user_watches": 524288}
"""Limits that all hosts share and a few systemds use up: at least these while hosts are there."""

MODULES = (
    "overlay",
    "veth",
    "bridge",
    "br_netfilter",
    "nf_conntrack",
    "ip_tables",
    "ip6_tables",
    "vxlan",
    "loop",
    "fuse",
)
"""Modules that hosts may need and can't load for want of /lib/modules; those built in need no loading."""

OURS = (
    "xt_", "nf_", "nft_", "nfnetlink", "ip_set", "ip_vs", "ipt_", "ip6t_", "iptable_", "ip6table_", "arptable", "ebt",
    "ip_tables", "ip6_tables", "x_tables", "bridge", "br_netfilter", "stp", "llc", "veth", "vxlan", "udp_tunnel",
    "ip6_udp_tunnel", "overlay", "loop", "fuse", "tun",
)  # fmt: skip
"""How the names of modules begin that practice hosts bring in, directly or by a firewall rule."""

NETNS = Path("/run/netns")
"""Where `ip netns` keeps names; it mounts this folder on itself at first use and never takes that away."""


def path_of(name: str) -> Path:
    """Return the file of the setting `name` (dots as in sysctl.conf)."""
    return Path("/proc/sys", *name.split("."))


def current() -> dict[str, str]:
    """Return the shared settings' values, without those that this kernel lacks or keeps from us."""
    values = {}
    for name in SHARED:
        with suppress(OSError):
            values[name] = path_of(name).read_text().strip()
    return values


def modules_loaded() -> list[str]:
    """Return the modules loaded now, the latest first."""
    try:
        return [line.split()[0] for line in Path("/proc/modules").read_text().splitlines()]
    except OSError:
        return []


def to_unload(before: Iterable[str], now: Iterable[str]) -> list[str]:
    """Return the modules of `now` that practice hosts brought in: not there `before`, and of the kind they use."""
    known = set(before)
    return [name for name in now if name not in known and name.startswith(OURS)]


def to_write(saved: dict[str, str], now: dict[str, str]) -> dict[str, str]:
    """Return the settings that differ from what was saved, with the value to write."""
    return {name: value for name, value in saved.items() if name in now and now[name] != value}


def save(record: Path) -> None:
    """Write the settings and modules to `record` unless it is there already, then raise limits and load modules."""
    if not record.exists():
        part = record.with_suffix(".part")
        before = {"sysctl": current(), "modules": modules_loaded(), "netns": NETNS.is_mount()}
        part.write_text(json.dumps(before, indent=1))
        part.replace(record)
    for name, least in RAISED.items():
        with suppress(OSError, ValueError):
            if int(path_of(name).read_text()) < least:
                path_of(name).write_text(str(least))
    if Path("/lib/modules").is_dir():
        for module in MODULES:
            run("modprobe", "-q", module, check=False)


def restore(record: Path) -> None:
    """Put back what `record` says, and remove it; without a record nothing was touched and nothing is done."""
    if not record.exists():
        return
    saved = json.loads(record.read_text())
    for name, value in to_write(saved["sysctl"], current()).items():
        with suppress(OSError):
            path_of(name).write_text(value)
    for module in to_unload(saved["modules"], modules_loaded()):
        run("modprobe", "-q", "-r", module, check=False)  # one still in use by others stays, as it should
    if not saved["netns"] and NETNS.is_mount() and not any(NETNS.iterdir()):
        run("umount", NETNS)
    record.unlink()
