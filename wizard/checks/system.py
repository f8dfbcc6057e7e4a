"""Operating system, kernel and confinement: can slipway's software run there, and has it ever."""

from __future__ import annotations

from collections.abc import Iterator

from wizard import versions
from wizard.checks.case import Case, Found, size, spoken
from wizard.errors import Level, Problem

RELEASES = {"debian-12": "Debian 12", "ubuntu-22.04": "Ubuntu 22.04", "ubuntu-24.04": "Ubuntu 24.04"}
"""Releases that slipway installs on, as the bundle names them."""

ARCHITECTURES = ("amd64", "arm64")

OLDEST_KERNEL = (4, 19)
"""Kubernetes' own validators refuse older ones (k8s.io/system-validators, KernelSpec)."""

NFTABLES_KERNEL = (5, 13)
"""kube-proxy's nftables mode needs it (https://kubernetes.io/docs/reference/networking/virtual-ips/)."""


def judge(case: Case) -> Iterator[Problem]:
    """Yield what is wrong with each host's system, and where the bundle doesn't cover it."""
    yield from _bundle(case)
    for found in case.found():
        yield from _release(case, found)
        yield from _kernel(case, found)
        yield from _confinement(found)
        yield from _habits(case, found)


def _bundle(case: Case) -> Iterator[Problem]:
    wanted = case.profile.kubernetes or versions.default()
    if case.bundle and case.bundle.kubernetes and case.bundle.kubernetes != wanted.removeprefix("v"):
        yield Problem(
            "bundle.kubernetes",
            Level.ERROR,
            f"The bundle holds Kubernetes {case.bundle.kubernetes}, and the profile wants {wanted}",
            f"Build one with `slipway bundle build` for {wanted}, or write the bundle's version into the profile.",
            "kubernetes",
        )


def _release(case: Case, found: Found) -> Iterator[Problem]:
    system = found.facts.system
    name = system.os_name or system.release or "an unknown system"
    known = ", ".join(RELEASES.values())
    if system.release not in RELEASES:
        yield found.problem(
            "os.unsupported",
            Level.ERROR,
            f"{name} is not a system that this version of slipway can install on",
            f"Install one of {known} on {found.name}.",
        )
    elif case.bundle and system.release not in case.bundle.releases:
        covered = spoken(sorted(case.bundle.releases)) or "no release at all"
        yield found.problem(
            "bundle.release",
            Level.ERROR,
            f"The bundle has no packages for {name}; it has those of {covered}",
            f"Build a bundle that covers {system.release}: `slipway bundle build`.",
        )
    if system.architecture not in ARCHITECTURES:
        yield found.problem(
            "os.architecture",
            Level.ERROR,
            f"The processor is {system.architecture or 'unknown'}; slipway installs on {spoken(list(ARCHITECTURES))}",
            f"Take another machine for {found.name}.",
        )
    elif case.bundle and system.architecture not in case.bundle.architectures:
        covered = spoken(sorted(case.bundle.architectures))
        yield found.problem(
            "bundle.architecture",
            Level.ERROR,
            f"The processor is {system.architecture}, and the bundle is for {covered}",
            f"Build a bundle for {system.architecture}.",
        )
    if system.init != "systemd":
        yield found.problem(
            "os.init",
            Level.ERROR,
            f"Process 1 is {system.init or 'unknown'}, not systemd; every service slipway sets up is a systemd unit",
            f"Boot {found.name} with systemd.",
        )


def _kernel(case: Case, found: Found) -> Iterator[Problem]:
    system = found.facts.system
    number = system.kernel_number
    if number == (0, 0):
        return
    if number < OLDEST_KERNEL:
        yield found.problem(
            "kernel.too-old",
            Level.ERROR,
            f"The kernel is {system.kernel}; Kubernetes needs 4.19 or newer",
            f"Upgrade the kernel of {found.name}.",
        )
    elif number < (5, 0):
        yield found.problem(
            "kernel.old",
            Level.WARNING,
            f"The kernel is {system.kernel}: old enough that slipway was never tried on it",
            "Upgrade to the kernel of a current release where you can.",
        )
    if case.profile.network.kube_proxy == "nftables" and OLDEST_KERNEL <= number < NFTABLES_KERNEL:
        yield found.problem(
            "kernel.nftables",
            Level.ERROR,
            f"The kernel is {system.kernel}; kube-proxy's nftables mode needs 5.13 or newer",
            "Set network.kube_proxy to iptables, or upgrade the kernel.",
            "network.kube_proxy",
        )


def _confinement(found: Found) -> Iterator[Problem]:
    system = found.facts.system
    if system.cgroup_version == 0:
        yield found.problem(
            "cgroup.none",
            Level.ERROR,
            "No control groups are mounted at /sys/fs/cgroup, and containers can't run without them",
            f"Boot {found.name} with systemd, which mounts them.",
        )
    elif system.cgroup_version == 1:
        # A practice host has the hierarchy of the machine it runs on: nothing that could be changed there.
        yield found.problem(
            "cgroup.v1",
            Level.INFO if system.container else Level.WARNING,
            "It has cgroup v1, which works but which Kubernetes, containerd and runc have deprecated",
            "Nothing to do here: the machine underneath decides."
            if system.container
            else "Boot with systemd.unified_cgroup_hierarchy=1 where you can; reinstalling later costs more.",
        )
    if system.selinux == "enforcing":
        yield found.problem(
            "selinux.enforcing",
            Level.WARNING,
            "SELinux is enforcing, and slipway was never tried with that",
            "Set it to permissive (`setenforce 0` and /etc/selinux/config), or be ready for refusals in the audit log.",
        )
    if system.container and not found.ours:
        yield found.problem(
            "os.container",
            Level.INFO,
            f"This host is a container ({system.container}): fine for practice, not for production",
        )


def _habits(case: Case, found: Found) -> Iterator[Problem]:
    system, hardware = found.facts.system, found.facts.hardware
    if hardware.swap and system.container:
        yield found.problem(
            "swap.shared",
            Level.INFO,
            f"Swap is on ({size(hardware.swap)}); it is the machine's underneath, so the kubelet is told to bear it",
        )
    elif hardware.swap:
        devices = f" on {spoken(hardware.swap_devices)}" if hardware.swap_devices else ""
        yield found.problem(
            "swap.on",
            Level.WARNING,
            f"Swap is on ({size(hardware.swap)}{devices}); a kubelet refuses to start with it, so slipway turns it off",
            "Go on if nothing on this host needs it.",
        )
    if system.hostname and system.hostname.partition(".")[0] != found.name:
        yield found.problem(
            "host.hostname",
            Level.INFO,
            f"The host calls itself {system.hostname}; in the cluster it will be {found.name}",
            f"Run `hostnamectl set-hostname {found.name}` if people should see one name only.",
            found.field("name"),
        )
