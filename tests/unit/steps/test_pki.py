"""Certificates on hosts are judged by what they mean; keys by their bytes, which nobody is shown."""

from __future__ import annotations

import datetime
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from tests.unit.render.sites import profile, site
from wizard.engine.step import Change, Drifted, File, Step
from wizard.pki.certificates import Wanted, new_key, new_leaf
from wizard.pki.store import Pki, make
from wizard.pki.wanted import wanted
from wizard.steps.pki import pki_step

from .samples import answer, judged

NOW = datetime.datetime.now(datetime.UTC)
HERE = profile()
M1 = HERE.hosts[0]
CERTIFICATE = "/etc/kubernetes/pki/apiserver.crt"
NAME = "hosts/m1/apiserver"


@cache
def keys() -> Pki:
    return make(wanted(HERE), None, NOW)[0]


def item() -> Wanted:
    return next(one for one in wanted(HERE) if one.name == NAME)


def step() -> Step:
    return pki_step(site(HERE), M1, keys(), needs=())


def files() -> tuple[File, ...]:
    change = step().change
    assert isinstance(change, Change)
    return change.files


def issued(days: int = 365, authority: str = "ca", names: bool = True) -> bytes:
    """Return a certificate like the stored one, of the same key, with other bytes."""
    stored = x509.load_pem_x509_certificate(keys().pair(NAME).certificate)
    issuer = keys().pair(authority)
    signer = serialization.load_pem_private_key(issuer.key, None)
    builder = (
        x509.CertificateBuilder()
        .subject_name(stored.subject)
        .issuer_name(x509.load_pem_x509_certificate(issuer.certificate).subject)
        .public_key(stored.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - datetime.timedelta(days=1))
        .not_valid_after(NOW + datetime.timedelta(days=days, hours=1))
    )
    for extension in stored.extensions:
        if names or extension.oid != x509.oid.ExtensionOID.SUBJECT_ALTERNATIVE_NAME:
            builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)  # type: ignore[arg-type]


def test_as_slipway_put_them_they_serve() -> None:
    assert judged(step(), answer(files())) == []


def test_a_certificate_with_other_bytes_and_the_same_meaning_serves() -> None:
    other = issued()
    assert other != keys().pair(NAME).certificate
    assert judged(step(), answer(files(), {CERTIFICATE: other})) == []


@pytest.mark.parametrize(
    "other",
    [
        lambda: issued(days=3),
        lambda: issued(days=-1),
        lambda: issued(authority="etcd/ca"),
        lambda: issued(names=False),
        lambda: new_leaf(item(), keys().pair("ca"), NOW).certificate,
        lambda: keys().pair("hosts/m2/apiserver").certificate,
        lambda: b"no certificate\n",
        lambda: b"",
    ],
    ids=[
        "about to expire",
        "expired",
        "another authority",
        "no names",
        "another key",
        "another host's",
        "text",
        "empty",
    ],
)
def test_a_certificate_that_does_not_serve_is_drift(other: object) -> None:
    assert judged(step(), answer(files(), {CERTIFICATE: other()})) == [CERTIFICATE]  # type: ignore[operator]


def test_an_authority_is_never_another() -> None:
    assert judged(step(), answer(files(), {"/etc/kubernetes/pki/ca.crt": keys().pair("etcd/ca").certificate})) == [
        "/etc/kubernetes/pki/ca.crt"
    ]


def test_another_private_key_is_drift_and_neither_is_shown() -> None:
    path = "/etc/kubernetes/pki/apiserver.key"
    verdict = step().probe.judge(answer(files(), {path: new_key()}), 0)
    assert isinstance(verdict, Drifted)
    (diff,) = verdict.diff
    assert (diff.subject, diff.secret) == (path, True)
    assert diff.before.startswith("••• ")
    assert "PRIVATE" not in diff.before + diff.after


def test_every_private_key_is_secret_and_for_its_owner_alone() -> None:
    private = [file for file in files() if b"PRIVATE" in bytes(file.content)]  # type: ignore[arg-type]
    private += [file for file in files() if file.path.endswith(".conf")]
    assert len(private) > 5
    assert all(file.secret and file.mode == 0o600 for file in private)


def test_a_plan_without_keys_says_that_they_would_be_made() -> None:
    missing = pki_step(site(HERE), M1, None, needs=())
    assert judged(missing, "") == ["certificates and keys"]
    assert missing.change == Change()
