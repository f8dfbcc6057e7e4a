"""A host's share of the PKI: its certificates, keys and kubeconfigs as files, each where it lies on the host."""

from __future__ import annotations

import base64
import hashlib

import yaml

from wizard.pki.certificates import Pair
from wizard.pki.store import Pki
from wizard.pki.wanted import ADMIN, CA, ETCD_CA, FRONT_PROXY_CA, SUPER_ADMIN, name_of, node_client
from wizard.profile.model import Host, Profile, Role
from wizard.render.files import RenderedFile
from wizard.render.places import (
    BOOTSTRAP_KUBECONFIG,
    ETCD_PKI,
    ETCD_USER,
    KUBELET_KUBECONFIG,
    KUBELET_SERVING,
    KUBERNETES,
    PKI,
)
from wizard.render.site import endpoint_url, own_api_url

ROOT = "root:root"


def host_files(pki: Pki, profile: Profile, host: Host) -> tuple[RenderedFile, ...]:
    """Return all PKI files and kubeconfigs of `host`.

    Masters get the authorities with their keys, so that a lost jump host can be adopted; etcd-only hosts get what
    etcd needs, workers the kubelet's server certificate, and neither an authority's key. Raises `PkiError` where a
    certificate was never made.
    """
    files: tuple[RenderedFile, ...] = ()
    if Role.MASTER in host.roles or Role.WORKER in host.roles:
        files += _node(pki, profile, host)
    if Role.MASTER in host.roles:
        files += _master(pki, profile, host)
    if Role.ETCD in host.roles:
        files += _member(pki, host)
    return files


def admin_kubeconfig(pki: Pki, profile: Profile) -> bytes:
    """Return the kubeconfig for people: cluster-admin, through the VIP."""
    return kubeconfig(profile, endpoint_url(profile), pki.pair(CA).certificate, "kubernetes-admin", pki.pair(ADMIN))


def bootstrap_kubeconfig(pki: Pki, profile: Profile, token: str) -> RenderedFile:
    """Return the kubeconfig by which a worker's kubelet joins through the VIP, with a bootstrap token inside."""
    config = _config(profile, endpoint_url(profile), pki.pair(CA).certificate, "tls-bootstrap-token", {"token": token})
    return _secret(BOOTSTRAP_KUBECONFIG, config)


def credentials(pki: Pki, profile: Profile, host: Host) -> dict[str, str]:
    """Return digests of the kubeconfigs that a master's Pods read once, at their start, by the Pod's name."""
    files = {file.path: file.content for file in host_files(pki, profile, host)}
    paths = {f"kube-{name}": f"{KUBERNETES}/{name}.conf" for name in ("controller-manager", "scheduler")}
    return {name: hashlib.sha256(files[path]).hexdigest()[:16] for name, path in paths.items() if path in files}


def kubeconfig(profile: Profile, server: str, authority: bytes, user: str, pair: Pair) -> bytes:
    """Return a kubeconfig for `user` at `server`, with authority, certificate and key inside."""
    login = {
        "client-certificate-data": _base64(pair.certificate),
        "client-key-data": _base64(pair.key),
    }
    return _config(profile, server, authority, user, login)


def _config(profile: Profile, server: str, authority: bytes, user: str, login: dict[str, str]) -> bytes:
    context = f"{user}@{profile.name}"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": profile.name, "cluster": {"certificate-authority-data": _base64(authority), "server": server}}
        ],
        "contexts": [{"name": context, "context": {"cluster": profile.name, "user": user}}],
        "current-context": context,
        "users": [{"name": user, "user": login}],
    }
    return yaml.safe_dump(config, sort_keys=False, width=1_000_000).encode()


def _node(pki: Pki, profile: Profile, host: Host) -> tuple[RenderedFile, ...]:
    certificate = _pair(KUBELET_SERVING, pki.pair(name_of(host, "kubelet")))
    files = (RenderedFile(f"{PKI}/ca.crt", pki.pair(CA).certificate), *certificate)
    if Role.MASTER not in host.roles:
        return files  # kubelet.conf is the kubelet's own: it writes it when it joins
    # A master's kubelet speaks to its own apiserver: it must start static Pods without the VIP.
    client = node_client(host)
    config = kubeconfig(
        profile, own_api_url(host), pki.pair(CA).certificate, client.common_name, pki.pair(client.name)
    )  # fmt: skip
    return (*files, _secret(KUBELET_KUBECONFIG, config))


def _master(pki: Pki, profile: Profile, host: Host) -> tuple[RenderedFile, ...]:
    own = own_api_url(host)
    authority = pki.pair(CA).certificate
    leaves = ("apiserver", "apiserver-kubelet-client", "front-proxy-client", "apiserver-etcd-client")
    users = {
        "controller-manager": ("system:kube-controller-manager", pki.pair(name_of(host, "controller-manager"))),
        "scheduler": ("system:kube-scheduler", pki.pair(name_of(host, "scheduler"))),
        "super-admin": ("kubernetes-super-admin", pki.pair(SUPER_ADMIN)),
    }
    return (
        _secret(f"{PKI}/ca.key", pki.pair(CA).key),
        *(file for name in (ETCD_CA, FRONT_PROXY_CA) for file in _pair(f"{PKI}/{name}", pki.pair(name))),
        _secret(f"{PKI}/sa.key", pki.service_accounts),
        RenderedFile(f"{PKI}/sa.pub", pki.service_accounts_public),
        *(file for name in leaves for file in _pair(f"{PKI}/{name}", pki.pair(name_of(host, name)))),
        *(
            _secret(f"{KUBERNETES}/{name}.conf", kubeconfig(profile, own, authority, user, pair))
            for name, (user, pair) in users.items()
        ),
        _secret(f"{KUBERNETES}/admin.conf", admin_kubeconfig(pki, profile)),
    )


def _member(pki: Pki, host: Host) -> tuple[RenderedFile, ...]:
    owner = f"{ETCD_USER}:{ETCD_USER}"
    return (
        RenderedFile(f"{ETCD_PKI}/ca.crt", pki.pair(ETCD_CA).certificate, owner=owner),
        *_pair(f"{ETCD_PKI}/server", pki.pair(name_of(host, "etcd/server")), owner),
        *_pair(f"{ETCD_PKI}/peer", pki.pair(name_of(host, "etcd/peer")), owner),
        *_pair(f"{ETCD_PKI}/healthcheck-client", pki.pair(name_of(host, "etcd/healthcheck-client"))),
    )


def _pair(path: str, pair: Pair, owner: str = ROOT) -> tuple[RenderedFile, RenderedFile]:
    return RenderedFile(f"{path}.crt", pair.certificate, owner=owner), _secret(f"{path}.key", pair.key, owner)


def _secret(path: str, content: bytes, owner: str = ROOT) -> RenderedFile:
    return RenderedFile(path, content, 0o600, owner, secret=True)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
