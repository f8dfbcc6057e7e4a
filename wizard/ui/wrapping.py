"""Sentences behind a mark: wrapped beneath themselves, not beneath the mark."""

from __future__ import annotations

import textwrap

from textual.content import Content

LEAST = 20
"""Columns that a text gets at least, however narrow the place."""


def hanging(head: Content | str, text: str, width: int, style: str = "") -> Content:
    """Return `head` and behind it `text` in at most `width` columns, each further line as far in as the first."""
    head = Content(head) if isinstance(head, str) else head
    indent = " " * len(head.plain)
    rows = textwrap.wrap(text, max(LEAST, width - len(indent)), break_on_hyphens=False) or [""]
    words = f"\n{indent}".join(rows)
    return Content.assemble(head, Content.styled(words, style) if style else Content(words))
