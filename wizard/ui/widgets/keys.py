"""The footer: the keys that do something here. One widget, and drawn anew only where they are other ones."""

from __future__ import annotations

from textual.content import Content
from textual.events import Click, Leave, MouseMove
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget


class Keys(Widget):
    """`` n New  o Open``: what each key does; a click on it is the key.

    Textual's own footer is a widget for each key, all made anew and laid out whenever the focus moves.
    """

    under: reactive[int | None] = reactive(None)
    """Which key is under the pointer."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: tuple[tuple[str, str, str], ...] = ()
        """The name of each key, its sign, and what it does."""

    def on_mount(self) -> None:
        """Follow what is active."""
        self.screen.bindings_updated_signal.subscribe(self, self.look)
        self.look(self.screen)

    def look(self, screen: Screen[object]) -> None:
        """Draw the keys anew where others are active now."""
        found: dict[str, tuple[str, str, str]] = {}
        for _, binding, _, _ in screen.active_bindings.values():
            if binding.show:
                key = (binding.key, self.app.get_key_display(binding), binding.description)
                found.setdefault(binding.action, key)
        keys = tuple(found.values())
        if keys != self.keys and self.app.app_focus:
            self.keys = keys
            self.refresh()

    def render(self) -> Content:
        """Draw all keys in one line."""
        parts: list[Content] = []
        for number, (_, sign, words) in enumerate(self.keys):
            ground = " on $block-hover-background" if number == self.under else ""
            parts.append(Content.styled(f" {sign} ", f"bold $footer-key-foreground{ground}"))
            parts.append(Content.styled(f"{words} ", f"$footer-description-foreground{ground}"))
        return Content.assemble(*parts)

    def at(self, column: int) -> int | None:
        """Return which key stands at `column`."""
        end = 0
        for number, (_, sign, words) in enumerate(self.keys):
            end += len(sign) + len(words) + 3
            if column < end:
                return number
        return None

    def on_mouse_move(self, event: MouseMove) -> None:
        """Show what a click would press."""
        self.under = self.at(event.x)

    def on_leave(self, event: Leave) -> None:
        """Show that the pointer has gone elsewhere."""
        self.under = None

    def on_click(self, event: Click) -> None:
        """Press the key that was clicked."""
        number = self.at(event.x)
        if number is not None:
            self.app.simulate_key(self.keys[number][0])
