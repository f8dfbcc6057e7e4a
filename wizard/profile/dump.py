"""Write a profile as YAML in one canonical form, with the few comments that a person on site needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from pydantic import BaseModel

from wizard.profile.model import Profile

HEADER = "# A slipway profile: what this site shall be. Judge it with 'slipway profile validate FILE'.\n"

COMMENTS: Mapping[str, str] = {
    "ssh": "Login shared by all hosts. Secrets never stand here; slipway asks for them.",
    "hosts": "The machines: address is where SSH finds it, and the node's IPv4 address unless node_ip says otherwise.",
    "endpoint": "Where people and workers find the API: a free IPv4 address in the masters' subnet.",
    "endpoint.vrid": "VRRP virtual router ID: no other VRRP on the segment may have it.",
    "etcd": "The size of etcd is the number of hosts with the role etcd: 3, or 5 in production.",
    "network": "Networks inside the cluster: private, and used nowhere else at the site.",
    "masters_schedulable": "true lets ordinary Pods run on masters.",
    "time_servers": "NTP servers that every host shall use.",
    "registries": "Passwords never stand here: password_file names a file on the jump host, or slipway asks.",
    "proxy": "By which images are fetched; the cluster's own addresses are spared.",
    "manifests": "A folder of manifests: applied after the install and kept in step.",
    "extra_args": "Flags of components, besides slipway's own or in their place.",
    "sysctls": "Kernel settings of every host; a reset puts back what was.",
}
"""Path → the comment above it."""

_APART = frozenset({"masters_schedulable", "time_servers", "manifests"})
"""Keys of one line that stand apart."""

_FLOW = frozenset({"roles", "time_servers", "upstream_dns", "taints", "mirrors", "no_proxy"})
"""Lists written in one line."""


def dump(profile: Profile) -> str:
    """Return `profile` as YAML. Defaults are written out, so that the file says what will be; what is empty is not.

    `wizard.profile.load.parse` returns the same profile for it.
    """
    return HEADER + "".join(f"{line}\n" for line in _mapping(plain(profile), "", ""))


def plain(part: BaseModel) -> dict[str, Any]:
    """Return a part of a profile as plain data, with defaults filled in; what is empty by default is left out."""
    result: dict[str, Any] = {}
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        if value in (None, "", ()) and value == field.default:
            continue
        item = _plain(value)
        if item == {} and value == field.default:
            continue
        result[name] = item
    return result


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return plain(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, bool | int | float) else str(value)


def _mapping(data: Mapping[str, Any], indent: str, path: str) -> Iterator[str]:
    """Yield the lines of a mapping; groups and lists at the top are set apart by an empty line."""
    for name, value in data.items():
        where = f"{path}.{name}" if path else name
        if (not path and isinstance(value, dict | list)) or where in _APART:
            yield ""
        if comment := COMMENTS.get(where):
            yield f"{indent}# {comment}"
        if isinstance(value, dict) and value:
            yield f"{indent}{_text(name)}:"
            yield from _mapping(value, indent + "  ", where)
        elif isinstance(value, list) and value and name not in _FLOW:
            yield f"{indent}{name}:"
            for item in value:
                yield from _item(item, indent + "  ", where)
        else:
            yield f"{indent}{_text(name)}: {_flow(value)}"


def _item(item: Any, indent: str, path: str) -> Iterator[str]:
    """Yield the lines of one item of a list, the first with its dash."""
    lines = _mapping(item, "", path + "[]") if isinstance(item, dict) and item else iter([_flow(item)])
    for index, line in enumerate(lines):
        yield f"{indent}{'  ' if index else '- '}{line}"


def _flow(value: Any) -> str:
    """Return a value in one line; text is quoted where YAML would read something else."""
    if isinstance(value, list):
        return f"[{', '.join(_flow(item) for item in value)}]"
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, int):
        return str(value)
    return _text(str(value))


def _text(text: str) -> str:
    """Return text as one YAML scalar that YAML 1.1 and 1.2 both read as that text."""
    if _is_plain(text):
        return text
    quoted: str = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=10**9)
    return quoted.rstrip("\n")


def _is_plain(text: str) -> bool:
    """Tell whether text needs no quotes: words, addresses, paths, versions."""
    harmless = text.isascii() and text.replace("/", "a").replace(".", "a").replace("-", "a").replace("_", "a").isalnum()
    if not harmless or text[0] in "-." or text[0] == "_":
        return False
    # What any reader could take for a number, a date, a truth value or nothing gets quotes.
    return (
        yaml.safe_load(text) == text and text.lower() not in ("y", "n", "yes", "no", "on", "off") and not _numeric(text)
    )


def _numeric(text: str) -> bool:
    try:
        float(text.replace("_", ""))
    except ValueError:
        return False
    return True
