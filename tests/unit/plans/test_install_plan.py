"""The plan of an install: its shape, for every size of site."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from tests.unit.render.sites import PRACTICE, facts, profile, site
from tests.unit.steps.samples import bundle
from wizard.bundle.lock import BundleError
from wizard.engine.graph import checked, upstream
from wizard.engine.step import Change, Drifted, Plan, Satisfied, Step
from wizard.facts.cluster import ETCD_WORKED
from wizard.facts.traces import ClusterTraces, Marker
from wizard.pki.certificates import new_leaf
from wizard.pki.store import Pki, make
from wizard.pki.wanted import node_client
from wizard.pki.wanted import wanted as certificates
from wizard.plans.install import install
from wizard.profile.model import Network, Profile, Role
from wizard.render.api import Site
from wizard.steps.join import new_token

SHAPES = [(1, 0), (3, 0), (3, 2), (5, 0), (7, 0)]
NOW = datetime.datetime.now(datetime.UTC)
MASTER_TAINT = [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]
ETCD_ONLY = {"packages", "settings", "pki", "swap", "etcd-binaries", "etcd"}


def planned(wanted: Profile | None = None, **system: Any) -> Plan:
    return install(site(wanted, **system), bundle(), None)


def of(plan: Plan, host: str) -> dict[str, Step]:
    """Return a host's own steps by the last part of their ids."""
    return {step.id.partition("/")[2]: step for step in plan.steps if step.id.startswith(f"{host}/")}


def renamed(step: Step, host: str) -> tuple[Any, ...]:
    """Return a step's place in the graph with its host's name taken out."""

    def plain(names: Any) -> tuple[str, ...]:
        return tuple(name.replace(f"{host}/", "*/").replace(f"/{host}", "/*") for name in names)

    return (
        plain(step.needs), plain(step.needs_any), plain(step.after), frozenset(plain(step.touches)),
        step.title, step.phase, step.weight, step.timeout, step.alternates,
    )  # fmt: skip


@pytest.mark.parametrize(("masters", "etcd_only"), SHAPES)
def test_ids_are_unique_needs_are_there_and_nothing_waits_in_a_circle(masters: int, etcd_only: int) -> None:
    plan = planned(profile(masters, etcd_only))
    assert len(checked(plan)) == len(plan.steps)
    assert plan.hosts == tuple(host.name for host in profile(masters, etcd_only).hosts)


@pytest.mark.parametrize(("masters", "etcd_only"), SHAPES)
def test_all_masters_are_alike(masters: int, etcd_only: int) -> None:
    plan = planned(profile(masters, etcd_only))
    first = {name: renamed(step, "m1") for name, step in of(plan, "m1").items()}
    for number in range(2, masters + 1):
        host = f"m{number}"
        assert {name: renamed(step, host) for name, step in of(plan, host).items()} == first


def test_no_masters_step_waits_for_another_masters_alone() -> None:
    """What is asked of the cluster as a whole may be asked of any master, and needs any one of them."""
    plan = planned()
    for step in plan.steps:
        if step.host == "m1" and step.id.startswith("m1/"):
            assert not [need for need in step.before if need.startswith(("m2/", "m3/"))]
    objects = next(step for step in plan.steps if step.id == "cluster/objects")
    assert objects.needs_any == ("m1/apiserver", "m2/apiserver", "m3/apiserver")
    assert objects.enough == 1
    for step in plan.steps:
        if step.id.startswith("cluster/"):
            assert sorted(step.hosts) == ["m1", "m2", "m3"]
            assert not set(step.needs) & {f"{host}/{name}" for host in step.hosts for name in of(plan, host)}


def test_the_order_of_hosts_in_the_profile_changes_no_step_of_a_host() -> None:
    forth = planned()
    back = planned(profile().model_copy(update={"hosts": tuple(reversed(profile().hosts))}))
    for host in ("m1", "m2", "m3"):
        one, other = of(forth, host), of(back, host)
        assert one.keys() == other.keys()
        assert all(renamed(one[name], host) == renamed(other[name], host) for name in one)


def test_hosts_for_etcd_alone_get_etcd_and_nothing_else() -> None:
    plan = planned(profile(3, 2))
    for host in ("e1", "e2"):
        assert of(plan, host).keys() == ETCD_ONLY
        assert not [step.id for step in plan.steps if host in step.hosts and not step.id.startswith(f"{host}/")]
    assert of(plan, "m1").keys() > ETCD_ONLY


