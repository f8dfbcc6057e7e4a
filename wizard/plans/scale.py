"""Growing and shrinking: what an install's plan becomes where hosts come to a cluster that stands, or leave it.

    comes    binaries, certificates → its etcd member joins as a learner, then votes → its apiserver is ready → the
             other masters' haproxy sends to it → keepalived there knows it as a peer → its own keepalived starts
    leaves   its Pods move elsewhere → it hands the VIP over → no haproxy sends to it any more → its control plane
             ends → its etcd member is removed → all on it stops → its node is deleted → it is put back to what it was
    is dead  its etcd member is removed → its node is deleted

Whoever comes, comes first, so that there are never fewer than before; but a dead member is removed before all else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from wizard.checks.case import spoken
from wizard.engine.step import Plan, Step
from wizard.plans.changing import Change
from wizard.plans.removal import left_behind, transitions
from wizard.plans.task import DRAINS
from wizard.profile.model import Host, Profile, Role
from wizard.render.node import is_node
from wizard.render.site import Site
from wizard.steps import etcd, leave, members
from wizard.steps.reset import reset_steps


def scale(
    site: Site, plan: Plan, leaving: Sequence[Host], before: Profile | None, *, drain_seconds: int = DRAINS,
    run: str = "",
) -> Plan:  # fmt: skip
    """Return an install's `plan` with what has to be done, and in which order, for hosts that come or leave. Pure.

    `leaving` are hosts of the profile that was applied `before`. Where no cluster stands yet all start at once.
    """
    change = Change(site, tuple(leaving), drain_seconds, run)
    if not change.worked:
        return _never_stood(plan, change)
    if not (change.joining or (change.fresh and before) or change.leaving):
        return plan
    graph = _Graph(plan)
    _come(change, graph, known=before is not None)
    if change.at_work:
        _leave(change, graph)
    # What is tried on all nodes at once, at the end, leaves the processor to those who work meanwhile.
    graph.add(*[replace(step, background=True) for step in graph.steps.values() if step.phase == "verify"])
    reachable = tuple(host for host in change.leaving if host.name in site.facts)
    everyone = site.profile.model_copy(update={"hosts": (*site.profile.hosts, *reachable)})
    voters = etcd.voters(everyone, first_start=False)
    known = (*everyone.etcd_members, *(host for host in change.dead if Role.ETCD in host.roles))
    groups = {group.name: group for group in plan.groups}
    groups |= {
        voters.name: members.changing(voters, known, change.worked),
        "apiserver": etcd.apiservers(everyone, first_start=False),
    }
    return replace(
        plan,
        title=_title(plan.title, change, before),
        steps=tuple(graph.steps.values()),
        groups=tuple(groups.values()),
        hosts=(*plan.hosts, *(host.name for host in reachable)),
        # Nobody has to wait for members and masters that are new.
        ahead=(),
        told=(*plan.told, *transitions(before, site.profile), *left_behind(change.dead)),
    )


def _never_stood(plan: Plan, change: Change) -> Plan:
    """Return the plan where no cluster came to stand yet: whoever leaves is merely put back."""
    if not change.alive:
        return plan
    steps = tuple(step for host in change.alive for step in reset_steps(change.site, host, run=change.run))
    hosts = (*plan.hosts, *(host.name for host in change.alive))
    return replace(plan, steps=(*plan.steps, *steps), hosts=hosts)


def _title(title: str, change: Change, before: Profile | None) -> str:
    known = {host.name for host in before.hosts} if before else set()
    new = [host.name for host in change.site.profile.hosts if before and host.name not in known]
    parts = [f"{spoken(new)} {'join' if len(new) > 1 else 'joins'}"] if new else []
    gone = [host.name for host in change.leaving]
    parts += [f"{spoken(gone)} {'leave' if len(gone) > 1 else 'leaves'}"] if gone else []
    return "; ".join((title, *parts))


class _Graph:
    """The plan's steps by id, to be given further needs and steps."""

    def __init__(self, plan: Plan) -> None:
        self.steps = {step.id: step for step in plan.steps}

    def add(self, *steps: Step) -> None:
        for step in steps:
            self.steps[step.id] = step

    def wait(self, id: str, *, needs: Sequence[str] = (), after: Sequence[str] = ()) -> None:
        """Let the step `id` wait for more, where it is in the plan."""
        if id in self.steps:
            step = self.steps[id]
            self.steps[id] = replace(step, needs=(*step.needs, *needs), after=(*step.after, *after))

    def set_apart(self, new: set[str], masters: Sequence[Host]) -> None:
        """Let no endpoint or apiserver of a `new` host wait for others to end (`after`), nor those of others for it.

        Nor does its member, where it has long been one: its apiserver, for which others wait, waits for that.
        """
        for host in masters:
            member = ("etcd",) if host.name in new and Role.ETCD in host.roles else ()
            for kind in ("apiserver", "haproxy", "keepalived", *member):
                step = self.steps[f"{host.name}/{kind}"]
                kept = () if host.name in new else tuple(id for id in step.after if id.partition("/")[0] not in new)
                self.steps[step.id] = replace(step, after=kept)


