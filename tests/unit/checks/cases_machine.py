"""Sites with something wrong about a system, its hardware, its disks or its clock."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from wizard.checks import BundleSummary
from wizard.errors import Level
from wizard.facts.model import Disk, DiskKind, Facts, Filesystem

from . import sites as site
from .case import Case
from .cases_network import worker
from .sites import GIB

ERROR, WARNING, INFO = Level.ERROR, Level.WARNING, Level.INFO


def etcd_only(number: int = 4) -> dict[str, Any]:
    hosts = [{"name": f"m{index}", "address": f"10.20.0.1{index}"} for index in (1, 2, 3)]
    hosts.append({"name": "e1", "address": f"10.20.0.1{number}", "roles": ["etcd"]})
    return {"wanted": site.profile(hosts=hosts)}


def data_disk(**changes: Any) -> site.Mend:
    """Return a mend that puts etcd on a disk of its own at /data."""

    def mend(found: Facts) -> Facts:
        kind = changes.get("kind", DiskKind.SSD)
        disk = Disk("sdb", 4000 * 10**9, kind, "ST4000NM0035")
        parts = {"disk": "sdb", "free": 300 * GIB, **changes}
        data = Filesystem(
            "/data", "/dev/sdb1", "ext4", 400 * GIB, kind=kind, paths=("/var/lib/etcd",), **without(parts)
        )
        return replace(
            found,
            disks=(*found.disks, disk),
            filesystems=(replace(found.filesystems[0], paths=tuple(set(site.PATHS) - {"/var/lib/etcd"})), data),
            etcd_filesystem=data,
        )

    def without(parts: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in parts.items() if key != "kind"}

    return mend


CASES = (
    Case("os.unsupported", ERROR, site.system(os_id="rocky", os_version="9.4", os_name="Rocky Linux 9.4"), ("Rocky",)),
    Case("os.unsupported", ERROR, site.system(os_version="13", os_name="Debian 13"), ("Debian 13", "Debian 12")),
    Case("os.architecture", ERROR, site.system(architecture="riscv64"), ("riscv64",)),
    Case("os.init", ERROR, site.system(init="init"), ("init",)),
    Case("os.container", INFO, site.system(container="lxc"), ("lxc",)),
    Case("kernel.too-old", ERROR, site.system(kernel="3.10.0-1160.el7"), ("3.10.0-1160.el7",)),
    Case("kernel.old", WARNING, site.system(kernel="4.19.0-27-amd64")),
    Case(
        "kernel.nftables",
        ERROR,
        site.system(kernel="5.10.0-32-amd64"),
        ("5.13",),
        "network.kube_proxy",
        given={"wanted": site.profile(network={"kube_proxy": "nftables"})},
    ),
    Case(
        "kernel.pod-network",
        ERROR,
        site.system(kernel="5.4.0-32-amd64"),
        ("5.10", "cilium"),
        "network.plugin",
        given={"wanted": site.profile(network={"plugin": "cilium", "images": "registry"})},
    ),
    Case("cgroup.none", ERROR, site.system(cgroup_version=0)),
    Case("cgroup.v1", WARNING, site.system(cgroup_version=1)),
    Case("cgroup.v1", INFO, site.system(cgroup_version=1, container="slipway")),
    Case("selinux.enforcing", WARNING, site.system(selinux="enforcing")),
    Case("swap.on", WARNING, site.hardware(swap=4 * GIB, swap_devices=("/swap.img",)), ("4.0 GiB", "/swap.img")),
    Case("swap.shared", INFO, site.both(site.system(container="slipway"), site.hardware(swap=GIB))),
    Case(
        "bundle.kubernetes",
        ERROR,
        None,
        ("1.36.1",),
        "kubernetes",
        host="",
        given={"bundle": BundleSummary(site.BUNDLE.releases, site.BUNDLE.architectures, "1.36.1")},
    ),
    Case("bundle.release", ERROR, site.system(os_id="ubuntu", os_version="24.04"), ("ubuntu-24.04", "debian-12")),
    Case("bundle.architecture", ERROR, site.system(architecture="arm64"), ("arm64", "amd64")),
    Case("cpu.too-few", ERROR, site.hardware(cpus=1), ("1 CPU",), "hosts[0].roles"),
    Case("memory.too-small", ERROR, site.hardware(memory=GIB), ("1.0 GiB", "a master"), "hosts[0].roles"),
    Case(
        "memory.too-small",
        ERROR,
        site.hardware(memory=GIB // 4),
        ("an etcd",),
        host="e1",
        given=etcd_only() | {"on": "e1"},
    ),
    Case(
        "memory.too-small",
        ERROR,
        site.hardware(memory=GIB // 2),
        ("a worker needs 900 MiB",),
        host="w1",
        given=worker("w1"),
    ),
    Case("memory.small", WARNING, site.hardware(memory=GIB), ("a worker",), host="w1", given=worker("w1")),
    Case("memory.small", WARNING, site.hardware(memory=2 * GIB), ("2.0 GiB",)),
    Case("disk.full", ERROR, site.disk(free=GIB), ("/dev/nvme0n1p2", "1.0 GiB free", "/var/lib/containerd")),
    Case("disk.full", ERROR, data_disk(free=100 * 2**20), ("/data", "100 MiB free", "/var/lib/etcd")),
    Case("disk.inodes", ERROR, site.disk(inodes_free=500), ("500",)),
    Case("disk.small", WARNING, site.disk(free=12 * GIB), ("12.0 GiB",)),
    Case("disk.nearly-full", WARNING, site.disk(free=40 * GIB), ("15%",)),
    Case("disk.read-only", ERROR, site.disk(options=("ro",)), ("read-only",)),
    Case("disk.noexec", ERROR, site.disk(options=("rw", "noexec")), ("noexec", "mount -o remount,exec /")),
    Case(
        "etcd.disk-rotational",
        WARNING,
        data_disk(kind=DiskKind.ROTATIONAL),
        ("/var/lib/etcd lies on sdb (ST4000NM0035, 3.6 TiB), mounted at /data", "RAID"),
        "etcd.data_dir",
    ),
    Case(
        "etcd.disk-network",
        WARNING,
        site.disk(kind=DiskKind.NETWORK, disk="", source="nas:/x", type="nfs4"),
        ("nas:/x (nfs4)",),
    ),
    Case("etcd.disk-memory", ERROR, site.disk(kind=DiskKind.MEMORY, disk="")),
    Case(
        "etcd.disk-memory", WARNING, site.both(site.system(container="lxc"), site.disk(kind=DiskKind.MEMORY, disk=""))
    ),
    Case("etcd.disk-virtual", INFO, site.disk(kind=DiskKind.VIRTUAL)),
    Case("etcd.disk-unknown", INFO, site.disk(kind=DiskKind.UNKNOWN, disk="")),
    Case("etcd.disk-unknown", INFO, site.facts(etcd_filesystem=None), ("a filesystem that can't be told",)),
    Case("clock.off", WARNING, site.clock(offset=5.0), ("5.0 s ahead",)),
    Case("clock.off", WARNING, site.clock(offset=-5.0), ("5.0 s behind",)),
    Case("clock.wrong", ERROR, site.clock(offset=9000.0), ("2.5 h ahead",)),
    Case("clock.jump-host", WARNING, site.clock(offset=100.0), ("100 s behind",), host="", given={"on": "m1 m2 m3"}),
    Case(
        "clock.jump-host-ahead",
        ERROR,
        site.clock(offset=-86400.0 * 3),
        ("3 days ahead",),
        host="",
        given={"on": "m1 m2 m3"},
    ),
    Case("clock.no-service", WARNING, site.clock(service="", synchronized=None), ("time_servers",), "time_servers"),
    Case(
        "clock.chrony-comes",
        INFO,
        site.clock(service="", synchronized=None),
        ("10.20.0.2",),
        given={"wanted": site.profile(time_servers=["10.20.0.2"])},
    ),
    Case("clock.unsynchronized", WARNING, site.clock(synchronized=False), ("chrony",)),
)
