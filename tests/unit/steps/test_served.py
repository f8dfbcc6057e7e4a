"""Who serves which certificate: asked of a real TLS server by a real shell; and what a new kubeconfig starts anew."""

from __future__ import annotations

import datetime
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from cryptography import x509

from tests.unit.render.sites import profile, site
from wizard import pki
from wizard.engine.step import Change, Drifted, Satisfied
from wizard.pki.certificates import Pair
from wizard.pki.store import Pki
from wizard.profile.model import Host
from wizard.render.control_plane import CREDENTIALS
from wizard.steps import pki as steps
from wizard.steps.control_plane import command_of, controllers_step

from .samples import answer

NOW = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)
HERE = profile(3, 1, 1)
OLD = pki.make(pki.wanted(HERE), None, NOW)[0]
LATER = NOW + datetime.timedelta(days=200)
NEW = pki.make(pki.wanted(HERE), OLD, LATER, anew=lambda _name, _pem: True)[0]
M1, E1, W1 = (HERE.host(name) for name in ("m1", "e1", "w1"))


def until(keys: Pki, name: str) -> int:
    return int(x509.load_pem_x509_certificate(keys.pair(name).certificate).not_valid_after_utc.timestamp())


def said(keys: Pki, host: Host = M1, **other: str) -> str:
    """Return what the look prints where every server has the certificate of `keys`, but for `other`."""
    ends = {name: str(until(keys, f"hosts/{host.name}/{name}")) for name in steps._servers(host)} | other
    return "\n".join(f"serves {name} {seconds}" for name, seconds in ends.items())


@contextmanager
def serving(pair: Pair, tmp_path: Path, *, ask: bool = False) -> Iterator[int]:
    """Serve TLS with a pair on a port of 127.0.0.1; with `ask` refuse who shows no certificate of etcd's authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (tmp_path / "pair.pem").write_bytes(pair.certificate + pair.key)
    context.load_cert_chain(tmp_path / "pair.pem")
    if ask:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=OLD.pair("etcd/ca").certificate.decode())
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    plain, _ = server.accept()
                except OSError:
                    return
                try:
                    context.wrap_socket(plain, server_side=True).close()
                except OSError:
                    plain.close()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)


def shell(script: str) -> str:
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60).stdout.strip()


def test_a_real_server_tells_when_its_certificate_ends(tmp_path: Path) -> None:
    name = "hosts/m1/apiserver"
    for keys in (OLD, NEW):
        with serving(keys.pair(name), tmp_path) as port:
            assert shell(steps._ends(f"127.0.0.1:{port}", False)) == str(until(keys, name))
    assert shell(steps._ends(f"127.0.0.1:{port}", False)) == "", "nobody is there any more"


def test_a_member_that_asks_for_a_certificate_is_shown_one(tmp_path: Path) -> None:
    client = OLD.pair("hosts/m1/etcd/healthcheck-client")
    (tmp_path / "healthcheck-client.crt").write_bytes(client.certificate)
    (tmp_path / "healthcheck-client.key").write_bytes(client.key)
    name = "hosts/m1/etcd/peer"
    with serving(OLD.pair(name), tmp_path, ask=True) as port:
        words = steps._ends(f"127.0.0.1:{port}", True).replace("/etc/etcd/pki", str(tmp_path))
        assert shell(words) == str(until(OLD, name))


def test_every_server_of_a_host_is_asked() -> None:
    assert steps._servers(M1).keys() == {"apiserver", "kubelet", "etcd/server", "etcd/peer"}
    assert steps._servers(E1).keys() == {"etcd/server", "etcd/peer"}
    assert steps._servers(W1) == {"kubelet": ("198.18.0.51:10250", False)}


@pytest.mark.parametrize("host", [M1, E1, W1], ids=["master", "etcd-only", "worker"])
def test_servers_with_the_new_ones_are_as_wanted_and_old_ones_are_waited_for(host: Host) -> None:
    step = steps.served_step(site(HERE), host, NEW, needs=())
    assert isinstance(step.probe.judge(said(NEW, host), 0), Satisfied)
    verdict = step.probe.judge(said(OLD, host), 0)
    assert isinstance(verdict, Drifted)
    assert len(verdict.diff) == len(steps._servers(host))
    assert {(diff.before[:16], diff.after[:16]) for diff in verdict.diff} == {("until 2027-11-23", "until 2028-06-10")}
    assert isinstance(step.change, Change)
    assert step.change.files == (), "it only waits"


def test_a_server_that_does_not_answer_is_named() -> None:
    step = steps.served_step(site(HERE), M1, NEW, needs=())
    for text in (said(NEW, kubelet=""), said(NEW, kubelet="soon")):
        verdict = step.probe.judge(text, 0)
        assert isinstance(verdict, Drifted)
        assert [(diff.subject, diff.before) for diff in verdict.diff] == [
            ("198.18.0.11:10250 serves a certificate", "no answer")
        ]


def manifests(keys: Pki | None, host: Host = M1) -> dict[str, dict[str, object]]:
    step = controllers_step(site(HERE), host, keys, needs=(), weight=1)
    assert isinstance(step.change, Change)
    return {file.path: yaml.safe_load(bytes(file.content)) for file in step.change.files}  # type: ignore[arg-type]


def test_controllers_are_started_anew_for_another_kubeconfig_and_for_nothing_else() -> None:
    assert manifests(OLD) == manifests(pki.make(pki.wanted(HERE), OLD, LATER)[0])
    for path, pod in manifests(OLD).items():
        assert pod != manifests(NEW)[path]
        assert pod != manifests(OLD, HERE.hosts[1])[path], "each host has a kubeconfig of its own"
    alone = pki.make(pki.wanted(HERE), OLD, LATER, anew=lambda name, _: name == "hosts/m1/scheduler")[0]
    changed = [path.rpartition("/")[2] for path, pod in manifests(alone).items() if pod != manifests(OLD)[path]]
    assert changed == ["kube-scheduler.yaml"]


def test_a_process_of_the_old_kubeconfig_is_not_as_wanted() -> None:
    """Also where a run was killed after the manifest was written: the process itself tells what it was started with."""
    step = controllers_step(site(HERE), M1, NEW, needs=(), weight=1)
    assert isinstance(step.change, Change)

    def state(keys: Pki) -> str:
        change = controllers_step(site(HERE), M1, keys, needs=(), weight=1).change
        assert isinstance(change, Change)
        lines = [answer(step.change.files), "--slipway-cut--"]  # type: ignore[union-attr]
        for file in change.files:
            words = command_of(file)
            assert words[0].startswith(f"{CREDENTIALS}=")
            lines += [f"{words[1]} ready=yes", f"{words[1]} command={' '.join(words)} "]
        return "\n".join(lines)

    assert isinstance(step.probe.judge(state(NEW), 0), Satisfied)
    verdict = step.probe.judge(state(OLD), 0)
    assert isinstance(verdict, Drifted)
    assert [diff.subject for diff in verdict.diff] == ["process kube-controller-manager", "process kube-scheduler"]


def test_digests_show_nothing_of_a_key_and_only_masters_have_them() -> None:
    digests = pki.credentials(OLD, HERE, M1)
    assert digests.keys() == {"kube-controller-manager", "kube-scheduler"}
    assert {len(digest) for digest in digests.values()} == {16}
    assert pki.credentials(OLD, HERE, E1) == pki.credentials(OLD, HERE, W1) == {}
