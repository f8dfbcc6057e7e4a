"""A healthy site to start from: what the tests change is the one thing they are about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from wizard.checks import BundleSummary, checks
from wizard.errors import Problem, SlipwayError
from wizard.facts.model import (
    Clock,
    Disk,
    DiskKind,
    Facts,
    Filesystem,
    Hardware,
    Interface,
    Listener,
    Package,
    Route,
    Survey,
    System,
)
from wizard.profile.model import Profile

GIB = 1024**3
UID = "3f2f5a55-9a0e-4c57-8d37-0b8b1f7c1a11"
BUNDLE = BundleSummary(frozenset({"debian-12"}), frozenset({"amd64"}))
PATHS = ("/", "/usr/local/bin", "/var/lib/containerd", "/var/lib/etcd", "/var/lib/kubelet", "/opt", "/tmp")


def profile(**changes: Any) -> Profile:
    """Return three masters with a VIP; `changes` replace whole parts."""
    plain: dict[str, Any] = {
        "name": "site",
        "hosts": [{"name": f"m{number}", "address": f"10.20.0.1{number}"} for number in (1, 2, 3)],
        "endpoint": {"vip": "10.20.0.100"},
    }
    return Profile.model_validate(plain | changes)


def healthy(name: str, number: int) -> Facts:
    disk = Filesystem(
        "/", "/dev/nvme0n1p2", "ext4", 400 * GIB, 300 * GIB, 20_000_000, "nvme0n1", DiskKind.NVME, ("rw",), PATHS
    )
    return Facts(
        host=name,
        system=System(
            hostname=name,
            os_id="debian",
            os_version="12",
            os_name="Debian GNU/Linux 12 (bookworm)",
            kernel="6.1.0-25-amd64",
            architecture="amd64",
            init="systemd",
            machine_id=f"{number:032x}",
            boot_id=f"boot-{number}",
            cgroup_version=2,
            product_uuid=f"uuid-{number}",
        ),
        hardware=Hardware(cpus=8, memory=32 * GIB, memory_available=30 * GIB),
        disks=(Disk("nvme0n1", 480 * GIB, DiskKind.NVME, "INTEL SSDPE2KX010T8"),),
        filesystems=(disk,),
        etcd_filesystem=disk,
        interfaces=(
            Interface("lo", "00:00:00:00:00:00", 65536, True, ("127.0.0.1/8",)),
            Interface("eth0", f"b0:7b:25:c1:00:0{number}", 1500, True, (f"10.20.0.1{number}/24",)),
        ),
        routes=(Route("default", "eth0", "10.20.0.1"), Route("10.20.0.0/24", "eth0")),
        listeners=(Listener("tcp", "*", 22, "sshd", "ssh.service", 700),),
        packages=(Package("chrony", "4.3-2+deb12u1"),),
        clock=Clock(0.001 * number, 0.01, True, True, "chrony"),
        commands=frozenset({"ip", "ss", "apt-get"}),
        units=frozenset({"chrony"}),
        nameservers=("10.20.0.2",),
    )


Mend = Callable[[Facts], Facts]


def survey(wanted: Profile, mend: Mend | None = None, on: str = "m1") -> Survey:
    """Return what is found on healthy hosts, with `mend` done to those named in `on` (with spaces between)."""
    facts = {host.name: healthy(host.name, index + 1) for index, host in enumerate(wanted.hosts)}
    if mend:
        facts |= {name: mend(facts[name]) for name in on.split()}
    return Survey(facts)


def judged(
    mend: Mend | None = None,
    on: str = "m1",
    wanted: Profile | None = None,
    bundle: BundleSummary | None = BUNDLE,
    uid: str = "",
    failures: dict[str, SlipwayError] | None = None,
    applied: Profile | None = None,
) -> tuple[Problem, ...]:
    """Return all findings about the site."""
    wanted = wanted or profile()
    found = survey(wanted, mend, on)
    if failures:
        left = {name: facts for name, facts in found.facts.items() if name not in failures}
        found = Survey(left, failures)
    return checks(wanted, found, bundle, uid, applied)


def system(**changes: Any) -> Mend:
    return lambda facts: replace(facts, system=replace(facts.system, **changes))


def hardware(**changes: Any) -> Mend:
    return lambda facts: replace(facts, hardware=replace(facts.hardware, **changes))


def clock(**changes: Any) -> Mend:
    return lambda facts: replace(facts, clock=replace(facts.clock, **changes))


def traces(**changes: Any) -> Mend:
    return lambda facts: replace(facts, traces=replace(facts.traces, **changes))


def disk(**changes: Any) -> Mend:
    def mend(facts: Facts) -> Facts:
        filesystem = replace(facts.filesystems[0], **changes)
        return replace(facts, filesystems=(filesystem,), etcd_filesystem=filesystem)

    return mend


def interface(**changes: Any) -> Mend:
    def mend(facts: Facts) -> Facts:
        loopback, card = facts.interfaces
        return replace(facts, interfaces=(loopback, replace(card, **changes)))

    return mend


def listener(*args: Any) -> Mend:
    return lambda facts: replace(facts, listeners=(*facts.listeners, Listener(*args)))


def facts(**changes: Any) -> Mend:
    return lambda found: replace(found, **changes)


def package(*names: str) -> Mend:
    return lambda found: replace(found, packages=(*found.packages, *(Package(name, "1.0-1") for name in names)))


def unit(*names: str) -> Mend:
    return lambda found: replace(found, units=found.units | set(names))


def both(*mends: Mend) -> Mend:
    def mend(found: Facts) -> Facts:
        for one in mends:
            found = one(found)
        return found

    return mend
