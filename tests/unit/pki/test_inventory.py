"""Which certificates lie where: the files that hosts get, looked at by a real shell, and no key among the words."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from wizard import pki
from wizard.pki import inventory
from wizard.pki.inventory import pem_of, places
from wizard.profile.model import Host
from wizard.render.places import KUBELET_CLIENT

from .test_pki import _ONCE, DAY, NOW, profile

HOSTS = pytest.mark.parametrize(
    "host", [profile().host(name) for name in ("m1", "e1", "w1")], ids=["master", "etcd-only", "worker"]
)


@HOSTS
def test_every_certificate_that_a_host_gets_is_listed(host: Host) -> None:
    given = {file.path for file in pki.host_files(_ONCE, profile(), host) if file.path.endswith((".crt", ".conf"))}
    listed = [place.path for place in places(host) if not place.own]
    assert (set(listed), len(listed)) == (given, len(given))
    assert all(place.purpose for place in places(host))
    assert {place.name for place in places(host) if not place.own} <= _ONCE.pairs.keys()


def test_of_a_worker_only_what_its_kubelet_serves_is_in_the_store() -> None:
    names = {place.name: place.own for place in places(profile().host("w1"))}
    assert names == {"ca": False, "hosts/w1/kubelet": False, "hosts/w1/kubelet-own": True}


def looked(tmp_path: Path, host: Host, hide: str = "") -> str:
    """Return what the look prints on a host that has its files (in a folder; the shell is the real one)."""
    for file in pki.host_files(_ONCE, profile(), host):
        path = tmp_path / file.path[1:]
        path.parent.mkdir(parents=True, exist_ok=True)
        if file.path != hide:
            path.write_bytes(file.content)
    own = tmp_path / KUBELET_CLIENT[1:]
    own.parent.mkdir(parents=True, exist_ok=True)
    pair = _ONCE.pair("hosts/m1/kubelet-client")
    own.write_bytes(pair.certificate + pair.key)
    script = inventory.look(host)
    for place in places(host):
        script = script.replace(f" {place.path}", f" {tmp_path}{place.path}")
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    # A certificate may by chance hold the letters of any short word: what must not be told is the keys' own text.
    for key in (one.key for one in _ONCE.pairs.values()):
        assert key.decode().splitlines()[1] not in done.stdout
        assert base64.b64encode(key).decode() not in done.stdout
    return done.stdout.replace(f"{tmp_path}/", "/")


@HOSTS
def test_a_look_tells_each_certificate_and_no_key(tmp_path: Path, host: Host) -> None:
    text = looked(tmp_path, host)
    seen = inventory.read(text)
    assert seen.keys() == {place.path for place in places(host)}
    for place in places(host):
        certificate = seen[place.path]
        assert certificate is not None, place
        name = "hosts/m1/kubelet-client" if place.own else place.name
        assert pem_of(certificate) == pem_of(x509.load_pem_x509_certificate(_ONCE.pair(name).certificate))
    for pair in _ONCE.pairs.values():
        for line in pair.key.decode().splitlines()[1:-1]:
            assert line not in text, "a key was read"


def test_what_is_gone_or_no_certificate_is_none(tmp_path: Path) -> None:
    host, gone = profile().host("m1"), "/etc/kubernetes/pki/apiserver.crt"
    assert inventory.read(looked(tmp_path, host, hide=gone))[gone] is None
    assert inventory.read("cert /a !!!\ncert /b QUJD\ncert /c\nnothing\n") == {"/a": None, "/b": None, "/c": None}


def test_what_ends_soon_is_told_the_soonest_first_and_the_kubelets_own_is_not() -> None:
    host = profile().host("m1")
    leaf = x509.load_pem_x509_certificate(_ONCE.pair("hosts/m1/apiserver").certificate)
    authority = x509.load_pem_x509_certificate(_ONCE.pair("ca").certificate)
    seen = {
        "/etc/kubernetes/pki/ca.crt": authority,
        "/etc/kubernetes/pki/apiserver.crt": leaf,
        "/etc/kubernetes/pki/kubelet.crt": None,
        KUBELET_CLIENT: leaf,
    }
    assert inventory.ending(host, seen, NOW + 364 * DAY) == ()
    assert [place.path for place, _ in inventory.ending(host, seen, NOW + 366 * DAY)] == [
        "/etc/kubernetes/pki/apiserver.crt"
    ]
    assert [place.name for place, _ in inventory.ending(host, seen, NOW + 3651 * DAY)] == ["hosts/m1/apiserver", "ca"]
