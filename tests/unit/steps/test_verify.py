"""Verify: what its script does in a world that answers as told (fakes), and what is read from its results."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.unit.render.sites import profile, site
from wizard.engine.step import Blocked, Drifted, Satisfied, Unknown
from wizard.profile.model import Host, Role
from wizard.render import api as render
from wizard.render.api import Site
from wizard.steps.objects import parse
from wizard.steps.verify import (
    CHECKS,
    LABEL,
    NOTE,
    RESULTS,
    Check,
    Try,
    digest_of,
    judge_check,
    judge_run,
    message_of,
    script,
    tries_of,
    verify_steps,
)

BY_NAME = {check.what: check for check in CHECKS}
ADDRESS = BY_NAME["address"]

KUBECTL = r"""#!/bin/sh
# A fake: answers as the files beside it say, and notes what it was asked.
cd "$(dirname "$0")/.."
line=$*
echo "$line" >>asked
case "$line" in
*"apply --server-side --validate=false"*)
  rm -f closed killed; cat >made.yaml; grep -o -m 1 'slipway-verify-.*' made.yaml >namespace;;
*"get service any"*) echo "10.96.7.7 30777";;
*"get nodes"*) cat nodes;;
*"get pods -l app=each"*) cat pods;;
*"get pods -l app=again"*) name=again-1; [ ! -f killed ] || name=again-2; echo "m1|$name|10.244.0.9|True|";;
*"delete pod again-1"*) touch killed;;
*"delete service any"*) touch closed;;
*"exec "*) pod=${line#*exec }; pod=${pod%% *}
  [ -f "exec-$pod" ] || { echo "error: can't reach the kubelet" >&2; exit 1; }; cat "exec-$pod";;
*"logs "*) echo "served by ${line##*-}";;
*"delete namespace -l"*) ;;
*"delete namespace slipway-verify-"*) rm -f namespace;;
*"get namespace -l"*) cat namespace 2>/dev/null; true;;
esac
"""
CURL = """#!/bin/sh
# A fake: every node answers until the Service is deleted.
cd "$(dirname "$0")/.."
[ -f closed ] && exit 7
echo "served by someone"
"""


class World:
    """A fake cluster, as files that a fake kubectl and a fake curl answer from."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "bin").mkdir()
        for name, text in (("kubectl", KUBECTL), ("curl", CURL)):
            path = folder / "bin" / name
            path.write_text(text)
            path.chmod(0o755)
        self.nodes(m1="True", m2="True", m3="True")
        self.put("pods", *(f"m{n}|each-m{n}|10.244.{n}.5|True| " for n in (1, 2, 3)))
        for node in ("m1", "m2", "m3"):
            others = [other for other in ("m1", "m2", "m3") if other != node]
            lines = [f"{what}|{node}|{other}|" for what in ("address", "name") for other in others]
            self.put(f"exec-each-{node}", *lines, f"name|{node}|service|", f"service|{node}|service|")

    def put(self, name: str, *lines: str) -> None:
        (self.folder / name).write_text("".join(f"{line}\n" for line in lines))

    def nodes(self, **ready: str) -> None:
        self.put("nodes", *(f"{name}|{state}|198.18.0.1{name[1:]}" for name, state in ready.items()))

    def script(self, wanted: Site | None = None) -> str:
        text = script(wanted or site(), "r1", "d1")
        for path in (RESULTS, NOTE):
            assert path in text
            text = text.replace(path, f"{self.folder}{path}")
        return text.replace("within 60", "within 1").replace("within 15", "within 1").replace("again 20", "again 1")

    def started(self, text: str) -> subprocess.Popen[str]:
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        # As the engine runs a change's script: in a subshell with -eu.
        return subprocess.Popen(
            ["sh", "-c", '( set -eu; eval "$1" ) </dev/null', "sh", text], env={"PATH": path}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, wanted: Site | None = None) -> tuple[int, str]:
        with self.started(self.script(wanted)) as process:
            out, err = process.communicate(timeout=60)
        return process.returncode, out + err

    @property
    def results(self) -> list[str]:
        return (self.folder / RESULTS[1:]).read_text().splitlines()

    @property
    def failed(self) -> set[tuple[str, str, str]]:
        return {(item.what, item.frm, item.why) for item in tries_of(self.results) if item.why}

    @property
    def noted(self) -> bool:
        return (self.folder / NOTE[1:]).exists()

    @property
    def left(self) -> bool:
        return (self.folder / "namespace").exists()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_all_that_is_tried_is_in_the_results_and_nothing_stays(world: World) -> None:
    assert world.run() == (0, "Pods run on: m1 m2 m3\nall was tried\n")
    assert world.failed == set()
    assert world.results[0] == "run|r1"
    assert world.results[-1] == "done"
    found = {check.what: [item for item in tries_of(world.results) if item.what == check.what] for check in CHECKS}
    each = {"pods": 3, "address": 6, "name": 9, "service": 3, "nodeport": 3, "closed": 3, "logs": 3, "exec": 3}
    assert {what: len(tries) for what, tries in found.items()} == {**each, "again": 1, "clean": 1}
    assert (world.folder / NOTE[1:]).read_text() == "d1\n"
    assert not world.left


