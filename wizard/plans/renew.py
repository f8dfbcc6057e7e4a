"""Renewing certificates: all leaves, or some of them, host by host; authorities and the service accounts' key stay.

The new ones are in the store before the first host is touched. Old and new are of the same authorities, so hosts that
have them and hosts that don't yet work together, and a run that ends early leaves nothing that has to be undone.
"""

from __future__ import annotations

import time

from wizard.engine.step import Plan, Step
from wizard.pki.certificates import made_at
from wizard.pki.judge import days_left
from wizard.pki.store import Anew, Pki, PkiError
from wizard.plans.task import Kind, Task, whom
from wizard.profile.model import Role
from wizard.render.site import Site
from wizard.steps.control_plane import controllers_step
from wizard.steps.pki import pki_step, served_step

BEFORE = "before"
"""Option: leaves made before this time are renewed (whole seconds since 1970). A resumed run renews none twice."""
DAYS = "days"
"""Option: only leaves with fewer days left; absent: all."""


def renewal(hosts: tuple[str, ...] = (), days: int | None = None) -> Task:
    """Return the task to renew what exists now: of all hosts or of `hosts`, all or with fewer than `days` left."""
    options = {BEFORE: int(time.time()), **({} if days is None else {DAYS: days})}
    return Task(kind=Kind.RENEW, hosts=hosts, options=options)


def renewal_title(cluster: str, task: Task) -> str:
    """Return the name of the task, with the hosts where it is not about all."""
    return f"Renew the certificates of {whom(cluster, task)}"


def due(task: Task) -> Anew:
    """Return which leaves the task makes anew. The people's own belong to no host: they are renewed with all."""
    before, days = task.options[BEFORE], task.options.get(DAYS)
    assert isinstance(before, int)

    def anew(name: str, certificate: bytes) -> bool:
        if task.hosts and not any(name.startswith(f"hosts/{host}/") for host in task.hosts):
            return False
        made = made_at(certificate)
        if made.timestamp() >= before:
            return False
        return not isinstance(days, int) or days_left(certificate, made.fromtimestamp(before, made.tzinfo)) < days

    return anew


def renew(site: Site, keys: Pki | None, task: Task) -> Plan:
    """Return the plan that brings the store's certificates to the hosts, one host after the other.

    A host's servers must serve the new ones, and its controllers run with them, before the next host is touched: what
    goes wrong, goes wrong on one. A host that can't be reached when it is planned holds up none; one that never joined
    the cluster is left alone. Raises `PkiError` without `keys`.
    """
    profile = site.profile
    if keys is None:
        raise PkiError(
            f"There are no certificates of {profile.name} here", why="it was never installed from this jump host",
            hint="Run `slipway apply` first.",
        )  # fmt: skip
    steps: list[Step] = []
    last: tuple[str, ...] = ()
    for host in profile.hosts:
        facts = site.facts_of(host)
        reached = facts is not None
        if (task.hosts and host.name not in task.hosts) or (facts and facts.traces.marker.uid != site.uid):
            continue
        own = [pki_step(site, host, keys, needs=last if reached else ())]
        own.append(served_step(site, host, keys, needs=(own[-1].id,)))
        if Role.MASTER in host.roles:
            own.append(controllers_step(site, host, keys, needs=(own[-1].id,), weight=5))
        steps += own
        if reached:
            last = (own[-1].id,)
    return Plan(
        profile.name, renewal_title(profile.name, task), tuple(steps),
        hosts=tuple(host.name for host in profile.hosts),
    )  # fmt: skip
