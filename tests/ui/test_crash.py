"""A defect ends the wizard quietly: no traceback on the screen, which would show what was typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from wizard.ui.app import SlipwayApp

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
