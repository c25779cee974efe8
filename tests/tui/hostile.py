"""What no terminal may ever be sent raw, and texts that try."""

import unicodedata

from textual.app import App
from textual.geometry import Region

# What makes a text harmful is taken from Unicode's own categories and lists, not from the code under test.
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
ZERO_WIDTH = "\u200b\u2060\ufeff\u00ad"
TEXTS = (
    "\x1b[31mred\x1b[0m",
    "\x1b]52;c;aGFja2Vk\x07",
    "\x1b]0;title\x1b\\",
    "\x9b2J\x9d0;x\x9c",
    "\x00\x07\x08\x0b\x0c\r\x7f",
    f"user{BIDI}resu",
    f"a{ZERO_WIDTH}b",
    "[/",
    "[/foo] [bold]x[/bold] \\[y",
    "line\u2028sep\u2029par",
    "\ud800\udfff",
    "\ufffe\uffff\ufdd0\U0001ffff",
    "\U000e0041\U000e007f",
)
BYTES = tuple(bytes([byte]) for byte in range(256)) + tuple(t.encode("utf-8", "surrogatepass") for t in TEXTS)


def harmful(text: str) -> set[str]:
    """The characters of a text that a terminal could obey, reorder, hide or not encode."""
    return {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}


def screen_text(app: App[object]) -> str:
    """Everything the compositor would send, as text."""
    width, height = app.size
    strips = app.screen._compositor.render_strips(app.size)
    assert Region(0, 0, width, height).height == len(strips)
    return "\n".join(strip.text for strip in strips)
