"""Every field whose text is judged by itself: its judge and the code of what the judge finds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial

from pydantic import BaseModel

from wizard.profile import addresses, extras_syntax, finding, syntax
from wizard.profile.finding import Finding
from wizard.profile.model import Profile
from wizard.profile.syntax import Complaint, Judge


@dataclass(frozen=True, slots=True)
class FieldRule:
    """How one field's text is judged. An `optional` field may be empty: then its default holds."""

    code: str
    judge: Judge
    optional: bool = False

    def complaint(self, text: str) -> Complaint | None:
        """Return what is wrong with `text`, or None."""
        return None if self.optional and not text else self.judge(text)


@cache
def field_rules(known: tuple[str, ...]) -> Mapping[str, FieldRule]:
    """Return path pattern → rule (``hosts[].address``); `known` are the Kubernetes versions, newest first."""
    ssh_port = FieldRule("ssh.port", syntax.whole_number(*syntax.PORTS, "A port"), optional=True)
    rules = {
        "name": FieldRule("name.invalid", syntax.cluster_name),
        "kubernetes": FieldRule("kubernetes.unknown", partial(syntax.kubernetes, known=known), optional=True),
        "hosts[].name": FieldRule("host.name", syntax.dns_label),
        "hosts[].address": FieldRule("host.address", addresses.ssh_address),
        "hosts[].node_ip": FieldRule("host.node-ip", addresses.ipv4, optional=True),
        "hosts[].etcd_ip": FieldRule("host.etcd-ip", addresses.ipv4, optional=True),
        "hosts[].zone": FieldRule("host.zone", syntax.zone, optional=True),
        "hosts[].fingerprint": FieldRule("ssh.fingerprint", syntax.fingerprint, optional=True),
        "endpoint.vip": FieldRule("endpoint.vip", addresses.ipv4),
        "endpoint.port": FieldRule("endpoint.port", syntax.whole_number(*syntax.PORTS, "A port")),
        "endpoint.dns_name": FieldRule("endpoint.dns-name", syntax.dns_name, optional=True),
        "endpoint.interface": FieldRule("endpoint.interface", syntax.interface, optional=True),
        "endpoint.vrid": FieldRule("endpoint.vrid", syntax.whole_number(*syntax.VRIDS, "A virtual router ID")),
        "endpoint.advert_interval": FieldRule(
            "endpoint.advert-interval", syntax.seconds(*syntax.ADVERTS, "The time between adverts")
        ),
        "etcd.data_dir": FieldRule("etcd.data-dir", syntax.data_dir),
        "network.pod_cidr": FieldRule("network.pod-cidr", addresses.cidr),
        "network.service_cidr": FieldRule("network.service-cidr", addresses.cidr),
        "network.mtu": FieldRule("network.mtu", syntax.whole_number(*syntax.MTUS, "An MTU"), optional=True),
        "network.upstream_dns[]": FieldRule("network.upstream-dns", addresses.ipv4),
        "network.dns_domain": FieldRule("network.dns-domain", syntax.dns_name),
        "time_servers[]": FieldRule("time.server", addresses.time_server),
        "hosts[].taints[]": FieldRule("host.taint", extras_syntax.taint),
        "registries[].name": FieldRule("registry.name", extras_syntax.registry),
        "registries[].mirrors[]": FieldRule("registry.mirror", extras_syntax.mirror),
        "registries[].ca": FieldRule("registry.ca", extras_syntax.file, optional=True),
        "registries[].username": FieldRule("registry.username", extras_syntax.username, optional=True),
        "registries[].password_file": FieldRule("registry.password-file", extras_syntax.file, optional=True),
        "proxy.http_proxy": FieldRule("proxy.url", extras_syntax.proxy, optional=True),
        "proxy.https_proxy": FieldRule("proxy.url", extras_syntax.proxy, optional=True),
        "proxy.no_proxy[]": FieldRule("proxy.direct", extras_syntax.direct),
        "manifests": FieldRule("manifests.folder", extras_syntax.file, optional=True),
    }
    for login in ("ssh", "hosts[].ssh"):
        for place in (login, f"{login}.via[]"):
            rules[f"{place}.user"] = FieldRule("ssh.user", syntax.user, optional=True)
            rules[f"{place}.port"] = ssh_port
            rules[f"{place}.key"] = FieldRule("ssh.key", syntax.key_file, optional=True)
        rules[f"{login}.via[].address"] = FieldRule("ssh.via", addresses.ssh_address)
        rules[f"{login}.via[].fingerprint"] = FieldRule("ssh.fingerprint", syntax.fingerprint, optional=True)
    return rules


def pattern(field: str) -> str:
    """Return a field's path without indices: ``hosts[2].name`` → ``hosts[].name``."""
    return re.sub(r"\[\d+\]", "[]", field)


def leaves(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield path and text of every field of a profile; None is an empty text."""
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from leaves(getattr(value, name), f"{path}.{name}" if path else name)
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}[{index}]")
    else:
        yield path, "" if value is None else str(value)


def bad_fields(profile: Profile, known: tuple[str, ...]) -> Iterator[Finding]:
    """Yield what is wrong with each field by itself."""
    rules = field_rules(known)
    for path, text in leaves(profile):
        rule = rules.get(pattern(path))
        if rule and (complaint := rule.complaint(text)):
            yield finding.error(rule.code, path, complaint.message, complaint.hint)
