"""Other roles for a host that is in the cluster: every combination, told by the profile applied last or by the host."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from wizard.errors import Level, Problem
from wizard.facts.model import Facts
from wizard.profile.model import Profile
from wizard.remote.base import Unreachable

from . import sites as site
from .cases_change import ALL, NEWEST, works
from .sites import UID

M, ME, E, W = ("master",), ("master", "etcd"), ("etcd",), ("worker",)
ROLES = {"M": M, "ME": ME, "E": E, "W": W}
MAY = {("M", "ME"), ("E", "ME")}
WORDS = {"M": "a master", "ME": "a master and an etcd member", "E": "an etcd member", "W": "a worker"}
APISERVER = "/etc/kubernetes/manifests/kube-apiserver.yaml"


def of(kinds: str) -> Profile:
    """Return a site of m1, m2 … with these roles."""
    hosts = [
        {"name": f"m{number}", "address": f"10.20.0.1{number}", "roles": ROLES[kind]}
        for number, kind in enumerate(kinds.split(), 1)
    ]
    return site.profile(hosts=hosts, kubernetes=NEWEST)


def found(before: str, after: str, *, by_hosts: bool = False, **more: Any) -> list[Problem]:
    """Return what is said of roles; `by_hosts` leaves it to the hosts to tell what they are."""
    was, wanted = of(before), of(after)
    roles = {host.name: host.roles for host in was.hosts}

    def mend(facts: Facts) -> Facts:
        has = roles.get(facts.host, ())
        traces = replace(
            works(facts).traces,
            kubelet=has != E,
            kubelet_server="https://10.20.0.100:6443" if has == W else f"https://10.20.0.1{facts.host[-1]}:6443",
            etcd_data="etcd" in has, etcd_worked="etcd" in has, manifests=(APISERVER,) if "master" in has else (),
        )  # fmt: skip
        return replace(works(facts), traces=traces)

    on = " ".join(host.name for host in wanted.hosts if host.name not in more.get("failures", ()))
    values = {"on": on, "uid": UID, "applied": None if by_hosts else was, **more}
    said = site.judged(values.pop("mend", mend), wanted=wanted, **values)
    return [one for one in said if one.code == "change.role"]


@pytest.mark.parametrize("by_hosts", [False, True], ids=["applied", "by hosts"])
@pytest.mark.parametrize(("was", "becomes"), permutations(ROLES, 2))
def test_a_host_may_get_a_role_and_gives_none_up(was: str, becomes: str, by_hosts: bool) -> None:
    said = found(f"ME ME ME {was}", f"ME ME ME {becomes}", by_hosts=by_hosts)
    if (was, becomes) in MAY:
        assert said == []
        return
    (problem,) = said
    assert (problem.level, problem.host, problem.field) == (Level.ERROR, "m4", "hosts[3].roles")
    assert f"m4 is {WORDS[was]} of this cluster, and the profile makes it {WORDS[becomes]}" in problem.message
    assert problem.hint.startswith("Take m4 out of the profile and apply with --allow-removal; then add it as ")
    stays = {"voting": "etcd", "serving": "master", "Pods": "worker"}
    lost = set(ROLES[was]) - set(ROLES[becomes])
    assert {role for word, role in stays.items() if word in problem.message} == lost


def test_where_too_few_would_be_left_another_one_has_to_join_first() -> None:
    (problem,) = found("ME ME ME W W", "ME ME W W W")
    assert "let another host join as a master and an etcd member in that run" in problem.hint
    assert "else 2 masters and 2 etcd members would be left" in problem.hint


def test_of_two_that_change_places_each_is_told_its_own_way() -> None:
    master, worker = found("ME ME ME W", "ME ME W ME")
    assert (master.host, worker.host) == ("m3", "m4")
    assert "let another host join" in master.hint
    assert "let another host join" not in worker.hint, "m3 is what it was, while m4 goes"


def test_a_host_out_of_reach_and_one_that_never_worked_are_judged_by_what_was_applied() -> None:
    assert [one.host for one in found("ME ME ME W", "ME ME ME E", failures={"m4": Unreachable("no answer")})] == ["m4"]
    assert [one.host for one in found("ME ME ME W", "ME ME ME E", mend=lambda facts: facts)] == ["m4"]


def test_an_install_that_broke_off_tells_no_roles() -> None:
    """The first run was killed: nothing is on file, and a kubelet's files lie on hosts that are no masters yet."""

    def begun(facts: Facts) -> Facts:
        traces = replace(works(facts).traces, kubelet=True, etcd_data=False, etcd_worked=False)
        return replace(works(facts), traces=traces)

    assert found("ME ME ME W", "ME ME ME M", by_hosts=True, mend=begun) == []


def test_hosts_that_stay_what_they_are_and_those_of_another_cluster_are_not_meant() -> None:
    for by_hosts in (False, True):
        assert found("ME ME ME E M W", "ME ME ME E M W", by_hosts=by_hosts) == []
    assert found("ME ME ME W", "ME ME ME E", by_hosts=True, uid="another") == []
    assert found("ME ME ME", "ME ME ME W", on=ALL) == [], "it is new"
