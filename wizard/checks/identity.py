"""Whose a host is, and whether each host is a machine of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from wizard.checks.case import Case, Found, spoken
from wizard.engine.marker import MARKER
from wizard.errors import Level, Problem

MANY = 3
"""How many traces a message names before it counts the rest."""

CLEANERS = (
    ("/var/lib/rancher/k3s", "k3s-uninstall.sh"),
    ("/var/lib/rancher/rke2", "rke2-uninstall.sh"),
    ("/var/lib/k0s", "k0s stop && k0s reset"),
    ("/var/snap/microk8s", "snap remove --purge microk8s"),
    ("/var/lib/minikube", "minikube delete"),
)
"""Folder → the command with which that distribution removes itself."""


def judge(case: Case) -> Iterator[Problem]:
    """Yield hosts of other clusters, and hosts that are one machine or copies of one."""
    hosts = list(case.found())
    for found in hosts:
        yield from _owner(case, found)
    yield from _same(hosts)


def _owner(case: Case, found: Found) -> Iterator[Problem]:
    traces, marker = found.facts.traces, found.facts.traces.marker
    if found.ours:
        return
    if marker.uid:
        name = marker.cluster or "without a name"
        if not case.uid and marker.cluster == case.profile.name:
            why = f"It belongs to a cluster {name} ({short(marker.uid)}), whose state this machine doesn't hold"
            hint = "Run slipway from the jump host that installed it, or restore its state folder here."
        else:
            mine = f", and this cluster is {case.profile.name} ({short(case.uid)})" if case.uid else ""
            why = f"It belongs to another cluster, {name} ({short(marker.uid)}){mine}"
            hint = "Use the profile of that cluster, or another host. `slipway reset` with that profile sets it free."
        yield found.problem("host.another-cluster", Level.ERROR, why, hint, found.field())
        return
    if marker.text.strip():
        yield found.problem(
            "host.marker-unreadable",
            Level.ERROR,
            f"{MARKER} is there and this version of slipway can't read it, so nobody can tell whose host this is",
            "Use the version that wrote it, or restore the file; remove it if this host is in no cluster.",
            found.field(),
        )
        return
    remains = [*traces.manifests, *traces.pki, *traces.folders]
    if traces.etcd_data:
        remains.append(f"{case.profile.etcd.data_dir}/member")
    if traces.kubelet:
        remains.append("a kubelet's configuration")
    if traces.running or remains:
        parts = [f"{spoken(traces.running)} running"] if traces.running else []
        parts += [_some(remains)] if remains else []
        yield found.problem(
            "host.foreign-cluster",
            Level.ERROR,
            f"Another Kubernetes or etcd is on it, not put there by slipway: {'; '.join(parts)}",
            f"If nothing of it is needed: {cleaner(case, found)}. Otherwise take another host.",
            found.field(),
        )
    elif traces.cni:
        yield found.problem(
            "host.cni-leftover",
            Level.WARNING,
            f"A Pod network is set up already ({_some(list(traces.cni))}); the runtime takes the first file by name",
            "Remove these files if nothing uses them.",
            found.field(),
        )


def cleaner(case: Case, found: Found) -> str:
    """Return the command that removes what was found, for a person to run."""
    folders = found.facts.traces.folders
    for folder, command in CLEANERS:
        if folder in folders:
            return f"`{command}`"
    folder = case.profile.etcd.data_dir
    remove = f"rm -rf /etc/kubernetes /var/lib/kubelet /etc/cni/net.d {folder}/member"
    if "kubeadm" in found.facts.commands:
        return f"`kubeadm reset --force`, then `{remove}`"
    units = " ".join(unit for unit in ("kubelet", "etcd") if unit in found.facts.units)
    return f"`systemctl disable --now {units}`, then `{remove}`" if units else f"`{remove}`"


def _some(items: list[str]) -> str:
    more = len(items) - MANY
    return spoken(items) if more <= 0 else f"{', '.join(items[:MANY])} and {more} more"


def short(uid: str) -> str:
    """Return enough of a UID to tell it from others."""
    return uid[:8]


def _same(hosts: list[Found]) -> Iterator[Problem]:
    """Compare the hosts in pairs of like identity: one machine named twice, or clones of one image."""
    told: set[frozenset[str]] = set()
    for group in _alike(hosts, lambda found: found.facts.system.machine_id):
        for twins in _alike(group, lambda found: f"{found.facts.system.boot_id} {_mac(found)}"):
            if all(found.facts.system.boot_id and _mac(found) for found in twins):
                told.add(frozenset(found.name for found in twins))
                yield _about(
                    twins,
                    "host.listed-twice",
                    "are one and the same machine: same machine ID, same boot, same network card",
                    "Remove one of them from the profile, or correct its address.",
                )
        if frozenset(found.name for found in group) not in told:
            told.add(frozenset(found.name for found in group))
            yield _about(
                group,
                "host.duplicate-machine-id",
                f"have the same machine ID ({group[0].facts.system.machine_id}): clones of one image. Leases, logs "
                "and DHCP would take them for one machine",
                "On all but one: rm /etc/machine-id && systemd-machine-id-setup, then reboot.",
            )
    for group in _alike(hosts, _mac):
        if frozenset(found.name for found in group) not in told:
            yield _about(
                group,
                "host.duplicate-mac",
                f"have the same MAC address ({_mac(group[0])}) on the interface of their node address: their switch "
                "would send packets to one or the other",
                "Give each its own MAC address (in the hypervisor, or in the interface's configuration).",
            )
    real = [found for found in hosts if not found.facts.system.container]
    for group in _alike(real, lambda found: found.facts.system.product_uuid):
        if frozenset(found.name for found in group) not in told:
            yield _about(
                group,
                "host.duplicate-product",
                f"say the same product UUID ({group[0].facts.system.product_uuid}): a maker's mistake or a cloned "
                "virtual machine. Kubernetes shows it as the nodes' system UUID",
                "Harmless for the cluster itself; correct it where other software tells machines apart by it.",
                Level.WARNING,
            )
    for group in _alike(hosts, lambda found: found.facts.system.hostname):
        if frozenset(found.name for found in group) not in told:
            yield _about(
                group,
                "host.duplicate-hostname",
                f"call themselves {group[0].facts.system.hostname}: their logs and prompts can't be told apart",
                "Run `hostnamectl set-hostname` on each with its own name.",
                Level.WARNING,
            )


def _mac(found: Found) -> str:
    """Return the MAC address of the interface with the host's node address."""
    interface = found.facts.address_interface(found.host.ip)
    mac = interface.mac if interface else ""
    return "" if mac.strip("0:") == "" else mac


def _alike(hosts: list[Found], key: Callable[[Found], str]) -> Iterator[list[Found]]:
    """Yield the groups of two and more hosts with an equal key; an empty key is no likeness."""
    groups: dict[str, list[Found]] = {}
    for found in hosts:
        if text := key(found).strip():
            groups.setdefault(text, []).append(found)
    yield from (group for group in groups.values() if len(group) > 1)


def _about(group: list[Found], code: str, what: str, hint: str, level: Level = Level.ERROR) -> Problem:
    """Return a finding about several hosts; it stands at the last one, which was named after the others."""
    last = group[-1]
    return last.problem(code, level, f"{spoken([found.name for found in group])} {what}", hint, last.field())
