"""How a cluster stands, read from what its hosts answered, and judged."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.unit.render.sites import profile
from wizard.errors import Level, SlipwayError
from wizard.facts.maintenance import Note, dump
from wizard.plans.status import Answer, Drift, read
from wizard.plans.status.look import script
from wizard.plans.status.model import Condition, Status, Use
from wizard.plans.status.words import headline, member_row, node_cell
from wizard.remote.base import SudoRefused

from .standing import HERE, NOW, OFF, answer, certificates, standing, texts

ANSWERS = texts()
HAPROXY = "Id=haproxy.service\nLoadState=loaded\nActiveState="
HAS_VIP = r"2: eth0    inet 198.18.0.100/32 scope global eth0\       valid_lft forever preferred_lft forever"
M2 = "\x1fnode\x1fm2"


def told(status: Status) -> set[tuple[str, str]]:
    """Return the problems by code and host."""
    return {(problem.code, problem.host) for problem in status.problems}


def with_changed(
    old: str, new: str, *hosts: str, answers: Mapping[str, str] = ANSWERS
) -> dict[str, str | SlipwayError]:
    """Return the answers with a text changed on some hosts (all, unless named); fail where it isn't there."""
    chosen = hosts or tuple(answers)
    assert all(old in answers[name] for name in chosen), f"{old!r} is not in the answers"
    return {name: text.replace(old, new) if name in chosen else text for name, text in answers.items()}


def test_a_healthy_cluster_in_all_its_parts() -> None:
    status = standing(ANSWERS)
    assert (status.problems, status.well, status.holders, status.silent) == ((), True, ("m1",), ())
    m1 = status.hosts[0]
    assert set(m1.units) == {"etcd", "containerd", "kubelet", "haproxy", "keepalived"}
    assert all(unit.well and unit.at_boot and unit.restarts == 0 for unit in m1.units.values())
    assert m1.units["kubelet"].seconds == pytest.approx(13767.87 - 13386.73, abs=0.1)
    assert {name: pod.ready for name, pod in m1.pods.items()} == dict.fromkeys(
        ("kube-apiserver", "kube-controller-manager", "kube-scheduler"), True
    )
    assert [(one.server, one.use) for one in m1.backends or ()] == [(name, Use.UP) for name in ("m1", "m2", "m3")]
    assert (m1.api, m1.through_vip) == (True, True)
    assert len(m1.certificates) == 18
    assert {item.days for item in m1.certificates if item.path.endswith("apiserver.crt")} == {359}
    leader = next(member for member in status.members if member.leader)
    assert (leader.name, leader.healthy, leader.version, leader.db_size) == ("m1", True, "3.7.3", 3014656)
    assert all(member.lag is not None and member.lag < 100 for member in status.members)
    assert [(node.name, node.ready, node.version, node.runtime) for node in status.nodes] == [
        (name, True, "1.37.2", "containerd://2.4.2") for name in ("m1", "m2", "m3")
    ]
    assert {item.name: (item.wanted, set(item.found.values())) for item in status.versions} == {
        "kubelet": ("1.37.2", {"1.37.2"}),
        "apiserver": ("1.37.2", {"1.37.2"}),
        "etcd": ("3.7.3", {"3.7.3"}),
        "containerd": ("2.4.2", {"2.4.2"}),
    }


