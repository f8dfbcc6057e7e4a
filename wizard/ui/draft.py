"""What has been typed so far: raw texts that fold into a profile, and back.

A draft holds every field as the text the person sees, so that a half-typed address is kept as it is. What the forms
don't show stays as the loaded profile had it. `load` and `Draft.to_plain` are each other's inverse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from wizard import versions
from wizard.profile.model import Profile
from wizard.ui.fields import CLUSTER_FIELDS, HOST, FieldSpec

Plain = dict[str, Any]

MASTER, ETCD, WORKER = "master", "etcd", "worker"

ROLE_SETS = {"master + etcd": (MASTER, ETCD), "master": (MASTER,), "etcd": (ETCD,), "worker": (WORKER,)}
"""The roles a host can have, in the forms' words."""


@dataclass(frozen=True)
class HostDraft:
    """One host: its `texts` by path (``name``, ``ssh.user``), its `roles`, and `rest`, which no form shows."""

    texts: Mapping[str, str]
    roles: tuple[str, ...] = (MASTER, ETCD)
    rest: Mapping[str, Any] = field(default_factory=dict)

    def text(self, path: str) -> str:
        """Return the text of the field at `path`, empty when nothing was typed."""
        return self.texts.get(path, "")

    @property
    def name(self) -> str:
        """Return the host's name as typed."""
        return self.text("name").strip()

    @property
    def address(self) -> str:
        """Return the host's SSH address as typed."""
        return self.text("address").strip()

    def typed(self, path: str, text: str) -> HostDraft:
        """Return the host with another text at `path`."""
        return replace(self, texts={**self.texts, path: text})

    def having(self, role: str, wanted: bool) -> HostDraft:
        """Return the host with or without `role`."""
        asked = {*self.roles, role} if wanted else {*self.roles} - {role}
        return replace(self, roles=tuple(kept for kept in dict.fromkeys((MASTER, ETCD, *self.roles)) if kept in asked))

    def to_plain(self) -> Plain:
        """Return the host as it would stand in the profile's file."""
        return _plain(HOST, self.texts, self.rest) | {"roles": list(self.roles)}


@dataclass(frozen=True)
class Draft:
    """A site as typed so far."""

    texts: Mapping[str, str]
    hosts: tuple[HostDraft, ...] = ()
    rest: Mapping[str, Any] = field(default_factory=dict)

    def text(self, path: str) -> str:
        """Return the text of the field at `path`, empty when nothing was typed."""
        return self.texts.get(path, "")

    def typed(self, path: str, text: str) -> Draft:
        """Return the draft with another text at `path`."""
        return replace(self, texts={**self.texts, path: text})

    def with_host(self, index: int, host: HostDraft) -> Draft:
        """Return the draft with another host at `index`; an index past the end adds it."""
        hosts = list(self.hosts)
        hosts[index : index + 1] = [host]
        return replace(self, hosts=tuple(hosts))

    def without_host(self, index: int) -> Draft:
        """Return the draft without the host at `index`."""
        return replace(self, hosts=self.hosts[:index] + self.hosts[index + 1 :])

    @property
    def name(self) -> str:
        """Return the cluster's name as typed."""
        return self.text("name").strip()

    @property
    def members(self) -> tuple[HostDraft, ...]:
        """Return the hosts that hold an etcd member."""
        return tuple(host for host in self.hosts if ETCD in host.roles)

    @property
    def candidates(self) -> tuple[int, ...]:
        """Return the places of the hosts that may hold an etcd member: all but workers."""
        return tuple(index for index, host in enumerate(self.hosts) if WORKER not in host.roles)

    @property
    def workers(self) -> tuple[HostDraft, ...]:
        """Return the hosts that run ordinary Pods alone."""
        return tuple(host for host in self.hosts if WORKER in host.roles)

    @property
    def masters(self) -> tuple[HostDraft, ...]:
        """Return the hosts that run the control plane."""
        return tuple(host for host in self.hosts if MASTER in host.roles)

    def to_plain(self) -> Plain:
        """Return the draft as it would stand in a profile's file; what is empty is left out."""
        plain = _plain(CLUSTER_FIELDS, self.texts, self.rest)
        plain.setdefault("name", "")
        plain.setdefault("endpoint", {}).setdefault("vip", "")
        return plain | {"hosts": [host.to_plain() for host in self.hosts]}


