"""What tests of screens share: a folder, fake services, and an app whose clock stands still."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wizard.profile.model import Profile
from wizard.ui.app import SlipwayApp
from wizard.ui.services import RunRef

from . import story
from .fakes import FakeServices, sample, write
from .quiet import wait_for_idle


@pytest.fixture(autouse=True)
def _own_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hide the developer's own folders, colours and time zone; wait for screens without guessing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for module in ("textual.app", "textual.pilot"):
        monkeypatch.setattr(f"{module}.wait_for_idle", wait_for_idle)
    time.tzset()
    yield
    os.environ.pop("TZ", None)
    time.tzset()


@pytest.fixture(autouse=True)
def _collect_seldom() -> Iterator[None]:
    """Collect garbage less often: screens drop many small objects, and over a third of the time went there.

    In these tests alone: elsewhere transports lie in it, which have to go while their event loop is open.
    """
    usual = gc.get_threshold()
    gc.set_threshold(50_000, 10, 10)
    yield
    gc.set_threshold(*usual)


@pytest.fixture
def services(tmp_path: Path) -> FakeServices:
    """The fake outside world."""
    return FakeServices(folder=tmp_path)


@pytest.fixture
def profile_file(tmp_path: Path) -> Path:
    """A ready profile of three masters."""
    path = tmp_path / "site-a.yaml"
    write(path, sample())
    return path


@pytest.fixture
def run_ref(services: FakeServices) -> RunRef:
    """The run of the story."""
    return services.ref(Profile.model_validate(sample()))


@pytest.fixture
def make_app(services: FakeServices) -> Callable[..., SlipwayApp]:
    """Make the wizard over the fake services, at 20 s after the story's start."""

    def make(**more: object) -> SlipwayApp:
        return SlipwayApp(services, clock=lambda: story.START + 20.0, **more)  # type: ignore[arg-type]

    return make
