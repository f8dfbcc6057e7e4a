"""YAML that slipway wrote itself, read back: by libyaml where PyYAML has it, at a tenth of the time."""

from __future__ import annotations

from typing import Any

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def documents(text: str | bytes) -> tuple[Any, ...]:
    """Return the documents of a YAML stream that aren't empty, as plain data."""
    return tuple(item for item in yaml.load_all(text, Loader=LOADER) if item)
