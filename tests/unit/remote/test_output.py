from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wizard.remote.output import LONGEST_LINE, Capture


@given(st.lists(st.binary(max_size=20), max_size=20))
def test_lines_are_whole_however_the_bytes_are_cut(pieces):
    lines: list[str] = []
    capture = Capture(lines.append)
    for piece in pieces:
        capture.feed(piece)
    capture.finish()
    data = b"".join(pieces)
    assert capture.data == data
    expected = data.split(b"\n")
    if expected[-1] == b"":
        expected.pop()
    assert lines == [line.removesuffix(b"\r").decode(errors="replace") for line in expected]


@given(st.lists(st.binary(max_size=20), max_size=20), st.integers(0, 100))
def test_no_more_than_the_limit_is_kept(pieces, limit):
    capture = Capture(limit=limit)
    for piece in pieces:
        capture.feed(piece)
    data = b"".join(pieces)
    assert capture.data == data[:limit]
    assert capture.truncated == (len(data) > limit)


def test_a_character_cut_in_two_is_one():
    lines: list[str] = []
    capture = Capture(lines.append)
    for byte in "schön\n".encode():
        capture.feed(bytes([byte]))
    assert lines == ["schön"]


def test_an_endless_line_comes_in_pieces():
    lines: list[str] = []
    capture = Capture(lines.append)
    capture.feed(b"x" * (LONGEST_LINE + 5))
    assert [len(line) for line in lines] == [LONGEST_LINE]
    capture.finish()
    assert len(lines[1]) == 5
