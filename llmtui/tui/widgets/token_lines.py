"""Tokens wrapped into lines, coloured by what the model thought of them, and followed while they arrive."""

from collections.abc import Sequence
from textwrap import wrap

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.reactive import reactive, var
from textual.selection import Selection
from textual.strip import Strip

from llmtui.engine.events import Token
from llmtui.tui.heat import ColourMode
from llmtui.tui.text import GlyphSet
from llmtui.tui.token_layout import TokenLayout
from llmtui.tui.token_painter import TokenPainter, touched
from llmtui.tui.token_parts import token_parts, true_text
from llmtui.tui.widgets.line_pane import LinePane

EMPTY = "The tokens appear here as they are chosen."

_DIM = Style(dim=True)


class TokenLines(LinePane):
    """The tokens in order. Nothing that arrives lays out the screen, and only the lines that changed are drawn.

    Surprises are underlined, prompt tokens slanted, with a thin mark before the first generated one.
    """

    DEFAULT_CSS = """
    TokenLines {
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        background: $surface;
        color: $foreground;
    }
    """

    mode: reactive[ColourMode] = reactive(ColourMode.SURPRISAL)
    """What the colours tell."""
    follow: var[bool] = var(True)
    """Whether the view moves along as tokens arrive: until the person moves the cursor or scrolls."""

    def __init__(self, *, glyphs: GlyphSet = "unicode", id: str | None = None) -> None:
        super().__init__(id=id)
        self.glyphs: GlyphSet = glyphs
        self._tokens: list[Token] = []
        self._rows = TokenLayout(1)
        self._painter = TokenPainter()

    @property
    def tokens(self) -> Sequence[Token]:
        """All tokens shown, in order."""
        return self._tokens

    @property
    def marked(self) -> int | None:
        """The place in `tokens` of the one that is drawn as under a cursor; None: there is none."""
        return None

    def validate_mode(self, mode: ColourMode) -> ColourMode:
        return ColourMode(mode)

    def append(self, tokens: Sequence[Token]) -> None:
        """Show tokens after the last one. Costs what they take, however many there are."""
        if not tokens:
            return
        was_empty = not self._tokens
        before = self._tokens[-1] if self._tokens else None
        changed = self._rows.append(token_parts(tokens, before, glyphs=self.glyphs))
        self._tokens.extend(tokens)
        if self.window.area == 0:
            return
        if was_empty:
            self.refresh()
        self._extend(changed)

    def clear(self) -> None:
        """Forget all tokens, and follow again."""
        self._tokens.clear()
        self._rows.clear()
        self._painter.forget()
        self.follow = True
        self._fit(0)
        self.refresh()

    # what arrives

    def _extend(self, changed: int) -> None:
        """Draw the lines from `changed` on, and move half a page when following and they are below the window."""
        height = self.window.height
        top = self.scroll_offset.y
        if self.follow and len(self._rows.lines) > top + height:
            self._fit(len(self._rows.lines) - height + height // 2)
            return
        self._fit(top)
        first, stop = max(changed, top), min(len(self._rows.lines), top + height)
        if first < stop:
            self.refresh(Region(0, first - top, self.window.width, stop - first))

    def _fit(self, top: int) -> None:
        self.fit(len(self._rows.lines), top)

    def on_resize(self) -> None:
        window = self.window
        if window.area == 0:
            return
        top = self._rows.hit(self.scroll_offset.y, 0)
        if window.width != self._rows.width:
            self._rows.relayout(window.width)
            # a first drawing may have come before the size: its lines are of the old width
            self._painter.forget()
        self._settle(top or 0)
        self.refresh()

    def _settle(self, top: int) -> None:
        """Place the window after a new layout: at the end where that is followed, else with token `top` on top."""
        self._fit(self._last_top if self.follow else self._line_of(top))

    @property
    def _last_top(self) -> int:
        """The first line of a window that ends with the last one."""
        return max(0, len(self._rows.lines) - self.window.height)

    def _line_of(self, token: int) -> int:
        return self._rows.position(token)[0] if token < len(self._tokens) else 0

    # drawing and selecting

    def render_line(self, y: int) -> Strip:
        width, base = self.window.width, self.rich_style
        if not self._tokens:
            words = wrap(EMPTY, max(1, width))
            text = words[y] if y < len(words) else ""
            return Strip([Segment(text, base + _DIM)]).adjust_cell_length(width, base)
        number = y + self.scroll_offset.y
        if number >= len(self._rows.lines):
            return Strip.blank(width, base)
        slices = self._rows.lines[number]
        strip = self._painter.paint(
            number,
            slices,
            self._tokens,
            width=width,
            mode=self.mode,
            base=base,
            dark=self.app.current_theme.dark,
            cursor=self.marked,
        )
        span = None if self.text_selection is None else self.text_selection.get_span(number)
        selected = [] if span is None else touched(slices, span)
        if selected:
            strip = self._highlighted(strip, selected[0].start, min(selected[-1].end, width))
        # Where each segment begins in the text of its line: what Textual's text selection goes by.
        return strip.apply_offsets(0, number)

    def _highlighted(self, strip: Strip, start: int, end: int) -> Strip:
        style = self.screen.get_component_rich_style("screen--selection")
        marked = Strip(Segment.apply_style(strip.crop(start, end), post_style=style), end - start)
        return Strip.join([strip.crop(0, start), marked, strip.crop(end)])

    def selection_updated(self, selection: Selection | None) -> None:
        del selection
        self.refresh()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The true text of the tokens that the selection touches."""
        found: dict[int, Token] = {}
        for number, slices in enumerate(self._rows.lines):
            span = selection.get_span(number)
            if span is not None:
                found.update((part.token, self._tokens[part.token]) for part in touched(slices, span))
        return true_text(found.values()), "\n"
