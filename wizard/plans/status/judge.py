"""What a status means: every problem, by what it is about. An error is something that fails now, or is about to."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import replace
from statistics import median

from wizard.checks.clocks import NOTABLE, duration
from wizard.checks.reach import code_of
from wizard.errors import Level, Problem, SlipwayError
from wizard.facts.clock import SERVICES
from wizard.pki.inventory import Seen
from wizard.plans import certs
from wizard.plans.maintain import margin
from wizard.plans.status.balancer import KEPT_BACK
from wizard.plans.status.judge_etcd import etcd
from wizard.plans.status.model import Cause, Drift, HostStatus, Status, Use
from wizard.profile.model import Profile, Role
from wizard.render.node import is_node

SETTLED = 60.0
"""A unit that runs for so long counts as steady, in seconds."""

LASTING = 3
"""What an haproxy thinks of an apiserver for less than so many seconds is a doubt: on a busy host they come and go."""


def judged(
    profile: Profile, status: Status, failures: Mapping[str, SlipwayError], seen: Mapping[str, Seen]
) -> tuple[Problem, ...]:
    """Return all that is wrong with `status`; `failures` are the hosts that could not be asked, `seen` certificates."""
    now = datetime.datetime.fromtimestamp(status.asked, datetime.UTC)
    silent = tuple(failure.as_problem(code_of(failure), host=name) for name, failure in failures.items())
    asked = [host for host in status.hosts if not host.failure]
    if status.unknown:
        return silent
    if all(map(_bare, asked)):
        return (*silent, *(_nothing(host) for host in asked))
    found = (
        *silent,
        *etcd(status),
        *_vip(profile, status),
        *(problem for host in asked for problem in _host(profile, host, seen[host.name])),
        *_balancers(status),
        *_nodes(profile, status),
        *_versions(status),
        *certs.ending(profile, seen, now),
        *_clocks(status),
    )
    return (*_maintenance(profile, status), *(_eased(problem, status) for problem in found))


def _maintenance(profile: Profile, status: Status) -> Iterator[Problem]:
    for name, since in status.maintenance.items():
        words = f"It is out for maintenance since {since}. {margin(profile, profile.host(name))}".rstrip()
        hint = f"When that is done: `slipway maintain PROFILE {name} end`."
        yield Problem("maintain.out", Level.WARNING, words, hint, host=name)


def _eased(problem: Problem, status: Status) -> Problem:
    """Return a problem of a host that is out for maintenance as a warning: nobody counts on it meanwhile."""
    expected = problem.host in status.maintenance and problem.level is Level.ERROR
    return replace(problem, level=Level.WARNING) if expected else problem


def with_drift(status: Status, drift: Drift) -> Status:
    """Return `status` with what is known of drift, and what that means."""
    others = tuple(problem for problem in status.problems if not problem.code.startswith("drift."))
    return replace(status, drift=drift, problems=(*others, *_drift(drift, status)))


def _bare(host: HostStatus) -> bool:
    return all(unit.state == "missing" for unit in host.units.values() if unit.name not in SERVICES)


def _nothing(host: HostStatus) -> Problem:
    words, hint = "Nothing of a cluster is installed here", "`slipway apply` installs it."
    return Problem("host.bare", Level.ERROR, words, hint, host=host.name)


def _host(profile: Profile, host: HostStatus, seen: Seen) -> Iterator[Problem]:
    if _bare(host):
        yield _nothing(host)
        return
    yield from certs.gone(profile.host(host.name), seen)
    for unit in host.units.values():
        if not unit.well:
            words = f"{unit.name} is {unit.state}" + (f" ({unit.sub})" if unit.sub not in ("", "dead") else "")
            hint = f"See `journalctl -u {unit.name}` there; `slipway apply` brings it back."
            yield Problem("unit.down", Level.ERROR, words, hint, host=host.name)
        elif unit.restarts and unit.seconds < SETTLED:
            words = f"{unit.name} was started again {unit.seconds:.0f} s ago, and {unit.restarts} times in all"
            hint = f"See `journalctl -u {unit.name}` there."
            yield Problem("unit.restarts", Level.WARNING, words, hint, host=host.name)
        if not unit.at_boot and unit.state != "missing":
            words = f"{unit.name} would not be started at boot"
            yield Problem("unit.not-at-boot", Level.WARNING, words, "`slipway apply` enables it.", host=host.name)
    for pod in host.pods.values():
        if not pod.ready:
            hint = f"See `journalctl -u kubelet` and /var/log/pods/kube-system_{pod.name}-* there."
            yield Problem("pod.down", Level.ERROR, f"{pod.name}: {pod.why}", hint, host=host.name)


def _vip(profile: Profile, status: Status) -> Iterator[Problem]:
    held = ", ".join(status.holders)
    silent = [host.name for host in status.hosts if host.failure and Role.MASTER.value in host.roles]
    answered = [host for host in status.hosts if host.through_vip is not None]
    deaf = [host.name for host in answered if not host.through_vip]
    vip = f"{profile.endpoint.vip}:{profile.endpoint.port}"
    if len(status.holders) > 1:
        words = f"{held} have the VIP at the same time"
        hint = "Are the masters cut off from one another (VRRP, IP protocol 112)? See keepalived's journal there."
        yield Problem("vip.several", Level.ERROR, words, hint, "endpoint.vip")
    elif not status.holders and answered and not (silent and len(deaf) < len(answered)):
        hint = "See keepalived's journal on the masters: it gives the VIP up where haproxy is dead or reaches no API."
        yield Problem("vip.nobody", Level.ERROR, "No master has the VIP", hint, "endpoint.vip")
    elif not status.holders and silent:
        words = f"No master that was asked has the VIP; {', '.join(silent)} could not be asked"
        yield Problem("vip.unseen", Level.INFO, words, field="endpoint.vip")
    if deaf and status.holders:
        hint = f"Try `curl -k https://{vip}/readyz` there: is it the way to {held}, or no apiserver?"
        words = f"The API does not answer at {vip}, asked on {', '.join(deaf)}"
        yield Problem("vip.silent", Level.ERROR, words, hint, "endpoint.vip")


def _balancers(status: Status) -> Iterator[Problem]:
    """Yield who is sent no requests, by apiserver: one that is down is seen by every haproxy."""
    left_out: dict[tuple[str, str, Use], list[str]] = {}
    for host in status.hosts:
        if host.backends is None and "haproxy" in host.units and host.units["haproxy"].well:
            words = "haproxy runs, and its control socket does not answer"
            yield Problem("balancer.silent", Level.ERROR, words, "See `journalctl -u haproxy` there.", host=host.name)
        for backend in host.backends or ():
            meant = backend.why == KEPT_BACK and backend.server in status.maintenance
            if backend.use is not Use.UP and backend.seconds >= LASTING and not meant:
                left_out.setdefault((backend.server, backend.why, backend.use), []).append(host.name)
    for (server, why, use), hosts in left_out.items():
        words = f"Its apiserver gets no new requests from the haproxy on {', '.join(hosts)}: {why}"
        if use is Use.DRAINED:
            hint = "Planned work does that and undoes it; `slipway apply` undoes what a killed run has left."
        elif why == KEPT_BACK:
            hint = "Maintenance does that and its end undoes it; `slipway apply` does, too."
        else:
            hint = "See what is said of its apiserver; where that is well, the way from those hosts to it."
        yield Problem("balancer.left-out", Level.WARNING, words, hint, host=server)


def _nodes(profile: Profile, status: Status) -> Iterator[Problem]:
    if not status.nodes_asked and all(Role.MASTER.value not in host.roles for host in status.hosts if not host.failure):
        return
    if not status.nodes_asked:
        words = "The nodes are not known: no apiserver that could be asked told of them"
        hint = "See what is said of etcd and of the apiservers."
        yield Problem("nodes.unknown", Level.ERROR, words, hint, "hosts")
        return
    known = {node.name for node in status.nodes}
    for host in profile.hosts:
        if is_node(host) and host.name not in known:
            words = f"{host.name} is no node of the cluster"
            yield Problem("node.missing", Level.ERROR, words, "`slipway apply` lets it join.", host=host.name)
    for node in status.nodes:
        if node.stranger:
            words = "is a node of the cluster, and no host of the profile"
            hint = "Add it to the profile, or remove it from the cluster."
            yield Problem("node.stranger", Level.WARNING, words, hint, host=node.name)
        if not node.ready:
            why = f": {node.message}" if node.message else ""
            hint = "Does the host run, and its kubelet? See `journalctl -u kubelet` there."
            yield Problem("node.not-ready", Level.ERROR, f"The node is not Ready{why}", hint, host=node.name)
        for item in node.conditions:
            if item.type != "Ready" and node.ready:
                words = f"The node's condition {item.type} is {item.status} ({item.reason})"
                hint = f"See `kubectl describe node {node.name}`."
                yield Problem("node.condition", Level.WARNING, words, hint, host=node.name)
        if not node.schedulable and node.name not in status.maintenance:
            words = "The node is cordoned: no new Pods come to it"
            hint = f"`kubectl uncordon {node.name}` ends that."
            yield Problem("node.cordoned", Level.INFO, words, hint, host=node.name)


def _versions(status: Status) -> Iterator[Problem]:
    for item in status.versions:
        if item.differing:
            where = ", ".join(f"{version} on {host}" for host, version in item.differing.items())
            words = f"{item.name} is {where}, and the profile's version means {item.wanted}"
            yield Problem("version.differs", Level.WARNING, words, "See what `slipway plan` says.", "kubernetes")


def _clocks(status: Status) -> Iterator[Problem]:
    told = [(host, host.time.offset) for host in status.hosts if host.time.offset is not None]
    middle = median(offset for _, offset in told) if told else 0.0
    for host, offset in told:
        if abs(offset - middle) - host.time.error > NOTABLE:
            way = "ahead of" if offset > middle else "behind"
            words = f"Its clock is {duration(abs(offset - middle))} {way} the other hosts'"
            yield Problem("clock.off", Level.WARNING, words, "See what keeps its clock.", "time_servers", host.name)
    for host in status.hosts:
        if host.failure or not host.time.own:
            continue
        hint = "Name the site's servers in time_servers, or see whether they can be reached from there."
        if not host.time.service:
            yield Problem("clock.no-service", Level.WARNING, "Nothing keeps its clock", hint, "time_servers", host.name)
        elif host.time.synchronized is False:
            words = f"{host.time.service} runs, and has not set its clock by any server"
            yield Problem("clock.unsynchronized", Level.WARNING, words, hint, "time_servers", host.name)


def _drift(drift: Drift, status: Status) -> Iterator[Problem]:
    # While anybody is out nothing is applied.
    then = ", once nobody is out for maintenance" if status.maintenance else ""
    by_cause: dict[tuple[str, Cause], list[str]] = {}
    for change in drift.changes:
        by_cause.setdefault((change.host, change.cause), []).append(change.subject)
    for (host, cause), subjects in by_cause.items():
        what = ", ".join(subjects[:3]) + (f" and {len(subjects) - 3} more" if len(subjects) > 3 else "")
        if cause is Cause.NOT_APPLIED:
            words, hint = f"Not applied yet: {what}", f"`slipway apply` does it{then}; `slipway plan` shows it."
            yield Problem("drift.not-applied", Level.INFO, words, hint, host=host)
        else:
            verb = "Changed by hand" if cause is Cause.BY_HAND else "Not as the profile says"
            hint = f"`slipway apply` puts it back{then}. To keep it, say it in the profile."
            yield Problem("drift.changed", Level.WARNING, f"{verb}: {what}", hint, host=host)
