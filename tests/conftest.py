"""What all tests share: signals as a terminal leaves them, and less work for the garbage collector."""

from __future__ import annotations

import gc
import signal

import pytest


def pytest_configure() -> None:
    """Take SIGHUP as usual: under nohup(1) it is ignored, by every child too, and tests that send it would not end."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Let the collector look at what tests make, not at the imported modules over and over."""
    gc.collect()
    gc.freeze()
