"""The last wall: whatever a widget draws, no character that a terminal obeys, reorders or hides leaves the screen."""

import re

from rich.cells import cell_len, get_character_cell_size, set_cell_size
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

# C0, DEL, C1, soft hyphen, bidirectional controls, zero-width space, separators, invisible operators, byte order mark,
# annotations, lone surrogates, noncharacters, tags. The joiners U+200C and U+200D stay: they shape the letters that a
# person types, and can do nothing else.
_search = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufdd0-\ufdef\ufeff"
    "\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f"
    + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(1, 17))
    + "]"
)


class HarmlessText(LineFilter):
    """Replaces harmful characters by as many cells as Textual counted for them, so that nothing moves.

    It is no way to show them: widgets do that, with `llmtui.tui.text`.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same list if all is well; `background` plays no part."""
        del background
        if not any(_harmful(segment) for segment in segments):
            return segments
        return [_harmless(segment) if _harmful(segment) else segment for segment in segments]


def _harmful(segment: Segment) -> bool:
    text, style, control = segment
    if control:
        return False
    if _search.search(text):
        return True
    return style is not None and style.link is not None and _search.search(style.link) is not None


def _harmless(segment: Segment) -> Segment:
    text, style, control = segment
    if style is not None and style.link is not None and _search.search(style.link):
        style = style.update_link(None)
    clean = _search.sub(lambda match: "\ufffd" * get_character_cell_size(match.group()), text)
    return Segment(set_cell_size(clean, cell_len(text)), style, control)
