"""Growing and shrinking as a plan: who waits for whom, whose voters count, and what is left as it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from tests.unit.render.sites import V1_37, facts, profile
from tests.unit.steps.samples import bundle
from wizard.engine.graph import checked
from wizard.engine.marker import HostMarker, Owner, dump, with_change
from wizard.engine.step import Change, Context, Plan, Step
from wizard.facts.model import Facts, Interface
from wizard.facts.traces import ClusterTraces, Marker
from wizard.plans.install import install
from wizard.plans.scale import scale
from wizard.profile.model import Host, Profile, Role
from wizard.remote.base import Command, Result, Unreachable
from wizard.render.api import Site
from wizard.steps.etcd import BOOTSTRAP

APISERVER = "/etc/kubernetes/manifests/kube-apiserver.yaml"
SMALL, LARGE = profile(3), profile(4, 1, 1)


def standing(host: Host, *, vip: bool = False) -> Facts:
    text = dump(with_change(HostMarker(), Owner("uid-1", "demo"), "s", Change()))
    member, master = Role.ETCD in host.roles, Role.MASTER in host.roles
    traces = ClusterTraces(
        etcd_data=member,
        etcd_worked=member,
        marker=Marker("uid-1", "demo", text),
        manifests=(APISERVER,) if master else (),
    )
    found = replace(facts(host), traces=traces)
    lo, card = found.interfaces
    more = (*card.addresses, *(("198.18.0.100/32",) if vip else ()))
    return replace(found, interfaces=(lo, Interface(card.name, card.mac, card.mtu, True, more)))


def planned(before: Profile | None, after: Profile, *, dead: Iterable[str] = (), vip: str = "m1") -> Plan:
    """Return the plan from a cluster of `before` to `after`; hosts that are new are bare."""
    known = {host.name: host for host in (before or after).hosts}
    everyone = {**known, **{host.name: host for host in after.hosts}}
    found = {
        name: standing(known[name], vip=name == vip) if name in known else facts(host)
        for name, host in everyone.items()
        if name not in dead
    }
    site = Site(after, V1_37, "uid-1", found)
    leaving = tuple(host for host in known.values() if host.name not in {one.name for one in after.hosts})
    return scale(site, install(site, bundle(), None), leaving, before)


def earlier(plan: Plan) -> dict[str, set[str]]:
    """Return for each step all that have ended before it begins, directly or not."""
    found: dict[str, set[str]] = {}
    for name, step in checked(plan).items():
        found[name] = set(step.before).union(*(found[need] for need in step.before))
    return found


def step(plan: Plan, name: str) -> Step:
    return checked(plan)[name]


def written(one: Step) -> set[str]:
    assert isinstance(one.change, Change)
    return {file.path for file in one.change.files}


def test_where_nobody_comes_or_leaves_the_plan_is_the_installs() -> None:
    site = Site(SMALL, V1_37, "uid-1", {host.name: standing(host) for host in SMALL.hosts})
    plan = install(site, bundle(), None)
    assert scale(site, plan, (), SMALL) is plan
    bare = Site(LARGE, V1_37, "uid-1", {host.name: facts(host) for host in LARGE.hosts})
    plan = install(bare, bundle(), None)
    assert scale(bare, plan, (), None) is plan, "a new cluster starts all at once"


def test_what_a_first_start_reads_is_no_part_of_a_member_that_has_worked() -> None:
    plan = planned(SMALL, LARGE)
    for name in ("m1", "m4", "e1"):
        assert BOOTSTRAP not in written(step(plan, f"{name}/etcd"))
    fresh = Site(SMALL, V1_37, "uid-1", {host.name: facts(host) for host in SMALL.hosts})
    assert BOOTSTRAP in written(step(install(fresh, bundle(), None), "m1/etcd"))


def test_members_join_one_after_another_before_those_that_are_there_are_disturbed() -> None:
    order = earlier(planned(SMALL, LARGE))
    for name in ("m1", "m2", "m3"):
        assert {"m4/etcd", "e1/etcd"} <= order[f"{name}/etcd"]
    assert "m4/etcd" in order["e1/etcd"]
    assert "m4/etcd" in order["m4/apiserver"]


def test_a_new_master_gets_requests_when_it_is_ready_and_the_vip_when_all_know_it() -> None:
    order = earlier(planned(SMALL, LARGE))
    for name in ("m1", "m2", "m3"):
        assert "m4/apiserver" in order[f"{name}/haproxy"]
        assert f"{name}/keepalived" in order["m4/keepalived"]
    assert "m4/haproxy" not in order["m1/haproxy"]
    needs = step(planned(SMALL, LARGE, dead=["m3"]), "m4/keepalived").needs
    assert "m3/keepalived" in needs, "one that may hold the VIP and does not know it yet"


def with_roles(of: Profile, names: Iterable[str], *roles: Role) -> Profile:
    hosts = (host.model_copy(update={"roles": roles}) if host.name in names else host for host in of.hosts)
    return of.model_copy(update={"hosts": tuple(hosts)})


def test_a_master_that_becomes_a_member_joins_before_its_apiserver_asks_it_alone() -> None:
    after = profile(5)
    plan = planned(with_roles(after, ("m4", "m5"), Role.MASTER), after)
    order = earlier(plan)
    assert step(plan, "m4/etcd").title == step(plan, "m5/etcd").title == "etcd member joins"
    assert "m4/etcd" in order["m5/etcd"]
    assert {"m4/etcd", "m5/etcd"} <= order["m1/etcd"]
    assert "m4/etcd" in order["m4/apiserver"]
    assert step(plan, "m4/apiserver").around is not None, "drained: it serves already"


def test_a_member_that_becomes_a_master_is_a_new_one_to_the_others_and_stays_a_member() -> None:
    before = profile(3, 2)
    plan = planned(before, with_roles(before, ("e1", "e2"), Role.MASTER, Role.ETCD))
    order = earlier(plan)
    assert step(plan, "e1/etcd").title != "etcd member joins"
    for name in ("m1", "m2", "m3"):
        assert {"e1/apiserver", "e2/apiserver"} <= order[f"{name}/haproxy"]
        assert f"{name}/keepalived" in order["e1/keepalived"]
    assert not [one.id for one in plan.steps if one.id.endswith(("/drain", "/member", "/stop"))], "nobody leaves"


def test_whatever_order_holds_among_those_that_work_new_ones_stand_apart() -> None:
    """An install's plan may let balancers, VIP and apiservers of all masters wait for each other."""
    site = Site(profile(4), V1_37, "uid-1", {host.name: standing(host) for host in SMALL.hosts})
    site = replace(site, facts={**site.facts, "m4": facts(profile(4).hosts[3])})
    plan = install(site, bundle(), None)
    chained = {one.id: one for one in plan.steps}
    names = ("m2", "m3", "m4", "m1")
    for kind in ("haproxy", "keepalived"):
        for one, other in pairwise(names):
            chained[f"{other}/{kind}"] = replace(chained[f"{other}/{kind}"], after=(f"{one}/{kind}",))
    for name in names:
        for kind in ("etcd", "apiserver"):
            after = tuple(f"{other}/haproxy" for other in names)
            chained[f"{name}/{kind}"] = replace(chained[f"{name}/{kind}"], after=after)
    order = earlier(scale(site, replace(plan, steps=tuple(chained.values())), (), SMALL))
    assert "m4/apiserver" in order["m1/haproxy"]
    assert "m1/haproxy" in order["m1/etcd"]
    assert "m1/keepalived" in order["m4/keepalived"]
    assert "m3/haproxy" not in order["m4/haproxy"]


