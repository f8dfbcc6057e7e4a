"""The footer: the keys that do something here. One widget, and drawn anew only where they are other ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.events import Click, Leave, MouseMove
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget

LEAVING = ("help", "refuse", "leave")
"""What leads away stands last: where it always is, and where the eye looks for it."""
SPARE = ("theme", "focus_next", "tab", "zone", "login", "run", "copy")
"""What is left out, the first of these first, where there is no room for all; help has every key.

Keys of one action, as those of the tabs are, go together: one of them alone would look like the only one."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key below: its name, its sign, what it does, whether it does that just now, and its action."""

    name: str
    sign: str
    words: str
    enabled: bool = True
    action: str = ""


def columns(keys: Sequence[Key], gap: int = 0) -> int:
    """Return how many columns keys take, with `gap` columns behind each."""
    return sum(len(key.sign) + len(key.words) + 2 + gap for key in keys)


def fitting(keys: tuple[Key, ...], width: int) -> tuple[Key, ...]:
    """Return the keys there is room for in `width` columns: those of `SPARE` are left out as far as it takes."""
    for action in SPARE:
        if columns(keys) <= width:
            break
        keys = tuple(key for key in keys if key.action.partition("(")[0] != action)
    return keys


class Keys(Widget):
    """`` n New  o Open``: what each key does; a click on it is the key. One that does nothing just now is dim.

    Textual's own footer is a widget for each key, all made anew and laid out whenever the focus moves.
    """

    under: reactive[int | None] = reactive(None)
    """Which key is under the pointer."""

    def __init__(self) -> None:
        super().__init__()
        self.all: tuple[Key, ...] = ()
        self.keys: tuple[Key, ...] = ()
        """Those of all that there is room for."""

    def on_mount(self) -> None:
        """Follow what is active."""
        self.screen.bindings_updated_signal.subscribe(self, self.look)
        self.look(self.screen)

    def look(self, screen: Screen[object]) -> None:
        """Draw the keys anew where others are active now."""
        found: dict[str, Key] = {}
        for _, binding, enabled, _ in screen.active_bindings.values():
            if binding.show:
                action = binding.action.removeprefix("app.")
                key = Key(binding.key, self.app.get_key_display(binding), binding.description, enabled, action)
                found.setdefault(action, key)
        last = [found.pop(action) for action in LEAVING if action in found]
        keys = (*found.values(), *last)
        if keys != self.all and self.app.app_focus:
            self.all = keys
            self.fit()

    def fit(self) -> None:
        """Draw the keys that there is room for."""
        self.keys = fitting(self.all, self.size.width) if self.size.width else self.all
        self.refresh()

    def on_resize(self) -> None:
        """There may be room for more, or for less."""
        self.fit()

    def gap(self) -> int:
        """Return how many columns stand behind each key: none where there is no room for all of them otherwise."""
        return int(columns(self.keys, 1) <= self.size.width)

    def render(self) -> Content:
        """Draw all keys in one line."""
        parts: list[Content] = []
        gap = " " * self.gap()
        for number, key in enumerate(self.keys):
            ground = " on $block-hover-background" if number == self.under else ""
            sign, words = ("bold $footer-key-foreground", "$footer-description-foreground")
            if not key.enabled:
                sign = words = "$border"
            parts.append(Content.styled(f" {key.sign} ", f"{sign}{ground}"))
            parts.append(Content.styled(f"{key.words}{gap}", f"{words}{ground}"))
        return Content.assemble(*parts)

    def at(self, column: int) -> int | None:
        """Return which key stands at `column`."""
        end = 0
        for number, key in enumerate(self.keys):
            end += len(key.sign) + len(key.words) + 2 + self.gap()
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
            self.app.simulate_key(self.keys[number].name)
