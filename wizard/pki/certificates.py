"""Keys and certificates: ECDSA on P-256 throughout.

kubeadm's default is RSA-2048; it accepts ECDSA (kubeadm v1beta4 `encryptionAlgorithm`). P-256 is chosen because keys
are made hundreds of times faster and a TLS handshake costs the apiserver a fraction.
"""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS = 3650
LEAF_DAYS = 365
BACKDATED = datetime.timedelta(minutes=5)
"""Certificates begin this much in the past, so that a host whose clock is a little behind accepts them."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A certificate as it shall be.

    `name` is its place in the store (``etcd/ca``, ``hosts/m1/apiserver``). `authority` is the name of the one that
    issues it; an authority itself has none. `server` and `client` are its extended key usages. `dns` and `ips` are its
    subject alternative names.
    """

    name: str
    common_name: str
    organization: str = ""
    authority: str = ""
    server: bool = False
    client: bool = False
    dns: tuple[str, ...] = ()
    ips: tuple[str, ...] = ()

    @property
    def usages(self) -> tuple[x509.ObjectIdentifier, ...]:
        """Return the extended key usages."""
        server = (ExtendedKeyUsageOID.SERVER_AUTH,) if self.server else ()
        client = (ExtendedKeyUsageOID.CLIENT_AUTH,) if self.client else ()
        return server + client


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key, both PEM. The key never shows in `repr`."""

    certificate: bytes
    key: bytes = field(repr=False)


def new_key() -> bytes:
    """Return a new private key (PEM, SEC 1: what Kubernetes and etcd read)."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def public_key(key: bytes) -> bytes:
    """Return the public key of a private one, both PEM."""
    return (
        _private(key)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def made_at(pem: bytes) -> datetime.datetime:
    """Return when a certificate of ours (PEM) was made, to the second."""
    return x509.load_pem_x509_certificate(pem).not_valid_before_utc + BACKDATED


def new_authority(wanted: Wanted, now: datetime.datetime) -> Pair:
    """Return a new, self-signed authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _subject(wanted)
    builder = (
        _builder(name, name, key.public_key(), now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
    )
    return _pair(builder.sign(key, hashes.SHA256()), key)


def new_leaf(wanted: Wanted, authority: Pair, now: datetime.datetime) -> Pair:
    """Return a new certificate issued by `authority`, with a key of its own.

    It never outlives its authority.
    """
    issuer = x509.load_pem_x509_certificate(authority.certificate)
    issuer_key = _private(authority.key)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(_subject(wanted), issuer.subject, key.public_key(), now, LEAF_DAYS, issuer.not_valid_after_utc)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(wanted.usages), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    names = [x509.DNSName(name) for name in wanted.dns]
    addresses = [x509.IPAddress(ipaddress.ip_address(ip)) for ip in wanted.ips]
    if names or addresses:
        builder = builder.add_extension(x509.SubjectAlternativeName([*names, *addresses]), critical=False)
    return _pair(builder.sign(issuer_key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime.datetime,
    days: int,
    until: datetime.datetime | None = None,
) -> x509.CertificateBuilder:
    end = now + datetime.timedelta(days=days)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(min(end, until) if until else end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _subject(wanted: Wanted) -> x509.Name:
    organization = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, wanted.organization)] if wanted.organization else []
    return x509.Name([*organization, x509.NameAttribute(NameOID.COMMON_NAME, wanted.common_name)])


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    # No key encipherment: an ECDSA key can only sign (RFC 5480, section 3).
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return Pair(certificate.public_bytes(serialization.Encoding.PEM), pem)


def _private(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("it is no ECDSA key")
    return key
