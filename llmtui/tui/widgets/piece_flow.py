"""A text cut into tokens: the text itself with its cuts, and a table of the tokens with ids and bytes."""

from collections.abc import Sequence
from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.strip import Strip

from llmtui.insight.tokenization import Piece
from llmtui.tui.text import GLYPHS, GlyphSet, cell_width, middle_ellipsis, piece, piece_lines
from llmtui.tui.token_layout import TokenLayout
from llmtui.tui.widgets.line_pane import LinePane

# Neighbours differ in ground and in underline, so that a cut is seen without colour, too.
_BANDS: Final = {
    True: (Style(bgcolor="#303030"), Style(bgcolor="#005f5f", underline=True)),
    False: (Style(bgcolor="#dadada"), Style(bgcolor="#afd7d7", underline=True)),
}
_MARKED: Final = Style(italic=True, dim=True)
PIECE_CELLS: Final = 16


class PieceFlow(LinePane):
    """The text with its cuts: every second token underlined on another ground; special and added ones slanted."""

    DEFAULT_CSS = """
    PieceFlow { overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1; background: $surface; }
    """

    def __init__(self, *, glyphs: GlyphSet = "unicode", id: str | None = None) -> None:
        super().__init__(id=id)
        self._glyphs: GlyphSet = glyphs
        self._pieces: Sequence[Piece] = ()
        self._rows = TokenLayout(1)

    def show(self, pieces: Sequence[Piece]) -> None:
        """Show these tokens instead of those before."""
        self._pieces = pieces
        self._rows.clear()
        self._rows.append(piece_lines(p.bytes, glyphs=self._glyphs) for p in pieces)
        self.fit(len(self._rows.lines), min(self.scroll_offset.y, max(0, len(self._rows.lines) - self.window.height)))
        self.refresh()

    def on_resize(self) -> None:
        if self.window.area and self.window.width != self._rows.width:
            self._rows.relayout(self.window.width)
            self.fit(len(self._rows.lines), 0)

    def render_line(self, y: int) -> Strip:
        width, base = self.window.width, self.rich_style
        number = y + self.scroll_offset.y
        if number >= len(self._rows.lines):
            return Strip.blank(width, base)
        bands = _BANDS[self.app.current_theme.dark]
        segments = []
        for part in self._rows.lines[number]:
            token = self._pieces[part.token]
            mark = _MARKED if token.special or token.added else Style.null()
            segments.append(Segment(part.text, base + bands[part.token % 2] + mark))
        return Strip(segments).adjust_cell_length(width, base)


class PieceTable(LinePane):
    """A row for each token: its place, its id, the token, its true bytes, and where it stands in the text's UTF-8."""

    HEADINGS = ("#", "id", "token", "bytes", "place in bytes")
    DEFAULT_CSS = """
    PieceTable { overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1; background: $surface; }
    """

    def __init__(self, *, glyphs: GlyphSet = "unicode", id: str | None = None) -> None:
        super().__init__(id=id)
        self._glyphs: GlyphSet = glyphs
        self._pieces: Sequence[Piece] = ()
        self.border_title = Content(f" {GLYPHS[glyphs].dot} ".join(self.HEADINGS))

    def show(self, pieces: Sequence[Piece]) -> None:
        """Show these tokens instead of those before."""
        self._pieces = pieces
        self.fit(len(pieces), min(self.scroll_offset.y, max(0, len(pieces) - self.window.height)))
        self.refresh()

    def on_resize(self) -> None:
        if self.window.area:
            self.fit(len(self._pieces), min(self.scroll_offset.y, max(0, len(self._pieces) - self.window.height)))

    def render_line(self, y: int) -> Strip:
        width, base = self.window.width, self.rich_style
        number = y + self.scroll_offset.y
        if number >= len(self._pieces):
            return Strip.blank(width, base)
        token = self._pieces[number]
        style = base + _MARKED if token.special or token.added else base
        return Strip([Segment(self._row(token, width), style)]).adjust_cell_length(width, base)

    def _row(self, token: Piece, width: int) -> str:
        """`#  id  piece  bytes  at`, the bytes shortened before anything else is."""
        signs = GLYPHS[self._glyphs]
        digits = len(str(max(0, len(self._pieces) - 1)))
        cells = min(PIECE_CELLS, width // 4)
        name = middle_ellipsis(piece(token.bytes, glyphs=self._glyphs), cells, glyphs=self._glyphs)
        at = signs.dash if token.start is None else f"{token.start}{signs.dash}{token.end}"
        kind = " added" if token.added else " special" if token.special else ""
        head = f"{token.index:>{digits}} {token.id:>6} {name}{' ' * (cells - cell_width(name))} "
        tail = f" {at}{kind}"
        room = max(0, width - cell_width(head) - cell_width(tail))
        data = middle_ellipsis(token.bytes.hex(" ").upper(), room, glyphs=self._glyphs)
        return head + data + " " * (room - cell_width(data)) + tail
