"""Keys and certificates: what the table of ha-facts says, made once, judged by meaning, never half-written."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import os
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from wizard import pki
from wizard.pki import store
from wizard.pki.certificates import new_key, public_key
from wizard.pki.wanted import alternative_names
from wizard.profile.model import Endpoint, Host, Profile, Role

NOW = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


def profile(**endpoint: Any) -> Profile:
    masters = tuple(Host(name=f"m{n}", address=f"198.18.0.1{n}", etcd_ip=f"198.19.0.1{n}") for n in (1, 2, 3))
    only = Host(name="e1", address="198.18.0.21", roles=(Role.ETCD,))
    worker = Host(name="w1", address="198.18.0.51", roles=(Role.WORKER,))
    return Profile(name="demo", hosts=(*masters, only, worker), endpoint=Endpoint(vip="198.18.0.100", **endpoint))


def made(wanted: Profile | None = None, now: datetime.datetime = NOW) -> pki.Pki:
    return pki.make(pki.wanted(wanted or profile()), None, now)[0]


_ONCE = made()


def certificate(of: pki.Pki, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(of.pair(name).certificate)


def names(cert: x509.Certificate) -> set[str]:
    found = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(found.get_values_for_type(x509.DNSName)) | {str(ip) for ip in found.get_values_for_type(x509.IPAddress)}


SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
TABLE = {
    "admin": ("kubernetes-admin", "kubeadm:cluster-admins", "ca", {CLIENT}),
    "super-admin": ("kubernetes-super-admin", "system:masters", "ca", {CLIENT}),
    "hosts/m1/apiserver": ("kube-apiserver", "", "ca", {SERVER}),
    "hosts/m1/apiserver-kubelet-client": ("kube-apiserver-kubelet-client", "", "ca", {CLIENT}),
    "hosts/m1/apiserver-etcd-client": ("kube-apiserver-etcd-client", "", "etcd/ca", {CLIENT}),
    "hosts/m1/front-proxy-client": ("front-proxy-client", "", "front-proxy-ca", {CLIENT}),
    "hosts/m1/controller-manager": ("system:kube-controller-manager", "", "ca", {CLIENT}),
    "hosts/m1/scheduler": ("system:kube-scheduler", "", "ca", {CLIENT}),
    "hosts/m1/kubelet-client": ("system:node:m1", "system:nodes", "ca", {CLIENT}),
    "hosts/m1/kubelet": ("system:node:m1", "system:nodes", "ca", {SERVER}),
    "hosts/m1/etcd/server": ("m1", "", "etcd/ca", {SERVER, CLIENT}),
    "hosts/m1/etcd/peer": ("m1", "", "etcd/ca", {SERVER, CLIENT}),
    "hosts/m1/etcd/healthcheck-client": ("kube-etcd-healthcheck-client", "", "etcd/ca", {CLIENT}),
}


@pytest.mark.parametrize("name", TABLE)
def test_each_leaf_is_what_the_table_says(name: str) -> None:
    common_name, organization, authority, usages = TABLE[name]
    keys = _ONCE
    cert = certificate(keys, name)
    subject = {item.oid: item.value for item in cert.subject}
    assert subject.pop(NameOID.COMMON_NAME) == common_name
    assert subject.pop(NameOID.ORGANIZATION_NAME, "") == organization
    assert not subject
    cert.verify_directly_issued_by(certificate(keys, authority))
    assert set(cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == usages
    assert not cert.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert cert.not_valid_before_utc == NOW - datetime.timedelta(minutes=5)
    assert cert.not_valid_after_utc == NOW + 365 * DAY
    key = cert.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"


def test_no_certificate_is_made_that_the_table_lacks() -> None:
    own = {item.name for item in pki.wanted(profile()) if item.authority and "/m2/" not in item.name}
    own = {name for name in own if not any(f"/{host}/" in name for host in ("m3", "e1", "w1"))}
    assert own == set(TABLE)
    assert {item.name for item in pki.wanted(profile()) if "/w1/" in item.name} == {"hosts/w1/kubelet"}
    assert {item.name for item in pki.wanted(profile()) if "/e1/" in item.name} == {
        f"hosts/e1/etcd/{name}" for name in ("server", "peer", "healthcheck-client")
    }


@pytest.mark.parametrize(("name", "subject"), [("ca", "kubernetes"), ("etcd/ca", "etcd-ca"), ("front-proxy-ca",) * 2])
def test_authorities_last_ten_years_and_sign_only(name: str, subject: str) -> None:
    cert = certificate(_ONCE, name)
    assert cert.subject.rfc4514_string() == f"CN={subject}"
    assert cert.not_valid_after_utc == NOW + 3650 * DAY
    assert cert.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    usage = cert.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.key_cert_sign
    assert usage.crl_sign


def test_the_apiserver_answers_to_every_name_it_has() -> None:
    found = names(certificate(made(profile(dns_name="api.site.example")), "hosts/m2/apiserver"))
    assert found == {
        "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
        "10.96.0.1", "m2", "198.18.0.12", "localhost", "127.0.0.1", "198.18.0.100", "api.site.example",
    }  # fmt: skip


def test_etcd_and_kubelet_answer_to_their_hosts() -> None:
    keys = made()
    for name in ("server", "peer"):
        found = names(certificate(keys, f"hosts/m3/etcd/{name}"))
        assert found == {"m3", "localhost", "127.0.0.1", "::1", "198.18.0.13", "198.19.0.13"}
    assert names(certificate(keys, "hosts/m3/kubelet")) == {"m3", "198.18.0.13"}


@given(st.lists(st.one_of(st.ip_addresses().map(str), st.from_regex(r"\A[a-z][a-z0-9]{0,8}\Z")), max_size=12))
def test_addresses_are_never_names_and_each_is_there_once(candidates: list[str]) -> None:
    dns, ips = alternative_names(candidates)
    assert len(set(dns)) == len(dns)
    assert len(set(ips)) == len(ips)
    assert set(dns) | {ipaddress.ip_address(ip) for ip in ips} == {
        candidate if candidate in dns else ipaddress.ip_address(candidate) for candidate in candidates
    }


def test_the_same_bytes_come_back(tmp_path: Path) -> None:
    folder = tmp_path / "pki"
    assert pki.load(folder) is None
    first = pki.ensure(folder, pki.wanted(profile()), NOW)
    before = {path: path.read_bytes() for path in folder.rglob("*.pem")}
    second = pki.ensure(folder, pki.wanted(profile()), NOW + 100 * DAY)
    assert first == second == pki.load(folder)
    assert before == {path: path.read_bytes() for path in folder.rglob("*.pem")}
    for host in profile().hosts:
        assert pki.host_files(first, profile(), host) == pki.host_files(second, profile(), host)


def test_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        pki.ensure(tmp_path / "pki", pki.wanted(profile()), NOW)
    finally:
        os.umask(old)
    for path in [tmp_path / "pki", *(tmp_path / "pki").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_only_what_is_missing_or_expiring_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "pki"
    first = pki.ensure(folder, pki.wanted(profile()), NOW)
    (folder / "hosts/m2/scheduler.pem").unlink()
    second = pki.ensure(folder, pki.wanted(profile()), NOW + DAY)
    assert {name for name in first.pairs if first.pairs[name] != second.pairs[name]} == {"hosts/m2/scheduler"}
    third = pki.ensure(folder, pki.wanted(profile()), NOW + 340 * DAY)
    changed = {name for name in second.pairs if second.pairs[name] != third.pairs[name]}
    assert changed == set(second.pairs) - {"ca", "etcd/ca", "front-proxy-ca", "hosts/m2/scheduler"} | {
        "hosts/m2/scheduler"
    }
    assert third.service_accounts == first.service_accounts


def test_a_new_vip_renews_what_carries_it_and_nothing_else() -> None:
    first = made()
    moved = profile().model_copy(update={"endpoint": Endpoint(vip="198.18.0.200")})
    _, new = pki.make(pki.wanted(moved), first, NOW)
    assert new == {f"hosts/m{n}/apiserver" for n in (1, 2, 3)}


def test_a_leaf_never_outlives_its_authority() -> None:
    first = made()
    late = NOW + 3600 * DAY
    renewed, _ = pki.make(pki.wanted(profile()), first, late)
    assert certificate(renewed, "admin").not_valid_after_utc == certificate(first, "ca").not_valid_after_utc


def test_a_lost_authority_is_never_made_anew_behind_the_hosts_backs(tmp_path: Path) -> None:
    folder = tmp_path / "pki"
    pki.ensure(folder, pki.wanted(profile()), NOW)
    (folder / "etcd/ca.pem").unlink()
    with pytest.raises(pki.PkiError) as caught:
        pki.ensure(folder, pki.wanted(profile()), NOW)
    assert "etcd/ca" in caught.value.why
    assert caught.value.hint
    assert not (folder / "etcd/ca.pem").exists()


def test_a_run_killed_between_authorities_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "pki"
    whole = pki.ensure(folder, pki.wanted(profile()), NOW)
    for path in folder.rglob("*.pem"):
        if path.name != "ca.pem" or path.parent != folder:
            path.unlink()
    after = pki.ensure(folder, pki.wanted(profile()), NOW)
    assert after.pair("ca") == whole.pair("ca")
    assert after.pair("etcd/ca") != whole.pair("etcd/ca")


def test_what_a_crash_left_beside_is_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "pki"
    first = pki.ensure(folder, pki.wanted(profile()), NOW)
    (folder / ".ca.pem.x1y2").write_bytes(b"half")
    assert pki.load(folder) == first


def test_a_failed_write_leaves_the_old_file_and_nothing_beside(tmp_path: Path, monkeypatch: Any) -> None:
    folder = tmp_path / "pki"
    first = pki.ensure(folder, pki.wanted(profile()), NOW)

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.os, "fsync", full)
    with pytest.raises(pki.PkiError) as caught:
        pki.ensure(folder, pki.wanted(profile()), NOW + 350 * DAY)
    assert "No space left" in caught.value.why
    monkeypatch.undo()
    assert pki.load(folder) == first
    assert not [path for path in folder.rglob(".*") if path.is_file()]


@pytest.mark.parametrize("content", [b"", b"garbage", b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"])
def test_a_broken_file_is_named(tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "pki"
    pki.ensure(folder, pki.wanted(profile()), NOW)
    (folder / "ca.pem").write_bytes(content)
    with pytest.raises(pki.PkiError) as caught:
        pki.load(folder)
    assert caught.value.where.endswith("ca.pem")


def expect(keys: pki.Pki, name: str, **more: Any) -> pki.Expectation:
    item = next(item for item in pki.wanted(profile()) if item.name == name)
    fields = {"authority": keys.pair(item.authority).certificate, "now": NOW, "key": keys.pair(name).key, **more}
    return pki.Expectation(item, **fields)


def test_judging_finds_nothing_where_nothing_is_wrong() -> None:
    keys = made()
    for item in pki.wanted(profile()):
        if item.authority:
            assert pki.judge_certificate(keys.pair(item.name).certificate, expect(keys, item.name, days=60)) == []


def test_judging_says_each_fault_in_words() -> None:
    keys, other = made(), made()
    name = "hosts/m1/apiserver"
    good = keys.pair(name).certificate

    def judge(pem: bytes, **more: Any) -> str:
        return "; ".join(pki.judge_certificate(pem, expect(keys, name, **more)))

    assert judge(b"nonsense") == "it is no certificate"
    assert "not issued by this cluster's kubernetes" in judge(other.pair(name).certificate, key=b"")
    assert judge(good, key=new_key()) == "it belongs to another private key"
    assert judge(good, key=b"nonsense") == "its private key can't be read"
    assert judge(good, now=NOW + 400 * DAY) == "it expired on 2027-11-23"
    assert judge(good, now=NOW - DAY).startswith("it is not valid before")
    assert judge(good, now=NOW + 330 * DAY, days=60) == "it expires in 35 days"
    assert judge(good, now=NOW + 330 * DAY, days=30) == ""
    client = judge(keys.pair("hosts/m1/scheduler").certificate, key=b"")
    assert "common name is system:kube-scheduler, not kube-apiserver" in client
    assert "may not be used by a server" in client
    assert "not valid for kubernetes, kubernetes.default" in client
    assert "organization is kubeadm:cluster-admins, not empty" in judge(keys.pair("admin").certificate, key=b"")


def test_extra_names_are_no_fault() -> None:
    more = made(profile(dns_name="api.site.example"))
    assert pki.judge_certificate(more.pair("hosts/m1/apiserver").certificate, expect(more, "hosts/m1/apiserver")) == []


def test_days_left() -> None:
    pem = made().pair("admin").certificate
    assert pki.days_left(pem, NOW) == 365
    assert pki.days_left(pem, NOW + 364.5 * DAY) == 0
    assert pki.days_left(pem, NOW + 366 * DAY) == -1


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_fingerprints_tell_secrets_apart_and_show_nothing(one: bytes, other: bytes) -> None:
    assert (pki.fingerprint(one) == pki.fingerprint(other)) is (one == other)
    assert len(pki.fingerprint(one)) == 20


def test_no_key_shows_in_a_repr() -> None:
    keys = made()
    everything = [keys, keys.pair("ca"), *pki.host_files(keys, profile(), profile().hosts[0]), expect(keys, "admin")]
    for value in everything:
        assert "PRIVATE" not in repr(value)
        assert "LS0tLS1" not in repr(value)


def test_the_service_account_keys_are_a_pair() -> None:
    keys = made()
    assert public_key(keys.service_accounts) == keys.service_accounts_public
    assert b"BEGIN PUBLIC KEY" in keys.service_accounts_public


AUTHORITY_KEYS = {f"/etc/kubernetes/pki/{name}" for name in ("ca.key", "etcd/ca.key", "front-proxy-ca.key", "sa.key")}


def test_masters_get_the_authorities_and_etcd_only_hosts_do_not() -> None:
    keys, wanted = _ONCE, profile()
    for host in wanted.hosts:
        paths = {file.path for file in pki.host_files(keys, wanted, host)}
        assert len(paths) == len(pki.host_files(keys, wanted, host)), "a path is there twice"
        assert (paths & AUTHORITY_KEYS) == (AUTHORITY_KEYS if Role.MASTER in host.roles else set())
        if host.roles == (Role.ETCD,):
            assert {path.rpartition("/")[0] for path in paths} == {"/etc/etcd/pki"}


def test_a_worker_gets_its_kubelets_server_certificate_and_no_authoritys_key() -> None:
    keys = _ONCE
    worker = profile().host("w1")
    files = {file.path: file for file in pki.host_files(keys, profile(), worker)}
    assert files.keys() == {f"/etc/kubernetes/pki/{name}" for name in ("ca.crt", "kubelet.crt", "kubelet.key")}
    private = [keys.pair(name).key for name in ("ca", "etcd/ca", "front-proxy-ca")]
    assert not [file.path for file in files.values() if any(key in file.content for key in private)]


def test_secrets_are_for_their_owner_alone_and_certificates_for_all() -> None:
    """CIS 1.1.13 to 1.1.21, 4.1.5."""
    for host in profile().hosts:
        for file in pki.host_files(_ONCE, profile(), host):
            secret = file.path.endswith((".key", ".conf"))
            assert (file.secret, file.mode) == ((True, 0o600) if secret else (False, 0o644)), file.path
            assert (b"PRIVATE" in file.content or b"client-key-data" in file.content) is secret
            etcds = file.path.startswith("/etc/etcd/") and "healthcheck" not in file.path
            assert file.owner == ("etcd:etcd" if etcds else "root:root"), file.path


def test_each_certificate_lies_beside_its_own_key() -> None:
    for host in profile().hosts:
        files = {file.path: file.content for file in pki.host_files(_ONCE, profile(), host)}
        for path, content in files.items():
            if path.endswith(".crt") and f"{path[:-4]}.key" in files:
                cert = x509.load_pem_x509_certificate(content)
                key = public_key(files[f"{path[:-4]}.key"]).decode()
                mine = cert.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
                assert key == mine, path


@pytest.mark.parametrize(
    ("path", "server", "user"),
    [
        ("admin.conf", "https://198.18.0.100:6443", "kubernetes-admin"),
        ("super-admin.conf", "https://198.18.0.12:6443", "kubernetes-super-admin"),
        ("kubelet.conf", "https://198.18.0.12:6443", "system:node:m2"),
        ("controller-manager.conf", "https://198.18.0.12:6443", "system:kube-controller-manager"),
        ("scheduler.conf", "https://198.18.0.12:6443", "system:kube-scheduler"),
    ],
)
def test_kubeconfigs_of_a_master_point_to_its_own_apiserver(path: str, server: str, user: str) -> None:
    files = {file.path: file for file in pki.host_files(_ONCE, profile(), profile().host("m2"))}
    config = yaml.safe_load(files[f"/etc/kubernetes/{path}"].text)
    cluster = config["clusters"][0]["cluster"]
    assert cluster["server"] == server
    assert base64.b64decode(cluster["certificate-authority-data"]) == _ONCE.pair("ca").certificate
    cert = x509.load_pem_x509_certificate(base64.b64decode(config["users"][0]["user"]["client-certificate-data"]))
    assert cert.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == user
    context = next(item for item in config["contexts"] if item["name"] == config["current-context"])["context"]
    assert (context["cluster"], context["user"]) == (config["clusters"][0]["name"], config["users"][0]["name"])


def test_people_get_the_vip() -> None:
    config = yaml.safe_load(pki.admin_kubeconfig(_ONCE, profile(dns_name="api.site.example", port=8443)))
    assert config["clusters"][0]["cluster"]["server"] == "https://198.18.0.100:8443"
    assert config["current-context"] == "kubernetes-admin@demo"


def test_a_certificate_that_was_never_made_is_said() -> None:
    bigger = profile()
    new = Host(name="m9", address="198.18.0.19")
    with pytest.raises(pki.PkiError) as caught:
        pki.host_files(_ONCE, bigger.model_copy(update={"hosts": (*bigger.hosts, new)}), new)
    assert "m9" in caught.value.title
