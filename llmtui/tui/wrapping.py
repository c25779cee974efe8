"""Breaking text into lines of a width, so that more text only ever changes the last line. Pure functions."""

import re
from typing import Final

from rich.cells import cell_len, chop_cells

# A character may take two cells.
MIN_WIDTH: Final = 2

_WORDS = re.compile(r"(\S*)(\s*)")


def wrap(text: str, width: int) -> list[str]:
    """The lines of a text without newlines, at most `width` cells each, not counting spaces at a line's end.

    Lossless: joined, they are the text. A word longer than a line begins a new line and is cut. Wrapping the last
    line together with more text gives the same as wrapping everything.
    """
    width = max(width, MIN_WIDTH)
    lines = [""]
    used = 0
    for match in _WORDS.finditer(text):
        word, space = match.groups()
        cells = cell_len(word)
        if used and used + cells > width and word:
            lines.append("")
            used = 0
        if cells > width:
            *full, word = chop_cells(word, width)
            lines[-1:] = [*full, ""]
            cells = cell_len(word)
        lines[-1] += word + space
        used += cells + cell_len(space)
    return lines