def _come(change: Change, graph: _Graph, *, known: bool) -> None:
    """Let members join one after another, and the endpoint learn of new masters in an order without two VIPs."""
    first = tuple(f"{host.name}/member" for host in change.dead if Role.ETCD in host.roles and change.at_work)
    joins: list[str] = []
    # Whatever order holds among those that work: nobody waits for new masters but as follows, nor do these.
    graph.set_apart({host.name for host in change.fresh}, change.site.profile.masters)
    for host in change.joining:
        step = graph.steps[f"{host.name}/etcd"]
        others = tuple(other for other in change.worked if other != host)
        # One that has data was a member before; others wait until it is one again.
        after = (*first, *joins) if not change.has_data(host) else ()
        graph.add(members.join_step(change.site, host, others, needs=step.needs, after=after, weight=8))
        joins.append(step.id)
    # Those that work may be disturbed when there are as many as can be.
    for host in change.worked:
        graph.wait(f"{host.name}/etcd", after=(*first, *joins))
    for host in change.site.profile.masters:
        if Role.ETCD not in host.roles:
            graph.wait(f"{host.name}/apiserver", after=joins)
    if not known:
        return
    ready = tuple(f"{host.name}/apiserver" for host in change.fresh)
    peers = tuple(f"{host.name}/keepalived" for host in change.old)
    for host in change.old:
        graph.wait(f"{host.name}/haproxy", after=ready)
    for host in change.fresh:
        # One whom the holder of the VIP does not speak to would take it for dead.
        graph.wait(f"{host.name}/keepalived", needs=peers)


def _leave(change: Change, graph: _Graph) -> None:
    masters = tuple(host.name for host in change.at_work)
    came = tuple(
        f"{host.name}/{step}"
        for step, hosts in (("etcd", change.joining), ("apiserver", change.fresh))
        for host in hosts
    )
    dead: tuple[str, ...] = ()
    for host in change.leaving:
        if host in change.alive:
            continue
        # Nothing on it is touched: it can't be reached, or is not this cluster's any more.
        if Role.ETCD in host.roles:
            going = [one for one in change.alive if Role.ETCD in one.roles]
            graph.add(members.leave_step(host, change.worked, profile=None, needs=(), after=dead, going=going))
            dead = (f"{host.name}/member",)
        if is_node(host):
            needs = (f"{host.name}/member",) if Role.ETCD in host.roles else ()
            graph.add(leave.gone_step(host, masters, needs=needs))
    workers = [host for host in change.alive if Role.WORKER in host.roles]
    nodes = tuple(f"{host.name}/node" for host in change.site.profile.workers)
    for host in workers:
        graph.add(leave.drain_step(host, masters, seconds=change.drain_seconds, after=nodes))
        _put_back(change, graph, host, masters, needs=(f"{host.name}/drain",))
    _controllers_leave(change, graph, masters, came, dead)
    # Nothing is wiped before all have let go: where hosts share a disk, that would make etcd wait for it.
    calm = (*dead, *(f"{host.name}/stop" for host in change.alive if host not in workers))
    for host in change.alive:
        graph.wait(f"{host.name}/pod-network", after=[id for id in calm if id != f"{host.name}/stop"])
    away = tuple(f"{host.name}/node-gone" for host in change.leaving if f"{host.name}/node-gone" in graph.steps)
    graph.wait("cluster/rollout", after=away)


