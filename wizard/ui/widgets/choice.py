"""A choice of a few words in one line: arrow keys move, a click takes."""

from __future__ import annotations

from collections.abc import Sequence

from textual.binding import Binding
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget


class Choice(Widget, can_focus=True):
    """``(•) iptables  ( ) nftables``: the chosen one is marked by a dot as well as by colour."""

    BINDINGS = [
        Binding("left,h", "move(-1)", "Previous", show=False),
        Binding("right,l,space", "move(1)", "Next", show=False),
    ]

    index = reactive(0)

    class Changed(Message):
        """Another option was chosen."""

        def __init__(self, choice: Choice, value: str) -> None:
            super().__init__()
            self.choice = choice
            self.value = value

        @property
        def control(self) -> Choice:
            """Return the choice, for handlers that ask for one of several."""
            return self.choice

    def __init__(self, options: Sequence[str], value: str, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="choice")
        self.options = tuple(options)
        self.labels = self.options
        self.set_reactive(Choice.index, self.options.index(value) if value in self.options else 0)

    @property
    def value(self) -> str:
        """Return the chosen option."""
        return self.options[self.index]

    def relabel(self, labels: Sequence[str]) -> None:
        """Show other words for the same options."""
        self.labels = tuple(labels)
        self.refresh(layout=True)

    def render(self) -> Content:
        """Draw all options in one line."""
        parts: list[Content | str] = []
        for number, option in enumerate(self.labels):
            chosen = number == self.index
            style = "bold $foreground" if chosen and self.has_focus else "$foreground" if chosen else "$quiet"
            parts.append(Content.styled(f"{'(•)' if chosen else '( )'} {option}", style))
            if number < len(self.labels) - 1:
                parts.append("   ")
        return Content.assemble(*parts)

    def action_move(self, by: int) -> None:
        """Choose the next or previous option, round and round."""
        self.index = (self.index + by) % len(self.options)

    def on_click(self, event: Click) -> None:
        """Choose the option under the pointer."""
        column = self.styles.padding.left
        for number, option in enumerate(self.labels):
            column += len(option) + 7
            if event.x < column:
                self.index = number
                return

    def on_focus(self) -> None:
        """Show which option the keys move."""
        self.refresh()

    def on_blur(self) -> None:
        """Show that the keys have gone elsewhere."""
        self.refresh()

    def watch_index(self) -> None:
        """Tell the form."""
        self.post_message(self.Changed(self, self.value))
