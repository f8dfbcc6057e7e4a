"""How a real cluster stands: well, with a hand in its files, without an haproxy, and without a master."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from wizard import practice, versions
from wizard.cli.services import RealServices
from wizard.plans.status.judge import LASTING
from wizard.ui.app import SlipwayApp
from wizard.ui.screens.status import StatusScreen
from wizard.ui.screens.welcome import WelcomeScreen

from ..ui.driving import NARROW, comes, press, sees
from .helpers import SLIPWAY, Lab, Said, until

pytestmark = pytest.mark.practice

MASTERS = ("m1", "m2", "m3")
HAPROXY, ADMIN = "/etc/haproxy/haproxy.cfg", "/etc/kubernetes/admin.conf"


@pytest.fixture(scope="module")
def site(cluster: Lab) -> Lab:
    well(cluster)
    return cluster


def asked(site: Lab, *words: str) -> Said:
    return site.slipway("status", site.profile, *words)


def well(site: Lab) -> Said:
    """Wait until nothing at all is amiss, and return that status."""
    seen: list[Said] = []

    def all_is() -> bool:
        seen[:] = [asked(site, "--no-drift")]
        return seen[0].exit == 0 and not seen[0].found["problems"]

    until("the cluster is well", all_is, 90, lambda: str(seen[0].found["problems"]))
    return seen[0]


def test_all_of_a_healthy_cluster(site: Lab) -> None:
    said = asked(site)
    assert (said.exit, said.result, said.found["problems"]) == (0, "done", []), said
    assert said.found["seconds"] < 15
    found, version = said.found, versions.components(versions.default())
    assert found["vip"]["holders"] == [found["vip"]["holder"]]
    for host in found["hosts"]:
        assert set(host["units"].values()) == {"active"}
        assert {"etcd", "containerd", "kubelet", "haproxy", "keepalived"} <= host["units"].keys()
        assert host["pods"] == dict.fromkeys(("kube-apiserver", "kube-controller-manager", "kube-scheduler"), "ready")
        assert [one["server"] for one in host["backends"]] == list(MASTERS)
        # On a busy machine a health check is late now and then: a doubt of less than three seconds is no problem.
        assert all(one["use"] == "up" or one["seconds"] < LASTING for one in host["backends"]), host["backends"]
        assert (host["api"], host["through_vip"]) == (True, True)
        assert len(host["certificates"]) == 18
        assert abs(host["clock"]["offset"]) < 1
    for member in found["etcd"]["members"]:
        assert (member["healthy"], member["alarms"], member["stranger"]) == (True, [], False)
        assert 0 < member["db_in_use"] <= member["db_size"] < member["db_quota"]
        assert member["lag"] < 200
    assert [(node["name"], node["ready"], node["conditions"]) for node in found["nodes"]] == [
        (name, True, []) for name in MASTERS
    ]
    wanted = {"etcd": version.etcd, "containerd": version.containerd}
    for item in found["versions"]:
        assert item["found"] == dict.fromkeys(MASTERS, wanted.get(item["component"], version.kubernetes)), item
    assert found["drift"]["looked"]
    assert (found["drift"]["changes"], found["drift"]["why"]) == ([], "")


def test_without_a_bundle_everything_but_drift_is_told(site: Lab, tmp_path: Path) -> None:
    said = asked(site, "--bundle", str(tmp_path))
    assert (said.exit, said.found["drift"]["looked"]) == (0, None)
    assert str(tmp_path) in said.found["drift"]["why"]


def test_what_a_hand_has_changed_is_shown_and_put_back(site: Lab) -> None:
    site.on("m2", f"echo '# by hand' >> {HAPROXY}; echo '# hand-made-secret' >> {ADMIN}")
    site.kubectl("-n", "kube-system", "scale", "deployment/coredns", "--replicas=1")
    try:
        said = asked(site)
        changes = {change["subject"]: change for change in said.found["drift"]["changes"]}
        assert set(changes) == {HAPROXY, ADMIN, "Deployment kube-system/coredns"}
        assert {changes[path]["cause"] for path in (HAPROXY, ADMIN)} == {"by hand"}
        assert {changes[path]["host"] for path in (HAPROXY, ADMIN)} == {"m2"}
        assert changes[HAPROXY]["before"].endswith("\n# by hand\n")
        assert "replicas: 1" in changes["Deployment kube-system/coredns"]["before"]
        assert changes[ADMIN]["before"].startswith("•••")
        assert said.problem("drift.changed", "m2")["level"] == "warning"
        assert (said.exit, said.result) == (0, "done"), "nothing fails yet"
        for words in (str(said.found), shown(site)):
            assert "hand-made-secret" not in words
            assert "client-key-data" not in words
        assert "-# by hand" in shown(site)
    finally:
        back = site.apply()
    assert {"m2/haproxy", "m2/pki", "cluster/objects"} <= back.changed
    assert asked(site).found["drift"]["changes"] == []


def shown(site: Lab) -> str:
    """Return what people are shown."""
    words = [*SLIPWAY, "status", str(site.profile)]
    return subprocess.run(
        words, env=site.environment(), capture_output=True, text=True, timeout=120, check=False
    ).stderr


def test_an_haproxy_that_is_stopped_is_told_of_alone(site: Lab) -> None:
    site.on("m2", "systemctl stop haproxy")
    try:
        said = asked(site, "--no-drift")
        assert (said.exit, said.result) == (1, "failed")
        assert said.errors() == ["m2 unit.down"]
        assert [host["name"] for host in said.found["hosts"] if host["units"]["haproxy"] != "active"] == ["m2"]
        assert [host["backends"] is None for host in said.found["hosts"]] == [False, True, False]
    finally:
        site.on("m2", "systemctl start haproxy")
    well(site)


@contextlib.contextmanager
def watched(site: Lab, lines: Path) -> Iterator[subprocess.Popen[str]]:
    """Watch the cluster in a pipe while the block lasts; what it says goes to the file `lines`."""
    words = [*SLIPWAY, "status", str(site.profile), "--watch", "--every", "1", "--no-drift"]
    with lines.open("w") as file:
        process = subprocess.Popen(words, env=site.environment(), stderr=file, stdout=subprocess.DEVNULL, text=True)
        with process:
            try:
                yield process
            finally:
                process.kill()


def test_a_master_without_power_and_back(site: Lab, tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    with watched(site, lines) as process:
        until("the watch has begun", lambda: "is well" in lines.read_text(), 30, lines.read_text)
        practice.power_off(site.host("m3"))
        try:
            said = asked(site)
            assert said.exit in (1, 4)
            assert said.problem("host.unreachable")["host"] == "m3"
            assert len(said.found["vip"]["holders"]) == 1
            assert said.found["hosts"][2]["failure"]
            assert said.found["drift"]["looked"], said.found["drift"]
            assert "m3" in said.found["drift"]["why"]

            def missed() -> bool:
                members = asked(site, "--no-drift").found["etcd"]["members"]
                return [member["healthy"] for member in members] == [True, True, False]

            until("the leader misses the third member", missed, 90)
            assert asked(site, "--no-drift").exit == 1
        finally:
            practice.power_on(site.host("m3"))
        well(site)
        until("the watch has seen it", lambda: "is well" in lines.read_text().rpartition("✗")[2], 60, lines.read_text)
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0
    said_lines = lines.read_text()
    assert "✗ m3: " in said_lines
    assert "✓ over: m3: " in said_lines
    assert "Traceback" not in said_lines


async def test_the_wizard_shows_the_same(site: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(site.state))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    app = SlipwayApp(RealServices())
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, WelcomeScreen)
        await sees(pilot, "how it stands")
        await press(pilot, "s")
        await comes(pilot, StatusScreen)
        await sees(pilot, f"✓ {site.name} is well")
        await sees(pilot, "drift: ✓ none")
        for name in MASTERS:
            await sees(pilot, f"{name} master etcd")
