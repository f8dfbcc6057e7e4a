"""What can't be changed: when it is said, when it is not, and what a host out of reach keeps nobody from seeing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from wizard.checks.change import FIXED, upgrade, values
from wizard.facts.model import Facts
from wizard.remote.base import HostKeyChanged, Unreachable

from . import sites as site
from .cases_change import ALL, NEWEST, OLDER, given, hosts, works


def said(mend: site.Mend = works, **more: Any) -> set[str]:
    found = site.judged(mend, **{**given(), **more})
    return {f"{problem.host} {problem.code}".strip() for problem in found if problem.code.startswith("change.")}


def test_a_cluster_as_it_was_applied_has_nothing_that_changed() -> None:
    assert said() == set()
    assert said(applied=None) == set()


def test_what_may_change_is_not_refused() -> None:
    wanted = site.profile(
        endpoint={"vip": "10.20.0.100", "dns_name": "api.site.example", "vrid": 52, "advert_interval": 0.3},
        etcd={"tuning": "slow-disk"},
        network={"kube_proxy": "nftables"},
        masters_schedulable=True,
        kubernetes=NEWEST,
        hosts=[{**host, "zone": "a"} for host in hosts(m1={"address": "m1.site.example", "node_ip": "10.20.0.11"})],
    )
    assert said(wanted=wanted) == set()


def test_what_one_host_has_otherwise_was_changed_by_hand_and_is_drift() -> None:
    def by_hand(facts: Facts) -> Facts:
        found = works(facts)
        strange = replace(found.settled, pod_cidr="10.9.0.0/16", kubernetes=OLDER, node_ip="10.20.0.99")
        return replace(found, settled=strange) if facts.host == "m1" else found

    assert said(by_hand) == set()
    assert said(by_hand, applied=None) == {"m1 change.address"}, "nobody else knows its address"


def test_until_a_cluster_has_worked_everything_may_change() -> None:
    never = site.both(works, site.traces(etcd_worked=False))
    other = site.profile(network={"pod_cidr": "10.245.0.0/16"})
    assert said(never, wanted=other) == set()
    assert said(wanted=other, uid="another") == set()


def test_a_host_whose_new_address_nobody_answers_at_is_said_to_have_moved() -> None:
    wanted = site.profile(hosts=hosts(m3={"address": "10.20.0.79"}))
    assert said(wanted=wanted, on="m1 m2", failures={"m3": Unreachable("no answer")}) == {"m3 change.address"}


def test_hosts_that_are_swapped_are_told_even_where_their_keys_keep_everybody_out() -> None:
    wanted = site.profile(hosts=hosts(m2={"address": "10.20.0.13"}, m3={"address": "10.20.0.12"}))
    strange = {name: HostKeyChanged("Another key", fingerprint="SHA256:x") for name in ("m2", "m3")}
    assert said(wanted=wanted, failures=strange, on="m1") == {"m2 change.swapped", "m3 change.swapped"}


def test_a_host_that_takes_the_address_of_one_that_goes_has_moved() -> None:
    two = [host for host in hosts(m2={"address": "10.20.0.13"}) if host["name"] != "m3"]
    assert said(wanted=site.profile(hosts=two), on="m1 m2") == {"m2 change.address"}


def test_a_host_that_is_new_has_no_past() -> None:
    grown = site.profile(hosts=[*hosts(), {"name": "w1", "address": "10.20.0.51", "roles": ["worker"]}])
    assert said(wanted=grown, on=ALL) == set()


def test_a_plugin_stays() -> None:
    """There is one plugin to choose so far: the value is bent behind the model's back."""
    applied = site.profile()
    network = applied.network.model_copy(update={"plugin": "another"})
    (problem,) = values(applied.model_copy(update={"network": network}), applied)
    assert (problem.code, problem.field) == ("change.plugin", "network.plugin")
    assert problem.code in {item.code for item in FIXED}


def test_another_plugin_is_said_once() -> None:
    """Of the whole cluster where it is known what was applied; else of each host that runs another one."""
    wanted = site.profile(network={"plugin": "cilium", "images": "registry"})
    on_flannel = site.both(works, site.traces(cni=("/etc/cni/net.d/10-flannel.conflist",)))

    def codes(**more: Any) -> list[str]:
        found = site.judged(on_flannel, **{**given(), "wanted": wanted, "on": ALL, **more})
        return [f"{problem.host} {problem.code}".strip() for problem in found if "plugin" in problem.code]

    assert codes() == ["change.plugin"]
    assert codes(applied=None) == [f"{name} network.plugin-changed" for name in ALL.split()]


def test_a_cluster_without_a_plugin_may_get_one() -> None:
    wanted = site.profile()
    without = wanted.model_copy(update={"network": wanted.network.model_copy(update={"plugin": "none"})})
    assert list(values(wanted, without)) == []
    assert [problem.code for problem in values(without, wanted)] == ["change.plugin"]


def test_an_upgrade_is_known_by_what_runs_before_what_was_applied() -> None:
    applied = site.profile(kubernetes=OLDER)
    assert not list(upgrade(site.profile(kubernetes=NEWEST), applied, [NEWEST, "", NEWEST, OLDER]))
    (problem,) = upgrade(site.profile(kubernetes=NEWEST), applied)
    assert f"runs Kubernetes {OLDER}" in problem.message
    assert not list(upgrade(site.profile(), None))
