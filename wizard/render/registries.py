"""How containerd fetches images: a folder for each registry that needs something, read at each pull, without a restart.

Credentials are a header in it, by which both ways to log in work: a registry that asks for a password gets it, and one
that asks for a token has it asked of its token server with that header (containerd 2.4: core/remotes/docker/
authorizer.go). Other ways would be worse: `registry.configs` in config.toml is deprecated and needs a restart, and a
credential provider of the kubelet gives a mirror's password to whatever is asked after it.
https://github.com/containerd/containerd/blob/main/docs/hosts.md
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from wizard.profile.extras import Registry
from wizard.profile.model import Host
from wizard.remote.base import Secret
from wizard.render.files import RenderedFile, fill
from wizard.render.node import is_node
from wizard.render.site import Site

FOLDER = "/etc/containerd/certs.d"
_DOCKER = "docker.io"
_DOCKER_HOST = "registry-1.docker.io"
"""Where containerd itself asks for images of docker.io."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address that is asked for images. `ca` is the path of its authority on a host, `login` an HTTP header."""

    registry: str
    url: str
    ca: str = ""
    login: Secret | None = None
    authority: bytes = field(default=b"", repr=False)

    @property
    def override(self) -> bool:
        """Tell whether the address holds the API's own path, as Harbor's proxies do: ``https://host/v2/project``."""
        return urlsplit(self.url).path.rstrip("/").startswith("/v2/")

    @property
    def api(self) -> str:
        """Return the address at which a registry says whether it would serve."""
        parts = urlsplit(self.url)
        path = "" if self.override or parts.path.rstrip("/").endswith("/v2") else parts.path.rstrip("/")
        return f"{parts.scheme}://{parts.netloc}{path}/v2/"


def endpoints(site: Site, registry: Registry) -> tuple[Endpoint, ...]:
    """Return what is asked for images of `registry`, in that order."""
    addresses = list(registry.mirrors)
    if registry.upstream:
        addresses.append(f"https://{_DOCKER_HOST if registry.name == _DOCKER else registry.name}")
    return tuple(_endpoint(site, registry, address) for address in addresses)


def _endpoint(site: Site, registry: Registry, address: str) -> Endpoint:
    place = _DOCKER if urlsplit(address).netloc == _DOCKER_HOST else urlsplit(address).netloc
    about = next((item for item in site.profile.registries if item.name == place), None)
    if about is None:
        return Endpoint(registry.name, address)
    authority = site.extras_files.authorities.get(about.name, b"")
    return Endpoint(
        registry.name, address, _ca(about.name) if authority else "", _login(site, about), authority
    )  # fmt: skip


def _ca(registry: str) -> str:
    return f"{FOLDER}/{registry}/ca.crt"


def _login(site: Site, registry: Registry) -> Secret | None:
    """Return the header that logs in; None where the registry needs none, or where its password was not given."""
    password = site.extras_files.passwords.get(registry.name)
    if password is None or not registry.username:
        return None
    pair = f"{registry.username}:{password.reveal()}".encode()
    return Secret(f"Basic {base64.b64encode(pair).decode()}")


def secrets(site: Site) -> tuple[Secret, ...]:
    """Return all that must be shown nowhere."""
    logins = [login for item in site.profile.registries if (login := _login(site, item))]
    bare = [Secret(login.reveal().removeprefix("Basic ")) for login in logins]
    return (*site.extras_files.passwords.values(), *logins, *bare)


def unasked(site: Site) -> tuple[str, ...]:
    """Return the registries whose password is not here: nobody was asked for it yet."""
    return tuple(item.name for item in site.profile.registries if item.username and _login(site, item) is None)


def registries(site: Site, host: Host) -> tuple[RenderedFile, ...]:
    """Return for each registry its ``hosts.toml`` (root's alone where it holds a password) and its authority."""
    if not is_node(host):
        return ()
    files = []
    for registry in site.profile.registries:
        asked = endpoints(site, registry)
        secret = any(item.login for item in asked)
        text = fill(
            "containerd/hosts.toml", name=registry.name, server=asked[-1] if asked else None, mirrors=asked[:-1]
        )
        mode = 0o600 if secret else 0o644
        files.append(RenderedFile(f"{FOLDER}/{registry.name}/hosts.toml", text.encode(), mode, secret=secret))
        if authority := site.extras_files.authorities.get(registry.name):
            files.append(RenderedFile(_ca(registry.name), authority))
    return tuple(files)
