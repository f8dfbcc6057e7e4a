"""Slipway's own look: muted, one accent, in a dark and a light variant."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="slipway-dark",
    primary="#6cb3b8",
    secondary="#8593a5",
    accent="#6cb3b8",
    foreground="#c8cfd8",
    background="#12161b",
    surface="#181d24",
    panel="#222933",
    success="#8fb573",
    warning="#d9ad63",
    error="#de7b76",
    dark=True,
    variables={
        "block-cursor-background": "#2c4a50",
        "block-cursor-foreground": "#eef4f5",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#232b35",
        "block-cursor-blurred-foreground": "#c8cfd8",
        "border": "#3a4552",
        "border-blurred": "#2a323d",
        "footer-background": "#181d24",
        "footer-foreground": "#8593a5",
        "footer-description-foreground": "#8593a5",
        "footer-key-foreground": "#6cb3b8",
        "input-selection-background": "#6cb3b8 35%",
        "quiet": "#7d8a9a",
    },
)

LIGHT = Theme(
    name="slipway-light",
    primary="#1f6f78",
    secondary="#5b6775",
    accent="#1f6f78",
    foreground="#232a32",
    background="#f6f5f1",
    surface="#ecebe5",
    panel="#dfded6",
    success="#3f7a2e",
    warning="#8a5a00",
    error="#a8322d",
    dark=False,
    variables={
        "block-cursor-background": "#bcd9db",
        "block-cursor-foreground": "#10242a",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#dfded6",
        "block-cursor-blurred-foreground": "#232a32",
        "border": "#b5b3a8",
        "border-blurred": "#cfcdc3",
        "footer-background": "#ecebe5",
        "footer-foreground": "#5b6775",
        "footer-description-foreground": "#5b6775",
        "footer-key-foreground": "#1f6f78",
        "input-selection-background": "#1f6f78 30%",
        "quiet": "#66707c",
    },
)

THEMES = (DARK, LIGHT)
