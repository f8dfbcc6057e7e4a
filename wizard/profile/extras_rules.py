"""Rules on the extras, what a site brings of its own, where one field's text alone doesn't tell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from wizard.profile import extras_syntax
from wizard.profile.extras import ExtraArgs
from wizard.profile.finding import Finding, error, listed, warning
from wizard.profile.flags import MUST_HAVE, NEVER, OWN
from wizard.profile.model import Profile, Role

_FLAG = re.compile(r"[a-zA-Z][a-zA-Z0-9.-]*")
_KEY = re.compile(r"[a-z][a-z0-9_-]*(\.[A-Za-z0-9_-]+)+")
_SPLITS = re.compile(r"[\s\"'\\$]")
"""What a unit's environment file would take apart or replace."""

SLIPWAYS_SYSCTLS = {
    "net.ipv4.ip_forward": "Pods' traffic is forwarded",
    "net.ipv4.ip_nonlocal_bind": "haproxy binds the VIP on every master",
    "net.bridge.bridge-nf-call-iptables": "Services need it",
    "net.bridge.bridge-nf-call-ip6tables": "Services need it",
    "net.ipv4.conf.all.route_localnet": "kube-proxy sets it",
    "vm.overcommit_memory": "the kubelet sets it",
    "vm.panic_on_oom": "the kubelet sets it",
    "kernel.panic": "the kubelet sets it",
    "kernel.panic_on_oops": "the kubelet sets it",
    "kernel.keys.root_maxkeys": "the kubelet sets it",
    "kernel.keys.root_maxbytes": "the kubelet sets it",
}
"""Kernel settings that two would set in turn, with who does."""

_KUBERNETES_LABELS = re.compile(r"(((node|node-role|topology)\.)?kubernetes\.io|slipway)/.*")


def registries(profile: Profile) -> Iterator[Finding]:
    """Each registry stands once; what is said of it makes sense together; no password goes over an open line."""
    first: dict[str, int] = {}
    logins = {registry.name for registry in profile.registries if registry.username}
    for index, registry in enumerate(profile.registries):
        at = f"registries[{index}]"
        if registry.name in first:
            words = f"{registry.name} stands twice among the registries."
            yield error("registry.twice", f"{at}.name", words, "Put what is said of it together.")
        first.setdefault(registry.name, index)
        if registry.password_file and not registry.username:
            words = f"There is a password for {registry.name}, and no username."
            yield error("registry.no-username", (f"{at}.username", f"{at}.password_file"), words, "Give the username.")
        if not registry.upstream and not registry.mirrors:
            words = f"{registry.name} shall not be asked itself and has no mirror: nothing could be fetched."
            yield error("registry.no-upstream", (f"{at}.upstream", f"{at}.mirrors"), words, "Name a mirror.")
        for number, mirror in enumerate(registry.mirrors):
            field = f"{at}.mirrors[{number}]"
            if extras_syntax.mirror(mirror) or urlsplit(mirror).scheme != "http":
                continue
            if urlsplit(mirror).netloc in logins:
                words = f"The password for {urlsplit(mirror).netloc} would go to {mirror} for all to read."
                yield error("registry.plain-password", field, words, "Ask that mirror by https.")
            else:
                words = f"Images come from {mirror} unprotected: whoever is on the way can replace them."
                yield warning("registry.plain-http", field, words, "Give the mirror a certificate; name its ca here.")


def arguments(profile: Profile) -> Iterator[Finding]:
    """No flag replaces what holds the cluster together, and every value survives its way to the component."""
    for component in ExtraArgs.model_fields:
        field = f"extra_args.{component}"
        name = component.replace("_", "-")
        for flag, value in getattr(profile.extra_args, component).items():
            if not _FLAG.fullmatch(flag):
                hint = "Write it without dashes before it, as in audit-log-maxage."
                yield error("extra-args.flag", field, f"'{flag}' can't be a flag of {name}.", hint)
            elif reason := OWN[component].get(flag):
                words = f"--{flag} of {name} is slipway's own: {reason}."
                yield error("extra-args.own", field, words, "Take it out.")
            elif lacking := [word for word in MUST_HAVE.get((component, flag), ()) if word not in value.split(",")]:
                words = f"--{flag} of {name} lacks {listed(lacking)}, without which the cluster does not work."
                yield error("extra-args.own", field, words, "Add it to the list.")
            elif NEVER.get((component, flag)) in value.split(","):
                words = f"--{flag} of {name} can't hold {NEVER[component, flag]}: nodes are kept apart by it."
                yield error("extra-args.own", field, words, "Take it out of the list.")
            elif not value.isprintable() or (component in ("kubelet", "etcd") and _SPLITS.search(value)):
                words = f"The value of --{flag} of {name} has characters that don't reach it as they are."
                yield error("extra-args.value", field, words, "Leave out blanks, quotes, '\\' and '$'.")


def sysctls(profile: Profile) -> Iterator[Finding]:
    """Every kernel setting can be one, has one value, and nobody else's hand on it."""
    for key, value in profile.sysctls.items():
        if not _KEY.fullmatch(key):
            hint = "Write it as sysctl does: net.core.somaxconn."
            yield error("sysctl.key", "sysctls", f"'{key}' can't be a kernel setting.", hint)
        elif reason := SLIPWAYS_SYSCTLS.get(key):
            yield error("sysctl.own", "sysctls", f"{key} can't be set here: {reason}.", "Take it out.")
        elif not value or not value.isprintable():
            yield error("sysctl.value", "sysctls", f"{key} has no value that can be one.", "Write it in one line.")


def nodes(profile: Profile) -> Iterator[Finding]:
    """Labels and taints are on nodes alone, and none is given by somebody else."""
    for index, host in enumerate(profile.hosts):
        at = f"hosts[{index}]"
        if host.roles == (Role.ETCD,) and (host.labels or host.taints):
            words = f"{host.name} is an etcd member alone and no node: it can have neither labels nor taints."
            yield error("host.not-node", f"{at}.{'labels' if host.labels else 'taints'}", words, "Take them out.")
        for key, value in host.labels.items():
            if complaint := extras_syntax.label_key(key) or extras_syntax.label_value(value):
                yield error("host.label", f"{at}.labels", complaint.message, complaint.hint)
            elif _KUBERNETES_LABELS.fullmatch(key):
                hint = "A host's zone stands in 'zone', what it does in 'roles'."
                yield error("host.label", f"{at}.labels", f"{key} is given by Kubernetes or by slipway.", hint)
        seen: set[tuple[str, str]] = set()
        for number, taint in enumerate(host.taints):
            if extras_syntax.taint(taint):
                continue
            key, _, effect = extras_syntax.taint_parts(taint)
            field = f"{at}.taints[{number}]"
            if _KUBERNETES_LABELS.fullmatch(key):
                hint = "Whether Pods run on masters stands in masters_schedulable."
                yield error("host.taint", field, f"The taint {key} is given by Kubernetes or by slipway.", hint)
            if (key, effect) in seen:
                words = f"The taint {key} with {effect} stands twice on {host.name}."
                yield error("host.taint", field, words, "Keep one of them.")
            seen.add((key, effect))
