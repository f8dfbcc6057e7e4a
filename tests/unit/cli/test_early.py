"""A run's process that is begun before its order is known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wizard.cli import early
from wizard.cli.launch import Order, launch
from wizard.errors import SlipwayError


@pytest.mark.parametrize(
    "words", [[], ["apply", "x.yaml"], ["plan", "x.yaml", "--yes"], ["apply", "--yes", "--help"], ["verify", "--yes"]]
)
def test_none_is_begun_for_what_wants_none_or_asks_first(words: list[str]) -> None:
    early.begin(words)
    assert not early._waiting


def test_it_ends_without_a_word_where_no_order_comes() -> None:
    early.begin(["apply", "x.yaml", "--yes"])
    (begun,) = early._waiting
    process = early.process()
    assert process is begun
    assert not early._waiting, "it is given once"
    assert process.communicate(timeout=60) == (b"", b"")
    assert process.returncode == 0


async def test_it_takes_the_order_and_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    early.begin(["apply", "x.yaml", "--yes"])
    order = Order("r1", {}, str(tmp_path / "no-bundle"), str(tmp_path / "site"), {"kind": "install"})
    with pytest.raises(SlipwayError) as caught:
        await launch(order)
    assert "did not begin" in caught.value.title
    assert not early._waiting
    log = (tmp_path / "site/logs/r1.log").read_text()
    assert "There is no bundle" in log, json.dumps(log)