WORKER = {
    "packages", "settings", "pki", "swap", "runtime-binaries", "containerd", "kubernetes-binaries", "cni",
    "cni-more", "node-images", "dns-images", "join", "kubelet", "node", "joined",
}  # fmt: skip


def joined(wanted: Profile, *names: str, keys: Pki | None = None) -> Site:
    """Return the site as it stands once the workers `names` have joined, with `keys` (default: its own)."""
    of, found = site(wanted), {}
    keys = keys or keys_of(wanted)
    for host in wanted.hosts:
        facts = of.facts[host.name]
        if host.name in names:
            certificate = new_leaf(node_client(host), keys.pair("ca"), NOW).certificate.decode()
            traces = ClusterTraces(kubelet_server="https://198.18.0.100:6443", kubelet_certificate=certificate)
            facts = replace(facts, traces=traces)
        found[host.name] = facts
    return replace(of, facts=found)


@cache
def keys_of(wanted: Profile) -> Pki:
    return make(certificates(wanted), None, NOW)[0]


def test_a_worker_gets_what_runs_pods_and_nothing_of_the_control_plane() -> None:
    plan = planned(profile(3, 2, 2))
    for host in ("w1", "w2"):
        steps = of(plan, host)
        assert steps.keys() == WORKER
        assert not [step.id for step in plan.steps if host in step.hosts and not step.id.startswith(f"{host}/")]
        held = [step for name, step in steps.items() if name.endswith("-images")]
        refs = {pipe.subject for step in held for pipe in change_of(step).pipes}
        assert refs == {f"image registry.example/{name}:v1" for name in ("pause", "flannel", "kube-proxy", "coredns")}
        assert change_of(steps["packages"]).pipes == ()
        assert {file.path for file in change_of(steps["kubernetes-binaries"]).files} == {"/usr/local/bin/kubelet"}
    assert len(change_of(of(plan, "m1")["packages"]).pipes) == 2
    assert len(checked(plan)) == len(plan.steps)


def test_workers_wait_for_the_api_and_never_for_each_other() -> None:
    plan = planned(profile(3, 0, 3))
    for host in ("w1", "w2", "w3"):
        before = {need for step in of(plan, host).values() for need in step.before}
        assert {need for need in before if not need.startswith(f"{host}/")} == {"cluster/join-token"}
    token = next(step for step in plan.steps if step.id == "cluster/join-token")
    assert set(token.needs) == {"cluster/objects", "cluster/endpoint"}
    masters = [step for step in plan.steps if step.host in {"m1", "m2", "m3"} and not step.id.startswith("cluster/")]
    assert not [step.id for step in masters if any(need.startswith("w") for need in step.before)]
    rollout, last = (next(step for step in plan.steps if step.id == f"cluster/{name}") for name in
                     ("rollout", "no-join-token"))  # fmt: skip
    assert {"w1/node", "w2/node", "w3/node"} <= set(rollout.after)
    assert last.after == ("cluster/join-token", "w1/node", "w2/node", "w3/node"), "it ends however the joining ended"


def test_a_worker_has_its_images_before_its_kubelet_runs_pods_that_need_them() -> None:
    steps = of(planned(profile(3, 0, 1)), "w1")
    # One after the other: they share a layer, which containerd takes in for one at a time.
    assert (steps["node-images"].needs, steps["dns-images"].needs) == (("w1/containerd",), ("w1/node-images",))
    assert {"w1/node-images", "w1/dns-images", "w1/join"} <= set(steps["kubelet"].needs)
    assert set(steps["node"].needs) == {"w1/kubelet", "w1/cni"}
    plugins = [{file.path for file in change_of(steps[name]).files} for name in ("cni", "cni-more")]
    assert set.union(*plugins) == {file.path for file in change_of(of(planned(profile(3)), "m1")["cni"]).files}
    assert not set.intersection(*plugins)


