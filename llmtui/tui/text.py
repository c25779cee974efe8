"""Any text made harmless and visible: what a terminal would obey, reorder or hide is shown by its name or code.

What counts as harmless is what Python calls printable, and spaces: no control, format (bidirectional, zero-width, byte
order mark), separator, surrogate, private or unassigned character. A few fillers that are printable by name and draw
nothing are shown by their code, too.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from rich.cells import cell_len, get_character_cell_size, split_graphemes

GlyphSet = Literal["unicode", "ascii"]


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The signs that stand for what has none of its own.

    carrier  what a combining character stands on; empty: it is shown by its code
    bars     from nothing to full, nine signs
    """

    space: str
    newline: str
    tab: str
    times: str
    open: str
    close: str
    ellipsis: str
    carrier: str
    mark: str
    chosen: str
    bars: str
    dot: str
    arrow: str
    dash: str
    infinity: str
    rule: str


GLYPHS: Final[dict[GlyphSet, Glyphs]] = {
    "unicode": Glyphs(
        space="␣",
        newline="↵",
        tab="⇥",
        times="×",
        open="‹",
        close="›",
        ellipsis="…",
        carrier="◌",
        mark="▏",
        chosen="▸",
        bars=" ▁▂▃▄▅▆▇█",
        dot="·",
        arrow="→",
        dash="–",
        infinity="∞",
        rule="─",
    ),
    "ascii": Glyphs(
        space="_",
        newline="\\n",
        tab="\\t",
        times="x",
        open="<",
        close=">",
        ellipsis="~",
        carrier="",
        mark="|",
        chosen=">",
        bars=" .:-=+*#@",
        dot="|",
        arrow="->",
        dash="-",
        infinity="inf",
        rule="-",
    ),
}

TAB_CELLS = 4
# A run of spaces, newlines or tabs from this length on is shown as its first sign and a count.
RUN = 4

# fmt: off
_C0 = (
    "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL",
    "BS", "HT", "LF", "VT", "FF", "CR", "SO", "SI",
    "DLE", "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB",
    "CAN", "EM", "SUB", "ESC", "FS", "GS", "RS", "US",
)
# fmt: on
# Printable by category, but drawn as nothing: grapheme joiner, Hangul fillers, Khmer inherent vowels.
_FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"
# The spaces besides U+0020: blank and harmless in a text, but no piece of a token may look like another.
_SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_has_filler = re.compile(f"[{_FILLERS}]").search
_MARKED = re.compile(f"[\udc80-\udcff]+| +|\n+|\t+|[␣↵⇥{_SPACES}]")


def cell_width(text: str) -> int:
    """How many terminal cells a text takes, as Textual measures it."""
    return cell_len(text)


def visible(text: str, *, glyphs: GlyphSet = "unicode") -> str:
    """A text for one line: newline and tab as signs, all that is harmful or hidden by its name, spaces as they are."""
    if text.isprintable() and not _has_filler(text):
        return text
    return "".join(_shown(char, glyphs) for char in text)


def visible_multiline(text: str, *, glyphs: GlyphSet = "unicode") -> str:
    """A text for several lines: `\\n` stays (`\\r\\n` becomes one), a tab is four spaces, the rest as in `visible`."""
    if text.isprintable() and not _has_filler(text):
        return text
    text = text.replace("\r\n", "\n").replace("\t", " " * TAB_CELLS)
    return "\n".join(visible(line, glyphs=glyphs) for line in text.split("\n"))


def piece(data: bytes, *, glyphs: GlyphSet = "unicode") -> str:
    """One token on one line: spaces as ␣, newline ↵, tab ⇥, runs as ␣×7, bytes of an incomplete character as ‹E2 96›.

    Never empty, never of width zero, never with a control character.
    """
    return "".join(piece_lines(data, glyphs=glyphs))


