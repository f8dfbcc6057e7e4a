"""Flags that a site gives to components: in the place of slipway's own where it gives them, else after them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from wizard.render.plain import documents

_FLAG = re.compile(r"    - --([a-z0-9-]+)(=.*)?")


def with_flags(manifest: str, flags: Mapping[str, str]) -> str:
    """Return a static Pod's manifest, as slipway writes it, with `flags` among its command's arguments."""
    if not flags:
        return manifest
    lines, left, last = [], dict(flags), 0
    for line in manifest.splitlines():
        match = _FLAG.fullmatch(line)
        if match and match[1] in left:
            line = _line(match[1], left.pop(match[1]))
        lines.append(line)
        if match:
            last = len(lines)
    lines[last:last] = [_line(name, value) for name, value in sorted(left.items())]
    return "\n".join(lines) + "\n"


def _line(flag: str, value: str) -> str:
    return f"    - {json.dumps(f'--{flag}={value}')}"


def command_line(flags: Mapping[str, str]) -> str:
    """Return flags as words of a command line, one blank apart: none has a blank in it."""
    return " ".join(f"--{name}={value}" for name, value in sorted(flags.items()))


def with_variables(settings: str, flags: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Return etcd's settings with those of `flags` in them that slipway sets too, and the other flags.

    etcd refuses a flag that is a variable as well, and passes over a variable that it doesn't know: what slipway has
    no variable for goes on the command line, where a wrong name is an error.
    """
    left = dict(flags)
    lines = []
    for line in settings.splitlines():
        name = line.partition("=")[0].removeprefix("ETCD_").lower().replace("_", "-")
        lines.append(f"{line.partition('=')[0]}={left.pop(name)}" if name in left else line)
    return "\n".join(lines) + "\n", left


_OF_SETTING = {
    "clientConnection.kubeconfig": "kubeconfig",
    "clusterCIDR": "cluster-cidr",
    "conntrack.maxPerCore": "conntrack-max-per-core",
    "conntrack.min": "conntrack-min",
    "mode": "proxy-mode",
}
"""Setting of kube-proxy's file → its flag (1.37 cmd/kube-proxy/app/options.go)."""


def proxy_flags(config: str, flags: Mapping[str, str]) -> tuple[str, ...]:
    """Return kube-proxy's arguments: with a file of settings it passes over nearly all flags, so all are flags then.

    Raises KeyError for a setting whose flag is not known here: a defect of slipway.
    """
    settings = {_OF_SETTING[name]: str(value) for name, value in _settings(documents(config)[0])}
    return tuple(f"--{name}={value}" for name, value in sorted({**settings, **flags}.items()))


def _settings(data: Mapping[str, Any], path: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in data.items():
        if not path and name in ("apiVersion", "kind"):
            continue
        if isinstance(value, Mapping):
            found += _settings(value, f"{path}{name}.")
        else:
            found.append((f"{path}{name}", value))
    return found
