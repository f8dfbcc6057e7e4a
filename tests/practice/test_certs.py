"""Certificates of a real cluster: shown as they lie, renewed under writes, carried on after a run that was killed."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from wizard import pki
from wizard.engine.record import State
from wizard.pki.inventory import AUTHORITY_NAMES
from wizard.profile.load import load

from .failover import Site, to_themselves, writing
from .helpers import Lab, Said, until

pytestmark = pytest.mark.practice

STARTED_ANEW = {"kube-controller", "kube-scheduler"}
PROCESSES = ("etcd", "haproxy", "keepalived", "containerd", "kubelet", "kube-apiserver", *sorted(STARTED_ANEW))
PORTS = (6443, 2379, 2380, 10250)
OWN = "/var/lib/kubelet/pki/kubelet-client-current.pem"
"""What the kubelet renews by itself."""


@pytest.fixture(scope="module")
def site(cluster: Lab) -> Iterator[Site]:
    found = Site(cluster)
    with to_themselves(found):
        yield found


def running(site: Site) -> dict[str, str]:
    """Return the processes of each program on each host, by ``host program``."""
    script = "for name in " + " ".join(PROCESSES) + "; do echo $name $(pgrep -x $name); done"
    lines = {host: text.splitlines() for host, text in site.all(script).items()}
    return {f"{host} {line.split()[0]}": line for host, all_lines in lines.items() for line in all_lines}


def served(site: Site) -> dict[str, datetime]:
    """Return since when the certificate holds that each server hands out, by ``host:port``."""
    found = {}
    for host in site.lab.hosts:
        for port in PORTS:
            said = site.lab.on(
                host.name, f"openssl s_client -connect {host.address}:{port} </dev/null 2>/dev/null", False
            )
            found[f"{host.name}:{port}"] = x509.load_pem_x509_certificate(said.encode()).not_valid_before_utc
    return found


def shown(site: Site) -> Said:
    said = site.lab.slipway("certs", "show", site.lab.profile)
    assert (said.exit, said.result) == (0, "done"), said
    return said


def ends(said: Said, *, leaves: bool = True) -> dict[str, str]:
    """Return when each file's certificate ends, by ``host path``; without the kubelets' own."""
    return {
        f"{lies['host']} {lies['path']}": entry["ends"]
        for entry in said.found["certificates"]
        for lies in entry["lies"]
        if lies["path"] != OWN and (entry["name"] not in AUTHORITY_NAMES) is leaves
    }


def apart(said: Said) -> list[Any]:
    """Return what does not agree with the store."""
    return [lies for entry in said.found["certificates"] for lies in entry["lies"] if lies["agrees"] is False]


def worked(said: Said) -> set[str]:
    """Return the steps that changed something; that one had to wait for a server to read its files counts for none."""
    return {step for step in said.changed if not step.endswith("/served")}


def all_newer(before: dict[str, Any], after: dict[str, Any]) -> bool:
    return before.keys() == after.keys() and all(after[name] > before[name] for name in before)


def test_every_certificate_on_every_host_is_shown_and_agrees_with_the_store(site: Site) -> None:
    said = shown(site)
    assert said.found["problems"] == []
    listed = {f"{lies['host']} {lies['path']}" for entry in said.found["certificates"] for lies in entry["lies"]}
    looks = site.all(
        f"grep -rlE 'BEGIN CERTIFICATE|client-certificate-data' /etc/kubernetes /etc/etcd; test -s {OWN} && echo {OWN}"
    )
    there = {f"{host} {path}" for host, text in looks.items() for path in text.splitlines()}
    assert listed == there
    assert apart(said) == []
    days = [entry["days"] for entry in said.found["certificates"]]
    assert days == sorted(days)
    assert "PRIVATE" not in f"{said.found}{said.words}"


async def test_all_are_renewed_without_a_failed_write(site: Site) -> None:
    await asyncio.to_thread(site.settle)
    await site.namespace("POST")
    before, authorities = ends(shown(site)), ends(shown(site), leaves=False)
    served_before, processes, admin = served(site), running(site), (site.lab.cluster / "admin.conf").read_bytes()
    async with writing(site, "renewed") as measured:
        said = await asyncio.to_thread(site.lab.slipway, "certs", "renew", site.lab.profile, "--yes")
    print(f"\nrenewed in {said.found['seconds']} s under {len(measured.writes)} writes: {measured.figure}")
    assert (said.exit, said.result, said.found["problems"]) == (0, "done", [])
    assert worked(said) == {f"{host}/{step}" for host in site.names for step in ("pki", "controllers")}
    assert not measured.failures, measured
    assert not await measured.lost(), "an acknowledged write is gone"

    after = shown(site)
    assert all_newer(before, ends(after))
    assert ends(after, leaves=False) == authorities
    assert apart(after) == []
    assert all_newer(served_before, served(site))
    others = {name for name, line in running(site).items() if line != processes[name]}
    assert others == {f"{host} {name}" for host in site.names for name in STARTED_ANEW}
    assert (site.lab.cluster / "admin.conf").read_bytes() != admin
    assert site.lab.ready_nodes() == set(site.names)
    status = site.lab.slipway("status", site.lab.profile)
    assert (status.exit, status.found["problems"]) == (0, [])
    again = site.lab.apply()
    assert (again.exit, again.found["changed"]) == (0, [])


def test_one_host_alone_and_nothing_where_all_last_long(site: Site) -> None:
    before = ends(shown(site))
    said = site.lab.slipway("certs", "renew", site.lab.profile, "--yes", "--days", "100")
    assert (said.exit, said.found["changed"]) == (0, [])
    said = site.lab.slipway("certs", "renew", site.lab.profile, "--yes", "--host", "m2")
    assert (said.exit, worked(said)) == (0, {"m2/pki", "m2/controllers"})
    after = ends(shown(site))
    people = {f"m2 /etc/kubernetes/{name}.conf" for name in ("admin", "super-admin")}
    assert {name for name in before if after[name] != before[name]} == {
        name for name in before if name.startswith("m2 ")
    } - people


def test_a_killed_renewal_is_carried_on_by_apply(site: Site) -> None:
    before, journal = ends(shown(site)), site.lab.journal()

    def first_done() -> bool:
        record = journal.record(journal.runs()[0].run)
        return "m1/pki" in record.steps and record.steps["m1/pki"].state is State.DONE

    count = len(journal.runs())
    with site.lab.started("certs", "renew", site.lab.profile, "--yes") as command:
        until("the renewal has begun", lambda: len(journal.runs()) > count and first_done(), 60, pause=0.1)
        os.kill(journal.runs()[0].process.pid, signal.SIGKILL)
        command.communicate(timeout=60)
    assert command.returncode == 130
    halfway = shown(site)
    assert {lies["host"] for lies in apart(halfway)} == {"m2", "m3"}
    assert {problem["code"] for problem in halfway.found["problems"]} == {"certs.differs"}
    assert site.lab.apply().exit == 0
    after = shown(site)
    assert (apart(after), after.found["problems"]) == ([], [])
    assert all_newer(before, ends(after))
    again = site.lab.apply()
    assert (again.exit, again.found["changed"]) == (0, [])


def test_a_host_out_of_reach_is_renewed_when_it_is_back(site: Site) -> None:
    before, rule = ends(shown(site)), "INPUT -p tcp --dport 22 -j DROP"
    site.lab.on("m1", f"iptables -w -I {rule}")
    try:
        said = site.lab.slipway("certs", "renew", site.lab.profile, "--yes")
        assert (said.exit, said.result, said.found["quarantined"]) == (4, "partial", ["m1"])
        assert worked(said) == {f"{host}/{step}" for host in ("m2", "m3") for step in ("pki", "controllers")}
        seen = site.lab.slipway("certs", "show", site.lab.profile)
        assert (seen.exit, seen.problem("host.unreachable")["host"]) == (4, "m1")
    finally:
        site.lab.on("m1", f"iptables -w -D {rule}")
    said = site.lab.apply()
    assert (said.exit, said.changed) == (0, {"m1/pki", "m1/controllers"})
    after = shown(site)
    assert (apart(after), all_newer(before, ends(after))) == ([], True)


def test_apply_brings_a_cluster_back_whose_certificates_have_all_ended(site: Site) -> None:
    """As after a year of being off; but for the kubelets' own, which the machine's clock keeps good here."""
    profile = load(site.lab.profile).profile
    past = datetime.now(UTC) - timedelta(days=366)
    keys = pki.ensure(site.lab.cluster / "pki", pki.wanted(profile), past, anew=lambda _name, _certificate: True)
    for host in profile.hosts:
        files = [file for file in pki.host_files(keys, profile, host) if not file.path.endswith("/ca.key")]
        lines = [f"echo {base64.b64encode(file.content).decode()} | base64 -d > {file.path}" for file in files]
        site.lab.on(host.name, "\n".join(lines))
    ended = site.lab.slipway("certs", "show", site.lab.profile)
    assert (ended.exit, ended.result) == (1, "failed")
    assert {problem["level"] for problem in ended.found["problems"]} == {"error"}
    site.all(f"systemctl restart --no-block etcd; pkill -x '{'|'.join(('kube-apiserver', *STARTED_ANEW))}'; true")
    until("the API is gone", lambda: not site.lab.ready_nodes(), 60)
    said = site.lab.apply()
    assert (said.exit, said.result) == (0, "done"), said
    assert {f"{host}/pki" for host in site.names} <= said.changed
    assert site.lab.ready_nodes() == set(site.names)
    assert (apart(shown(site)), shown(site).found["problems"]) == ([], [])
    until("status is well", lambda: site.lab.slipway("status", site.lab.profile).exit == 0, 60)


def test_a_jump_host_without_the_keys_makes_none(site: Site) -> None:
    away = Path(f"{site.lab.cluster}/pki.away")
    (site.lab.cluster / "pki").rename(away)
    try:
        for words in (("certs", "renew", site.lab.profile, "--yes"), ("apply", site.lab.profile, "--yes")):
            said = site.lab.slipway(*words)
            assert (said.exit, said.result) == (1, "failed")
            assert "/etc/kubernetes/pki" in said.problem("run.failed")["hint"]
            assert not (site.lab.cluster / "pki").exists()
        assert site.lab.slipway("certs", "show", site.lab.profile).problem("certs.no-store")
    finally:
        away.rename(site.lab.cluster / "pki")