@lru_cache(maxsize=65536)
def piece_lines(data: bytes, *, glyphs: GlyphSet = "unicode") -> tuple[str, ...]:
    """`piece`, cut after each run of newlines: where the token really breaks the line.

    Only the last part may be empty: that of a token that ends in a newline.
    """
    signs = GLYPHS[glyphs]
    if not data:
        return (signs.open + signs.close,)
    text = data.decode("utf-8", "surrogateescape")
    parts: list[str] = [""]
    start = 0
    for match in _MARKED.finditer(text):
        parts[-1] += visible(text[start : match.start()], glyphs=glyphs)
        run, start = match.group(), match.end()
        match run[0]:
            case " ":
                parts[-1] += _run(signs.space, len(run), signs)
            case "\t":
                parts[-1] += _run(signs.tab, len(run), signs)
            case "\n":
                parts[-1] += _run(signs.newline, len(run), signs)
                parts.append("")
            case byte if "\udc80" <= byte <= "\udcff":
                hexes = " ".join(f"{ord(char) - 0xDC00:02X}" for char in run)
                parts[-1] += signs.open + hexes + signs.close
            case _:
                # The text's own signs must not pass for ours.
                parts[-1] += _code(run, signs)
    parts[-1] += visible(text[start:], glyphs=glyphs)
    return tuple(_carried(part, signs) for part in parts)


def middle_ellipsis(text: str, width: int, *, glyphs: GlyphSet = "unicode") -> str:
    """At most `width` cells of a text: its beginning and its end, with a sign for what was left out between them."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    head_cells = width // 2
    tail_cells = width - 1 - head_cells
    spans, _ = split_graphemes(text)
    head = tail = 0
    first, last = 0, len(text)
    for _, end, cells in spans:
        if head + cells > head_cells:
            break
        head, first = head + cells, end
    for start, _, cells in reversed(spans):
        if tail + cells > tail_cells:
            break
        tail, last = tail + cells, start
    return text[:first] + GLYPHS[glyphs].ellipsis + text[last:]


def parts_that_fit(text: str, width: int, separator: str = " · ", *, glyphs: GlyphSet = "unicode") -> str:
    """At most `width` cells of a text of parts: whole ones, with a sign for those of the middle that were left out.

    Where not even the first and the last one fit, or there are none, as in `middle_ellipsis`.
    """
    parts, sign = text.split(separator), GLYPHS[glyphs].ellipsis
    head, tail = parts[: (len(parts) + 1) // 2], parts[(len(parts) + 1) // 2 :]
    shown = text
    while cell_len(shown) > width and len(head) + len(tail) > 2:
        (head if len(head) > len(tail) else tail).pop(-1 if len(head) > len(tail) else 0)
        shown = separator.join([*head, sign, *tail])
    return shown if cell_len(shown) <= width else middle_ellipsis(shown, width, glyphs=glyphs)


def cut(text: str, width: int, *, glyphs: GlyphSet = "unicode") -> str:
    """At most `width` cells of a text: its beginning, with a sign where there is more."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    spans, _ = split_graphemes(text)
    cells = last = 0
    for _, end, wide in spans:
        if cells + wide > width - 1:
            break
        cells, last = cells + wide, end
    return text[:last] + GLYPHS[glyphs].ellipsis


@lru_cache(maxsize=4096)
def _shown(char: str, glyphs: GlyphSet) -> str:
    signs = GLYPHS[glyphs]
    if char == "\n":
        return signs.newline
    if char == "\t":
        return signs.tab
    if (char.isprintable() or char in _SPACES) and not _has_filler(char):
        return char
    code = ord(char)
    if code < 0x20:
        return signs.open + _C0[code] + signs.close
    if code == 0x7F:
        return f"{signs.open}DEL{signs.close}"
    return _code(char, signs)


def _code(char: str, signs: Glyphs) -> str:
    return f"{signs.open}U+{ord(char):04X}{signs.close}"


def _run(sign: str, count: int, signs: Glyphs) -> str:
    return sign * count if count < RUN else f"{sign}{signs.times}{count}"


def _carried(part: str, signs: Glyphs) -> str:
    """A part that begins with a combining character gets one to stand on, for it has no width of its own."""
    if not part or get_character_cell_size(part[0]) > 0:
        return part
    return signs.carrier + part if signs.carrier else _code(part[0], signs) + part[1:]