class TestHostsThatAreGone:
    def test_a_host_out_of_reach_whose_parts_others_see_is_all_that_is_wrong(self) -> None:
        status = standing({**ANSWERS, "m3": OFF})
        assert told(status) == {("host.unreachable", "m3")}
        assert (status.well, status.well_as_seen, status.silent) == (False, True, ("m3",))
        m3 = status.members[2]
        assert (m3.healthy, m3.asked, m3.alarms) == (True, False, ())

    def test_one_that_others_miss_too(self) -> None:
        lost = with_changed('Remote="49ceac378897d72"} 1', 'Remote="49ceac378897d72"} 0', "m1", "m2")
        lost = with_changed("apiservers,m3,UP,", "apiservers,m3,DOWN,", "m1", "m2", answers=lost)  # type: ignore[arg-type]
        lost = with_changed("there,m3,UP,", "there,m3,DOWN,", "m1", "m2", answers=lost)  # type: ignore[arg-type]
        status = standing({**lost, "m3": OFF})
        assert told(status) == {
            ("host.unreachable", "m3"), ("etcd.member", "m3"), ("etcd.last-spare", ""), ("balancer.left-out", "m3"),
        }  # fmt: skip
        assert not status.well_as_seen
        assert [one.why for one in status.hosts[0].backends or ()] == ["", "", "its port is closed"]

    def test_the_holder_of_the_vip_out_of_reach(self) -> None:
        status = standing({**ANSWERS, "m1": OFF})
        assert told(status) == {("host.unreachable", "m1"), ("vip.unseen", "")}

    @pytest.mark.parametrize(
        ("failure", "code"),
        [
            (OFF, "host.unreachable"),
            (SudoRefused("Can't become root on the host", where="m1"), "host.sudo-refused"),
            (SlipwayError("It has not answered yet", where="m1"), "host.unreachable"),
        ],
    )
    def test_where_nobody_could_be_asked_nothing_is_known(self, failure: SlipwayError, code: str) -> None:
        status = standing(dict.fromkeys(ANSWERS, failure))
        assert told(status) == {(code, name) for name in ANSWERS}
        assert (status.nodes, status.nodes_asked) == ((), False)
        assert not any(item.found for item in status.versions)
        assert (status.well, status.well_as_seen, status.unknown) == (False, True, True)
        assert headline(status).text == "! demo: nothing is known, no host could be asked"
        assert {member_row(member)[1].text for member in status.members} == {"? not asked"}

    def test_a_worker_alone_tells_nothing_of_etcd_and_the_nodes(self) -> None:
        site = profile(3, workers=1)
        w1 = re.sub(r"==slipway== (etcd|nodes|endpoint/vip|endpoint/servers)[\s\S]*?(?===slipway==)", "", ANSWERS["m1"])
        status = standing({**dict.fromkeys(ANSWERS, OFF), "w1": w1}, site)
        assert {code for code, _ in told(status)} == {"host.unreachable", "vip.unseen"}
        assert not status.unknown

    def test_an_answer_that_was_cut_short_is_none(self) -> None:
        text = ANSWERS["m2"]
        status = standing({**ANSWERS, "m2": text[: text.index("endpoint/vip")]})
        assert ("host.unreachable", "m2") in told(status)

    def test_without_a_quorum(self) -> None:
        status = standing({**texts("no-quorum"), "m3": OFF})
        codes = told(status)
        assert {
            ("etcd.no-quorum", ""), ("nodes.unknown", ""), ("vip.silent", ""), ("unit.down", "m2"), ("pod.down", "m1"),
            ("etcd.member", "m1"), ("etcd.member", "m2"), ("etcd.member", "m3"),
        } <= codes  # fmt: skip
        assert ("node.missing", "m1") not in codes, "what isn't known isn't missing"
        assert status.hosts[0].pods["kube-apiserver"].why == "not ready: etcd, etcd-readiness"
        assert [member.why for member in status.members] == ["no leader", "it does not answer", ""]
        gravest = [problem.code for problem in status.problems if problem.level is Level.ERROR]
        assert gravest.index("etcd.no-quorum") < gravest.index("pod.down"), "the cause is told first"