def test_an_interrupted_install_goes_on_without_waiting_for_others() -> None:
    site = Site(SMALL, V1_37, "uid-1", {host.name: facts(host) for host in SMALL.hosts})
    site = replace(site, facts={**site.facts, "m1": standing(SMALL.hosts[0])})
    plan = scale(site, install(site, bundle(), None), (), None)
    assert "m2/apiserver" not in earlier(plan)["m1/haproxy"]
    assert plan.told == ()
    begun = ClusterTraces(etcd_data=True)
    data = {name: replace(site.facts[name], traces=begun) for name in ("m2", "m3")}
    site = replace(site, facts={**site.facts, **data})
    plan = scale(site, install(site, bundle(), None), (), None)
    assert step(plan, "m2/etcd").after == step(plan, "m3/etcd").after == (), "a quorum may need both"


def test_an_apiserver_that_asks_all_members_learns_of_them_between_coming_and_going() -> None:
    apart = [Host(name="a1", address="198.18.0.41", roles=(Role.MASTER,))]
    before = profile(3).model_copy(update={"hosts": (*profile(3).hosts, *apart)})
    after = profile(2, 1).model_copy(update={"hosts": (*profile(2, 1).hosts, *apart)})
    order = earlier(planned(before, after))
    assert "e1/etcd" in order["a1/apiserver"]
    assert "a1/apiserver" in order["m3/member"]