def test_it_asks_through_the_vip_and_clears_away_what_a_killed_one_left(world: World) -> None:
    world.run()
    asked = (world.folder / "asked").read_text().splitlines()
    calls = [line for line in asked if line.startswith("--kubeconfig ")]
    assert len(calls) > 15
    assert all("--server https://198.18.0.100:6443 " in line for line in calls)
    cleared = next(n for n, line in enumerate(asked) if f"delete namespace -l {LABEL}" in line)
    assert cleared < next(n for n, line in enumerate(asked) if "apply " in line)


def test_what_it_makes_is_in_one_namespace_of_its_own_and_asks_for_no_rights(world: World) -> None:
    world.run()
    made = parse((world.folder / "made.yaml").read_text())
    namespace = made[0]["metadata"]
    assert namespace["name"].startswith("slipway-verify-")
    assert LABEL in namespace["labels"]
    assert namespace["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert {item["metadata"].get("namespace") for item in made[1:]} == {namespace["name"]}
    workloads = [item["spec"]["template"]["spec"] for item in made if item["kind"] in ("DaemonSet", "Deployment")]
    assert len(workloads) == 2
    for pod in workloads:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert {"operator": "Exists"} in pod["tolerations"]
        assert [image["image"] for image in pod["containers"]] == ["registry.k8s.io/kube-proxy:v1.37.2"]
    first = namespace["name"]
    world.run()
    assert parse((world.folder / "made.yaml").read_text())[0]["metadata"]["name"] != first


def test_each_pod_is_told_of_all_others_and_of_no_more_than_it_can_try(world: World) -> None:
    names = [f"m{n}" for n in range(1, 21)]
    world.nodes(**dict.fromkeys(names, "True"))
    world.put("pods", *(f"{name}|each-{name}|10.244.{name[1:]}.5|True| " for name in names))
    for name in names:
        world.put(f"exec-each-{name}", f"address|{name}|x|")
    many = tuple(Host(name=name, address=f"198.18.0.{10 + n}", roles=(Role.WORKER,)) for n, name in enumerate(names))
    world.run(replace(site(), profile=profile().model_copy(update={"hosts": many})))
    told = {}
    for line in (world.folder / "asked").read_text().splitlines():
        if line.startswith("# Runs in a Pod") or (" exec " not in line and not line.startswith("wait try ")):
            continue
        if line.startswith("wait try "):
            (
                _,
                _,
                node,
                *_,
            ) = line.split()
            told[node] = line.split()[6:]
    assert len(told) == 20
    assert told["m1"] == [f"m{n}:10.244.{n}.5" for n in range(2, 17)]
    assert told["m19"][:3] == ["m20:10.244.20.5", "m1:10.244.1.5", "m2:10.244.2.5"]
    tried = [pod.split(":")[0] for others in told.values() for pod in others]
    assert {tried.count(name) for name in names} == {15}


def test_a_node_that_is_not_there_and_a_pod_that_does_not_start_are_told_and_the_rest_is_tried(world: World) -> None:
    world.nodes(m1="True", m2="Unknown")
    world.put("pods", "m1|each-m1|10.244.1.5|False|ErrImageNeverPull no such | image", "m2|each-m2||False| ")
    world.run()
    assert ("absent", "m2", "the node is not Ready") in world.failed
    assert ("absent", "m3", "the cluster has no such node") in world.failed
    assert ("pods", "m1", "its Pod did not start within 60 s: ErrImageNeverPull no such   image") in {
        (what, node, why.replace("within 1 s", "within 60 s")) for what, node, why in world.failed
    }
    assert ("nodeport", "m1", "") in {(item.what, item.frm, item.why) for item in tries_of(world.results)}
    assert not world.noted
    assert not world.left


def test_where_no_command_runs_in_a_pod_what_it_should_try_is_not_taken_as_tried(world: World) -> None:
    (world.folder / "exec-each-m2").unlink()
    world.run()
    why = "its Pod could not be told to try"
    assert world.failed == {
        ("exec", "m2", "error: can't reach the kubelet"),
        *((what, "m2", why) for what in ("address", "name", "service")),
    }
    assert not world.noted


def test_a_failed_verify_takes_the_note_away(world: World) -> None:
    world.run()
    assert world.noted
    world.put("exec-each-m3", "address|m3|m1|no answer", "service|m3|service|", "name|m3|service|")
    world.run()
    assert not world.noted


def test_without_an_api_it_fails_with_kubectls_own_words(world: World) -> None:
    (world.folder / "bin" / "kubectl").write_text("#!/bin/sh\necho 'connection refused' >&2\nexit 1\n")
    status, said = world.run()
    assert (status, said) == (1, "connection refused\n")
    assert "done" not in world.results


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE])
def test_ended_by_a_signal_it_still_clears_away(world: World, number: int) -> None:
    world.put("pods")
    text = world.script().replace("within 1", "within 30")
    with world.started(text) as process:
        end = time.monotonic() + 20
        while not world.left:
            assert time.monotonic() < end
            time.sleep(0.02)
        (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(child), number)
        process.communicate(timeout=60)
    assert not world.left
    assert "done" not in world.results


