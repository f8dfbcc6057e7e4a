"""What all tests share: less work for the garbage collector."""

from __future__ import annotations

import gc

import pytest


def pytest_collection_finish(session: pytest.Session) -> None:
    """Let the collector look at what tests make, not at the imported modules over and over."""
    gc.collect()
    gc.freeze()
