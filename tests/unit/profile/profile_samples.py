"""Profiles to judge: a sound one, and ways to change it."""

from __future__ import annotations

import copy
from typing import Any

from wizard.profile.fold import put
from wizard.profile.model import Profile


def host(name: str, number: int, **more: Any) -> dict[str, Any]:
    return {"name": name, "address": f"10.20.0.{number}", "roles": ["master", "etcd"], **more}


def sound_data(masters: int = 3, etcd_only: int = 2) -> dict[str, Any]:
    """A profile that no rule has anything to say about: three masters, five etcd members."""
    hosts = [host(f"m{n}", 10 + n) for n in range(1, masters + 1)]
    hosts += [host(f"e{n}", 30 + n, roles=["etcd"]) for n in range(1, etcd_only + 1)]
    return {"version": 1, "name": "site1", "hosts": hosts, "endpoint": {"vip": "10.20.0.10"}}


def with_values(*changes: tuple[str, Any], data: dict[str, Any] | None = None) -> dict[str, Any]:
    result = copy.deepcopy(data if data is not None else sound_data())
    for path, value in changes:
        result = put(result, path, value)
    return result


def profile(*changes: tuple[str, Any], data: dict[str, Any] | None = None) -> Profile:
    return Profile.model_validate(with_values(*changes, data=data))


def of_size(masters: int, etcd_only: int = 0) -> Profile:
    return Profile.model_validate(sound_data(masters, etcd_only))
