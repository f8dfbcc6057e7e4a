"""The extras: what a site brings of its own. Registries, a proxy, arguments of components, kernel settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, GetCoreSchemaHandler, WithJsonSchema, model_validator
from pydantic_core import CoreSchema, core_schema

from wizard.profile.part import Part


class Words(dict[str, str]):
    """Texts by name. A value, though a dict: it has a hash, as all of a profile has, and nobody changes it."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Tell pydantic that it is a mapping of texts."""
        return core_schema.no_info_after_validator_function(cls, handler(dict[str, str]))


def _texts(given: object) -> object:
    """Take numbers and truth values as the text they are written as: flags and kernel settings are texts."""
    if not isinstance(given, Mapping):
        return given
    return {name: json.dumps(item) if isinstance(item, bool | int | float) else item for name, item in given.items()}


def _flags(given: object) -> object:
    """Take flags with the dashes that they have on a command line, too."""
    texts = _texts(given)
    if not isinstance(texts, Mapping):
        return texts
    return {name.removeprefix("--") if isinstance(name, str) else name: item for name, item in texts.items()}


_SCHEMA = WithJsonSchema(
    {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}, mode="validation"
)

Texts = Annotated[Words, BeforeValidator(_texts), _SCHEMA]
"""Texts by name; a number stands for its text."""

Flags = Annotated[Words, BeforeValidator(_flags), _SCHEMA]
"""Values by the name of a flag, without its dashes; a number or truth value stands for its text."""


class Registry(Part):
    """One registry as images name it. Its CA and credentials hold wherever it is asked, as a mirror of another too."""

    name: str
    """Host and port as images name them: ``docker.io``, ``registry.example:5000``."""
    mirrors: tuple[str, ...] = ()
    """Addresses (``https://…``) that are asked first, in this order, for images of this registry."""
    upstream: bool = True
    """Ask the registry itself where no mirror has the image."""
    ca: str | None = None
    """Path of the authority's certificate (PEM) on the jump host. Without it: the authorities each host trusts."""
    username: str | None = None
    """Name to log in with."""
    password_file: str | None = None
    """Path of a file with the password on the jump host. With a username and without it, slipway asks."""


class Proxy(Part):
    """The proxy by which containerd fetches images. The cluster's own addresses never go through it."""

    http_proxy: str | None = None
    """Address of the proxy for ``http`` (``http://proxy.example:3128``)."""
    https_proxy: str | None = None
    """Address of the proxy for ``https``."""
    no_proxy: tuple[str, ...] = ()
    """What is asked directly besides: names, ``.domains``, addresses, networks."""


class ExtraArgs(Part):
    """Flags of components, besides slipway's own or in their place: ``audit-log-maxage: 30``, without dashes.

    Those that hold the cluster together can't be replaced; the refusal says why.
    """

    kube_apiserver: Flags = Words()
    """Flags of every kube-apiserver."""
    kube_controller_manager: Flags = Words()
    """Flags of every kube-controller-manager."""
    kube_scheduler: Flags = Words()
    """Flags of every kube-scheduler."""
    kubelet: Flags = Words()
    """Flags of every kubelet."""
    kube_proxy: Flags = Words()
    """Flags of every kube-proxy."""
    etcd: Flags = Words()
    """Flags of every etcd member."""

    @model_validator(mode="before")
    @classmethod
    def _underlined(cls, given: Any) -> Any:
        """Take the components' own names, which have dashes, too."""
        if not isinstance(given, Mapping):
            return given
        return {name.replace("-", "_") if isinstance(name, str) else name: item for name, item in given.items()}