def _controllers_leave(
    change: Change, graph: _Graph, masters: tuple[str, ...], came: tuple[str, ...], dead: tuple[str, ...]
) -> None:
    """Let masters and etcd members leave: all are made ready for it, then one goes after another."""
    leaving = [host for host in change.alive if Role.WORKER not in host.roles]
    controllers = [host for host in leaving if Role.MASTER in host.roles]
    # Who holds the VIP hands it over last, so that it moves once.
    controllers.sort(key=lambda host: _holds_vip(change.site, host))
    drains: tuple[str, ...] = ()
    for host in controllers:
        seconds = change.drain_seconds
        graph.add(leave.drain_step(host, masters, seconds=seconds, needs=came, after=(*dead, *drains[-1:])))
        drains = (*drains, f"{host.name}/drain")
    vips: tuple[str, ...] = ()
    for host in controllers:
        graph.add(leave.vip_step(change.site, host, needs=drains, after=vips[-1:]))
        vips = (*vips, f"{host.name}/vip")
    for host in change.old:
        # A master that the others don't speak to any more would take the VIP: it has let go of it before.
        graph.wait(f"{host.name}/haproxy", needs=vips)
        graph.wait(f"{host.name}/keepalived", needs=vips)
    told = tuple(f"{name}/{step}" for name in masters for step in ("haproxy", "keepalived"))
    # An apiserver without a member of its own asks all of them: no longer one that goes.
    apis = tuple(
        f"{host.name}/apiserver" for host in change.at_work if Role.ETCD not in host.roles
    )  # fmt: skip
    # In a mended cluster those that stay have settled before any of their peers goes.
    settled = tuple(f"{host.name}/etcd" for host in change.worked)
    last = dead
    everyone = (*change.site.profile.masters, *controllers)
    for host in (*controllers, *(host for host in leaving if host not in controllers)):
        needs: tuple[str, ...] = came
        if host in controllers:
            graph.add(leave.silent_step(host, everyone, needs=(*told, f"{host.name}/vip"), after=last))
            needs = (*needs, f"{host.name}/control-plane-ends")
        if Role.ETCD in host.roles:
            needs, after = (*needs, *apis), (*last, *settled)
            graph.add(members.leave_step(host, change.worked, profile=change.site.profile, needs=needs, after=after))
            needs = (f"{host.name}/member",)
        _put_back(change, graph, host, masters, needs=needs)
        last = (f"{host.name}/stop",)


def _put_back(
    change: Change, graph: _Graph, host: Host, masters: tuple[str, ...], *, needs: tuple[str, ...]
) -> None:  # fmt: skip
    """Let all on `host` stop once what it `needs` is done, its node go then, and the host become what it was."""
    first, *rest = reset_steps(change.site, host, run=change.run)
    graph.add(replace(first, needs=needs, after=()), *rest)
    if is_node(host):
        graph.add(leave.gone_step(host, masters, needs=(first.id,)))


def _holds_vip(site: Site, host: Host) -> bool:
    facts = site.facts_of(host)
    return facts is not None and facts.address_interface(site.profile.endpoint.vip) is not None
