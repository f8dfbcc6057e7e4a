"""The log in words."""

from __future__ import annotations

import pytest

from wizard.engine import events as e
from wizard.engine.events import StepInfo
from wizard.engine.lines import log_line


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("m2 to be ready", "Pods move elsewhere: waits for m2 to be ready"),
        ("Pods move elsewhere", "Pods move elsewhere: waits until it is so"),
    ],
)
def test_a_step_does_not_wait_for_its_own_name(text: str, said: str) -> None:
    line = log_line(e.StepWaiting("w1/drain", text), StepInfo("w1/drain", "Pods move elsewhere", "m1", "remove"))
    assert line is not None
    assert (line.text, line.step) == (said, "w1/drain")
