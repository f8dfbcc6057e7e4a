"""A list of which some are picked: the mark says so in plain signs, not by colour."""

from __future__ import annotations

from collections.abc import Sequence

from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option


class Picks(OptionList):
    """``[x] m1``: space, Enter or a click picks and unpicks."""

    BINDINGS = [Binding("space", "select", "Pick", show=False)]

    class Picked(Message):
        """The person picked or unpicked the line at `index`."""

        def __init__(self, picks: Picks, index: int) -> None:
            super().__init__()
            self.picks = picks
            self.index = index

        @property
        def control(self) -> Picks:
            """Return the list."""
            return self.picks

    def show(self, lines: Sequence[tuple[Content, bool]]) -> None:
        """Show these lines, the cursor where it was."""
        cursor = self.highlighted
        self.clear_options()
        for words, picked in lines:
            mark = Content.styled("[x] ", "$accent") if picked else Content.styled("[ ] ", "$quiet")
            self.add_option(Option(Content.assemble(mark, words)))
        if lines:
            self.highlighted = min(cursor or 0, len(lines) - 1)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Pass the choice up."""
        event.stop()
        self.post_message(self.Picked(self, event.option_index))
