"""What `certs show` finds: store and hosts side by side, judged by meaning; and what status warns of."""

from __future__ import annotations

import datetime
from typing import Any

from cryptography import x509

from tests.unit.checks.sites import profile
from tests.unit.plans.test_job import unreachable
from wizard import pki
from wizard.errors import Level, SlipwayError
from wizard.pki.inventory import Seen, places
from wizard.pki.wanted import node_client
from wizard.plans.certs import Certificates, compare, ending
from wizard.render.places import KUBELET_CLIENT

NOW = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
KEYS = pki.make(pki.wanted(profile()), None, NOW)[0]
APISERVER = "/etc/kubernetes/pki/apiserver.crt"
W1 = {"name": "w1", "address": "10.20.0.51", "roles": ["worker"]}


def loaded(name: str, keys: pki.Pki = KEYS) -> x509.Certificate:
    return x509.load_pem_x509_certificate(keys.pair(name).certificate)


def answers(**changes: dict[str, Any]) -> dict[str, Seen | SlipwayError]:
    """Return what hosts with all their certificates answer, but for `changes` by host and path."""
    return {
        host.name: {
            **{p.path: loaded(f"hosts/{host.name}/kubelet-client" if p.own else p.name) for p in places(host)},
            **changes.get(host.name, {}),
        }
        for host in profile().hosts
    }


def compared(found: dict[str, Seen | SlipwayError], keys: pki.Pki | None = KEYS, now: Any = NOW) -> Certificates:
    return compare(profile(), keys, found, now)


def said(found: Certificates) -> set[tuple[str, str]]:
    return {(problem.code, problem.host) for problem in found.problems}


def test_store_and_hosts_agree() -> None:
    found = compared(answers())
    assert found.problems == ()
    assert [entry.days for entry in found.entries] == sorted(entry.days for entry in found.entries)
    entries = {entry.name: entry for entry in found.entries}
    assert KEYS.pairs.keys() <= entries.keys()
    assert [(lies.host, lies.agrees) for lies in entries["ca"].lies] == [("m1", True), ("m2", True), ("m3", True)]
    assert entries["ca"].days == 3650
    assert entries["hosts/m1/apiserver"].issuer == "CN=kubernetes"
    own = next(entry for entry in found.entries if entry.lies and entry.lies[0].path == KUBELET_CLIENT)
    assert (own.stored, own.lies[0].agrees, own.subject) == (False, None, "CN=system:node:m1,O=system:nodes")


def test_a_host_that_lacks_the_new_one_is_named_with_the_days_of_the_old() -> None:
    newer = pki.make(pki.wanted(profile()), KEYS, NOW + 10 * DAY, anew=lambda name, _: name == "hosts/m2/apiserver")[0]
    found = compared(answers(), newer, NOW + 10 * DAY)
    assert said(found) == {("certs.differs", "m2")}
    mine = [entry for entry in found.entries if entry.name == "hosts/m2/apiserver"]
    assert [(entry.days, entry.stored, len(entry.lies)) for entry in mine] == [(355, False, 1), (365, True, 0)]
    assert mine[0].lies[0].agrees is False


def test_one_that_means_the_same_agrees() -> None:
    """The store's own key, certified once more: other bytes, and it serves."""
    from tests.unit.steps import test_pki as twin

    m1 = twin.HERE.hosts[0]
    other = x509.load_pem_x509_certificate(twin.issued(days=300))
    seen = {p.path: loaded("hosts/m1/kubelet-client" if p.own else p.name, twin.keys()) for p in places(m1)}
    alone = twin.HERE.model_copy(update={"hosts": (m1,)})
    found = compare(alone, twin.keys(), {"m1": {**seen, APISERVER: other}}, twin.NOW)
    (entry,) = [entry for entry in found.entries if entry.days in (299, 300)]
    assert (entry.stored, entry.lies[0].agrees) == (False, True)
    assert found.problems == ()


def test_an_authority_that_is_another_differs() -> None:
    found = compared(answers(m1={"/etc/kubernetes/pki/ca.crt": loaded("etcd/ca")}))
    assert said(found) == {("certs.differs", "m1")}


