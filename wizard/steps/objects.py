"""Objects in the Kubernetes API: what is wanted compared with what is there, and applied by the server.

The comparison asks only for what slipway states: fields that the API server defaults or other controllers own are
nobody's drift. Applying is server-side (https://kubernetes.io/docs/reference/using-api/server-side-apply/), so that
two writers are told apart by name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from wizard.engine.step import Diff
from wizard.render.plain import documents

Object = Mapping[str, Any]

_SUFFIXES = {"m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


def parse(manifests: str) -> tuple[Object, ...]:
    """Return the objects of a YAML stream, empty documents left out."""
    return documents(manifests)


def identity(item: Object) -> tuple[str, str, str]:
    """Return kind, namespace and name."""
    meta = item.get("metadata", {})
    return (str(item.get("kind", "")), str(meta.get("namespace", "")), str(meta.get("name", "")))


def label_of(item: Object) -> str:
    """Return an object's name as people write it: ``DaemonSet kube-system/kube-proxy``."""
    kind, namespace, name = identity(item)
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


def compare(wanted: Sequence[Object], listing: str) -> tuple[Diff, ...]:
    """Return a diff for every wanted object that the API's JSON `listing` lacks or holds with other fields."""
    there = {identity(item): item for item in items_of(listing)}
    diff = []
    for item in wanted:
        live = there.get(identity(item))
        if live is None:
            diff.append(Diff(label_of(item), "", "as in slipway's manifest"))
            continue
        differing = differences(item, live)
        if differing:
            before = "\n".join(f"{path}: {_short(seen)}" for path, seen, _ in differing)
            after = "\n".join(f"{path}: {_short(want)}" for path, _, want in differing)
            diff.append(Diff(label_of(item), before, after))
    return tuple(diff)


def items_of(listing: str) -> tuple[Object, ...]:
    """Return the objects of what ``kubectl get -o json`` printed; nothing where that is no JSON."""
    text = listing.strip()
    if not text:
        return ()
    try:
        data = json.loads(text)
    except ValueError:
        return ()
    if data.get("kind") == "List":
        return tuple(data.get("items", ()))
    return (data,)


def differences(wanted: Any, live: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    """Return (path, seen, wanted) for every field that `wanted` states and `live` has otherwise."""
    if isinstance(wanted, Mapping):
        if not isinstance(live, Mapping):
            return [] if not wanted and live is None else [(path, live, wanted)]
        found = []
        for key, value in wanted.items():
            if path == "" and key in {"apiVersion", "status"}:
                continue
            found += differences(value, live.get(key), f"{path}.{key}" if path else key)
        return found
    if isinstance(wanted, list):
        if not wanted and live is None:
            return []
        if not isinstance(live, list) or len(live) != len(wanted):
            return [(path, live, wanted)]
        found = []
        for index, (one, other) in enumerate(_paired(wanted, live)):
            name = one.get("name", index) if isinstance(one, Mapping) else index
            found += differences(one, other, f"{path}[{name}]")
        return found
    return [] if _same(wanted, live) else [(path, live, wanted)]


def _paired(wanted: list[Any], live: list[Any]) -> list[tuple[Any, Any]]:
    """Pair list elements by name where they have names, else by place: the API may reorder named lists."""
    if all(isinstance(item, Mapping) and "name" in item for item in (*wanted, *live)):
        by_name = {item["name"]: item for item in live}
        return [(item, by_name.get(item["name"])) for item in wanted]
    return list(zip(wanted, live, strict=True))


def _same(wanted: Any, live: Any) -> bool:
    # False and nothing are not the same: without `allowPrivilegeEscalation: false` it is allowed.
    if wanted == live:
        return True
    if isinstance(wanted, str | int | float) and isinstance(live, str | int | float):
        return _quantity(wanted) is not None and _quantity(wanted) == _quantity(live)
    return False


def _quantity(value: str | int | float) -> float | None:
    """Return a Kubernetes quantity as a number (``100m`` → 0.1), or None where it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    for suffix in ("Ki", "Mi", "Gi", "m", "k", "M", "G", ""):
        if value.endswith(suffix):
            try:
                return float(value.removesuffix(suffix) if suffix else value) * _SUFFIXES.get(suffix, 1)
            except ValueError:
                continue
    return None


def _short(value: Any, most: int = 200) -> str:
    text = "absent" if value is None else json.dumps(value, sort_keys=True, default=str)
    return text if len(text) <= most else text[:most] + " …"