def test_a_master_leaves_in_an_order_that_takes_nothing_away_before_it_is_spared() -> None:
    plan = planned(profile(5), SMALL, vip="m4")
    order = earlier(plan)
    way = ("drain", "vip", "control-plane-ends", "member", "stop", "node-gone")
    for name in ("m4", "m5"):
        for one, other in pairwise(way):
            assert f"{name}/{one}" in order[f"{name}/{other}"], (one, other)
        for peer in ("m1", "m2", "m3"):
            # Whom the others no longer speak to has let go of the VIP for good.
            assert step(plan, f"{peer}/keepalived").needs[-2:] == ("m5/vip", "m4/vip")
            assert f"{peer}/haproxy" in order[f"{name}/control-plane-ends"]
        assert "m4/drain" in order[f"{name}/vip"]
        assert "m5/drain" in order[f"{name}/vip"]
    assert "m5/vip" in order["m4/vip"], "who holds it moves it last, and once"
    assert ("m5/stop" in order["m4/control-plane-ends"]) != ("m4/stop" in order["m5/control-plane-ends"])
    assert {"m4/stop", "m5/stop"} <= order["m4/pod-network"] & order["m5/pod-network"], "nothing is wiped before"
    assert step(plan, "m4/member").hosts == ("m1", "m2", "m3")
    assert step(plan, "m4/member").around is not None, "where it leads, another one leads before it goes"
    assert step(plan, "m4/control-plane-ends").touches == {"apiserver/m4"}
    assert {"m4/node-gone", "m5/node-gone"} <= order["cluster/rollout"]
    assert plan.hosts == ("m1", "m2", "m3", "m4", "m5")


def test_a_failed_drain_or_join_holds_all_that_would_take_away() -> None:
    plan = planned(profile(4, 1), profile(3, 2))
    for name in ("vip", "control-plane-ends", "member", "stop", "free"):
        needs = {name}
        stack = [f"m4/{name}"]
        while stack:
            found = step(plan, stack.pop()).needs
            stack += [one for one in found if one not in needs]
            needs |= set(found)
        assert {"m4/drain", "e2/etcd"} <= needs, name


def test_a_worker_leaves_when_its_pods_have_gone_and_new_workers_are_there() -> None:
    before = profile(3, 0, 2)
    hosts = tuple(host for host in profile(3, 0, 3).hosts if host.name != "w1")
    plan = planned(before, profile(3).model_copy(update={"hosts": hosts}))
    order = earlier(plan)
    assert "w3/node" in order["w1/drain"]
    assert step(plan, "w1/stop").needs == ("w1/drain",)
    assert step(plan, "w1/drain").hosts == ("m1", "m2", "m3")
    assert "w1/stop" in order["w1/node-gone"]
    assert not any(name.startswith("w1/") for name in order["m1/keepalived"])


