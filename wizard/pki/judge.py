"""Judging a certificate by what it means, never by its bytes."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from wizard.pki.certificates import Wanted, public_key


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a certificate has to be: as `wanted`, issued by the certificate `authority` (PEM), for the private `key`.

    An empty `key` is not compared. With fewer than `days` days left it is a finding.
    """

    wanted: Wanted
    authority: bytes
    now: datetime.datetime
    key: bytes = field(default=b"", repr=False)
    days: int = 0


def judge_certificate(pem: bytes, expectation: Expectation) -> list[str]:
    """Return what is wrong with a certificate, each in a few words; nothing when it serves.

    Names beyond those wanted are no fault. Nothing is raised: bytes that are no certificate are a finding.
    """
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        authority = x509.load_pem_x509_certificate(expectation.authority)
    except ValueError:
        return ["it is no certificate"]
    return [
        *_issuer(certificate, authority),
        *_subject(certificate, expectation.wanted),
        *_names(certificate, expectation.wanted),
        *_usages(certificate, expectation.wanted),
        *_key(certificate, expectation.key),
        *_time(certificate, expectation),
    ]


def days_left(pem: bytes, now: datetime.datetime) -> int:
    """Return how many whole days a certificate (PEM) is still valid; negative when it has expired."""
    return (x509.load_pem_x509_certificate(pem).not_valid_after_utc - now).days


def fingerprint(content: bytes) -> str:
    """Return what a secret is shown as: enough of its SHA-256 to tell two apart, and nothing of itself."""
    return f"sha256:{hashlib.sha256(content).hexdigest()[:12]}…"


def _issuer(certificate: x509.Certificate, authority: x509.Certificate) -> list[str]:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return [f"it was not issued by this cluster's {_common_name(authority.subject) or 'authority'}"]
    return []


def _subject(certificate: x509.Certificate, wanted: Wanted) -> list[str]:
    found = []
    if (name := _common_name(certificate.subject)) != wanted.common_name:
        found.append(f"its common name is {name or 'empty'}, not {wanted.common_name}")
    groups = [str(item.value) for item in certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    if groups != ([wanted.organization] if wanted.organization else []):
        found.append(f"its organization is {', '.join(groups) or 'empty'}, not {wanted.organization or 'empty'}")
    return found


def _names(certificate: x509.Certificate, wanted: Wanted) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        names = x509.SubjectAlternativeName([])
    dns = set(names.get_values_for_type(x509.DNSName))
    ips = set(names.get_values_for_type(x509.IPAddress))
    missing = [name for name in wanted.dns if name not in dns]
    missing += [ip for ip in wanted.ips if ipaddress.ip_address(ip) not in ips]
    return [f"it is not valid for {', '.join(missing)}"] if missing else []


def _usages(certificate: x509.Certificate, wanted: Wanted) -> list[str]:
    try:
        usages = set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except (x509.ExtensionNotFound, ValueError):
        usages = set()
    words = {True: "a server", False: "a client"}
    wanted_usages = [(usage, words[usage == x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]) for usage in wanted.usages]
    return [f"it may not be used by {word}" for usage, word in wanted_usages if usage not in usages]


def _key(certificate: x509.Certificate, key: bytes) -> list[str]:
    if not key:
        return []
    mine = certificate.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    try:
        return [] if public_key(key) == mine else ["it belongs to another private key"]
    except (ValueError, TypeError):
        return ["its private key can't be read"]


def _time(certificate: x509.Certificate, expectation: Expectation) -> list[str]:
    now = expectation.now
    if certificate.not_valid_before_utc > now:
        return [f"it is not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"]
    if certificate.not_valid_after_utc <= now:
        return [f"it expired on {certificate.not_valid_after_utc:%Y-%m-%d}"]
    left = (certificate.not_valid_after_utc - now).days
    return [f"it expires in {left} days"] if left < expectation.days else []


def _common_name(name: x509.Name) -> str:
    attributes = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(attributes[0].value) if attributes else ""