# Reading the results


def output(*lines: str, run: str = "r1", passed: str = "") -> str:
    return "\n".join([f"passed|{passed}", f"run|{run}", *lines])


@pytest.mark.parametrize(
    ("text", "run", "passed", "kind"),
    [
        (output("done"), "r1", "", Satisfied),
        (output(), "r1", "", Drifted),
        (output("done", run="r0"), "r1", "", Drifted),
        (output("done", run=""), "", "", Drifted),
        (output("done", run="r0", passed="d1"), "r1", "d1", Satisfied),
        (output("done", run="r0", passed="d0"), "r1", "d1", Drifted),
        ("passed|", "r1", "d1", Drifted),
        ("passed|", "r1", "", Drifted),
    ],
    ids=["tried", "broke off", "another run", "mere look", "proven", "changed since", "never", "never, by hand"],
)
def test_it_is_tried_once_a_run_and_in_an_install_only_what_is_not_proven(
    text: str, run: str, passed: str, kind: type
) -> None:
    assert isinstance(judge_run(text, run, passed), kind)


def test_a_check_that_was_never_tried_is_unknown_and_one_that_was_proven_holds() -> None:
    assert isinstance(judge_check("passed|d0", ADDRESS, "r1", "d1"), Unknown)
    assert isinstance(judge_check("passed|d1", ADDRESS, "r1", "d1"), Satisfied)
    failed = output("address|m1|m2|no answer", run="r0")
    assert isinstance(judge_check(failed, ADDRESS, "r1", ""), Unknown), "that was another run"


def test_nothing_tried_is_not_taken_for_success() -> None:
    verdict = judge_check(output(), ADDRESS, "r1", "")
    assert isinstance(verdict, Blocked)
    assert "could not be tried" in verdict.problem.message


def test_a_failure_names_the_pairs_the_reason_and_the_node_they_have_in_common() -> None:
    lines = ("address|m1|m2|no answer", "address|m1|m3|", "address|m2|m1|no answer", "address|m2|m3|no answer",
             "address|m3|m2|no answer")  # fmt: skip
    verdict = judge_check(output(*lines), ADDRESS, "r1", "")
    assert isinstance(verdict, Blocked)
    problem = verdict.problem
    assert (problem.code, problem.host) == ("verify.address", "m2")
    assert problem.message == ("Pods don't reach each other by address: m1 → m2, m2 → m1, m2 → m3, m3 → m2: no answer")
    assert "8472" in problem.hint


