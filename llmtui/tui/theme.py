"""Two calm themes whose colours are exact points of the xterm palette: 256 colours show what true colour shows."""

from typing import Final

from textual.theme import Theme

_DARK: Final = {
    "text": "#d0d0d0",
    "text-muted": "#9e9e9e",
    "text-disabled": "#949494",
    "foreground-muted": "#9e9e9e",
    "border": "#5fafd7",
    "border-blurred": "#585858",
    "block-cursor-foreground": "#ffffff",
    "block-cursor-background": "#005f87",
    "block-cursor-blurred-foreground": "#d0d0d0",
    "block-cursor-blurred-background": "#303030",
    "block-hover-background": "#303030",
    "input-cursor-background": "#d0d0d0",
    "input-cursor-foreground": "#121212",
    "input-selection-background": "#005f87",
    "input-selection-foreground": "#ffffff",
    "screen-selection-background": "#005f87",
    "screen-selection-foreground": "#ffffff",
    "scrollbar": "#444444",
    "scrollbar-hover": "#585858",
    "scrollbar-active": "#5fafd7",
    "scrollbar-background": "#1c1c1c",
    "scrollbar-background-hover": "#1c1c1c",
    "scrollbar-background-active": "#1c1c1c",
    "scrollbar-corner-color": "#1c1c1c",
}

_LIGHT: Final = {
    "text": "#262626",
    "text-muted": "#585858",
    "text-disabled": "#5f5f5f",
    "foreground-muted": "#585858",
    "border": "#005f87",
    "border-blurred": "#9e9e9e",
    "block-cursor-foreground": "#ffffff",
    "block-cursor-background": "#005f87",
    "block-cursor-blurred-foreground": "#262626",
    "block-cursor-blurred-background": "#dadada",
    "block-hover-background": "#dadada",
    "input-cursor-background": "#262626",
    "input-cursor-foreground": "#eeeeee",
    "input-selection-background": "#afd7ff",
    "input-selection-foreground": "#262626",
    "screen-selection-background": "#afd7ff",
    "screen-selection-foreground": "#262626",
    "scrollbar": "#b2b2b2",
    "scrollbar-hover": "#9e9e9e",
    "scrollbar-active": "#005f87",
    "scrollbar-background": "#e4e4e4",
    "scrollbar-background-hover": "#e4e4e4",
    "scrollbar-background-active": "#e4e4e4",
    "scrollbar-corner-color": "#e4e4e4",
}

DARK: Final = Theme(
    name="llmtui-dark",
    dark=True,
    primary="#5fafd7",
    secondary="#87afaf",
    accent="#5fafd7",
    warning="#d7af5f",
    error="#ff5f5f",
    success="#5faf87",
    foreground="#d0d0d0",
    background="#121212",
    surface="#121212",
    panel="#262626",
    boost="#1c1c1c",
    variables=_DARK,
)

LIGHT: Final = Theme(
    name="llmtui-light",
    dark=False,
    primary="#005f87",
    secondary="#5f8787",
    accent="#005f87",
    warning="#875f00",
    error="#af0000",
    success="#005f00",
    foreground="#262626",
    background="#eeeeee",
    surface="#eeeeee",
    panel="#dadada",
    boost="#e4e4e4",
    variables=_LIGHT,
)

THEMES: Final = {"dark": DARK, "light": LIGHT}