def test_a_worker_of_a_cluster_at_work_goes_ahead_of_everybody_elses_looks() -> None:
    wanted = profile(3, 0, 2)
    plan = install(working(joined(wanted, "w1")), bundle(), keys_of(wanted), token=new_token())
    assert plan.ahead == ("w2/node",)
    steps = checked(plan)
    before = upstream(plan.ahead, steps)
    assert {name for name in before if not name.startswith("w2/")} == {"cluster/join-token"}, "nobody is waited for"
    later = {"w2/packages", "w2/dns-images", "w2/cni-more"}
    assert not before & later
    assert later <= set(steps["verify/try"].after), "the proof finds all in its place"
    for name in later:
        assert steps[name].needs[-1] == "w2/node"
        assert steps[name].background
    for name in ("settings", "runtime-binaries", "packages"):
        assert "w2/tools" in steps[f"w2/{name}"].needs
        assert ("w1/packages" in steps[f"w1/{name}"].needs) == (name != "packages")
    assert "w1/tools" not in steps, "in one part where nobody is in a hurry"
    assert "w1/dns-images" in steps["w1/kubelet"].needs, "nothing changes for one that has joined"
    assert install(working(joined(wanted, "w1", "w2")), bundle(), keys_of(wanted)).ahead == ()


@pytest.mark.parametrize("worse", ["no answer", "no apiserver", "another cluster"])
def test_nobody_goes_ahead_where_a_master_may_have_to_be_mended_first(worse: str) -> None:
    wanted = profile(3, 0, 1)
    well = working(site(wanted))
    facts = dict(well.facts)
    m2 = facts.pop("m2")
    if worse == "no apiserver":
        facts["m2"] = replace(m2, traces=replace(m2.traces, running=("kubelet",)))
    elif worse == "another cluster":
        facts["m2"] = replace(m2, traces=replace(m2.traces, marker=Marker("another", "other", "{}")))
    plan = install(replace(well, facts=facts), bundle(), keys_of(wanted), token=new_token())
    assert plan.ahead == ()
    assert set(checked(plan)["cluster/join-token"].needs) == {"cluster/objects", "cluster/endpoint"}


def working(of: Site) -> Site:
    """Return the site with an apiserver of its own cluster on each master."""
    facts = dict(of.facts)
    for host in of.profile.masters:
        traces = replace(facts[host.name].traces, marker=Marker(of.uid, "c", "{}"), running=("kube-apiserver",))
        facts[host.name] = replace(facts[host.name], traces=traces)
    return replace(of, facts=facts)


def test_only_a_worker_that_has_not_joined_gets_a_token() -> None:
    wanted = profile(3, 0, 2)
    token = new_token()
    plan = install(joined(wanted, "w1"), bundle(), keys_of(wanted), token=token)
    assert "join" in of(plan, "w2")
    assert "join" not in of(plan, "w1")
    last = next(step for step in plan.steps if step.id == "cluster/no-join-token")
    assert last.after == ("cluster/join-token", "w2/node")
    whole = install(joined(wanted, "w1", "w2"), bundle(), keys_of(wanted), token=token)
    assert {step.id for step in plan.steps} - {step.id for step in whole.steps} == {"cluster/join-token", "w2/join"}
    assert not [step.id for step in whole.steps if step.secrets]


def test_what_joining_changes_is_looked_at_again_though_the_node_was_ready_by_its_turn() -> None:
    """A step that found all as wanted counts as unchanged, and looks that were taken before it still hold then."""
    plan = planned(profile(3, 0, 1))
    steps = {step.id: step for step in plan.steps}
    assert "w1/join" in steps["w1/joined"].needs
    assert "w1/join" in steps["cluster/rollout"].after
    assert "cluster/join-token" in steps["cluster/no-join-token"].after


def test_a_worker_more_changes_no_step_of_the_hosts_that_are_there() -> None:
    small, large = profile(3, 0, 1), profile(3, 0, 2)
    keys = keys_of(large)
    before = {
        step.id: step for step in install(joined(small, "w1", keys=keys), bundle(), keys, token=new_token()).steps
    }
    after = {step.id: step for step in install(joined(large, "w1", keys=keys), bundle(), keys, token=new_token()).steps}
    assert {name.partition("/")[0] for name in after.keys() - before.keys()} == {"w2", "cluster"}
    # The proof at the end tries every node, the new one too.
    for name, step in ((name, step) for name, step in before.items() if not name.startswith("verify/")):
        assert after[name].probe.script == step.probe.script, name
        assert after[name].change == step.change, name


