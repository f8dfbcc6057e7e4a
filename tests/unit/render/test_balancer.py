"""haproxy and keepalived: the failover contract, as far as it can be read off the files."""

from __future__ import annotations

import re
from typing import Any

import pytest

from wizard.errors import SlipwayError
from wizard.profile.model import Endpoint
from wizard.render import api
from wizard.render.balancer import priority, restart_timing
from wizard.render.site import Site

from .sites import by_path, facts, profile, site

CONF = "/etc/keepalived/keepalived.conf"


def text(component: Any, path: str, of: Site, number: int = 0) -> str:
    return by_path(component(of, of.profile.hosts[number]))[path].text


def check_of(config: str, backend: str) -> str:
    return config.split(f"\nbackend {backend}\n")[1].split("\nbackend ")[0].split("\nfrontend ")[0]


def milliseconds(pattern: str, section: str) -> float:
    found = re.search(rf"{pattern} (\d+)(ms|s)\b", section)
    assert found, f"{pattern} is missing"
    return float(found[1]) * (1000 if found[2] == "s" else 1)


@pytest.fixture
def haproxy() -> str:
    return text(api.haproxy, "/etc/haproxy/haproxy.cfg", site(profile(5)))


def test_every_master_is_known_to_every_balancer_alike() -> None:
    wanted = profile(5)
    texts = {text(api.haproxy, "/etc/haproxy/haproxy.cfg", site(wanted), n) for n in range(5)}
    assert len(texts) == 1
    for host in wanted.masters:
        assert texts.copy().pop().count(f"    server {host.name} {host.address}:6443") == 7


def test_the_endpoint_is_the_vip_and_loopback_never_a_wildcard(haproxy: str) -> None:
    assert set(re.findall(r"^ +bind (\S+)", haproxy, re.M)) == {
        "198.18.0.100:6443",
        "127.0.0.1:6443",
        "127.0.0.1:9443",
        "127.0.0.1:9444",
    }


def test_a_dead_port_is_noticed_within_half_a_second(haproxy: str) -> None:
    port, traffic = check_of(haproxy, "open"), check_of(haproxy, "apiservers")
    assert "fall 2" in port
    noticed = milliseconds("inter", port) + milliseconds("fastinter", port) + milliseconds("inter", traffic)
    assert noticed <= 500


def test_a_silent_host_is_noticed_within_1200_ms(haproxy: str) -> None:
    port, traffic = check_of(haproxy, "open"), check_of(haproxy, "apiservers")
    # A connection may take the smaller of "timeout connect" and "inter" (haproxy's manual, "timeout check").
    connect = min(milliseconds("inter", port), milliseconds("timeout connect", port))
    noticed = milliseconds("inter", port) + 2 * connect + milliseconds("fastinter", port)
    assert noticed + milliseconds("inter", traffic) <= 1200


def test_only_an_apiserver_that_hangs_for_seconds_loses_its_connections(haproxy: str) -> None:
    """One that is drowned in work answers late; the port's question is answered by its host's kernel."""
    alive, port = check_of(haproxy, "alive"), check_of(haproxy, "open")
    assert "httpchk" not in port
    hangs = falls(alive) * milliseconds("timeout check", alive) + (falls(alive) - 1) * milliseconds("fastinter", alive)
    assert 5000 <= hangs <= 6000


def falls(section: str) -> int:
    found = re.search(r"\bfall (\d+)", section)
    assert found
    return int(found[1])


def test_sick_etcd_is_noticed_within_6_s_and_an_election_of_2_s_is_borne(haproxy: str) -> None:
    etcd = check_of(haproxy, "etcd")
    inter, timeout = milliseconds("inter", etcd), milliseconds("timeout check", etcd)
    assert falls(etcd) * (inter + timeout) + milliseconds("inter", check_of(haproxy, "apiservers")) <= 6000
    assert (falls(etcd) - 1) * inter >= 2000, "quick failures in a row must span an election"


def test_who_is_sure_of_etcd_has_been_so_for_longer_than_an_apiserver_remembers_a_failure(haproxy: str) -> None:
    surely = check_of(haproxy, "etcd-surely")
    assert falls(surely) == 1
    rise = re.search(r"\brise (\d+)", surely)
    assert rise
    # etcd-readycheck-timeout, 2 s: for so long an apiserver repeats its last answer.
    assert (int(rise[1]) - 1) * milliseconds("inter", surely) >= 2000


def test_the_fast_questions_ask_no_etcd(haproxy: str) -> None:
    for backend in ("alive", "ready"):
        assert "GET uri /readyz?exclude=etcd&exclude=etcd-readiness" in check_of(haproxy, backend)
    for backend in ("etcd", "etcd-surely"):
        assert "GET uri /readyz\n" in check_of(haproxy, backend)


