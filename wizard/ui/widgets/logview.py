"""The log: many lines, of which only those in sight are drawn; new ones cost no layout."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Sequence

from textual.content import Content
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual
from textual.widget import Widget

from wizard.engine.lines import LogLine
from wizard.ui.words import cut_name

CLOCK = 9
"""Columns that the time takes."""
NAME = 16
"""Columns that a host's name takes at most: the words are what a log is read for."""


class LogView(ScrollView, can_focus=True):
    """Shows the lines it is given, wrapped, with their times. It stays at the end unless the person has scrolled up."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.log_lines: Sequence[LogLine] = ()
        self.with_hosts = True
        self.rows: list[Content] = []
        self.drawn: tuple[object, ...] = ()

    def show(self, lines: Sequence[LogLine], *, hosts: bool) -> None:
        """Show `lines`, each with its host where `hosts` is true."""
        self.log_lines, self.with_hosts = lines, hosts
        state = (len(lines), lines[0] if lines else None, lines[-1] if lines else None, hosts, self._room())
        if state != self.drawn:
            self.drawn = state
            self._lay_out()

    def on_resize(self) -> None:
        """Wrap anew for the new width."""
        self.show(self.log_lines, hosts=self.with_hosts)

    def _room(self) -> int:
        return max(20, self.scrollable_content_region.width)

    def _lay_out(self) -> None:
        at_end = not self.has_focus or self.scroll_offset.y >= self.max_scroll_y - 1
        room = self._room()
        self.rows = [row for line in self.log_lines for row in rows_of(line, room, hosts=self.with_hosts)]
        # Set in the ordinary way, another size would lay the whole screen out; only the scroll bar depends on it.
        self.set_reactive(Widget.virtual_size, Size(room, len(self.rows)))
        self._refresh_scrollbars()
        if at_end:
            self.scroll_end(animate=False)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line in sight."""
        number = y + self.scroll_offset.y
        width = self.size.width
        if number >= len(self.rows):
            return Strip.blank(width, self.rich_style)
        return Visual.to_strips(self, self.rows[number], width, 1, self.visual_style)[0]


def rows_of(line: LogLine, width: int, *, hosts: bool) -> list[Content]:
    """Return a log line as rows of at most `width` columns: time, host, and the text, wrapped beneath itself."""
    clock = time.strftime("%H:%M:%S", time.localtime(line.time))
    host = f"{cut_name(line.host, NAME)} " if hosts and line.host else ""
    indent = CLOCK + len(host)
    texts = textwrap.wrap(line.text, max(10, width - indent), drop_whitespace=False) or [""]
    first = Content.assemble(Content.styled(f"{clock} ", "$quiet"), Content.styled(host, "$secondary"), texts[0])
    return [first, *(Content(" " * indent + text) for text in texts[1:])]