def test_a_dry_run_plans_a_host_whose_certificates_are_yet_to_be_made() -> None:
    known, grown = profile(3, 0, 1), profile(3, 0, 2)
    plan = install(joined(grown), bundle(), keys_of(known))
    verdict = of(plan, "w2")["pki"].probe.judge("", 0)
    assert isinstance(verdict, Drifted)
    assert "slipway apply" in verdict.diff[0].after
    assert isinstance(of(plan, "w1")["pki"].change, Change)
    assert change_of(of(plan, "w1")["pki"]).files


def test_no_token_step_is_planned_where_there_is_no_worker() -> None:
    assert not [step.id for step in planned(profile(3, 2)).steps if "token" in step.id]


def change_of(step: Step) -> Change:
    assert isinstance(step.change, Change)
    return step.change


def test_voters_are_touched_by_their_own_step_alone() -> None:
    plan = planned(profile(3, 2))
    etcd, apiserver, controllers, nodes = plan.groups
    assert (len(etcd.members), etcd.needed) == (5, 3)
    assert (len(apiserver.members), apiserver.needed) == (3, 1)
    assert (len(controllers.members), controllers.needed) == (3, 0)
    assert (len(nodes.members), nodes.needed) == (3, 0)
    assert all(group.alone for group in plan.groups)
    touched = {step.id: step.touches for step in plan.steps if step.touches}
    members = etcd.members | apiserver.members | controllers.members
    assert {name for names in touched.values() for name in names} == members, "nobody waits for a new node's turn"
    # The apiserver beside a member asks it alone.
    assert touched["m1/etcd"] == {"etcd/m1", "apiserver/m1"}
    assert touched["e1/etcd"] == {"etcd/e1"}
    assert all(len(names) == 1 for name, names in touched.items() if name not in {"m1/etcd", "m2/etcd", "m3/etcd"})


def test_only_a_first_start_is_exempt_from_the_quorum_rule() -> None:
    assert [group.exempt for group in planned().groups] == [True] * 4
    wanted = profile()
    there = {host.name: facts(host) for host in wanted.hosts}
    for worked in (False, True):
        # Data alone may be that of a run that was killed before the members ever met.
        there["m2"] = replace(there["m2"], traces=ClusterTraces(etcd_data=True, etcd_worked=worked))
        stands = Site(wanted, site().versions, "uid-1", there)
        assert [group.exempt for group in install(stands, bundle(), None).groups] == [not worked] * 4


def test_a_container_keeps_the_swap_of_the_machine_underneath() -> None:
    assert "swap" in of(planned(), "m1")
    assert "swap" not in of(planned(**PRACTICE), "m1")


def test_an_apiserver_waits_for_its_own_etcd_or_for_a_quorum_of_the_others() -> None:
    assert "m1/etcd" in of(planned(profile(3, 2)), "m1")["apiserver"].needs
    apart = Profile.model_validate(
        {
            "name": "apart",
            "hosts": [
                {"name": "m1", "address": "198.18.0.11", "roles": ["master"]},
                *({"name": f"e{n}", "address": f"198.18.0.2{n}", "roles": ["etcd"]} for n in (1, 2, 3)),
            ],
            "endpoint": {"vip": "198.18.0.100"},
        }
    )
    step = of(planned(apart), "m1")["apiserver"]
    assert "etcd" not in of(planned(apart), "m1")
    assert step.needs_any == ("e1/etcd", "e2/etcd", "e3/etcd")
    assert step.enough == 2


def test_images_are_taken_in_one_after_another_so_that_the_apiservers_comes_first() -> None:
    steps = of(planned(), "m1")
    assert steps["apiserver-images"].needs == ("m1/containerd",)
    assert "m1/apiserver-images" in steps["controller-images"].before
    assert (
        "m1/apiserver-images" in steps["addon-images"].before or "m1/controller-images" in steps["addon-images"].before
    )


def test_the_last_phase_proves_the_cluster_once_all_of_it_runs() -> None:
    steps = checked(planned(profile(3, 0, 1))).values()
    proof, others = ([step for step in steps if (step.phase == "verify") is last] for last in (True, False))
    assert proof[0].id == "verify/try"
    assert set(proof[0].needs) == {"cluster/endpoint", "cluster/rollout"}
    assert not [step.id for step in others if set(step.before) & {step.id for step in proof}]


