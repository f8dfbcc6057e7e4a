"""The versions slipway installs, from `assets/versions.yaml` alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from wizard.errors import SlipwayError, UsageError
from wizard.paths import assets_dir

OFFICIAL = frozenset({"calico", "cilium"})
"""Components that are taken as their makers publish them: no recipe builds them."""


@dataclass(frozen=True, slots=True)
class Versions:
    """One Kubernetes version and the parts that go with it. No leading v anywhere."""

    kubernetes: str
    etcd: str
    containerd: str
    runc: str
    cni_plugins: str
    cni_flannel: str
    """flannel's CNI plugin, which has versions of its own."""
    flannel: str
    coredns: str
    pause: str
    calico: str
    cilium: str

    def as_dict(self) -> dict[str, str]:
        """Return component → version of all that is built, with the names used in the bundle (``cni-plugins``)."""
        return {name: version for name, version in self._all().items() if name not in OFFICIAL}

    def _all(self) -> dict[str, str]:
        return {field.name.replace("_", "-"): getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class Catalog:
    """All known versions: `kubernetes` newest first; Go: the oldest usable and the proven one."""

    default: str
    go_minimum: str
    go_tested: str
    kubernetes: tuple[Versions, ...]

    def names(self) -> tuple[str, ...]:
        """Return the known Kubernetes versions, newest first."""
        return tuple(versions.kubernetes for versions in self.kubernetes)


def number(version: str) -> tuple[int, ...]:
    """Return a version as numbers to compare: ``v1.37.2`` → (1, 37, 2). Raises ValueError where it is none."""
    return tuple(int(part) for part in version.removeprefix("v").split("."))


@cache
def load() -> Catalog:
    """Return what `assets/versions.yaml` says."""
    return read(assets_dir() / "versions.yaml")


def read(path: Path) -> Catalog:
    """Read a versions file. Raises `SlipwayError` where it is broken: the installation itself is."""
    try:
        plain: Mapping[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        known = [
            Versions(kubernetes=name, **{key.replace("-", "_"): value for key, value in parts.items()})
            for name, parts in plain["kubernetes"].items()
        ]
        for text in (text for versions in known for text in versions._all().values()):
            number(text)
        known.sort(key=lambda versions: number(versions.kubernetes), reverse=True)
        catalog = Catalog(plain["default"], plain["go"]["minimum"], plain["go"]["tested"], tuple(known))
        if catalog.default not in catalog.names():
            raise ValueError(f"the default, {catalog.default}, is not among the versions")
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise SlipwayError(
            "The list of versions can't be read", where=str(path), why=str(error), hint="Install slipway again."
        ) from error
    return catalog


def default() -> str:
    """Return the Kubernetes version that is taken where nothing else is said."""
    return load().default


def known() -> tuple[str, ...]:
    """Return the Kubernetes versions slipway can install, newest first."""
    return load().names()


def components(kubernetes: str) -> Versions:
    """Return the parts of a Kubernetes version, given with or without a leading v.

    Raises `UsageError` naming the known ones where it is not among them.
    """
    wanted = kubernetes.removeprefix("v")
    for versions in load().kubernetes:
        if versions.kubernetes == wanted:
            return versions
    raise UsageError(
        f"Kubernetes {wanted} is not a version this slipway can install",
        why=f"it knows {', '.join(known())}",
        hint=f"Choose one of them; {default()} is the default.",
    )