def test_what_is_missing_is_an_error_but_for_the_kubelets_own() -> None:
    found = compared(answers(m1={APISERVER: None, KUBELET_CLIENT: None}))
    (problem,) = found.problems
    assert (problem.code, problem.host, problem.level) == ("certs.missing", "m1", Level.ERROR)
    assert APISERVER in problem.message


def test_a_workers_login_is_its_kubelets_and_never_expected_in_the_store() -> None:
    sites = profile(hosts=[{"name": "m1", "address": "10.20.0.11"}, W1])
    keys = pki.make(pki.wanted(sites), None, NOW)[0]
    other = pki.make([*pki.wanted(sites), node_client(sites.host("w1"))], keys, NOW)[0]
    master: Seen = {
        p.path: loaded("hosts/m1/kubelet-client" if p.own else p.name, keys) for p in places(sites.host("m1"))
    }
    worker: Seen = {
        "/etc/kubernetes/pki/ca.crt": loaded("ca", keys),
        "/etc/kubernetes/pki/kubelet.crt": loaded("hosts/w1/kubelet", keys),
        KUBELET_CLIENT: loaded("hosts/w1/kubelet-client", other),
    }
    found = compare(sites, keys, {"m1": master, "w1": worker}, NOW)
    assert found.problems == ()
    lies = {entry.name: (entry.stored, entry.lies[0].agrees) for entry in found.entries if "/w1/" in entry.name}
    assert lies == {"hosts/w1/kubelet": (True, True), "hosts/w1/kubelet-own": (False, None)}
    (own,) = [entry for entry in found.entries if entry.name == "hosts/w1/kubelet-own"]
    assert (own.subject, own.purpose) == ("CN=system:node:w1,O=system:nodes", "kubelet's own, renewed by itself")
    assert compare(sites, keys, {"m1": master, "w1": {**worker, KUBELET_CLIENT: None}}, NOW).problems == ()
    gone = compare(sites, keys, {"m1": master, "w1": {**worker, "/etc/kubernetes/pki/kubelet.crt": None}}, NOW)
    assert said(gone) == {("certs.missing", "w1")}


def test_a_host_out_of_reach_and_a_store_that_is_gone_are_told() -> None:
    found = compared({**answers(), "m3": unreachable("m3")}, None)
    assert said(found) == {("host.unreachable", "m3"), ("certs.no-store", "")}
    assert {lies.agrees for entry in found.entries for lies in entry.lies} == {None}


def test_the_end_is_told_in_time_and_the_kubelets_own_is_its_own() -> None:
    soon, late = compared(answers(), now=NOW + 310 * DAY), compared(answers(), now=NOW + 366 * DAY)
    leaves = {name for name in KEYS.pairs if name not in ("ca", "etcd/ca", "front-proxy-ca")}
    assert len(soon.problems) == len(leaves)
    assert {(problem.code, problem.level) for problem in soon.problems} == {("certs.ends", Level.WARNING)}
    assert all("certs renew" in problem.hint and "55 days" in problem.message for problem in soon.problems)
    ended = [problem for problem in late.problems if problem.code == "certs.ends"]
    assert {problem.level for problem in ended} == {Level.ERROR}
    assert all("ended on 2027-11-23" in problem.message for problem in ended)
    assert compared(answers(), now=NOW + 304 * DAY).problems == ()


def test_status_warns_once_a_host() -> None:
    seen: dict[str, Any] = answers()
    assert ending(profile(), seen, NOW + 300 * DAY) == ()
    problems = ending(profile(), seen, NOW + 324 * DAY)
    assert [problem.host for problem in problems] == ["m1", "m2", "m3"]
    assert "13 of its certificates end within 60 days, the first" in problems[0].message
    assert "in 41 days" in problems[0].message
    authority = ending(profile(), {"m1": {"/etc/kubernetes/pki/ca.crt": loaded("ca")}}, NOW + 3600 * DAY)
    assert "plan a new cluster" in authority[0].hint
