"""Every code the checks may give a problem, with its level, its meaning and its remedy. Codes are stable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Code(NamedTuple):
    """What one code stands for. `level` names two where the circumstances decide."""

    level: str
    meaning: str
    remedy: str


CODES: Mapping[str, Code] = {
    # Looking at the host
    "host.unreachable": Code("error", "Nobody answers at the SSH address.", "Cable, power, address, port, firewall."),
    "host.login-refused": Code("error", "The host refused user, key or password.", "Correct ssh.user and ssh.key."),
    "host.key-unknown": Code("error", "The host's SSH key was never seen.", "Compare its fingerprint and confirm it."),
    "host.key-changed": Code(
        "error", "The host shows another SSH key than before.", "Find out why; then give the new fingerprint."
    ),
    "host.sudo-refused": Code("error", "The user may not become root.", "Allow sudo, or give the right password."),
    "host.timed-out": Code(
        "error", "The look at the host took too long.", "See what the host is busy with; try again."
    ),
    "host.failed": Code("error", "The look at the host failed in another way.", "As the message says."),
    "host.not-seen": Code("error", "The host was not looked at.", "Look at the hosts again."),
    # Whose host it is
    "host.another-cluster": Code(
        "error",
        "Slipway's marker on the host names another cluster, or one whose state this machine doesn't hold.",
        "The other cluster's profile, the other jump host, or another host; `slipway reset` there sets a host free.",
    ),
    "host.marker-unreadable": Code(
        "error", "Slipway's marker on the host can't be read.", "The version that wrote it, or a backup of the file."
    ),
    "host.foreign-cluster": Code(
        "error",
        "Kubernetes or etcd is on the host, and slipway didn't put it there.",
        "The command that the message names, if nothing of it is needed; otherwise another host.",
    ),
    "host.cni-leftover": Code(
        "warning", "A Pod network is configured in /etc/cni/net.d.", "Remove the files if nothing uses them."
    ),
    "host.listed-twice": Code(
        "error", "Two hosts of the profile are one machine.", "Remove one, or correct its address."
    ),
    "host.duplicate-machine-id": Code(
        "error", "Two hosts have the same machine ID: clones of one image.", "systemd-machine-id-setup, then reboot."
    ),
    "host.duplicate-mac": Code("error", "Two hosts have the same MAC address.", "Give each its own."),
    "host.duplicate-product": Code(
        "warning", "Two machines say the same product UUID.", "Harmless for the cluster itself."
    ),
    "host.duplicate-hostname": Code("warning", "Two hosts call themselves the same.", "hostnamectl set-hostname."),
    "host.hostname": Code(
        "info", "The host calls itself otherwise than the profile does.", "hostnamectl set-hostname."
    ),
    # What a cluster that works can't change
    "change.pod-cidr": Code("error", "The Pod network of a cluster that works would change.", "The one it has."),
    "change.service-cidr": Code("error", "The Service network of a cluster that works would change.", "As it was."),
    "change.dns-domain": Code("error", "The domain of the Services would change.", "The one it has."),
    "change.plugin": Code("error", "The network plugin would change.", "The one it has."),
    "change.data-dir": Code("error", "etcd's directory would change, and its data stay behind.", "The one it has."),
    "change.vip": Code("error", "The virtual IP of a cluster that works would change.", "The one it has."),
    "change.port": Code("error", "The API's port would change.", "The one it has."),
    "change.kubernetes": Code("error", "Another Kubernetes than the cluster runs.", "kubernetes: what it runs."),
    "change.renamed": Code("error", "A host of the cluster has another name in the profile.", "The name it has."),
    "change.swapped": Code("error", "A host's address leads to another host of the cluster.", "Its own address."),
    "change.address": Code("error", "A host's address in the cluster would change.", "node_ip or etcd_ip: as it was."),
    "change.role": Code(
        "error", "A host keeps its place and loses a role.", "Take it out, apply, add it again; or give the role back."
    ),
    # System
    "os.unsupported": Code(
        "error", "A system that slipway can't install on.", "Debian 12, Ubuntu 22.04 or Ubuntu 24.04."
    ),
    "os.architecture": Code("error", "A processor that slipway has no software for.", "amd64 or arm64."),
    "os.init": Code("error", "Process 1 is not systemd.", "Boot with systemd."),
    "os.container": Code("info", "The host is a container.", "Fine for practice, not for production."),
    "kernel.too-old": Code("error", "The kernel is older than 4.19.", "Upgrade it."),
    "kernel.old": Code("warning", "The kernel is older than 5.0.", "Upgrade it where you can."),
    "kernel.nftables": Code(
        "error", "The kernel is too old for kube-proxy's nftables mode.", "network.kube_proxy: iptables."
    ),
    "kernel.pod-network": Code("error", "The kernel is too old for the Pod network.", "Another network.plugin."),
    "cgroup.none": Code("error", "No control groups are mounted.", "Boot with systemd."),
    "cgroup.v1": Code(
        "warning, info in a container", "The deprecated cgroup v1.", "systemd.unified_cgroup_hierarchy=1 at boot."
    ),
    "selinux.enforcing": Code(
        "warning", "SELinux enforces; slipway was never tried so.", "Permissive, or expect denials."
    ),
    "swap.on": Code("warning", "Swap is on; slipway turns it off.", "Go on if nothing needs it."),
    "swap.shared": Code("info", "A container's swap is that of the machine underneath.", "Nothing."),
    "bundle.kubernetes": Code("error", "The bundle is for another Kubernetes version.", "Build one for the profile's."),
    "bundle.release": Code("error", "The bundle lacks the packages of the host's release.", "Build one that has them."),
    "bundle.architecture": Code("error", "The bundle is for other processors.", "Build one for the host's."),
    "bundle.images-absent": Code(
        "error",
        "The bundle lacks images of calico or cilium, which slipway doesn't build.",
        "`slipway bundle add FILE`, or network.images: registry.",
    ),
    # CPUs and memory
    "cpu.too-few": Code("error", "Fewer than 2 CPUs in a master.", "More CPUs, or another role."),
    "memory.too-small": Code(
        "error",
        "Less than 1700 MiB in a master, than 900 MiB in a worker, or than 512 MiB beside etcd alone.",
        "More memory, or another role.",
    ),
    "memory.small": Code(
        "warning", "Just enough memory.", "3.5 GiB for a master, 2 GiB for a worker or etcd alone; 8 GiB is good."
    ),
    # Disks
    "disk.full": Code("error", "Too little free space to install.", "Free some, or mount a larger filesystem."),
    "disk.inodes": Code("error", "Too few free inodes to install.", "Remove small files."),
    "disk.small": Code("warning", "Enough space to install, and soon full.", "A larger filesystem."),
    "disk.nearly-full": Code("warning", "The kubelet would soon evict Pods.", "Free some space."),
    "disk.read-only": Code("error", "A filesystem slipway writes to is read-only.", "Mount it writable; see dmesg."),
    "disk.noexec": Code("error", "Programs can't be run from where they must lie.", "Mount it with exec."),
    "etcd.disk-rotational": Code("warning", "etcd's data would lie on a rotational disk.", "A local SSD."),
    "etcd.disk-network": Code("warning", "etcd's data would lie behind a network.", "A local SSD."),
    "etcd.disk-memory": Code("error, warning in a container", "etcd's data would be lost with the power.", "A disk."),
    "etcd.disk-virtual": Code(
        "info", "A virtual machine's disk: what is beneath can't be seen.", "Ask for SSD beneath."
    ),
    "etcd.disk-unknown": Code("info", "The kind of etcd's disk can't be told.", "Set etcd.tuning yourself."),
    # Clocks
    "clock.wrong": Code("error", "A clock is more than 30 s from the hosts' median.", "Set it; keep it by NTP."),
    "clock.off": Code("warning", "A clock is more than 2 s from the hosts' median.", "Set it; keep it by NTP."),
    "clock.jump-host": Code("warning", "This machine's clock is more than 30 s from the hosts'.", "Set it."),
    "clock.jump-host-ahead": Code(
        "error", "Certificates made here would not be valid on the hosts yet.", "Set this machine's clock."
    ),
    "clock.no-service": Code("warning", "Nothing keeps the clock.", "time_servers in the profile."),
    "clock.chrony-comes": Code("info", "Nothing keeps the clock yet; chrony is set up.", "Nothing."),
    "clock.unsynchronized": Code("warning", "The time service has no time.", "Servers that can be reached from there."),
    # Addresses
    "network.address-missing": Code(
        "error", "The host doesn't have the address the profile gives it.", "node_ip or etcd_ip: one it has."
    ),
    "network.address-loopback": Code("error", "The address is loopback.", "An address of the host's network."),
    "network.interface-down": Code("error", "The interface with the address is down.", "Cable, ip link."),
    "network.cidr-connected": Code(
        "error", "The Pod or Service network overlaps a network the host is in.", "Another CIDR, or clean leftovers."
    ),
    "network.cidr-routed": Code(
        "warning", "The Pod or Service network overlaps one the host has a route to.", "Another CIDR, if it matters."
    ),
    "network.host-gw-segment": Code(
        "error", "Not all nodes are in one network, as the backend host-gw needs it.", "network.backend: vxlan."
    ),
    "network.mtu-differs": Code(
        "warning", "The nodes' interfaces have different MTUs.", "The same on all, or network.mtu."
    ),
    "network.mtu-large": Code("error", "network.mtu is more than a node's interface can carry.", "A smaller one."),
    "network.plugin-changed": Code(
        "error", "The cluster runs on another Pod network than the profile asks for.", "network.plugin as it was."
    ),
    "vip.taken": Code("error", "The VIP is an address of a host already.", "A free address."),
    "vip.outside-subnet": Code("error", "The VIP is outside of the masters' subnet.", "A free address inside it."),
    "vip.not-usable": Code("error", "The VIP is a network or broadcast address.", "A free address."),
    "vip.no-subnet": Code("error", "The VIP's interface has no network.", "Another endpoint.interface."),
    "vip.interface-missing": Code("error", "A master has no such interface.", "Correct endpoint.interface."),
    "vip.no-route": Code("error", "A worker has no way to the VIP.", "A route to it, or a default route."),
    "vip.interface-down": Code("error", "The VIP's interface is down.", "Cable, ip link."),
    "resolver.none": Code(
        "info, warning where other nodes have some",
        "/etc/resolv.conf names no server.",
        "Nothing on a closed site; else name the site's servers on every node.",
    ),
    "resolver.loopback": Code(
        "warning", "/etc/resolv.conf names only the host itself, which no Pod can reach.", "A server of the network."
    ),
    "proxy.set": Code("warning", "A proxy would catch the cluster's own traffic.", "no_proxy."),
    # Ports and software
    "port.taken": Code("error", "A port the cluster needs is used by another process.", "Stop it, or move its port."),
    "software.runtime-active": Code("error", "A container runtime runs already.", "Remove it."),
    "software.runtime-installed": Code("warning", "A container runtime is installed.", "Remove it."),
    "software.kubernetes-installed": Code("warning", "Packages of Kubernetes or etcd are installed.", "Remove them."),
    "software.haproxy-active": Code("error", "haproxy runs already.", "Another host, or stop it."),
    "software.keepalived-active": Code("error", "keepalived runs already.", "Another host, or stop it."),
    "firewall.active": Code("warning", "firewalld or ufw filters.", "Open the ports named, or switch it off."),
}


def reference() -> str:
    """Return what docs/checks.md begins with: every code of the checks with level, meaning and remedy, as Markdown."""
    lines = [
        "# What slipway checks on the hosts",
        "",
        "`slipway check PROFILE` looks at every host once, over SSH, and judges what it finds; nothing is changed. The",
        "wizard's review and every install do the same. Errors hold the install (exit code 3); warnings are shown and",
        "may be gone over; infos are worth knowing. The rules about the profile alone are in [profile.md](profile.md).",
        "",
        "This page is made from `wizard/checks/codes.py` and `wizard/plans/codes.py`.",
        "",
        table(CODES),
    ]
    return "\n".join(lines)


def table(codes: Mapping[str, Code]) -> str:
    """Return codes with level, meaning and remedy as a table in Markdown, in their order by name."""
    rows = [
        f"| `{code}` | {level} | {meaning} | {remedy} |" for code, (level, meaning, remedy) in sorted(codes.items())
    ]
    return "\n".join(["| Code | Level | Meaning | Remedy |", "|---|---|---|---|", *rows]) + "\n"
