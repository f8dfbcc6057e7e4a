"""What is installed and active on a host: packages, commands and systemd units of interest."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from wizard.facts.model import Package
from wizard.facts.text import parts

PACKAGES = (
    *("containerd", "containerd.io", "docker.io", "docker-ce", "cri-o", "podman", "runc", "cri-tools"),
    *("keepalived", "haproxy", "chrony", "ntp", "ntpsec", "ntpdate", "systemd-timesyncd", "openntpd"),
    *("conntrack", "conntrack-tools", "socat", "ebtables", "ethtool", "iptables", "iptables-nft", "nftables", "ipset"),
    *("kmod", "zstd", "curl", "ca-certificates", "iproute2", "iproute", "iputils-ping", "iputils", "libseccomp2"),
    *("libseccomp", "procps", "procps-ng", "psmisc", "util-linux", "nfs-common", "open-iscsi", "fio"),
    *("kubelet", "kubeadm", "kubectl", "kubernetes-cni", "etcd", "etcd-server", "etcd-client"),
    *("firewalld", "ufw", "apparmor", "systemd", "sudo", "openssh-server"),
)
"""Packages asked for, by their names on Debian, Ubuntu and the Red Hat family."""

COMMANDS = (
    *("zstd", "tar", "gzip", "sha256sum", "install", "systemctl", "systemd-run", "ip", "ss", "iptables", "nft"),
    *("conntrack", "socat", "ethtool", "ipset", "modprobe", "sysctl", "swapoff", "chronyc", "timedatectl", "curl"),
    *("arping", "ping", "fio", "setpriv", "flock", "nsenter", "dpkg", "apt-get", "rpm", "dnf"),
    *("containerd", "ctr", "runc", "crictl", "docker", "podman", "kubelet", "kubeadm", "kubectl", "etcd", "etcdctl"),
    *("keepalived", "haproxy", "k3s", "rke2", "k0s", "microk8s"),
)
"""Commands looked for in the path of root."""

UNITS = (
    *("kubelet", "etcd", "containerd", "docker", "crio", "cri-docker", "keepalived", "haproxy"),
    *("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"),
    *("k3s", "k3s-agent", "rke2-server", "rke2-agent", "k0scontroller", "k0sworker"),
    *("snap.microk8s.daemon-kubelite", "snap.microk8s.daemon-containerd"),
    *("chrony", "chronyd", "systemd-timesyncd", "ntp", "ntpd", "ntpsec", "openntpd"),
    *("firewalld", "ufw", "nftables", "iptables", "systemd-resolved", "systemd-networkd", "NetworkManager"),
    *("apt-daily", "apt-daily-upgrade", "unattended-upgrades", "multipathd", "auditd"),
)
"""Units whose state is asked for."""

SCRIPT = rf"""
part software/packages
if command -v dpkg-query >/dev/null; then
  dpkg-query -W -f='${{db:Status-Abbrev}}|${{Package}}|${{Version}}\n' {shlex.join(PACKAGES)}
elif command -v rpm >/dev/null; then
  rpm -q --qf 'ii |%{{NAME}}|%{{EVR}}\n' {shlex.join(PACKAGES)}
fi
part software/commands
for name in {shlex.join(COMMANDS)}; do command -v "$name" >/dev/null && echo "$name"; done
part software/units
set -- {shlex.join(UNITS)}
command -v systemctl >/dev/null && {{ echo "$*"; systemctl is-active "$@"; }}
part software/ufw
grep -si '^ENABLED=' /etc/ufw/ufw.conf
"""


@dataclass(frozen=True, slots=True)
class Software:
    """What is there; `units` are the active ones."""

    packages: tuple[Package, ...] = ()
    commands: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()


def parse(text: str) -> Software:
    """Return installed packages, commands found and units that are active (or starting)."""
    part = parts(text)
    packages = []
    for line in part.get("software/packages", "").splitlines():
        state, _, rest = line.partition("|")
        name, bar, version = rest.partition("|")
        # dpkg's second letter is what is there; packages that left only their configuration say "rc".
        if bar and state[1:2] in ("i", "U", "F", "H", "W", "t") and name.strip():
            packages.append(Package(name.strip(), version.strip()))
    names, _, answers = part.get("software/units", "").partition("\n")
    asked, states = names.split(), answers.split()
    units = set()
    if len(states) == len(asked):  # one word for each, in the same order (systemctl(1), is-active)
        pairs = zip(asked, states, strict=True)
        units = {unit for unit, state in pairs if state in ("active", "activating", "reloading")}
    # Ubuntu's ufw unit is active even while the firewall is off: its configuration tells.
    if part.get("software/ufw", "").strip().lower() != "enabled=yes":
        units.discard("ufw")
    return Software(tuple(packages), frozenset(part.get("software/commands", "").split()), frozenset(units))