def test_what_all_fail_is_ignored(haproxy: str) -> None:
    rules = [line for line in haproxy.splitlines() if "path /m2 " in line]
    assert len(rules) == 7
    not_there, not_open, not_alive, not_ready, no_etcd, doubt, otherwise = rules
    assert "!{ srv_is_up(there/m2) }" in not_there
    assert "txn." not in not_there
    assert "status 503" in not_there
    for rule, answer, unless in (
        (not_open, 503, "some_open"),
        (not_alive, 503, "some_alive"),
        (not_ready, 404, "some_ready"),
        (no_etcd, 503, "some_etcd"),
        (doubt, 404, "some_etcd"),
    ):
        assert f"status {answer}" in rule
        assert f"{{ var(txn.{unless}) -m bool }}" in rule
    assert "status 200" in otherwise


def test_sessions_of_a_dead_server_are_shut(haproxy: str) -> None:
    assert "on-marked-down shutdown-sessions" in check_of(haproxy, "apiservers")
    assert "http-check disable-on-404" in check_of(haproxy, "apiservers")


def test_haproxy_tells_keepalived_when_it_starts_and_when_it_is_gone() -> None:
    unit = text(api.haproxy, "/etc/systemd/system/haproxy.service.d/slipway.conf", site())
    assert "ExecStartPost=/bin/sh -c 'echo 0 > /run/slipway/haproxy'" in unit
    assert "ExecStopPost=/bin/sh -c 'echo 1 > /run/slipway/haproxy'" in unit
    watched = text(api.keepalived, CONF, site())
    assert "file /run/slipway/haproxy\n    weight 0\n" in watched


def test_masters_are_equal_and_none_takes_the_vip_back() -> None:
    wanted = site(profile(5))
    for number, host in enumerate(wanted.profile.masters):
        conf = text(api.keepalived, CONF, wanted, number)
        assert "state BACKUP" in conf
        assert "nopreempt" in conf
        assert f"unicast_src_ip {host.address}" in conf
        peers = conf.split("unicast_peer {")[1].split("}")[0].split()
        assert peers == [other.address for other in wanted.profile.masters if other != host]
        assert re.search(r"advert_int 0\.2\n", conf)
        assert "vrrp_version 3" in conf


@pytest.mark.parametrize("count", [1, 3, 5, 7, 40])
def test_priorities_are_distinct_and_valid(count: int) -> None:
    wanted = profile(count)
    found = [priority(wanted, host) for host in wanted.masters]
    assert len(set(found)) == count
    assert all(1 <= value <= 254 for value in found), "255 is the owner's"


def test_a_lone_master_has_no_peers() -> None:
    assert "unicast_peer" not in text(api.keepalived, CONF, site(profile(1)))


def test_the_interface_is_the_one_with_the_node_address() -> None:
    assert "interface enp1s0" in text(api.keepalived, CONF, site())
    named = profile(endpoint=Endpoint(vip="198.18.0.100", interface="bond0"))
    assert "interface bond0" in text(api.keepalived, CONF, site(named))


def test_an_unknown_interface_is_said_before_anything_is_touched() -> None:
    wanted = profile()
    other = facts(wanted.hosts[1])
    lost = Site(wanted, site().versions, "uid-1", {host.name: other for host in wanted.hosts})
    with pytest.raises(SlipwayError) as caught:
        api.keepalived(lost, wanted.hosts[0])
    assert caught.value.where == "m1"
    assert "198.18.0.11" in caught.value.why
    assert caught.value.hint


def test_the_owner_configuration_is_the_usual_one_but_for_who_waits() -> None:
    usual = set(text(api.keepalived, CONF, site()).splitlines())
    owner = set(text(api.keepalived, "/etc/keepalived/owner.conf", site()).splitlines())
    plain = {line.strip() for line in usual ^ owner if not line.strip().startswith("#")}
    assert plain == {
        "state BACKUP", "nopreempt", "priority 250", "state MASTER", "priority 255",
        "vrrp_script haproxy {", 'script "/usr/local/libexec/slipway/check-haproxy"', "interval 1", "timeout 2",
        "fall 2", "rise 1", "track_script {",
    }  # fmt: skip


@pytest.mark.parametrize("advert", [0.05, 0.2, 1.0, 10.0])
def test_restart_timing_follows_vrrp(advert: float) -> None:
    timing = restart_timing(advert)
    missed_at_the_earliest = 1000 * 2 * advert
    missed_at_the_latest = 4 * advert
    assert timing.grace_ms <= max(50, missed_at_the_earliest)
    assert timing.takeover > missed_at_the_latest