def blank() -> Draft:
    """Return a draft with nothing but the defaults filled in."""
    defaults = {
        "endpoint.port": "6443",
        "endpoint.vrid": "51",
        "network.pod_cidr": "10.244.0.0/16",
        "network.service_cidr": "10.96.0.0/12",
        "network.plugin": "flannel",
        "network.backend": "vxlan",
        "network.kube_proxy": "iptables",
        "kubernetes": versions.default(),
        "etcd.data_dir": "/var/lib/etcd",
        "etcd.tuning": "auto",
        "ssh.sudo": "auto",
        "masters_schedulable": "no",
    }
    return Draft(defaults)


def load(profile: Profile) -> Draft:
    """Return the draft that shows `profile`."""
    plain = profile.model_dump(mode="json", exclude_none=True)
    hosts = tuple(HostDraft(_texts(HOST, host), tuple(host.pop("roles")), host) for host in plain.pop("hosts"))
    return Draft(_texts(CLUSTER_FIELDS, plain), hosts, plain)


def host_named(name: str, address: str, roles: tuple[str, ...] = (MASTER, ETCD)) -> HostDraft:
    """Return a fresh host."""
    return HostDraft({"name": name, "address": address}, roles)


def name_prefix(roles: tuple[str, ...]) -> str:
    """Return how the names of hosts with `roles` begin, where nobody names them: m, w or e."""
    return next((role[0] for role in (MASTER, WORKER, ETCD) if role in roles), "m")


def next_name(draft: Draft, prefix: str = "m") -> str:
    """Return the first of m1, m2, … that no host has yet."""
    taken = {host.name for host in draft.hosts}
    return next(f"{prefix}{number}" for number in range(1, len(taken) + 2) if f"{prefix}{number}" not in taken)


def _texts(specs: tuple[FieldSpec, ...], plain: Plain) -> dict[str, str]:
    return {spec.path: text for spec in specs if (text := _text(spec, _get(plain, spec.path)))}


def _text(spec: FieldSpec, value: Any) -> str:
    if value is None:
        return "auto" if spec.path == "ssh.sudo" else ""
    if spec.kind == "list":
        return " ".join(value)
    if spec.kind == "bool":
        return "yes" if value else "no"
    if spec.kind == "hops":
        return ", ".join(_hop_text(hop) for hop in value)
    return str(value)


def _plain(specs: tuple[FieldSpec, ...], texts: Mapping[str, str], rest: Mapping[str, Any]) -> Plain:
    plain = _copy(rest)
    for spec in specs:
        text = texts.get(spec.path, "").strip()
        value = _value(spec, text, _get(rest, spec.path))
        _put(plain, spec.path, value)
    return plain


def _value(spec: FieldSpec, text: str, before: Any) -> Any:
    if not text or (spec.path == "ssh.sudo" and text == "auto" and before is None):
        return None
    if spec.kind in ("int", "float"):
        try:
            return int(text) if spec.kind == "int" else float(text)
        except ValueError:
            return text
    if spec.kind == "list":
        return text.replace(",", " ").split()
    if spec.kind == "bool":
        return text == "yes"
    if spec.kind == "hops":
        if before is not None and text == _text(spec, before):
            return before
        return [_hop(piece.strip()) for piece in text.split(",") if piece.strip()]
    return text


def _hop_text(hop: Plain) -> str:
    user = f"{hop['user']}@" if hop.get("user") else ""
    port = f":{hop['port']}" if hop.get("port") else ""
    return f"{user}{hop['address']}{port}"


def _hop(text: str) -> Plain:
    user, at, place = text.rpartition("@")
    address, colon, port = place.rpartition(":")
    hop: Plain = {"address": address if colon else place}
    if at:
        hop["user"] = user
    if colon:
        hop["port"] = int(port) if port.isdigit() else port
    return hop


def _get(plain: Mapping[str, Any], path: str) -> Any:
    value: Any = plain
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def _put(plain: Plain, path: str, value: Any) -> None:
    *parents, last = path.split(".")
    if value is None and not parents:
        plain.pop(last, None)
        return
    for part in parents:
        if value is None and part not in plain:
            return
        plain = plain.setdefault(part, {})
    if value is None:
        plain.pop(last, None)
    else:
        plain[last] = value


def _copy(value: Mapping[str, Any]) -> Plain:
    return {key: _copy(item) if isinstance(item, Mapping) else item for key, item in value.items()}


def role_words(roles: tuple[str, ...]) -> str:
    """Return roles as the form and the table say them."""
    return next((words for words, held in ROLE_SETS.items() if set(held) == set(roles)), " + ".join(roles))