def test_where_the_site_brings_its_pod_network_nobody_waits_for_it() -> None:
    """Nodes register and kube-proxy runs; Ready nodes, CoreDNS and the proof come with what the site installs."""
    network = Network(plugin="none")
    plan = planned(profile(3, 0, 1, network=network))
    steps = {step.id: step for step in checked(plan).values()}
    assert not [name for name in steps if name.startswith("verify/")]
    held = [step for name, step in steps.items() if name.startswith("w1/") and name.endswith("-images")]
    subjects = {pipe.subject for step in held for pipe in change_of(step).pipes}
    assert subjects == {f"image registry.example/{name}:v1" for name in ("pause", "kube-proxy", "coredns")}
    unready = {"type": "Ready", "status": "False", "message": "cni plugin not initialized"}
    for name, labels, taints in (
        ("m1", {"node-role.kubernetes.io/control-plane": ""}, MASTER_TAINT),
        ("w1", {}, []),
    ):
        step = steps[f"{name}/node"]
        status = {"conditions": [unready], "addresses": []}
        node = {
            "kind": "Node",
            "metadata": {"name": name, "labels": labels},
            "spec": {"taints": taints},
            "status": status,
        }
        assert isinstance(step.probe.judge(json.dumps(node), 0), Satisfied)
        assert isinstance(of(planned(profile(3, 0, 1)), name)["node"].probe.judge(json.dumps(node), 0), Drifted)
        assert (step.title, "Ready" in change_of(step).script) == ("Node is registered", False)
    rollout = steps["cluster/rollout"]
    assert "coredns" not in change_of(rollout).script
    assert "daemonset/kube-proxy" in change_of(rollout).script
    running = {"desiredNumberScheduled": 4, "updatedNumberScheduled": 4, "observedGeneration": 1}
    for ready, kind in ((4, Satisfied), (0, Drifted)):
        proxy = {
            "kind": "DaemonSet",
            "metadata": {"name": "kube-proxy", "namespace": "kube-system", "generation": 1},
            "status": {**running, "numberReady": ready},
        }
        assert isinstance(rollout.probe.judge(json.dumps(proxy) + "\n" + "node False\n" * 4, 0), kind)


def test_nodes_that_run_have_their_images_before_the_objects_that_need_them() -> None:
    """A Pod that finds none asks a registry, which on a closed site may take minutes to be given up."""
    wanted = profile(3, 2, 2)
    facts = {
        name: replace(found, traces=ClusterTraces(kubelet=name != "w2")) for name, found in site(wanted).facts.items()
    }
    steps = checked(install(replace(site(wanted), facts=facts), bundle(), None))
    images = (
        *("m1/addon-images", "m2/addon-images", "m3/addon-images"),
        *("w1/node-images", "w1/dns-images"),
    )
    assert steps["cluster/objects"].after == images, "w2 is new: it has its own before its kubelet begins"
    assert set(images) <= steps.keys()
    assert checked(planned(wanted))["cluster/objects"].after == (), "at first the objects wait for nobody's images"


def test_images_that_nodes_fetch_are_no_steps_and_others_must_be_in_the_bundle() -> None:
    fetched = planned(profile(network=Network(plugin="calico", images="registry")))
    refs = {pipe.subject for pipe in change_of(of(fetched, "m1")["addon-images"]).pipes}
    assert refs == {f"image registry.example/{name}:v1" for name in ("kube-proxy", "coredns")}
    with pytest.raises(BundleError, match="no image/calico-node"):
        planned(profile(network=Network(plugin="calico")))


def test_what_the_bundle_lacks_is_said_before_anything_is_planned() -> None:
    with pytest.raises(BundleError, match=r"no packages for ubuntu-24\.04"):
        planned(os_id="ubuntu", os_version="24.04")


def test_roles_decide_and_not_names() -> None:
    swapped = profile().model_copy(
        update={"hosts": tuple(host.model_copy(update={"name": f"x{n}"}) for n, host in enumerate(profile().hosts))}
    )
    assert all(Role.MASTER in host.roles for host in swapped.hosts)
    plan = planned(swapped)
    assert {step.host for step in plan.steps} == {"x0", "x1", "x2"}


def test_what_tells_that_etcd_has_worked_is_what_its_step_leaves() -> None:
    change = of(planned(), "m1")["etcd"].change
    assert isinstance(change, Change)
    assert change.ours[0] == ETCD_WORKED
    assert f"> {ETCD_WORKED}" in change.script
