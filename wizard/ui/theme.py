"""Slipway's own look: muted, one accent, in a dark and a light variant.

The greys are so little coloured that a terminal of 256 colours shows them as greys too, not as navy blue.
"""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="slipway-dark",
    primary="#6cb3b8",
    secondary="#8593a5",
    accent="#6cb3b8",
    foreground="#c8cfd8",
    background="#14171a",
    surface="#1b1f24",
    panel="#252a31",
    success="#8fb573",
    warning="#d9ad63",
    error="#de7b76",
    dark=True,
    variables={
        "block-cursor-background": "#2c4a50",
        "block-cursor-foreground": "#eef4f5",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#2a3036",
        "block-cursor-blurred-foreground": "#c8cfd8",
        "border": "#3d464f",
        "border-blurred": "#2e343b",
        "footer-background": "#1b1f24",
        "footer-foreground": "#8593a5",
        "footer-description-foreground": "#8593a5",
        "footer-key-foreground": "#6cb3b8",
        "input-selection-background": "#6cb3b8 35%",
        "quiet": "#7d8a9a",
        "scrollbar": "#353c44",
        "scrollbar-hover": "#454e58",
        "scrollbar-active": "#6cb3b8",
        "scrollbar-background": "#14171a",
        "scrollbar-background-hover": "#14171a",
        "scrollbar-background-active": "#14171a",
        "scrollbar-corner-color": "#14171a",
    },
)

LIGHT = Theme(
    name="slipway-light",
    primary="#1f6f78",
    secondary="#5b6775",
    accent="#1f6f78",
    foreground="#232a32",
    background="#f6f6f4",
    surface="#ebebe8",
    panel="#dedcd8",
    success="#3f7a2e",
    warning="#8a5a00",
    error="#a8322d",
    dark=False,
    variables={
        "block-cursor-background": "#bcd9db",
        "block-cursor-foreground": "#10242a",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#dedcd8",
        "block-cursor-blurred-foreground": "#232a32",
        "border": "#b5b4ae",
        "border-blurred": "#cfcec9",
        "footer-background": "#ebebe8",
        "footer-foreground": "#5b6775",
        "footer-description-foreground": "#5b6775",
        "footer-key-foreground": "#1f6f78",
        "input-selection-background": "#1f6f78 30%",
        "quiet": "#66707c",
        "scrollbar": "#c9c8c3",
        "scrollbar-hover": "#b5b4ae",
        "scrollbar-active": "#1f6f78",
        "scrollbar-background": "#f6f6f4",
        "scrollbar-background-hover": "#f6f6f4",
        "scrollbar-background-active": "#f6f6f4",
        "scrollbar-corner-color": "#f6f6f4",
    },
)

THEMES = (DARK, LIGHT)
