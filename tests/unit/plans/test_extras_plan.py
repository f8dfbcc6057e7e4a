"""What an install plans for a site's own parts, and what it leaves alone where there are none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.unit.render.sites import profile, site
from tests.unit.steps.samples import bundle
from wizard.engine.graph import checked
from wizard.engine.marker import HostMarker, Put, dump
from wizard.engine.step import Change, Drifted, Plan, Satisfied
from wizard.facts.traces import ClusterTraces, Marker
from wizard.plans.install import install
from wizard.profile.extras import Registry, Words
from wizard.profile.model import Profile
from wizard.remote.base import Secret
from wizard.render.extras_files import ExtrasFiles, ManifestFile
from wizard.render.site import Site
from wizard.steps.host import settings_step

OWN = "registry.example:5000"
THING = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
FULL = ExtrasFiles({OWN: b"-----"}, {OWN: Secret("pa ss")}, (ManifestFile("a.yaml", (THING,)),), read=True)


def planned(wanted: Profile, extras_files: ExtrasFiles = FULL, **traces: Any) -> Plan:
    of = replace(site(wanted), extras_files=extras_files)
    found = {name: replace(facts, traces=ClusterTraces(**traces)) for name, facts in of.facts.items()}
    return install(replace(of, facts=found), bundle(), None)


def ids(plan: Plan) -> set[str]:
    return {step.id for step in plan.steps}


def test_a_site_that_brings_nothing_has_no_step_for_it() -> None:
    plain = ids(planned(profile(3, 1, 1), ExtrasFiles(read=True)))
    assert plain == ids(planned(profile(3, 1, 1), ExtrasFiles()))
    assert not [name for name in plain if name.rpartition("/")[2] in ("registries", "manifests", "nodes")]


def test_nodes_get_registries_masters_the_folder_and_one_applies_it() -> None:
    wanted = profile(3, 1, 1, registries=(Registry(name=OWN, username="pull"),))
    plan = planned(wanted)
    own = ids(plan) - ids(planned(profile(3, 1, 1), ExtrasFiles(read=True)))
    assert own == {
        *(f"{name}/registries" for name in ("m1", "m2", "m3", "w1")),
        *(f"{name}/manifests" for name in ("m1", "m2", "m3")),
        "cluster/manifests",
    }
    steps = checked(plan)
    applied = steps["cluster/manifests"]
    assert (applied.hosts, applied.needs_any) == (("m1", "m2", "m3"), ("m1/manifests", "m2/manifests", "m3/manifests"))
    assert "cluster/rollout" in applied.after
    # No output of the step may show the login, in whatever form.
    assert {"pa ss", "cHVsbDpwYSBzcw=="} <= {secret.reveal() for secret in steps["w1/registries"].secrets}
    change = steps["w1/registries"].change
    assert isinstance(change, Change)
    assert "pa ss" not in repr(change) + steps["w1/registries"].probe.script


def test_labels_are_held_where_the_profile_has_some_or_a_cluster_stands_that_may_have_had() -> None:
    wanted = profile(3, 0, 1)
    labelled = wanted.model_copy(
        update={"hosts": (*wanted.hosts[:3], wanted.hosts[3].model_copy(update={"labels": Words({"a": "b"})}))}
    )
    assert "cluster/nodes" in ids(planned(labelled))
    assert "cluster/nodes" in ids(planned(wanted, etcd_worked=True, etcd_data=True))
    step = checked(planned(labelled))["cluster/nodes"]
    assert {"m1/node", "w1/node", "w1/join"} <= set(step.after)


def test_a_password_nobody_gave_yet_is_drift_in_a_look() -> None:
    wanted = profile(registries=(Registry(name=OWN, username="pull"),))
    step = checked(planned(wanted, replace(FULL, passwords={})))["m1/registries"]
    verdict = step.probe.judge("", 0)
    assert isinstance(verdict, Drifted)
    assert f"password for {OWN}" in [diff.subject for diff in verdict.diff]


def stood(of: Site, *paths: str) -> Site:
    """Return the site with a first master on which an earlier run put `paths` among its settings."""
    text = dump(HostMarker("u", "c", files={path: Put("0" * 64, step="m1/settings") for path in paths}))
    facts = replace(of.facts["m1"], traces=ClusterTraces(marker=Marker(text=text)))
    return replace(of, facts={**of.facts, "m1": facts})


def test_time_servers_that_the_profile_names_no_more_leave_the_host() -> None:
    path = "/etc/chrony/sources.d/slipway.sources"
    of = stood(site(), path, "/etc/sysctl.d/90-slipway.conf")
    step = settings_step(of, of.profile.hosts[0])
    assert isinstance(step.change, Change)
    assert step.change.absent == (path,)
    assert "systemctl try-restart chrony.service" in step.change.script
    kept = settings_step(stood(site(profile(time_servers=("ntp.example",))), path), of.profile.hosts[0])
    assert isinstance(kept.change, Change)
    assert kept.change.absent == ()


def test_a_kernel_setting_that_the_kernel_has_not_is_no_silent_success() -> None:
    wanted = profile(sysctls=Words({"net.core.somaxconn": "5"}))
    step = settings_step(site(wanted), wanted.hosts[0])

    def said(value: str) -> list[str]:
        verdict = step.probe.judge(f"--slipway-cut--\n{value}applied=\n", 0)
        assert not isinstance(verdict, Satisfied)
        assert isinstance(verdict, Drifted)
        return [diff.before for diff in verdict.diff if diff.subject == "sysctl net.core.somaxconn"]

    path = "/proc/sys/net/core/somaxconn"
    assert (said(""), said(f"{path}:4\n"), said(f"{path}:5\n")) == (["not in this kernel"], ["4"], [])
    assert isinstance(step.change, Change)
    # What was noted and is wanted no more gets its value back; what is wanted keeps its note.
    kept = next(line for line in step.change.script.splitlines() if line.startswith("kept="))
    assert " net.core.somaxconn " in kept
    assert " kernel.panic " in kept
