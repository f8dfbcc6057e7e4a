"""The order of work on a cluster that works, and that a first start knows none of it."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.render.sites import profile, site
from tests.unit.steps.samples import bundle
from wizard.engine.graph import checked
from wizard.engine.step import Plan, Step
from wizard.facts.traces import ClusterTraces, Marker
from wizard.plans.install import install
from wizard.render.api import Site


def standing(holder: str = "m1", leader: str = "m1", strange: tuple[str, ...] = ()) -> Site:
    """Return a cluster that works; hosts in `strange` are new to it."""
    found = site(profile(3, 2, 1))
    facts = {}
    for name, there in found.facts.items():
        traces = ClusterTraces(Marker("uid-1", "demo"), kubelet=name[0] != "e", etcd_data=True, etcd_worked=True)
        card = there.interfaces[1]
        if name == holder:
            card = replace(card, addresses=(*card.addresses, "198.18.0.100/32"))
        facts[name] = replace(
            there, traces=ClusterTraces() if name in strange else traces, interfaces=(there.interfaces[0], card),
            settled=replace(there.settled, leads=name == leader),
        )  # fmt: skip
    return replace(found, facts=facts)


def planned(of: Site) -> dict[str, Step]:
    plan: Plan = install(of, bundle(), None)
    return checked(plan)


def test_balancers_and_keepalived_go_one_after_the_other_the_holder_last() -> None:
    steps = planned(standing(holder="m1"))
    for kind in ("haproxy", "keepalived"):
        assert steps[f"m3/{kind}"].after == (f"m2/{kind}",)
        assert steps[f"m1/{kind}"].after == (f"m3/{kind}",)
        assert steps[f"m2/{kind}"].after == ()


def test_balancers_go_before_members_and_apiservers() -> None:
    steps = planned(standing())
    for name in ("m1/etcd", "e2/etcd", "m1/apiserver", "m3/apiserver"):
        assert {"m1/haproxy", "m2/haproxy", "m3/haproxy"} <= set(steps[name].after)


def test_the_member_that_leads_goes_last() -> None:
    steps = planned(standing(leader="m2"))
    others = {f"{name}/etcd" for name in ("m1", "m3", "e1", "e2")}
    assert others <= set(steps["m2/etcd"].after)
    assert not any(others & set(steps[name].after) for name in others)


def test_hosts_that_are_new_or_out_of_reach_hold_up_nobody() -> None:
    of = standing(strange=("m2",))
    away = {name: facts for name, facts in of.facts.items() if name != "m3"}
    steps = planned(replace(of, facts=away | {"m2": of.facts["m2"]}))
    assert steps["m1/haproxy"].after == ()
    assert not [name for name in steps["m1/etcd"].after if name.startswith(("m2", "m3"))]
    assert steps["m2/kubelet"].touches == frozenset(), "it joins whenever it can"


def test_nodes_that_are_there_are_touched_in_turn() -> None:
    steps = planned(standing())
    assert steps["w1/kubelet"].touches == steps["w1/containerd"].touches == {"node/w1"}
    assert steps["m1/kubelet"].touches == {"node/m1"}


def test_a_first_start_has_no_order_but_its_needs() -> None:
    steps = planned(site(profile(3, 2, 1)))
    assert all(step.after == () for step in steps.values() if not step.id.startswith("cluster"))
    assert steps["m1/etcd"].around is None
