"""A host of the cluster that the profile gives other roles: it may get further ones, and gives none up while it stays.

An install brings what a role needs and takes nothing away: what belongs to a role that is gone would run on, and the
others would go on counting on it. Only a host that leaves is taken apart, in an order that costs nobody anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wizard.checks.case import Case, Found, spoken
from wizard.errors import Level, Problem, errors_of
from wizard.profile.model import Host, Profile, Role
from wizard.profile.rules import COUNT_CODES, rules
from wizard.render.site import endpoint_url

_IS = {Role.MASTER: "a master", Role.ETCD: "an etcd member", Role.WORKER: "a worker"}
_STAYS = {
    Role.MASTER: "its control plane would go on serving, and take the VIP",
    Role.ETCD: "its etcd member would go on voting",
    Role.WORKER: "it would go on as a node that joined through the VIP, with Pods of users",
}
"""What of a role would be left on a host that merely got another one."""


def judge(case: Case) -> Iterator[Problem]:
    """Yield each host that would lose a role: by the profile that was applied last, or by what runs on the host."""
    seen = {found.name: found for found in case.found() if found.ours}
    last = {host.name: host.roles for host in case.applied.hosts} if case.applied else {}
    before = {
        host.name: frozenset(last[host.name]) if host.name in last else _roles(case.profile, seen.get(host.name))
        for host in case.profile.hosts
    }
    changed = {host.name: before[host.name] for host in case.profile.hosts if before[host.name] - set(host.roles)}
    for index, host in enumerate(case.profile.hosts):
        if host.name in changed:
            yield _refused(case.profile, index, host, changed)


def _roles(profile: Profile, found: Found | None) -> frozenset[Role]:
    """Return the roles that a host of the cluster surely has, by what is on it; an install that broke off tells none.

    A worker's kubelet speaks to the VIP, a master's to its own apiserver.
    """
    if found is None:
        return frozenset()
    traces = found.facts.traces
    serves = any(path.endswith("/kube-apiserver.yaml") for path in traces.manifests)
    joined = traces.kubelet_server == endpoint_url(profile)
    has = ((Role.MASTER, serves), (Role.ETCD, traces.etcd_data), (Role.WORKER, joined))
    return frozenset(role for role, there in has if there)


def _refused(profile: Profile, index: int, host: Host, changed: Mapping[str, frozenset[Role]]) -> Problem:
    was = changed[host.name]
    left = spoken([_STAYS[role] for role in Role if role in was - set(host.roles)])
    return Problem(
        "change.role",
        Level.ERROR,
        f"{host.name} is {_named(was)} of this cluster, and the profile makes it {_named(host.roles)}. A host gives a "
        f"role up only by leaving: {left}",
        f"Take {host.name} out of the profile and apply with --allow-removal{_with_another(profile, host, changed)}; "
        f"then add it as {_named(host.roles)} and apply again. Or let it be {_named(was)} as before.",
        f"hosts[{index}].roles",
        host.name,
    )


def _named(roles: frozenset[Role] | tuple[Role, ...]) -> str:
    return spoken([_IS[role] for role in Role if role in roles]) or "nothing"


def _with_another(profile: Profile, host: Host, changed: Mapping[str, frozenset[Role]]) -> str:
    """Return who has to join as `host` leaves, where too few would be left: the others keep what they are for now."""
    others = (
        one.model_copy(update={"roles": tuple(role for role in Role if role in changed.get(one.name, one.roles))})
        for one in profile.hosts
        if one != host
    )
    without = profile.model_copy(update={"hosts": tuple(others)})
    if not any(one.code in COUNT_CODES for one in errors_of(rules(without))):
        return ""
    masters, members = len(without.masters), len(without.etcd_members)
    left = f"{masters} master{'s'[masters == 1 :]} and {members} etcd member{'s'[members == 1 :]}"
    return f", and let another host join as {_named(changed[host.name])} in that run (else {left} would be left)"