@pytest.mark.parametrize(
    ("lines", "host"),
    [
        (("name|m3|service|its name is unknown",), "m3"),
        (("address|m1|m2|no answer",), ""),
        (("address|m1|m2|no answer", "address|m3|m1|no answer"), "m1"),
        (("address|m1|m2|no answer", "address|m3|m4|no answer"), ""),
        (("again|||no other Pod took its place",), ""),
    ],
)
def test_only_a_node_that_is_in_every_failure_is_named(lines: tuple[str, ...], host: str) -> None:
    check = BY_NAME[lines[0].partition("|")[0]]
    verdict = judge_check(output(*lines), check, "r1", "")
    assert isinstance(verdict, Blocked)
    assert verdict.problem.host == host


def test_many_failures_are_counted() -> None:
    failed = [Try("address", f"m{n}", "m1", "no answer") for n in range(2, 32)]
    assert message_of(ADDRESS, failed).endswith("m13 → m1 and 18 more: no answer")
    alone = message_of(BY_NAME["again"], [Try("again", "", "", "no other Pod took its place")])
    assert alone == "A Pod that was killed is not made anew: no other Pod took its place"


# Steps


def test_every_check_is_a_step_of_its_own_after_the_tries() -> None:
    first, *rest = verify_steps(site(), render.manifests(site()), "r1")
    assert [step.id for step in rest] == [f"verify/{check.what}" for check in CHECKS]
    assert all(step.needs == (first.id,) and step.change.script == "" for step in rest)  # type: ignore[union-attr]
    assert {step.hosts for step in (first, *rest)} == {("m1", "m2", "m3")}
    assert all(check.hint.endswith((".", ")")) and check.title != check.fails for check in CHECKS)


@pytest.mark.parametrize(("installing", "told"), [(False, True), (True, False)])
def test_at_the_end_of_an_install_a_node_that_is_not_there_is_another_steps_failure(
    tmp_path: Path, installing: bool, told: bool
) -> None:
    (tmp_path / "run/slipway").mkdir(parents=True)
    (tmp_path / RESULTS[1:]).write_text("run|r1\npods|m1||\nabsent|m3||the node is not Ready\ndone\n")
    steps = verify_steps(site(), render.manifests(site()), "r1", installing=installing)
    pods = next(step for step in steps if step.id == "verify/pods")
    look = pods.probe.script.replace("/run/slipway", f"{tmp_path}/run/slipway")
    seen = subprocess.run(["sh", "-c", look], capture_output=True, text=True, check=True).stdout
    assert isinstance(pods.probe.judge(seen, 0), Blocked) is told


def test_what_is_proven_is_what_the_cluster_is_made_of() -> None:
    def digest(wanted: Site) -> str:
        return digest_of(wanted, render.manifests(wanted))

    same = site()
    assert digest(same) == digest(site())
    moved = profile().model_copy(update={"hosts": (*profile().hosts, Host(name="m9", address="198.18.0.19"))})
    cidr = profile().network.model_copy(update={"pod_cidr": "10.90.0.0/16"})
    others = (
        replace(same, profile=moved),
        replace(same, profile=profile().model_copy(update={"network": cidr})),
        replace(same, versions=replace(same.versions, kubernetes="1.36.1")),
        replace(same, uid="another"),
    )
    assert len({digest(other) for other in (same, *others)}) == 5
    with_etcd = replace(same, profile=profile(3, 2))
    assert digest(with_etcd) == digest(same), "a host that is no node is not verified"


def test_the_pods_are_valid_yaml_whatever_the_image() -> None:
    text = script(site(), "r1", "d1")
    pods = text.partition("--slipway-pods--' |")[2].partition("\n")[2].partition("\n--slipway-pods--")[0]
    assert len([item for item in yaml.safe_load_all(pods) if item]) == 6


def test_every_check_fails_in_words_of_its_own() -> None:
    assert len({check.fails for check in CHECKS}) == len(CHECKS)
    assert all(isinstance(check, Check) for check in CHECKS)
