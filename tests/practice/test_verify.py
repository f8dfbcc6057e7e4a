"""`slipway verify` proves a cluster by using it, tells what is broken and where, and leaves nothing there."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from wizard.engine.record import State
from wizard.steps.verify import CHECKS, LABEL, NOTE

from .helpers import Lab, Said, until

pytestmark = pytest.mark.practice

STEPS = {"verify/try", *(f"verify/{check.what}" for check in CHECKS)}


@pytest.fixture(scope="module")
def site(cluster: Lab) -> Lab:
    return cluster


def left(site: Lab) -> str:
    """Return what namespaces of any verify are there."""
    return site.kubectl("get", "namespaces", "-l", LABEL, "-o", "name")


def states(site: Lab, said: Said) -> dict[str, State]:
    record = site.journal().record(said.found["run"])
    return {name: step.state for name, step in record.steps.items() if name.startswith("verify/")}


@contextmanager
def dropped(site: Lab, host: str, *rule: str) -> Iterator[None]:
    """Let the firewall of `host` drop what comes in by `rule` for as long as the block lasts."""
    site.on(host, f"iptables -I INPUT {' '.join(rule)} -j DROP")
    try:
        yield
    finally:
        site.on(host, f"iptables -D INPUT {' '.join(rule)} -j DROP")


def test_an_install_ends_with_the_proof(site: Lab) -> None:
    first: Said = site.kept["first"]
    assert states(site, first) == dict.fromkeys(STEPS, State.UNCHANGED) | {"verify/try": State.DONE}
    assert site.on("m1", f"cat {NOTE}")
    assert left(site) == ""


def test_verify_is_green_and_leaves_nothing_behind(site: Lab) -> None:
    before = site.kubectl("get", "namespaces", "-o", "name")
    said = site.slipway("verify", site.profile)
    assert (said.exit, said.result, said.found["failed"], said.found["problems"]) == (0, "done", [], [])
    assert states(site, said).keys() == STEPS
    assert said.found["seconds"] < 15
    assert site.kubectl("get", "namespaces", "-o", "name") == before
    again = site.apply()
    assert (again.exit, again.found["changed"]) == (0, [])


def test_a_killed_verify_clears_away_and_is_told_as_interrupted(site: Lab) -> None:
    with site.started("verify", site.profile) as command:
        until("verify has made its Pods", lambda: left(site), 60, pause=0.1)
        os.kill(site.journal().runs()[0].process.pid, signal.SIGKILL)
        out, _ = command.communicate(timeout=60)
    assert (command.returncode, '"result": "interrupted"' in out) == (130, True)
    until("nothing of it is left", lambda: left(site) == "", 90, lambda: site.pods())


def test_what_one_left_that_lost_power_goes_with_the_next(site: Lab) -> None:
    site.kubectl("create", "namespace", "slipway-verify-0a1b2c3d")
    site.kubectl("label", "namespace", "slipway-verify-0a1b2c3d", f"{LABEL}=")
    said = site.slipway("verify", site.profile)
    assert (said.exit, said.found["problems"]) == (0, [])
    assert left(site) == ""


def test_a_kubelet_that_can_not_be_reached_is_named(site: Lab) -> None:
    with dropped(site, "m3", "-p tcp --dport 10250"):
        said = site.slipway("verify", site.profile)
        assert (said.exit, said.result) == (1, "failed")
        assert {said.problem(f"verify.{what}")["host"] for what in ("logs", "exec")} == {"m3"}
        assert "10250" in said.problem("verify.exec")["hint"]
        assert "verify/again" not in said.found["failed"]
        assert left(site) == ""


def test_a_node_that_lost_the_pod_network_is_named(site: Lab) -> None:
    with dropped(site, "m2", "-p udp --dport 8472"):
        said = site.slipway("verify", site.profile)
        assert (said.exit, said.result) == (1, "failed")
        problem = said.problem("verify.address")
        assert problem["host"] == "m2"
        for pair in ("m1 → m2", "m2 → m1", "m2 → m3", "m3 → m2"):
            assert pair in problem["message"]
        assert "m1 → m3" not in problem["message"]
        assert "8472" in problem["hint"]
        assert not {"verify/pods", "verify/exec", "verify/logs", "verify/again", "verify/clean"} & set(
            said.found["failed"]
        )
        assert left(site) == ""
    # What isn't proven any more is tried again by the next apply, and by no further one.
    assert site.apply().changed == {"verify/try"}
    assert site.apply().changed == set()


def test_a_profile_without_a_cluster_is_held(site: Lab) -> None:
    # The runs before have left leases that another jump host must ask to take over.
    said = site.slipway("verify", site.profile, "--take-over", state=site.folder / "elsewhere")
    assert (said.exit, said.result) == (3, "held")
    assert {problem["code"] for problem in said.found["problems"]} == {"host.another-cluster"}
    assert left(site) == ""
