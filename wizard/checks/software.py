"""Software on a host that gets in the way of what slipway sets up."""

from __future__ import annotations

from collections.abc import Iterator

from wizard.checks.case import Case, Found, spoken
from wizard.errors import Level, Problem
from wizard.profile.model import Role
from wizard.render.pod_network import pod_network

RUNTIMES = ("containerd", "containerd.io", "docker.io", "docker-ce", "cri-o")
"""Packages that bring a container runtime of their own."""

RUNTIME_UNITS = ("containerd", "docker", "crio", "cri-docker")

KUBERNETES = ("kubelet", "kubeadm", "etcd", "etcd-server")
"""Packages whose units or commands slipway brings itself."""

BALANCERS = ("haproxy", "keepalived")

FIREWALLS = {"firewalld": "firewalld", "ufw": "ufw"}


def judge(case: Case) -> Iterator[Problem]:
    """Yield runtimes, cluster packages, load balancers and firewalls that are there already."""
    for found in case.found():
        if not found.ours:
            yield from _runtime(found)
            yield from _kubernetes(found)
            if Role.MASTER in found.host.roles:
                yield from _balancers(found)
        yield from _firewall(case, found)


def _runtime(found: Found) -> Iterator[Problem]:
    active = [unit for unit in RUNTIME_UNITS if unit in found.facts.units]
    installed = [name for name in RUNTIMES if found.facts.package(name)]
    if active:
        yield found.problem(
            "software.runtime-active",
            Level.ERROR,
            f"{spoken(active)} {'runs' if len(active) == 1 else 'run'} here; slipway brings a containerd of its own, "
            "which would take its place and its containers",
            f"Stop and remove it: {_remove(found, installed) or 'systemctl disable --now ' + ' '.join(active)}.",
        )
    elif installed:
        yield found.problem(
            "software.runtime-installed",
            Level.WARNING,
            f"{_versions(found, installed)} {'is' if len(installed) == 1 else 'are'} installed; slipway brings a "
            "containerd of its own, and an update of the package could start the other one",
            f"Remove it: {_remove(found, installed)}.",
        )


def _kubernetes(found: Found) -> Iterator[Problem]:
    installed = [name for name in KUBERNETES if found.facts.package(name)]
    if installed:
        yield found.problem(
            "software.kubernetes-installed",
            Level.WARNING,
            f"{_versions(found, installed)} {'is' if len(installed) == 1 else 'are'} installed; slipway brings its "
            "own, and an update of the package could replace it",
            f"Remove it: {_remove(found, installed)}.",
        )


def _balancers(found: Found) -> Iterator[Problem]:
    for unit in BALANCERS:
        if unit in found.facts.units:
            yield found.problem(
                f"software.{unit}-active",
                Level.ERROR,
                f"{unit} runs here already, and slipway would replace its configuration",
                f"Take another host, or, if nobody needs it: systemctl disable --now {unit}.",
            )


def _firewall(case: Case, found: Found) -> Iterator[Problem]:
    for unit, name in FIREWALLS.items():
        if unit in found.facts.units:
            stop = "ufw disable" if unit == "ufw" else f"systemctl disable --now {unit}"
            yield found.problem(
                "firewall.active",
                Level.WARNING,
                f"{name} filters here. The hosts must reach {_wanted(case, found)}, and slipway opens none of these",
                f"Open them, or switch it off: {stop}.",
            )


def _wanted(case: Case, found: Found) -> str:
    """Return what has to get through to this host."""
    pods = "".join(f", {name.upper()} {port}" for name, port in pod_network(case.profile.network).ports)
    if Role.MASTER in found.host.roles:
        port = case.profile.endpoint.port
        return f"each other on TCP 6443, {port}, 2379, 2380 and 10250{pods} and IP protocol 112 (VRRP)"
    if Role.WORKER in found.host.roles:
        return f"it on TCP 10250{pods}, and people the ports of Services (TCP and UDP 30000 to 32767)"
    return "it on TCP 2379 and 2380"


def _versions(found: Found, names: list[str]) -> str:
    packages = [package for name in names if (package := found.facts.package(name))]
    return spoken([f"{package.name} {package.version}" for package in packages])


def _remove(found: Found, names: list[str]) -> str:
    if not names:
        return ""
    tool = "apt-get remove" if "apt-get" in found.facts.commands else "dnf remove"
    return f"{tool} {' '.join(names)}"