@pytest.mark.parametrize(
    ("old", "new", "hosts", "codes"),
    [
        (f"{HAPROXY}active", f"{HAPROXY}inactive", ["m2"], {("unit.down", "m2")}),
        ("Id=etcd.service\nLoadState=loaded", "Id=etcd.service\nLoadState=not-found", ["m2"], {("unit.down", "m2")}),
        ("Id=kubelet.service\nLoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled",
         "Id=kubelet.service\nLoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=disabled",
         ["m2"], {("unit.not-at-boot", "m2")}),
        ("[+]etcd ok", "[-]etcd failed: reason withheld", ["m2"], set()),
        ("inet 198.18.0.100/32", "inet 198.18.0.101/32", [], set()),
        (HAS_VIP, "", ["m1"], {("vip.nobody", "")}),
        ("endpoint/vip\n", f"endpoint/vip\n{HAS_VIP}\n", ["m2"], {("vip.several", "")}),
        ("endpoint/answers\n200", "endpoint/answers\n000", ["m3"], {("vip.silent", "")}),
        ("apiservers,m3,UP,", "apiservers,m3,DRAIN,", ["m1"], {("balancer.left-out", "m3")}),
        ("apiservers,m3,UP,", "apiservers,m3,MAINT,", ["m1"], {("balancer.left-out", "m3")}),
        ("# pxname", "pxname", [], set()),
        (f"Ready=True=KubeletReady{M2}", f"Ready=False=NoNetwork{M2}", [], {("node.not-ready", "m1")}),
        ("\x1fnode\x1fm3\x1f\x1f", "\x1fnode\x1fm3\x1ftrue\x1f", [], {("node.cordoned", "m3")}),
        ("\x1fnode\x1fm3\x1f", "\x1fnode\x1fx3\x1f", [], {("node.missing", "m3"), ("node.stranger", "x3")}),
        ("DiskPressure=False", "DiskPressure=True", [], {("node.condition", name) for name in ("m1", "m2", "m3")}),
        ('"version":"3.7.3"', '"version":"3.6.16"', ["m2"], {("version.differs", "")}),
        ('"gitVersion": "v1.37.2"', '"gitVersion": "v1.36.1"', ["m3"], {("version.differs", "")}),
        ('"dbSizeQuota":8589934592', '"dbSizeQuota":3200000', ["m1"], {("etcd.size", "m1")}),
        ('"raftAppliedIndex":', '"raftAppliedIndex":9', ["m1"], {("etcd.lag", "m2"), ("etcd.lag", "m3")}),
        ('"leader":5428412324925460877', '"leader":0', [], {("etcd.no-leader", "")}),
        ("units/container\nslipway", "units/container\n", ["m2"], {("unit.down", "m2"), ("clock.no-service", "m2")}),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(old: str, new: str, hosts: list[str], codes: set[tuple[str, str]]) -> None:
    status = standing(with_changed(old, new, *(hosts or [name for name in ANSWERS if old in ANSWERS[name]])))
    if "vip.nobody" in {code for code, _ in codes}:
        assert status.holders == ()
    assert told(status) == codes


def test_a_doubt_of_an_haproxy_is_none_of_a_persons_business() -> None:
    text = re.sub(r"apiservers,m3,UP,\d+", "apiservers,m3,NOLB,1", ANSWERS["m1"])
    assert standing({**ANSWERS, "m1": text}).problems == ()
    assert standing({**ANSWERS, "m1": text.replace("m3,NOLB,1", "m3,NOLB,9")}).problems != ()


def test_an_haproxy_whose_socket_is_silent() -> None:
    text = re.sub(r"(apiservers|there|alive|ready|etcd|etcd-surely),m\d,.*\n", "", ANSWERS["m2"])
    status = standing({**ANSWERS, "m2": text})
    assert told(status) == {("balancer.silent", "m2")}
    assert status.hosts[1].backends is None


def test_a_unit_that_systemd_starts_again_and_again() -> None:
    text = ANSWERS["m2"].replace("NRestarts=0\nId=containerd", "NRestarts=57\nId=containerd", 1)
    since = re.search(r"Id=containerd[\s\S]*?Monotonic=(\d+)", text)
    assert since is not None
    assert standing({**ANSWERS, "m2": text}).problems == (), "it has been steady for minutes"
    uptime = float(text.partition("units/now\n")[2].split()[0])
    fresh = text.replace(since[1], str(round((uptime - 3) * 1e6)), 1)
    (problem,) = standing({**ANSWERS, "m2": fresh}).problems
    assert (problem.code, problem.level, problem.host) == ("unit.restarts", Level.WARNING, "m2")
    assert "57 times" in problem.message


class TestMaintenance:
    NOTE = dump(Note().begun("m2", "2026-11-26T23:10:00Z"))

    def out(self, *hosts: str) -> dict[str, str]:
        """Return the answers while m2 is out; all but the named ones know of it."""
        marks = "==slipway== units/container\n"
        found = {
            name: text if name in hosts else text.replace(marks, f"==slipway== units/maintenance\n{self.NOTE}{marks}")
            for name, text in ANSWERS.items()
        }
        assert sum(self.NOTE in text for text in found.values()) == 3 - len(hosts)
        return with_changed("\x1fnode\x1fm2\x1f\x1f", "\x1fnode\x1fm2\x1ftrue\x1f", answers=found)  # type: ignore[return-value]

    def test_the_way_back_is_told_and_nothing_that_would_undo_it(self) -> None:
        status = standing(self.out("m3"))
        (problem,) = status.problems
        assert (problem.code, problem.level, problem.host) == ("maintain.out", Level.WARNING, "m2")
        assert "since 2026-11-26T23:10:00Z" in problem.message
        assert "none of the 2 etcd members that are left" in problem.message
        assert "slipway maintain PROFILE m2 end" in problem.hint
        assert node_cell(status, status.hosts[1]).text == "! out"
        assert headline(status).text.startswith("! demo: m2 is out for maintenance, the rest is well; m1 has")

    def test_who_is_spared_for_it_is_no_finding_and_anybody_else_is(self) -> None:
        def kept_back(server: str) -> Status:
            text = ANSWERS["m1"].replace("svname,status,lastchg", "svname,status,bck,lastchg")
            text = re.sub(
                r"^((?:apiservers|there|alive|ready|etcd|etcd-surely),(m\d),\w+),",
                lambda row: f"{row[1]},{int(row[2] == server)},", text, flags=re.M,
            )  # fmt: skip
            return standing(with_changed("", "", answers={**self.out("m1"), "m1": text}))

        assert told(kept_back("m2")) == {("maintain.out", "m2")}
        assert [one.use for one in kept_back("m2").hosts[0].backends or ()] == [Use.UP, Use.SPARED, Use.UP]
        assert told(kept_back("m3")) == {("maintain.out", "m2"), ("balancer.left-out", "m3")}

    def test_that_it_is_switched_off_meanwhile_is_as_it_should_be(self) -> None:
        status = standing({**self.out(), "m2": OFF})
        assert {(item.code, item.level) for item in status.problems} == {
            ("maintain.out", Level.WARNING), ("host.unreachable", Level.WARNING),
        }  # fmt: skip
        assert status.well


class TestEtcd:
    @pytest.mark.parametrize(
        ("error", "host", "alarm"),
        [
            ("memberID:1286476538554457519 alarm:NOSPACE ", "m2", "NOSPACE"),
            ("memberID:332398597780372850 alarm:CORRUPT ", "m3", "CORRUPT"),
        ],
    )
    def test_an_alarm_is_its_members_whoever_tells(self, error: str, host: str, alarm: str) -> None:
        status = standing(with_changed('"downgradeInfo":{}', f'"errors":[{json.dumps(error)}]', "m1"))
        assert {member.name: member.alarms for member in status.members if member.alarms} == {host: (alarm,)}
        assert told(status) == {("etcd.alarm", host)}
        assert not status.well

    def test_members_that_are_not_the_profiles_and_those_that_learn(self) -> None:
        more = (
            ',{"ID":77,"name":"old","peerURLs":["https://198.18.0.99:2380"]}'
            ',{"ID":78,"peerURLs":["https://198.18.0.21:2380"],"isLearner":true}]}'
        )
        site = profile(3, 1)
        answers = with_changed(
            '"clientURLs":["https://198.18.0.11:2379"]}]}', '"clientURLs":["https://198.18.0.11:2379"]}' + more
        )
        status = standing({**answers, "e1": OFF}, site)
        found = {member.name: member for member in status.members}
        assert list(found) == ["m1", "m2", "m3", "e1", "old"]
        assert (found["old"].stranger, found["old"].healthy) == (True, False)
        assert (found["e1"].learner, found["e1"].stranger) == (True, False)
        assert {("etcd.stranger", "old"), ("etcd.learner", "e1")} <= told(status)

    @pytest.mark.parametrize("garbage", ["", "null", "{}", "[]", "[1]", '[{"Status":[]}]', "Error: context deadline"])
    def test_garbage_is_a_member_that_says_nothing(self, garbage: str) -> None:
        text = re.sub(r"(etcd/status\n).*", lambda found: found[1] + garbage, ANSWERS["m2"])
        text = re.sub(r"(etcd/members\n).*", lambda found: found[1] + garbage, text)
        member = standing({**ANSWERS, "m2": text}).members[1]
        assert (member.healthy, member.leader, member.lag, member.db_size) == (True, False, None, 0)


class TestCertificates:
    def test_those_that_end_soon_are_told_of_60_days_before(self) -> None:
        assert standing(texts(days=62)).problems == ()
        soon = standing(texts(days=59))
        assert told(soon) == {("certs.ends", name) for name in ANSWERS}
        assert soon.well
        ended = standing(texts(days=-3))
        assert told(ended) == {("certs.ends", name) for name in ANSWERS}
        assert not ended.well

    def test_those_that_are_gone(self) -> None:
        line = re.search(r"cert /etc/kubernetes/pki/apiserver.crt .*", certificates("m2"))
        assert line is not None
        one = with_changed(line[0], "cert /etc/kubernetes/pki/apiserver.crt ", "m2")
        (problem,) = standing(one).problems
        assert (problem.code, problem.host) == ("certs.missing", "m2")
        assert "/etc/kubernetes/pki/apiserver.crt" in problem.message
        (problem,) = standing({**ANSWERS, "m2": re.sub(r"(cert /etc/etcd/\S+ ).*", r"\1", ANSWERS["m2"])}).problems
        assert problem.message.startswith("4 of its certificates are gone")


def test_a_node_tells_why_it_is_not_ready_and_what_presses_it() -> None:
    old = "\x1fkubelet is posting ready status\x1fNetworkUnavailable=False"
    bad = with_changed(old, "\x1fcni plugin\nnot initialized\x1fNetworkUnavailable=True", "m1")
    m1 = standing(with_changed("Ready=True", "Ready=Unknown", "m1", answers=bad)).nodes[0]  # type: ignore[arg-type]
    assert (m1.ready, m1.message) == (False, "cni plugin not initialized")
    assert Condition("NetworkUnavailable", "True", "FlannelIsUp") in m1.conditions


def test_another_master_tells_of_nodes_where_the_first_could_not_ask() -> None:
    text = ANSWERS["m1"]
    cut = text[: text.index("nodes/nodes\n") + 12] + text[text.index("==slipway== certs/seen") :]
    assert standing({**ANSWERS, "m1": cut}).problems == ()


def test_hosts_without_a_cluster_are_told_of_as_such() -> None:
    bare = re.sub(r"LoadState=loaded", "LoadState=not-found", ANSWERS["m2"])
    status = standing({**ANSWERS, "m2": bare})
    assert [problem.code for problem in status.problems if problem.host == "m2"] == ["host.bare"]
    nothing = standing({"m1": OFF} | {name: re.sub("=loaded", "=not-found", ANSWERS[name]) for name in ("m2", "m3")})
    assert told(nothing) == {("host.unreachable", "m1"), ("host.bare", "m2"), ("host.bare", "m3")}


def test_a_clock_that_is_off() -> None:
    said = {name: answer(text) for name, text in ANSWERS.items()}
    m2 = said["m2"]
    assert isinstance(m2, Answer)
    slow = Answer(m2.text, m2.sent + 40, m2.received + 40)
    status = read(HERE, {**said, "m2": slow}, Drift(), NOW.timestamp())
    (problem,) = status.problems
    assert (problem.code, problem.host) == ("clock.off", "m2")
    assert "40 s behind" in problem.message


def test_a_clock_that_nobody_sets() -> None:
    here = ANSWERS["m2"].replace("units/container\nslipway", "units/container\n")
    kept = here.replace(
        "Id=chrony.service\nLoadState=loaded\nActiveState=inactive",
        "Id=chrony.service\nLoadState=loaded\nActiveState=active",
    )
    assert told(standing({**ANSWERS, "m2": here})) == {("unit.down", "m2"), ("clock.no-service", "m2")}
    assert told(standing({**ANSWERS, "m2": kept})) == set()
    unset = kept.replace("clock/chrony\n", "clock/chrony\n7F7F0101,,10,0,0,0,0,0,0,0,0,0,0,Not synchronised\n")
    assert told(standing({**ANSWERS, "m2": unset})) == {("clock.unsynchronized", "m2")}


class TestTheScript:
    @pytest.mark.parametrize("shell", ["sh", "bash", "dash"])
    def test_it_ends_on_a_machine_without_a_cluster_and_leaves_nothing(self, shell: str, tmp_path: Path) -> None:
        site = profile(3, 1, 1)
        assert shutil.which(shell), f"{shell} is missing on this machine"
        for host in (site.host("m1"), site.host("e1"), site.host("w1")):
            text = script(site, host).replace("/run/", f"{tmp_path}/")
            done = subprocess.run([shell, "-c", text], capture_output=True, text=True, timeout=60, check=False)
            assert (done.returncode, done.stderr) == (0, "")
            assert done.stdout.endswith("==slipway== end\n")
            status = standing({**dict.fromkeys((one.name for one in site.hosts), OFF), host.name: done.stdout}, site)
            assert ("host.bare", host.name) in told(status)
        assert not list(tmp_path.iterdir())

    def test_a_host_is_asked_only_for_what_it_has(self) -> None:
        site = profile(3, 1, 1)
        asks: dict[str, Callable[[str], bool]] = {
            name: lambda word, n=name: word in script(site, site.host(n)) for name in ("m1", "e1", "w1")
        }  # type: ignore[misc]
        assert [asks[name]("etcdctl") for name in asks] == [True, True, False]
        assert [asks[name]("kubectl") for name in asks] == [True, False, False]
        assert [asks[name]("haproxy/admin.sock") for name in asks] == [True, False, False]
        assert [asks[name](".100:6443/readyz") for name in asks] == [True, False, True]
        assert not any(asks[name]("ca.key") for name in asks)


def test_every_code_is_in_the_docs() -> None:
    folder = Path(__file__).parents[3]
    sources = [*(folder / "wizard/plans/status").glob("judge*.py"), folder / "wizard/plans/certs.py"]
    codes = {code for path in sources for code in re.findall(r'Problem\(\s*"([a-z-]+\.[a-z-]+)"', path.read_text())}
    assert {"vip.nobody", "etcd.alarm", "certs.missing"} <= codes
    documented = (folder / "docs/status.md").read_text() + (folder / "docs/certificates.md").read_text()
    assert [code for code in sorted(codes) if f"`{code}`" not in documented] == []
