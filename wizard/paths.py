"""Where slipway keeps things on the jump host: state and cache, never the checkout."""

from __future__ import annotations

from pathlib import Path

import platformdirs


def cache_dir() -> Path:
    """Return ``$XDG_CACHE_HOME/slipway``: bundles, builds and the practice hosts' base system."""
    return Path(platformdirs.user_cache_dir("slipway"))


def state_dir() -> Path:
    """Return ``$XDG_STATE_HOME/slipway``: one folder a cluster, with its keys, journal, logs and reports."""
    return Path(platformdirs.user_state_dir("slipway"))


def cluster_dir(cluster: str) -> Path:
    """Return the state folder of the cluster of that name."""
    return state_dir() / cluster


def carried_dir() -> Path:
    """Return the folder of bundles that came along with a checkout (`make offline`). It need not be there."""
    return assets_dir().parent / "bundles"


def assets_dir() -> Path:
    """Return the folder of templates and units: beside the package in a checkout, inside it when installed."""
    package = Path(__file__).resolve().parent
    installed = package / "_assets"
    return installed if installed.is_dir() else package.parent / "assets"
