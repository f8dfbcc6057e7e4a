"""A defect ends the wizard quietly: no traceback on the screen, which would show what was typed."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from wizard.ui.app import SlipwayApp
from wizard.ui.screens.error import ErrorView
from wizard.ui.screens.welcome import WelcomeScreen
from wizard.ui.services import Opened

from .driving import NARROW, comes, press, sees
from .fakes import FakeServices


class Broken(FakeServices):
    """Fails in a way that no screen expects."""

    async def recent(self) -> tuple[Path, ...]:
        """Fail with a secret at hand."""
        secret = "hunter2"
        raise RuntimeError(f"boom {len(secret)}")


def test_a_defect_is_handed_to_who_opened_the_app(capfd: pytest.CaptureFixture[str]) -> None:
    app = SlipwayApp(Broken())
    app.run(headless=True)
    assert isinstance(app.failure, RuntimeError)
    said = "".join(capfd.readouterr())
    assert "Traceback" not in said
    assert "hunter2" not in said


class Forbidden(FakeServices):
    """Has no right to what is opened."""

    async def open(self, path: Path) -> Opened:
        """Be refused."""
        raise PermissionError(errno.EACCES, "Permission denied", "/var/state/slipway")


async def test_a_folder_without_rights_is_said_and_the_wizard_stays() -> None:
    app = SlipwayApp(Forbidden(), profile=Path("site.yaml"))
    async with app.run_test(size=NARROW) as pilot:
        await comes(pilot, ErrorView)
        for said in ("This machine refuses a file", "/var/state/slipway", "Permission denied", "XDG_STATE_HOME"):
            await sees(pilot, said)
        await press(pilot, "escape")
        await comes(pilot, WelcomeScreen)
    assert app.failure is None
