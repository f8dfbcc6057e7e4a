"""Every rule fires where it should, stays silent where it should, and says why."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import Any

import cases_extras
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profile_samples import of_size, profile, sound_data

from wizard.errors import Level, Problem
from wizard.profile.codes import CODES
from wizard.profile.fold import fold
from wizard.profile.model import Profile, Role
from wizard.profile.networks import PORTS_IN_USE
from wizard.profile.rules import COUNT_CODES, check_etcd_size, check_field, check_masters, rules
from wizard.render import places

FINGERPRINT = "SHA256:" + "A" * 43

# code → (what to change in the sound profile, the field the problem names)
CASES: list[tuple[str, list[tuple[str, Any]], str]] = [
    ("name.invalid", [("name", "practice")], "name"),
    ("kubernetes.unknown", [("kubernetes", "1.2.3")], "kubernetes"),
    ("kubernetes.unknown", [("kubernetes", "latest")], "kubernetes"),
    ("host.name-twice", [("hosts[2].name", "m1")], "hosts[2].name"),
    ("host.address", [("hosts[0].address", "10.20.0.256")], "hosts[0].address"),
    ("host.address", [("hosts[0].address", "root@10.20.0.11")], "hosts[0].address"),
    ("host.address", [("hosts[0].address", "10.20.0.11:22")], "hosts[0].address"),
    ("host.address", [("hosts[0].address", "-oProxyCommand=x")], "hosts[0].address"),
    ("host.address", [("hosts[0].address", "")], "hosts[0].address"),
    ("host.address-twice", [("hosts[1].address", "10.20.0.11")], "hosts[1].address"),
    ("host.address-twice", [("hosts[1].node_ip", "10.20.0.11")], "hosts[1].node_ip"),
    ("host.address-twice", [("hosts[0].etcd_ip", "10.9.0.1"), ("hosts[3].node_ip", "10.9.0.1")], "hosts[3].node_ip"),
    ("host.node-ip", [("hosts[0].node_ip", "m1.example")], "hosts[0].node_ip"),
    ("host.node-ip", [("hosts[0].node_ip", "fd00::1")], "hosts[0].node_ip"),
    ("host.node-ip", [("hosts[0].node_ip", "127.0.0.1")], "hosts[0].node_ip"),
    ("host.node-ip-missing", [("hosts[0].address", "m1.example")], "hosts[0].node_ip"),
    ("host.node-ip-missing", [("hosts[0].address", "fd00::1")], "hosts[0].node_ip"),
    ("host.node-ip-missing", [("hosts[0].address", "127.0.0.1")], "hosts[0].node_ip"),
    ("host.node-ip-missing", [("hosts[3].address", "e1.example")], "hosts[3].node_ip"),
    ("host.etcd-ip", [("hosts[0].etcd_ip", "224.0.0.18")], "hosts[0].etcd_ip"),
    ("host.zone", [("hosts[0].zone", "rack a")], "hosts[0].zone"),
    ("host.roles-empty", [("hosts[0].roles", [])], "hosts[0].roles"),
    ("host.roles-twice", [("hosts[0].roles", ["master", "master", "etcd"])], "hosts[0].roles"),
    ("host.worker-etcd", [("hosts[4].roles", ["worker", "etcd"])], "hosts[4].roles"),
    ("host.worker-master", [("hosts[0].roles", ["master", "etcd", "worker"])], "hosts[0].roles"),
    (
        "host.fingerprint-twice",
        [("hosts[0].fingerprint", FINGERPRINT), ("hosts[1].fingerprint", FINGERPRINT)],
        "hosts[1].fingerprint",
    ),
    ("ssh.user", [("ssh.user", "ops team")], "ssh.user"),
    ("ssh.user", [("hosts[0].ssh.user", "-l")], "hosts[0].ssh.user"),
    ("ssh.key", [("ssh.key", "-----BEGIN OPENSSH PRIVATE KEY-----")], "ssh.key"),
    ("ssh.via", [("ssh.via", [{"address": "a b"}])], "ssh.via[0].address"),
    ("ssh.fingerprint", [("hosts[0].fingerprint", "MD5:00")], "hosts[0].fingerprint"),
    ("masters.none", [(f"hosts[{n}].roles", ["etcd"]) for n in range(3)], "hosts"),
    ("masters.two", [("hosts[2].roles", ["etcd"])], "hosts"),
    ("etcd.none", [(f"hosts[{n}].roles", ["master"]) for n in range(5)], "hosts"),
    ("etcd.even", [("hosts[4].roles", ["master"])], "hosts"),
    ("etcd.three", [("hosts[3].roles", ["master"]), ("hosts[4].roles", ["master"])], "hosts"),
    ("etcd.data-dir", [("etcd.data_dir", "var/lib/etcd")], "etcd.data_dir"),
    ("etcd.data-dir", [("etcd.data_dir", "/var/lib")], "etcd.data_dir"),
    ("etcd.data-dir", [("etcd.data_dir", "/var/lib/kubelet/etcd")], "etcd.data_dir"),
    ("etcd.data-dir", [("etcd.data_dir", "/tmp/etcd")], "etcd.data_dir"),
    ("etcd.data-dir", [("etcd.data_dir", "/data/../etc")], "etcd.data_dir"),
    ("etcd.data-dir", [("etcd.data_dir", "/data/my etcd")], "etcd.data_dir"),
    ("endpoint.vip", [("endpoint.vip", "")], "endpoint.vip"),
    ("endpoint.vip", [("endpoint.vip", "fd00::10")], "endpoint.vip"),
    ("endpoint.vip", [("endpoint.vip", "10.20.0.10/24")], "endpoint.vip"),
    ("endpoint.vip", [("endpoint.vip", "10.20.0.010")], "endpoint.vip"),
    ("endpoint.vip", [("endpoint.vip", "api.example")], "endpoint.vip"),
    ("endpoint.vip", [("endpoint.vip", "169.254.1.1")], "endpoint.vip"),
    ("endpoint.vip-host", [("endpoint.vip", "10.20.0.11")], "endpoint.vip"),
    ("endpoint.vip-host", [("hosts[0].etcd_ip", "10.20.0.10")], "endpoint.vip"),
    ("endpoint.vip-cidr", [("endpoint.vip", "10.96.0.5")], "endpoint.vip"),
    ("endpoint.vip-cidr", [("endpoint.vip", "10.244.7.7")], "endpoint.vip"),
    ("endpoint.port-taken", [("endpoint.port", 2379)], "endpoint.port"),
    ("endpoint.port-taken", [("endpoint.port", 22)], "endpoint.port"),
    ("endpoint.port-node-port", [("endpoint.port", 30443)], "endpoint.port"),
    ("endpoint.port-ssh", [("endpoint.port", 8443), ("ssh.port", 8443)], "endpoint.port"),
    ("endpoint.interface", [("endpoint.interface", "eth0; reboot")], "endpoint.interface"),
    ("endpoint.interface", [("endpoint.interface", "a-very-long-interface")], "endpoint.interface"),
    ("endpoint.advert-slow", [("endpoint.advert_interval", 2.0)], "endpoint.advert_interval"),
    ("network.pod-cidr", [("network.pod_cidr", "10.244.0.0")], "network.pod_cidr"),
    ("network.pod-cidr", [("network.pod_cidr", "10.244.0.1/16")], "network.pod_cidr"),
    ("network.pod-cidr", [("network.pod_cidr", "fd00::/48")], "network.pod_cidr"),
    ("network.pod-cidr", [("network.pod_cidr", "127.0.0.0/8")], "network.pod_cidr"),
    ("network.service-cidr", [("network.service_cidr", "10.96.0.0/33")], "network.service_cidr"),
    ("network.cidr-overlap", [("network.pod_cidr", "10.100.0.0/16")], "network.pod_cidr"),
    ("network.cidr-host", [("network.pod_cidr", "10.20.0.0/16")], "network.pod_cidr"),
    ("network.cidr-host", [("network.service_cidr", "10.20.0.0/24")], "network.service_cidr"),
    ("network.cidr-public", [("network.pod_cidr", "20.0.0.0/16")], "network.pod_cidr"),
    ("network.pod-small", [("network.pod_cidr", "10.244.0.0/23")], "network.pod_cidr"),
    ("network.pod-small", [("network.pod_cidr", "10.244.0.0/25")], "network.pod_cidr"),
    ("network.pod-tight", [("network.pod_cidr", "10.244.0.0/22")], "network.pod_cidr"),
    ("network.pod-large", [("network.pod_cidr", "100.0.0.0/6")], "network.pod_cidr"),
    ("network.service-small", [("network.service_cidr", "10.96.0.0/29")], "network.service_cidr"),
    ("network.service-large", [("network.service_cidr", "172.0.0.0/8")], "network.service_cidr"),
    ("network.backend", [("network.plugin", "calico"), ("network.backend", "host-gw")], "network.backend"),
    ("network.backend", [("network.backend", "host-gw"), ("network.plugin", "cilium")], "network.backend"),
    ("network.plugin-none", [("network.plugin", "none")], "network.plugin"),
    ("network.upstream-dns", [("network.upstream_dns", ["dns.example"])], "network.upstream_dns[0]"),
    ("network.upstream-dns", [("network.upstream_dns", ["10.0.0.2", "127.0.0.53"])], "network.upstream_dns[1]"),
    (
        "network.upstream-dns-many",
        [("network.upstream_dns", [f"10.0.0.{number}" for number in range(1, 17)])],
        "network.upstream_dns",
    ),
    ("time.server", [("time_servers", ["pool ntp"])], "time_servers[0]"),
    ("time.server", [("time_servers", ["10.0.0.300"])], "time_servers[0]"),
    ("zones.partial", [("hosts[0].zone", "a")], "hosts"),
    (
        "zones.quorum",
        [(f"hosts[{n}].zone", zone) for n, zone in enumerate("aabbb")],
        "hosts",
    ),
    ("zones.quorum", [(f"hosts[{n}].zone", "a") for n in range(5)], "hosts"),
    ("zones.quorum", [(f"hosts[{n}].zone", "a") for n in range(3)], "hosts"),
    ("zones.masters", [(f"hosts[{n}].zone", zone) for n, zone in enumerate("aaabc")], "hosts"),
    ("zones.most-masters", [(f"hosts[{n}].zone", zone) for n, zone in enumerate("aabbc")], "hosts"),
    *cases_extras.CASES,
]

TYPED = [case for case in CASES if case[1][-1][0] == case[2] and isinstance(case[1][-1][1], str)]
"""The cases that come about by typing a text into one field."""

BY_COUNT = {"masters.one": of_size(1), "etcd.one": of_size(1), "etcd.large": of_size(9)}


@pytest.mark.parametrize(("code", "changes", "field"), CASES, ids=[f"{c[0]}-{n}" for n, c in enumerate(CASES)])
def test_a_broken_rule_is_named_with_field_words_and_remedy(
    code: str, changes: list[tuple[str, Any]], field: str
) -> None:
    found = [problem for problem in rules(profile(*changes)) if problem.code == code]
    assert [problem.field for problem in found] == [field]
    assert found[0].message
    assert found[0].hint
    assert str(found[0].level) == CODES[code][0]


@pytest.mark.parametrize("code", sorted(BY_COUNT))
def test_counts_of_a_new_install(code: str) -> None:
    found = {problem.code: problem for problem in rules(BY_COUNT[code])}
    assert str(found[code].level) == CODES[code][0]


def test_a_sound_profile_breaks_no_rule() -> None:
    assert rules(profile()) == ()


def test_every_code_of_the_rules_is_tried_and_every_code_tried_is_documented() -> None:
    by_loading = {
        *(code for code in CODES if code.startswith("profile.")),
        *("host.name", "ssh.port", "endpoint.port", "endpoint.vrid", "endpoint.advert-interval"),
        *("endpoint.dns-name", "network.dns-domain", "network.mtu"),
    }  # what keeps a file from being a profile at all: test_profile_load.py
    assert {case[0] for case in CASES} | set(BY_COUNT) | by_loading == set(CODES)
    assert set(CODES) >= COUNT_CODES


@pytest.mark.parametrize(
    "changes",
    [
        [("kubernetes", "v1.37.2")],
        [("hosts[0].address", "m1.example"), ("hosts[0].node_ip", "10.20.0.11")],
        [("hosts[0].address", "rack1_m1"), ("hosts[0].node_ip", "10.20.0.11")],
        [("hosts[3].address", "e1.example"), ("hosts[3].etcd_ip", "10.20.0.31")],
        [
            ("hosts[0].address", "127.0.0.1"),
            ("hosts[0].ssh.port", 2201),
            ("hosts[0].node_ip", "10.20.0.11"),
            ("hosts[1].address", "127.0.0.1"),
            ("hosts[1].ssh.port", 2202),
            ("hosts[1].node_ip", "10.20.0.12"),
        ],
        [("endpoint.port", 443), ("endpoint.interface", "bond0.100"), ("endpoint.dns_name", "api.site1.example")],
        [("etcd.data_dir", "/data/etcd")],
        [("hosts[5]", {"name": "w1", "address": "10.20.0.51", "roles": ["worker"]})],
        [("network.pod_cidr", "192.168.0.0/16"), ("network.service_cidr", "10.96.0.0/28")],
        [("time_servers", ["fd00::1", "10.20.0.1", "ntp.example"])],
        [(f"hosts[{n}].zone", zone) for n, zone in enumerate("abcab")],
        *cases_extras.FINE,
        [("ssh.key", "~/.ssh/id_ed25519"), ("ssh.user", "CORP\\ops"), ("hosts[0].fingerprint", FINGERPRINT)],
    ],
)
def test_what_is_fine_is_left_alone(changes: list[tuple[str, Any]]) -> None:
    assert rules(profile(*changes)) == ()


def test_the_words_say_why() -> None:
    even = check_etcd_size(4)
    assert even is not None
    assert "no more failures than 3" in even.message
    assert even.hint == "Take 3 or 5."
    two = check_masters(2)
    assert two is not None
    assert two.level is Level.ERROR
    one = check_masters(1)
    assert one is not None
    assert "NOT highly available" in one.message
    (shared,) = [p for p in rules(profile(("hosts[4].roles", ["etcd", "worker"]))) if p.code == "host.worker-etcd"]
    assert "breaks out of a Pod" in shared.message


@given(st.integers(0, 200))
def test_etcd_sizes(size: int) -> None:
    problem = check_etcd_size(size)
    refused = problem is not None and problem.level is Level.ERROR
    assert refused is (size not in (1, 3, 5, 7))
    assert (problem is None) is (size in (5, 7))


@given(st.integers(0, 12), st.integers(0, 12))
def test_counts_are_judged_and_never_stop_a_profile_from_being_one(masters: int, etcd_only: int) -> None:
    problems = rules(of_size(masters, etcd_only))
    refused = {problem.code for problem in problems if problem.level is Level.ERROR}
    assert bool(refused & {"masters.none", "masters.two"}) is (masters in (0, 2))
    assert bool(refused & {"etcd.none", "etcd.even", "etcd.large"}) is (masters + etcd_only not in (1, 3, 5, 7))


TEN = int(IPv4Network("10.0.0.0/8").network_address)
networks = st.tuples(st.integers(TEN, TEN + 2**24 - 1), st.integers(8, 28)).map(
    lambda pair: IPv4Network(pair, strict=False)
)


@given(networks, networks)
def test_overlap_is_symmetric_and_true(one: IPv4Network, other: IPv4Network) -> None:
    def clash(pod: IPv4Network, service: IPv4Network) -> bool:
        changed = profile(("network.pod_cidr", str(pod)), ("network.service_cidr", str(service)))
        return any(problem.code == "network.cidr-overlap" for problem in rules(changed))

    truth = max(one[0], other[0]) <= min(one[-1], other[-1])
    assert clash(one, other) is clash(other, one) is truth


@given(st.integers(TEN, TEN + 2**24 - 1).map(lambda number: str(IPv4Address(number))))
def test_a_vip_is_never_a_host(address: str) -> None:
    same = rules(profile(("endpoint.vip", address), ("hosts[1].address", address)))
    assert "endpoint.vip-host" in {problem.code for problem in same}


class TestWhileTyping:
    """`check_field` says what the rules say, before the profile is whole."""

    @pytest.mark.parametrize(("code", "changes", "field"), TYPED, ids=[f"{c[0]}-{n}" for n, c in enumerate(TYPED)])
    def test_same_words_as_the_rules(self, code: str, changes: list[tuple[str, Any]], field: str) -> None:
        *before, (path, value) = changes
        said = check_field(path, value, profile(*before))
        by_rules = [problem for problem in rules(profile(*changes)) if problem.code == code and problem.field == field]
        assert said is not None
        assert (said.code, said.message, said.hint) in {(p.code, p.message, p.hint) for p in by_rules}

    def test_numbers_are_judged_as_text(self) -> None:
        assert _code(check_field("endpoint.port", "abc")) == "endpoint.port"
        assert _code(check_field("endpoint.port", "70000")) == "endpoint.port"
        assert _code(check_field("endpoint.vrid", "0")) == "endpoint.vrid"
        assert _code(check_field("endpoint.advert_interval", "0.01")) == "endpoint.advert-interval"
        assert _code(check_field("hosts[2].ssh.port", "0x16")) == "ssh.port"
        assert check_field("endpoint.port", " 8443 ") is None
        assert check_field("hosts[2].ssh.port", "") is None

    def test_in_the_company_of_an_unfinished_draft(self) -> None:
        draft = {
            "hosts": [{}, {"name": "m2", "address": "10.20.0.12", "roles": ["nonsense"]}],
            "endpoint": {"port": "x"},
        }
        assert _code(check_field("hosts[0].name", "m2", draft)) == "host.name-twice"
        assert _code(check_field("hosts[0].address", "10.20.0.12", draft)) == "host.address-twice"
        assert _code(check_field("endpoint.vip", "10.20.0.12", draft)) == "endpoint.vip-host"
        assert _code(check_field("hosts[5].address", "10.20.0.12", draft)) == "host.address-twice"
        assert check_field("hosts[0].name", "m1", draft) is None
        assert check_field("endpoint.vip", "10.20.0.10", draft) is None

    def test_both_sides_of_a_clash_hear_of_it(self) -> None:
        assert _code(check_field("hosts[0].address", "10.20.0.10", profile())) == "endpoint.vip-host"
        assert _code(check_field("network.service_cidr", "10.244.0.0/16", profile())) == "network.cidr-overlap"
        assert _code(check_field("hosts[0].name", "m2", profile())) == "host.name-twice"

    def test_a_fields_other_troubles_stay_with_their_fields(self) -> None:
        assert check_field("hosts[0].name", "m9", profile(("endpoint.vip", "nonsense"))) is None

    scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
    trees = st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    )
    drafts = st.fixed_dictionaries(
        {},
        optional={
            "name": scalars,
            "hosts": st.lists(
                st.fixed_dictionaries({}, optional=dict.fromkeys(("name", "address", "roles", "ssh", "zone"), trees)),
                max_size=4,
            ),
            "endpoint": st.fixed_dictionaries({}, optional=dict.fromkeys(("vip", "port", "vrid"), trees)),
            "network": trees,
            "time_servers": trees,
        },
    )

    @given(drafts, st.sampled_from(["name", "hosts[1].address", "endpoint.vip", "hosts[0].name"]), st.text(max_size=20))
    def test_never_raises(self, draft: dict[str, Any], field: str, text: str) -> None:
        assert isinstance(check_field(field, text, draft), Problem | None)


def _code(problem: Problem | None) -> str:
    return problem.code if problem else ""


def test_every_port_that_is_rendered_is_known_as_taken() -> None:
    rendered = {value for name, value in vars(places).items() if name.endswith("_PORT")}
    assert rendered - {places.API_PORT} <= set(PORTS_IN_USE)


def test_what_can_stand_is_kept_where_something_beside_it_cannot() -> None:
    roles = ["x", "master", *["y"] * 10, "etcd", 5]
    folded = fold({"hosts": [{"name": "m1", "roles": roles, "ssh": {"port": "x", "user": "ops"}}, "junk"]})
    assert folded.hosts[0].roles == (Role.MASTER, Role.ETCD)
    assert folded.hosts[0].ssh.user == "ops"
    assert folded.hosts[0].ssh.port is None
    assert len(folded.hosts) == 2


def test_a_pod_network_that_just_fits() -> None:
    codes = {problem.code for problem in rules(profile(("network.pod_cidr", "10.244.0.0/22"), data=sound_data(4, 1)))}
    assert "network.pod-tight" in codes
    assert "network.pod-small" not in codes


def test_problems_of_a_host_name_the_host() -> None:
    hosts = {problem.host for problem in rules(profile(("hosts[1].zone", "a b"))) if problem.code == "host.zone"}
    assert hosts == {"m2"}


def test_rules_look_at_what_they_are_given() -> None:
    before = sound_data()
    judged = Profile.model_validate(before)
    rules(judged)
    assert judged == Profile.model_validate(sound_data())
