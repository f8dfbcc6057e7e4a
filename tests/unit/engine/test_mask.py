"""No secret comes through, in whatever text it stands."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from wizard.engine.mask import MASK, SHORTEST, Masker, fingerprint
from wizard.engine.step import Diff
from wizard.errors import Level, Problem
from wizard.remote.base import Secret

secrets = st.text(min_size=SHORTEST, max_size=30).filter(lambda text: text.strip() and text not in MASK)


@given(st.lists(secrets, min_size=1, max_size=4), st.lists(st.text(max_size=10), min_size=5, max_size=5))
def test_no_secret_comes_through(texts: list[str], between: list[str]) -> None:
    masker = Masker(Secret(text) for text in texts)
    spoken = "".join(f"{gap}{text}" for gap, text in zip(between, texts, strict=False))
    said = masker.text(spoken)
    assert not any(text in said.replace(MASK, "\0") for text in texts)
    problem = masker.problem(Problem("c", Level.ERROR, spoken, spoken))
    assert not any(text in problem.message.replace(MASK, "\0") + problem.hint.replace(MASK, "\0") for text in texts)


def test_a_key_is_masked_line_by_line_and_in_base64() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----\n"
    masker = Masker([Secret(key)])
    assert masker.text("key line: MIIEvQIBADANBgkq.") == f"key line: {MASK}."
    assert masker.text(base64.b64encode(key.encode()).decode()) == MASK
    assert Masker([]).text("as it is") == "as it is"
    assert Masker([Secret("ab"), Secret("")]).text("about") == "about"


def test_a_secret_diff_shows_that_it_differs_and_nothing_else() -> None:
    masker = Masker([])
    shown = masker.diff(Diff("/etc/key", "old secret", "new secret", secret=True))
    assert "secret" not in shown.before + shown.after
    assert shown.before != shown.after
    same = masker.diff(Diff("/etc/key", "same", "same", secret=True))
    assert same.before == same.after
    assert masker.diff(shown) == shown
    assert masker.diff(Diff("/etc/key", "", "x", secret=True)).before == ""
    assert fingerprint("a") == fingerprint("a") != fingerprint("b")
