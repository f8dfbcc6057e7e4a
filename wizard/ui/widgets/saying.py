"""Changing a text on the screen only where it differs, because every change costs a new layout."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static


def same(one: object, other: object) -> bool:
    """Tell whether two texts are the same in words and in style (`Content` itself compares words alone)."""
    if isinstance(one, Content) and isinstance(other, Content):
        return one.plain == other.plain and one.spans == other.spans
    return type(one) is type(other) and one == other


def say(screen: Widget, selector: str, text: Content | str, *, style: str = "", fixed: bool = False) -> None:
    """Show `text` in the `Static` that `selector` finds; plain text is never read as markup.

    `fixed` says that the widget's size doesn't depend on its text.
    """
    widget = screen.query_one(selector, Static)
    content = text if isinstance(text, Content) else Content.styled(text, style) if style else Content(text)
    if not same(widget.content, content):
        widget.update(content, layout=not fixed)
