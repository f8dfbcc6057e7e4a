"""The host's marker: read back as written, ours told from another's, nothing lost."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wizard.engine.marker import HostMarker, Owner, Put, dump, judge, parse, with_before, with_change, without
from wizard.engine.step import Change, File

OWNER = Owner("uid-1", "demo", "0.1")
words = st.text(max_size=8)
MARKERS = st.builds(
    HostMarker, words.filter(bool), words, words, st.integers(0, 99),
    st.dictionaries(words, st.builds(Put, words, words, words, words), max_size=4),
    st.dictionaries(words, words, max_size=4),
)  # fmt: skip


@given(MARKERS)
def test_a_marker_is_read_back_as_written(marker: HostMarker) -> None:
    assert parse(dump(marker)) == marker


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse(text)
    except ValueError as error:
        assert "marker" in str(error)  # noqa: PT017
    assert judge(text, "uid-1") in ("another's", "none")


def test_whose_host_it_is() -> None:
    ours = dump(with_change(HostMarker(), OWNER, "s", Change()))
    assert judge(ours, "uid-1") == "ours"
    assert judge(ours, "uid-2") == "another's"
    assert judge("", "uid-1") == "none"
    assert judge("{}", "uid-1") == "another's"
    assert judge(json.dumps({"schema": 99, "uid": "uid-1"}), "uid-1") == "another's"
    with pytest.raises(ValueError, match="schema 99"):
        parse(json.dumps({"schema": 99, "uid": "uid-1"}))


def test_what_a_change_puts_is_named_with_its_step() -> None:
    change = Change(files=(File("/etc/a", b"", mode=0o600),), ours=("/etc/b",), absent=("/etc/c",))
    marker = with_change(HostMarker(files={"/etc/c": Put()}), OWNER, "m1/s", change)
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert marker.files == {
        "/etc/a": Put(empty, "0600", "m1/s", "0.1"),
        "/etc/b": Put("", "", "m1/s", "0.1"),
        "/etc/c": Put(),
    }
    assert (marker.uid, marker.cluster, marker.revision) == ("uid-1", "demo", 1)
    gone = without(marker, ["/etc/c", "/opt"])
    assert set(gone.files) == {"/etc/a", "/etc/b"}
    assert without(gone, ["/opt"]) is gone
    assert without(gone, ["/etc"]).files == {}


def test_what_was_there_first_is_never_forgotten() -> None:
    marker = with_before(HostMarker(), {"/etc/a": "/var/lib/slipway/before/etc/a"})
    assert with_before(marker, {"/etc/a": "absent"}) is marker
    assert with_before(marker, {"/etc/b": "absent"}).before["/etc/a"] == "/var/lib/slipway/before/etc/a"