def test_a_dead_member_goes_before_anyone_joins_and_nothing_runs_on_it() -> None:
    after = profile(4).model_copy(update={"hosts": tuple(host for host in profile(4).hosts if host.name != "m3")})
    plan = planned(SMALL, after, dead=["m3"])
    order = earlier(plan)
    assert {name for name in order if name.startswith("m3/")} == {"m3/member", "m3/node-gone"}
    assert "m3" not in plan.hosts
    assert "m3/member" in order["m4/etcd"]
    assert "m4/etcd" in order["m1/etcd"], "those that work are disturbed when there are most"
    (told,) = [problem for problem in plan.told if problem.code == "removal.left-as-it-is"]
    assert (told.host, "powered off" in told.hint) == ("m3", True)
    assert "m3/vip" not in order["m1/keepalived"]


def test_a_dead_member_goes_before_any_other_begins_to_leave() -> None:
    order = earlier(planned(profile(4, 1, 1), profile(3), dead=["e1"]))
    assert "e1/member" in order["m4/drain"]
    assert {"e1/member", "m4/stop"} <= order["w1/pod-network"]
    assert "m4/stop" not in order["w1/stop"]


def test_a_host_that_is_not_ours_any_more_is_left_alone() -> None:
    before = profile(3, 0, 1)
    site = Site(SMALL, V1_37, "uid-1", {host.name: standing(host) for host in SMALL.hosts})
    site = replace(site, facts={**site.facts, "w1": facts(before.hosts[-1])})
    plan = scale(site, install(site, bundle(), None), before.workers, before)
    assert {one.id for one in plan.steps if one.id.startswith("w1/")} == {"w1/node-gone"}


def test_where_no_cluster_came_to_stand_who_leaves_is_merely_put_back() -> None:
    before = profile(3, 0, 1)
    begun = replace(standing(before.hosts[-1]), traces=replace(standing(before.hosts[-1]).traces, etcd_worked=False))
    site = Site(SMALL, V1_37, "uid-1", {**{host.name: facts(host) for host in SMALL.hosts}, "w1": begun})
    plan = scale(site, install(site, bundle(), None), before.workers, before)
    assert step(plan, "w1/stop").before == ()
    assert "w1/drain" not in checked(plan)


class Fleet:
    """A `Context` (a fake) whose members answer a list, or can't be reached."""

    host = "m1"

    def __init__(self, **answers: str) -> None:
        self.answers = answers

    async def run(self, host: str, command: Command) -> Result:
        if host not in self.answers:
            raise Unreachable("gone", where=host)
        return Result(0, self.answers[host].encode(), b"", 0.0)

    def say(self, text: str) -> None: ...
    def progress(self, fraction: float, text: str = "") -> None: ...


LIST = """8e01, started, m1, https://198.18.0.11:2380, https://198.18.0.11:2379, false
8e02, started, m2, https://198.18.0.12:2380, https://198.18.0.12:2379, false
8e03, unstarted, , https://198.18.0.13:2380, , false
8e04, started, e1, https://198.18.0.21:2380, https://198.18.0.21:2379, true
"""


@pytest.mark.parametrize(("answers", "want"), [({"m2": LIST}, {"etcd/m1", "etcd/m2", "etcd/m3"}), ({}, set())])
async def test_who_votes_is_what_the_first_member_that_answers_says(answers: Any, want: set[str]) -> None:
    group = planned(SMALL, LARGE).groups[0]
    assert group.members == {f"etcd/{name}" for name in ("m1", "m2", "m3", "m4", "e1")}
    assert group.voters is not None
    context: Context = Fleet(**answers)
    assert await group.voters(context) == want


def test_the_title_says_who_comes_and_who_leaves() -> None:
    assert planned(SMALL, LARGE).title.endswith("; m4, e1 and w1 join")
    assert planned(LARGE, SMALL).title.endswith("; m4, e1 and w1 leave")
