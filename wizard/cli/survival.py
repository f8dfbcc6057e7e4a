"""What a site survives, and what dies with each zone: for people."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from wizard.cli.output import plain
from wizard.profile.model import Profile
from wizard.profile.survival import survival


def survival_view(profile: Profile) -> RenderableType:
    """Return what the site of `profile` survives, and a line for each zone: what goes with it, what goes on."""
    said = survival(profile)
    parts: list[RenderableType] = [Text(f"What {plain(profile.name)} survives", style="bold")]
    parts += [_beneath(sentence) for sentence in said.words]
    if said.zones:
        parts.append(Text("When a zone dies", style="bold"))
        parts += [_beneath(loss.words, "" if loss.survives else "yellow") for loss in said.zones]
    return Group(*parts)


def _beneath(sentence: str, style: str = "") -> RenderableType:
    return Padding(Text(plain(sentence), style=style), (0, 0, 0, 2), expand=False)
