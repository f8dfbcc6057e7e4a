"""Which certificates lie where on a host, a look at them that never reads a key, and what was seen."""

from __future__ import annotations

import base64
import binascii
import datetime
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from wizard.pki.wanted import ADMIN, AUTHORITIES, CA, ETCD_CA, FRONT_PROXY_CA, SUPER_ADMIN, name_of, node_client
from wizard.profile.model import Host, Role
from wizard.render.places import ETCD_PKI, KUBELET_CLIENT, KUBELET_KUBECONFIG, KUBELET_SERVING, KUBERNETES, PKI

Seen = Mapping[str, x509.Certificate | None]
"""The certificates found on a host, by path; None for one that is gone or no certificate."""
AUTHORITY_NAMES = frozenset(item.name for item in AUTHORITIES)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a certificate lies on a host: its name in the store, what it is for, the file."""

    name: str
    purpose: str
    path: str

    @property
    def own(self) -> bool:
        """Tell whether the host renews it by itself: the kubelet's, which is in no store (`rotateCertificates`)."""
        return self.path == KUBELET_CLIENT


def purpose_of(name: str) -> str:
    """Return what a certificate of the store is for."""
    return _PURPOSES.get(name) or _PURPOSES.get(name.split("/", 2)[-1], "")


def places(host: Host) -> tuple[Place, ...]:
    """Return every certificate of a host: files of their own, and those inside kubeconfigs."""
    found: list[tuple[str, str]] = []
    if Role.MASTER in host.roles or Role.WORKER in host.roles:
        found += [
            (CA, f"{PKI}/ca.crt"),
            (name_of(host, "kubelet"), f"{KUBELET_SERVING}.crt"),
            (name_of(host, "kubelet-own"), KUBELET_CLIENT),
        ]
    if Role.MASTER in host.roles:
        # A worker's holds none: its kubelet writes it, and names its own certificate's file there.
        found += [(node_client(host).name, KUBELET_KUBECONFIG)]
        leaves = ("apiserver", "apiserver-kubelet-client", "front-proxy-client", "apiserver-etcd-client")
        found += [(name, f"{PKI}/{name}.crt") for name in (ETCD_CA, FRONT_PROXY_CA)]
        found += [(name_of(host, name), f"{PKI}/{name}.crt") for name in leaves]
        found += [(name_of(host, name), f"{KUBERNETES}/{name}.conf") for name in ("controller-manager", "scheduler")]
        found += [(name, f"{KUBERNETES}/{name}.conf") for name in (SUPER_ADMIN, ADMIN)]
    if Role.ETCD in host.roles:
        found += [(ETCD_CA, f"{ETCD_PKI}/ca.crt")]
        found += [(name_of(host, f"etcd/{name}"), f"{ETCD_PKI}/{name}.crt") for name in _MEMBER]
    return tuple(Place(name, purpose_of(name), path) for name, path in found)


def look(host: Host) -> str:
    """Return the shell fragment that prints ``cert PATH BASE64`` for each certificate of a host.

    Of a file only what stands between the marks of its first certificate is read, of a kubeconfig only its client
    certificate: no key ever leaves the host. Nothing follows PATH where there is none.
    """
    crt = "sed -n '/-----BEGIN CERTIFICATE/,/-----END CERTIFICATE/{/-----END/q;/-----/d;p;}'"
    conf = r"sed -n 's/^ *client-certificate-data: *\([A-Za-z0-9+\/=]*\) *$/\1/p'"
    paths = [place.path for place in places(host)]
    files = " ".join(path for path in paths if not path.endswith(".conf"))
    configs = " ".join(path for path in paths if path.endswith(".conf"))
    return (
        f"for f in {files}; do echo \"cert $f $({crt} $f 2>/dev/null | tr -d '\\n')\"; done\n"
        f'for f in {configs or "none"}; do [ ! -e $f ] || echo "cert $f $({conf} $f 2>/dev/null | head -n 1)"; done'
    )


def read(text: str) -> Seen:
    """Return what a look printed."""
    lines = [line.split(" ") for line in text.splitlines() if line.startswith("cert ")]
    return {words[1]: _certificate(words[2] if len(words) > 2 else "") for words in lines if len(words) > 1}


def ending(host: Host, seen: Seen, before: datetime.datetime) -> tuple[tuple[Place, datetime.datetime], ...]:
    """Return what of a host ends before a time and isn't renewed by the host itself, and when; the soonest first."""
    ends = [
        (place, certificate.not_valid_after_utc)
        for place in places(host)
        if (certificate := seen.get(place.path)) is not None and not place.own
    ]
    return tuple(sorted((item for item in ends if item[1] < before), key=lambda item: item[1]))


def _certificate(encoded: str) -> x509.Certificate | None:
    try:
        data = base64.b64decode(encoded, validate=True)
        return (
            x509.load_pem_x509_certificate(data) if data.startswith(b"-----") else x509.load_der_x509_certificate(data)
        )
    except (binascii.Error, ValueError):
        return None


def pem_of(certificate: x509.Certificate) -> bytes:
    """Return a certificate as PEM."""
    return certificate.public_bytes(Encoding.PEM)


_MEMBER = ("server", "peer", "healthcheck-client")
_PURPOSES = {
    CA: "authority of the cluster",
    ETCD_CA: "authority of etcd",
    FRONT_PROXY_CA: "authority of aggregated APIs",
    ADMIN: "people, through the VIP",
    SUPER_ADMIN: "slipway on masters",
    "kubelet": "kubelet serves",
    "kubelet-client": "kubelet's first login",
    "kubelet-own": "kubelet's own, renewed by itself",
    "apiserver": "apiserver serves",
    "apiserver-kubelet-client": "apiserver → kubelets",
    "front-proxy-client": "apiserver → aggregated APIs",
    "apiserver-etcd-client": "apiserver → etcd",
    "controller-manager": "controller-manager → apiserver",
    "scheduler": "scheduler → apiserver",
    "etcd/server": "etcd serves",
    "etcd/peer": "etcd member ↔ member",
    "etcd/healthcheck-client": "etcdctl on the host",
}
