"""The token under the cursor, and the roads not taken."""

from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from llmtui.engine.events import Lookahead, Token
from llmtui.tui import facts
from llmtui.tui.facts import Alternative
from llmtui.tui.text import GLYPHS, GlyphSet, cell_width, cut, middle_ellipsis, parts_that_fit, piece
from llmtui.units import probability

NOTHING = "Tab to the tokens, then the arrow keys: how each one was chosen."
COMPACT_ROWS = 3
RAW_TOP = 10
PIECE_CELLS = 16
LEAST_BAR = 4
# From so many cells on, the rest of the vocabulary is counted, and called by its whole name.
NARROW = 36
WIDE = 56

_PLAIN = Style()
_DIM = Style(dim=True)
_BOLD = Style(bold=True)


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of text in one style, and after it something dim."""

    text: str
    style: Style = _PLAIN
    aside: str = ""


class Inspector(Widget):
    """Probability, surprisal, rank and entropy of one token, its alternatives with bars that sum to 1, and its draw.

    Where alternatives were continued (lookahead), what would have followed stands in place of the bars.
    In three rows or less it is a strip: the numbers, the alternatives in a line, and what would have followed or the
    stages.
    """

    DEFAULT_CSS = """
    Inspector {
        height: 1fr;
        background: $surface;
        color: $foreground;
    }
    """

    sampled: reactive[bool] = reactive(False)
    """Whether the probabilities are those the token was drawn from, rather than the model's own."""

    def __init__(self, *, glyphs: GlyphSet = "unicode", id: str | None = None) -> None:
        super().__init__(id=id)
        self.glyphs: GlyphSet = glyphs
        self._token: Token | None = None
        self._vocab_size: int | None = None
        self._raw_top = RAW_TOP
        self._lookahead: Lookahead | None = None
        self._awaited = 0
        self._rows: tuple[tuple[int, int], list[_Row]] | None = None

    @property
    def token(self) -> Token | None:
        """The token shown."""
        return self._token

    def show(
        self,
        token: Token | None,
        vocab_size: int | None = None,
        raw_top: int = RAW_TOP,
        lookahead: Lookahead | None = None,
        awaited: int = 0,
    ) -> None:
        """Show a token, or none.

        vocab_size: of the model, for the number of tokens that have no row.
        raw_top: how many candidates were asked for (`top_logprobs`): so many of them have a known rank.
        lookahead, awaited: what would have come instead of the token, and how many alternatives are not told yet.
        """
        shown = (self._vocab_size, self._raw_top, self._lookahead, self._awaited)
        if token is self._token and (vocab_size, raw_top, lookahead, awaited) == shown:
            return
        self._token, self._vocab_size, self._raw_top = token, vocab_size, raw_top
        self._lookahead, self._awaited = lookahead, awaited
        self.border_title = None if token is None else Content(self._titled(token))
        self._repaint()

    def toggle_sampled(self) -> None:
        """Show the SAMPLED probabilities instead of the RAW ones, or back."""
        self.sampled = not self.sampled

    def watch_sampled(self) -> None:
        self._repaint()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._rows = None

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        if self._rows is None or self._rows[0] != (width, height):
            self._rows = (width, height), self._compose_rows(width, height)
        rows, base = self._rows[1], self.rich_style
        if y >= len(rows):
            return Strip.blank(width, base)
        row = rows[y]
        segments = [Segment(row.text, base + row.style)]
        if row.aside:
            segments.append(Segment(row.aside, base + _DIM))
        return Strip(segments).adjust_cell_length(width, base)

    def _repaint(self) -> None:
        self._rows = None
        self.refresh()

    def _titled(self, token: Token) -> str:
        return f"#{token.index} {middle_ellipsis(piece(token.bytes, glyphs=self.glyphs), 32, glyphs=self.glyphs)}"

    def _compose_rows(self, width: int, height: int) -> list[_Row]:
        token = self._token
        if token is None:
            return [_Row(text, _DIM) for text in _fill(NOTHING.split(" "), width, " ")]
        sampled = self.sampled and token.sampled_prob is not None
        numbers = facts.headline(token, sampled=sampled)
        if self.sampled and not sampled:
            numbers.append("not sampled")
        if self.styles.border_top[0] in ("", "none", "hidden"):
            numbers = [self._titled(token), *numbers]
        alternatives = facts.alternatives(token, sampled=sampled, top=self._raw_top)
        if height <= COMPACT_ROWS:
            headline = parts_that_fit("  ".join(numbers), width, "  ", glyphs=self.glyphs)
            rows = [_Row(headline, _BOLD), _Row(self._in_a_line(alternatives, width))]
            if self._continued:
                return [*rows, _Row("", aside=self._followed_in_a_line(alternatives, width))][:height]
            return [*rows, *self._drawn(token, width, 1)][:height]
        rows = [_Row(text, _BOLD) for text in _fill(numbers, width, "  ")]
        room = height - len(rows)
        if not alternatives:
            return rows + self._drawn(token, width, room)
        # The draw has what the alternatives leave, and two rows in any case but in a very low pane.
        drawn = self._drawn(token, width, max(0, min(2, room - 5), room - len(alternatives) - 1))
        rows += self._table(facts.choose(alternatives, room - 1 - len(drawn)), width)
        return rows + drawn

    def _drawn(self, token: Token, width: int, room: int) -> list[_Row]:
        """The stages and the draw, in short where they would not fit otherwise."""
        between = f" {GLYPHS[self.glyphs].dot} "
        lines: list[str] = []
        for brief in (False, True):
            lines = _fill(facts.path(token, brief=brief, glyphs=self.glyphs), width, between)
            if len(lines) <= room:
                break
        return [_Row(text, _DIM) for text in lines[:room]]

    def _table(self, shown: list[Alternative], width: int) -> list[_Row]:
        """One row for each alternative and one for the rest."""
        names = [self._piece(row, PIECE_CELLS) for row in shown]
        rank_cells = max([1, *(len(str(row.rank)) for row in shown if row.rank is not None)])
        rest, label = facts.rest(shown), self._rest_label(len(shown), width)
        name_cells = max([cell_width(label) - rank_cells - 2, *(cell_width(name) for name in names)])
        numbers = [(self._percent(row), self._bits(row)) for row in shown]
        percent_cells = max([6, *(len(p) for p, _ in numbers)])
        bits_cells = max([5, *(len(b) for _, b in numbers)])
        head_cells = rank_cells + 1 + 1 + name_cells + 1 + percent_cells
        with_bits = head_cells + 1 + bits_cells + 4 <= width
        with_bits = with_bits and not self._continued
        bar_cells = 0 if self._continued else width - head_cells - (1 + bits_cells + 4 if with_bits else 0) - 1
        followed = self._followed(shown, width - head_cells - 1)
        rows: list[_Row] = []
        for row, name, (share, surprisal), after in zip(shown, names, numbers, followed, strict=True):
            text = f"{row.rank or '':>{rank_cells}} {self._mark(row)}{_pad(name, name_cells)} {share:>{percent_cells}}"
            text += f" {surprisal:>{bits_cells}} bit" if with_bits else ""
            rows.append(_Row(self._barred(text, row.prob, bar_cells), _style(row), f" {after}" if after else ""))
        text = f"{_pad(label, head_cells - percent_cells - 1)} {probability(rest):>{percent_cells}}"
        text += " " * (1 + bits_cells + 4) if with_bits else ""
        rows.append(_Row(self._barred(text, rest, bar_cells), _DIM))
        return rows

    def _barred(self, text: str, prob: float, cells: int) -> str:
        return f"{text} {facts.bar(prob, cells, glyphs=self.glyphs)}" if cells >= LEAST_BAR else text

    def _in_a_line(self, alternatives: list[Alternative], width: int) -> str:
        """As many alternatives as there is room for, the chosen one always, and the rest."""
        text = ""
        for count in range(1, len(alternatives) + 1):
            shown = facts.choose(alternatives, count)
            parts = [
                f"{row.rank or '':>1}{self._mark(row)}{self._piece(row, 10)} {self._percent(row)}" for row in shown
            ]
            parts.append(f"{GLYPHS[self.glyphs].ellipsis} rest {probability(facts.rest(shown))}")
            longer = "  ".join(parts)
            if text and cell_width(longer) > width:
                break
            text = longer
        return text

    @property
    def _continued(self) -> bool:
        """Whether alternatives of this token were continued, or are being continued."""
        return self._lookahead is not None or self._awaited > 0

    def _followed(self, rows: list[Alternative], cells: int) -> list[str]:
        """For each row what would have followed it, in so many cells; "" where nothing is known.

        It begins right after the arrow: with its space, or where it goes on the word, without one.
        """
        arrow = GLYPHS[self.glyphs].arrow
        texts = facts.followed(rows, self._lookahead, self._awaited, glyphs=self.glyphs)
        return [cut(f"{arrow}{text}", cells, glyphs=self.glyphs) if text else "" for text in texts]

    def _followed_in_a_line(self, alternatives: list[Alternative], width: int) -> str:
        """The continued alternatives side by side, each with the same share of the line."""
        texts = facts.followed(alternatives, self._lookahead, self._awaited, glyphs=self.glyphs)
        known = [(self._piece(row, 10), text) for row, text in zip(alternatives, texts, strict=True) if text]
        cells = (width - 2 * (len(known) - 1)) // max(1, len(known))
        arrow = GLYPHS[self.glyphs].arrow
        return "  ".join(cut(f"{name} {arrow}{text}", cells, glyphs=self.glyphs) for name, text in known)

    def _rest_label(self, shown: int, width: int) -> str:
        """What the row of all other tokens is called, where the whole row has `width` cells."""
        ellipsis = GLYPHS[self.glyphs].ellipsis
        if width < NARROW or (width < WIDE and self._vocab_size is None):
            return f"{ellipsis} rest"
        if self._vocab_size is None:
            return f"{ellipsis} rest of vocabulary"
        others = self._vocab_size - shown
        return f"{ellipsis} {others} more" if width < WIDE else f"{ellipsis} rest: {others} tokens"

    def _piece(self, row: Alternative, cells: int) -> str:
        return middle_ellipsis(piece(row.candidate.bytes, glyphs=self.glyphs), cells, glyphs=self.glyphs)

    def _mark(self, row: Alternative) -> str:
        return GLYPHS[self.glyphs].chosen if row.chosen else " "

    def _percent(self, row: Alternative) -> str:
        return GLYPHS[self.glyphs].dash if row.dropped else probability(row.prob)

    def _bits(self, row: Alternative) -> str:
        return "dropped" if row.dropped else facts.bits(row.prob)


def _style(row: Alternative) -> Style:
    if row.chosen:
        return _BOLD
    return _DIM if row.dropped else _PLAIN


def _pad(text: str, cells: int) -> str:
    return text + " " * (cells - cell_width(text))


def _fill(parts: list[str], width: int, between: str) -> list[str]:
    """Parts joined into lines, none wider than `width` unless a single part is."""
    lines: list[str] = []
    for part in parts:
        if lines and cell_width(lines[-1] + between + part) <= width:
            lines[-1] += between + part
        else:
            lines.append(part)
    return lines
