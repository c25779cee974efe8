"""A line of tokens made into what Textual draws: few segments, each with its background, kept for the next time."""

from collections.abc import Callable, Iterator, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.strip import Strip

from llmtui.engine.events import Token
from llmtui.tui import heat
from llmtui.tui.heat import ColourMode
from llmtui.tui.token_layout import Slice

CACHED_LINES = 512

_CURSOR = Style(reverse=True, bold=True)
_PROMPT = Style(italic=True)
_PLAIN = Style()
_UNSCORED = Style(dim=True)


class TokenPainter:
    """Strips of lines. Call `forget` when other tokens take the place of these. level: the colour of a token."""

    def __init__(self, level: Callable[[Token, ColourMode], int | None] = heat.level) -> None:
        self._level = level
        self._strips: LRUCache[tuple[object, ...], Strip] = LRUCache(CACHED_LINES)
        self._styles: dict[tuple[object, ...], Style] = {}

    def forget(self) -> None:
        """Drop every strip and style."""
        self._strips.clear()
        self._styles.clear()

    def paint(
        self,
        number: int,
        slices: Sequence[Slice],
        tokens: Sequence[Token],
        *,
        width: int,
        mode: ColourMode,
        base: Style,
        dark: bool,
        cursor: int | None = None,
    ) -> Strip:
        """Line `number`, exactly `width` cells wide. base: the pane's own style, with a background."""
        if cursor is not None and not (slices and slices[0].token <= cursor <= slices[-1].token):
            cursor = None
        # At one width a line only ever grows, so that its length tells its state.
        key = (number, len(slices), width, mode, cursor, dark, base)
        strip = self._strips.get(key)
        if strip is None:
            segments: list[Segment] = []
            for text, style in self._runs(slices, tokens, mode, base, dark, cursor):
                segments.append(Segment(text, style))
            strip = Strip(segments, slices[-1].end if slices else 0).adjust_cell_length(width, base)
            self._strips[key] = strip
        return strip

    def _runs(
        self,
        slices: Sequence[Slice],
        tokens: Sequence[Token],
        mode: ColourMode,
        base: Style,
        dark: bool,
        cursor: int | None,
    ) -> Iterator[tuple[str, Style]]:
        """Neighbours of one style as one text: a segment costs bytes on the wire."""
        text, style = "", _PLAIN
        for piece in slices:
            own = self._style(tokens[piece.token], mode, base, dark, piece.token == cursor)
            if own is not style and text:
                yield text, style
                text = ""
            text, style = text + piece.text, own
        if text:
            yield text, style

    def _style(self, token: Token, mode: ColourMode, base: Style, dark: bool, under_cursor: bool) -> Style:
        level = self._level(token, mode)
        key = (level, token.is_prompt, under_cursor, mode is ColourMode.OFF, base, dark)
        style = self._styles.get(key)
        if style is None:
            if level is not None:
                style = base + heat.style(level, dark=dark)
            else:
                style = base + (_PLAIN if mode is ColourMode.OFF else _UNSCORED)
            style += _PROMPT if token.is_prompt else _PLAIN
            style += _CURSOR if under_cursor else _PLAIN
            self._styles[key] = style
        return style


def touched(slices: Sequence[Slice], span: tuple[int, int]) -> Sequence[Slice]:
    """The slices that a span of characters of their line touches; an end of -1 is the line's end."""
    start, end = span
    found: list[Slice] = []
    place = 0
    for piece in slices:
        stop = place + len(piece.text)
        if stop > start and (end == -1 or place < end):
            found.append(piece)
        place = stop
    return found
