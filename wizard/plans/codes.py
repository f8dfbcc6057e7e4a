"""Every code that a plan or a run may give a problem beside the checks': level, meaning, remedy. Codes are stable."""

from __future__ import annotations

from collections.abc import Mapping

from wizard.checks import codes as checks
from wizard.checks.codes import Code

CODES: Mapping[str, Code] = {
    # Before anything is touched
    "bundle.version": Code("error", "The bundle is for another Kubernetes than the profile asks for.", "Its bundle."),
    "bundle.unusable": Code("error", "The bundle can't be used, for the reason given.", "As the message says."),
    "bundle.altered": Code("error", "A file of the bundle is not as its lock says.", "Copy or build the bundle anew."),
    "bundle.extra": Code("error", "A file lies in the bundle that its lock doesn't name.", "Move it away."),
    "bundle.missing": Code("error", "A file that the bundle's lock names is not there.", "Copy or build it anew."),
    "bundle.unreadable": Code("error", "A file of the bundle can't be read.", "Its rights, its disk."),
    "cluster.none": Code("error", "The task needs a cluster, and none is on these hosts.", "`slipway apply` first."),
    "host.locked": Code("error", "Another run has a claim on the host.", "Wait for it; --take-over if it is dead."),
    "manifests.file": Code("error", "A file of manifests can't be read, or is far too large.", "Correct it."),
    "manifests.object": Code("error", "A manifest is no object of the API.", "Correct the line that is named."),
    "manifests.twice": Code("error", "Two manifests are of the same object.", "Keep one of them."),
    "manifests.yaml": Code("error", "A file of manifests is no YAML.", "Correct the line that is named."),
    "manifests.own": Code("error", "A manifest of the site's is an object of slipway's.", "Take it out."),
    "sysctl.unknown": Code("error", "The kernel has no such setting.", "How it is written; its module."),
    "registry.login": Code(
        "error, warning where the profile has no login", "A registry refuses the login.", "Username and password."
    ),
    "registry.strange": Code("warning", "What answers is no registry.", "Its address."),
    "registry.tls": Code(
        "error, warning where the host has it so already", "A registry's certificate isn't vouched for.", "Its ca."
    ),
    "registry.unreachable": Code("warning", "A registry can't be reached.", "Before Pods need it: the way to it."),
    "registry.untried": Code("info", "The registries could not be tried without curl.", "It comes with the install."),
    # Adding and removing hosts
    "etcd.transition": Code("info", "etcd has an even number of members for a moment.", "Nothing: it passes."),
    "removal.host": Code(
        "error, warning with --allow-removal", "A host of the cluster is not in the profile any more.",
        "apply --allow-removal, or put it back.",
    ),
    "removal.no-quorum": Code("error", "etcd has no quorum, so no member can leave.", "Get its members to work."),
    "removal.too-few": Code("error", "Too few of the etcd members that stay are healthy.", "Mend those first."),
    "removal.still-alive": Code(
        "error", "A host that leaves is out of SSH's reach, and not dead.", "Power it off, or mend its SSH."
    ),
    "removal.left-as-it-is": Code(
        "warning", "A host that leaves doesn't answer: what is on it stays.", "Wipe it before it comes back."
    ),
    "etcd.not-a-member": Code(
        "error", "The host has data of a member that was removed.", "`slipway reset --host`, then apply."
    ),
    # Maintenance
    "maintain.out": Code(
        "error, warning in a status", "A host is out for maintenance.", "`slipway maintain PROFILE HOST end`."
    ),
    "maintain.another-out": Code(
        "error", "Another master or etcd member is out already.", "`slipway maintain PROFILE HOST end` for that one."
    ),
    "maintain.not-well": Code("error", "A host that would have to serve meanwhile is not well.", "Mend it first."),
    "maintain.none-left": Code(
        "error", "The cluster can't spare the host: one master, or two members.", "An outage, or more hosts."
    ),
    "maintain.not-member": Code("error", "The host is not in the cluster yet.", "`slipway apply` takes it in."),
    "maintain.no-master": Code("error", "No master can be reached to ask the API.", "See `slipway status`."),
    "maintain.unreachable": Code("error", "The host can't be reached.", "Its power, its network, its sshd."),
    # Reset
    "reset.host-left-out": Code(
        "error", "A host of the cluster is not in the profile: it is not the whole cluster.", "--host, or all hosts."
    ),
    "reset.no-quorum": Code(
        "error", "No other etcd member has a quorum: this one may hold the last data.", "Get the cluster going first."
    ),
    "reset.still-member": Code(
        "error", "The cluster still counts on the host.", "Out of the profile, then apply --allow-removal."
    ),
    "reset.stays": Code("warning", "Something of the host could not be put back.", "The command that is named."),
    # While a run works
    "cluster.folder": Code("error", "The cluster's folder on the jump host can't be written.", "Room and rights."),
    "etcd.data-gone": Code(
        "error", "etcd has worked on the host, and its data is gone.", "Mount the disk; or remove the host, and add it."
    ),
    "host.connection": Code("error", "The connection to the host failed in another way.", "As the message says."),
    "host.quarantined": Code("error", "The host was put into quarantine by a person.", "Release it, or run again."),
    "quorum.refused": Code(
        "error", "The step would touch more than the cluster can spare, or failed on another.", "Mend that one."
    ),
    "run.failed": Code("error", "The run ended before its first step.", "As the message says."),
    "slipway.defect": Code("error", "A defect of slipway itself.", "Report it with the run's log."),
    "ssh.agent-gone": Code(
        "warning", "The SSH agent is gone: a lost connection can't be opened again.", "ssh.key, or log in anew."
    ),
    "step.failed": Code("error", "A step failed, for the reason given.", "As the message says; then run again."),
    "step.script": Code("error", "A command of a step failed on the host.", "Its last lines; then run again."),
    "step.still-drifted": Code("error", "A step was done, and is not as wanted.", "What changes it back?"),
    "step.timeout": Code("error", "A step took too long.", "Its last lines; then run again."),
    "step.broke-off": Code("error", "The connection broke off in the middle of a step.", "Run again."),
    "step.checksum": Code("error", "A file did not arrive as it was sent.", "`slipway bundle verify`; the disk there."),
    "step.disk-full": Code("error", "No space is left on the host.", "Free some, then run again."),
    "step.write": Code("error", "A file could not be written.", "Is its filesystem read-only or damaged?"),
    "step.directory": Code("error", "A directory lies where a file belongs.", "Move it away."),
    "step.folder": Code("error", "Something lies where a directory belongs.", "Look at it; then run again."),
    "step.owner": Code("error", "A file's owner doesn't exist on the host.", "See the steps before."),
    "step.keep": Code("error", "What was there could not be saved first.", "Space below /var/lib/slipway."),
    "step.pipe": Code("error", "What was sent could not be taken in.", "Its last lines; then run again."),
    "step.mutex": Code("error", "Another process of slipway hangs on the host.", "End it, then run again."),
    "step.lock": Code("error", "Another run works on the host.", "Wait for it."),
}  # fmt: skip


def reference() -> str:
    """Return docs/checks.md: the checks' codes, then those of plans and runs, as Markdown."""
    return (
        f"{checks.reference()}\n## What plans and runs say\n"
        "They come up before a run, which errors hold, or while it works. Codes of the status are in\n"
        "[status.md](status.md), of certificates in [certificates.md](certificates.md).\n\n"
        f"{checks.table(CODES)}"
    )
