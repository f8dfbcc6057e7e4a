"""Sentences behind a mark: wrapped beneath themselves, not beneath the mark."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from textual.content import Content

LEAST = 20
"""Columns that a text gets at least, however narrow the place."""
HELD = "\N{NO-BREAK SPACE}"
"""A blank at which no line ends."""


def hanging(head: Content | str, text: Content | str, width: int, style: str = "") -> Content:
    """Return `head` and behind it `text` in at most `width` columns, each further line as far in as the first.

    `style` is that of a plain `text`.
    """
    head = Content(head) if isinstance(head, str) else head
    text = Content.styled(text, style) if isinstance(text, str) else text
    indent = " " * len(head.plain)
    return Content.assemble(head, Content(f"\n{indent}").join(_rows(text, max(LEAST, width - len(indent)))))


def _rows(text: Content, width: int) -> Iterator[Content]:
    """Yield the lines of a text, each in its styles."""
    # With every white space as one blank, a line is found where it was wrapped.
    text = Content(re.sub(rf"[^\S{HELD}]", " ", text.plain), list(text.spans))
    end = 0
    for row in textwrap.wrap(text.plain, width, break_on_hyphens=False):
        begin = text.plain.index(row, end)
        end = begin + len(row)
        yield text[begin:end]
