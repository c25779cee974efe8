"""Every token of a text on one pane, coloured by what the model thought of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive, var
from textual.scrollbar import ScrollDown, ScrollTo, ScrollUp
from textual.selection import Selection
from textual.strip import Strip

from llmtui.engine.events import Token
from llmtui.tui import heat
from llmtui.tui.heat import ColourMode
from llmtui.tui.text import GlyphSet
from llmtui.tui.token_layout import TokenLayout
from llmtui.tui.token_painter import TokenPainter, touched
from llmtui.tui.token_parts import token_parts, true_text
from llmtui.tui.widgets.line_pane import LinePane

EMPTY = "The tokens appear here as they are chosen."

_DIM = Style(dim=True)


class TokenView(LinePane):
    """The tokens in order, wrapped; the person walks them with a cursor, or the end is followed while they arrive.

    Surprises are underlined, prompt tokens slanted, with a thin mark before the first generated one.
    Nothing that arrives lays out the screen, and only the lines that changed are drawn.
    """

    DEFAULT_CSS = """
    TokenView {
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        background: $surface;
        color: $foreground;
    }
    """

    BINDING_GROUP_TITLE = "Tokens"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "step(-1)", "Token left", show=False, id="tokens.left", tooltip="Go to the token before"),
        Binding("right,l", "step(1)", "Token right", show=False, id="tokens.right", tooltip="Go to the next token"),
        Binding("up,k", "line(-1)", "Line up", show=False, id="tokens.up", tooltip="Go one line up"),
        Binding("down,j", "line(1)", "Line down", show=False, id="tokens.down", tooltip="Go one line down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="tokens.page_up", tooltip="Go one page up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="tokens.page_down", tooltip="Go one page down"),
        Binding(
            "left_square_bracket",
            "surprise(-1)",
            "Previous surprise",
            key_display="[",
            id="tokens.previous_surprise",
            tooltip="Go back to a token of more than 4 bits",
        ),
        Binding(
            "right_square_bracket",
            "surprise(1)",
            "Next surprise",
            key_display="]",
            id="tokens.next_surprise",
            tooltip="Go on to a token of more than 4 bits",
        ),
        Binding("home", "first", "First token", show=False, id="tokens.first", tooltip="Go to the first token"),
        Binding("f,end", "follow", "Follow", id="tokens.follow", tooltip="Show the end, and follow it as it grows"),
    ]

    cursor: reactive[int | None] = reactive(None, repaint=False)
    """The place in `tokens` of the token under the cursor; None while there is no cursor."""
    mode: reactive[ColourMode] = reactive(ColourMode.SURPRISAL)
    """What the colours tell."""
    follow: var[bool] = var(True)
    """Whether the view moves along as tokens arrive: until the person moves the cursor or scrolls."""

    @dataclass
    class CursorMoved(Message):
        """The cursor stands on another token; None and None: it is gone, the end is followed."""

        index: int | None
        token: Token | None

    def __init__(
        self,
        *,
        glyphs: GlyphSet = "unicode",
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.glyphs: GlyphSet = glyphs
        self._tokens: list[Token] = []
        self._rows = TokenLayout(1)
        self._painter = TokenPainter()
        self._goal: tuple[int, int] | None = None

    @property
    def tokens(self) -> Sequence[Token]:
        """All tokens shown, in order."""
        return self._tokens

    @property
    def current(self) -> Token | None:
        """The token under the cursor, or the last one while there is no cursor."""
        if not self._tokens:
            return None
        return self._tokens[-1 if self.cursor is None else self.cursor]

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
        self.cursor = None
        self.follow = True
        self._fit(0)
        self.refresh()

    # -- what arrives ------------------------------------------------------------------------------------------------

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
        if self.cursor is not None:
            self._fit(min(self._line_of(top or 0), max(0, len(self._rows.lines) - window.height)))
            self._reveal(self.cursor)
        elif self.follow:
            self._fit(max(0, len(self._rows.lines) - window.height))
        else:
            self._fit(self._line_of(top or 0))
        self.refresh()

    # -- the cursor --------------------------------------------------------------------------------------------------

    def validate_mode(self, mode: ColourMode) -> ColourMode:
        return ColourMode(mode)

    def validate_cursor(self, cursor: int | None) -> int | None:
        if cursor is None or not self._tokens:
            return None
        return min(max(cursor, 0), len(self._tokens) - 1)

    def watch_cursor(self, old: int | None, new: int | None) -> None:
        for token in (old, new):
            if token is not None and token < len(self._tokens):
                self._refresh_token(token)
        if new is not None:
            self.follow = False
            self._reveal(new)
        self.post_message(self.CursorMoved(new, None if new is None else self._tokens[new]))

    def action_step(self, by: int) -> None:
        """Go `by` tokens on; the first step only puts the cursor down."""
        self.cursor = self._start if self.cursor is None else self.cursor + by

    def action_line(self, by: int) -> None:
        """Go `by` lines down."""
        if self.cursor is None:
            self.action_step(0)
            return
        _, x = self._rows.position(self.cursor)
        if self._goal is not None and self._goal[0] == self.cursor:
            x = self._goal[1]
        target = self._rows.next_line(self.cursor, x, by)
        if target is not None:
            self.cursor = target
            self._goal = (target, x)

    def action_page(self, by: int) -> None:
        """Go `by` pages down."""
        self.action_step(0)
        if self.cursor is None:
            return
        line, x = self._rows.position(self.cursor)
        line = min(max(0, line + by * max(1, self.window.height - 1)), len(self._rows.lines) - 1)
        self.cursor = self._rows.hit(line, x)

    def action_surprise(self, by: int) -> None:
        """Go to the next surprise in the direction of `by`; stay where there is none."""
        start = self.cursor if self.cursor is not None else self._start + (by < 0)
        stop = len(self._tokens) if by > 0 else -1
        for place in range(start + by, stop, by):
            if self.stops_at(self._tokens[place]):
                self.cursor = place
                return

    def stops_at(self, token: Token) -> bool:
        """Whether [ and ] stop at a token."""
        return heat.is_surprise(token)

    def action_first(self) -> None:
        """Go to the first token."""
        self.cursor = 0

    def action_follow(self) -> None:
        """Put the cursor away and follow the end."""
        self.cursor = None
        self.follow = True
        self._fit(max(0, len(self._rows.lines) - self.window.height))

    def on_click(self, event: events.Click) -> None:
        # The base class would select the whole pane at a double click.
        event.prevent_default()
        offset = event.get_content_offset(self)
        if offset is None or self.text_selection is not None:
            return
        token = self._rows.hit(offset.y + self.scroll_offset.y, offset.x)
        if token is not None:
            self.cursor = token

    def on_mouse_scroll_up(self) -> None:
        self.follow = False

    def on_mouse_scroll_down(self) -> None:
        self.follow = False

    def on_scroll_to(self, _: ScrollTo) -> None:
        self.follow = False

    def on_scroll_up(self, event: ScrollUp) -> None:
        self._scroll_page(event, -1)

    def on_scroll_down(self, event: ScrollDown) -> None:
        self._scroll_page(event, 1)

    def _scroll_page(self, event: Message, by: int) -> None:
        """A click beside the scrollbar's grip; the base class would animate the way."""
        event.prevent_default().stop()
        self.follow = False
        self.scroll_to(y=self.scroll_offset.y + by * self.window.height, animate=False)

    @property
    def _start(self) -> int:
        """Where the cursor is put down: on the last token in the window; -1 without one."""
        line = min(self.scroll_offset.y + self.window.height, len(self._rows.lines)) - 1
        token = self._rows.hit(line, self.window.width)
        return -1 if token is None else token

    def _line_of(self, token: int) -> int:
        return self._rows.position(token)[0] if token < len(self._tokens) else 0

    def _reveal(self, token: int) -> None:
        """Bring a token into the window: half a page beyond, because every move draws the whole window."""
        height = self.window.height
        line, top = self._line_of(token), self.scroll_offset.y
        if height and not top <= line < top + height:
            self._fit(min(max(0, line - height // 2), max(0, len(self._rows.lines) - height)))

    def _refresh_token(self, token: int) -> None:
        first = self._line_of(token)
        last = self._line_of(token + 1) if token + 1 < len(self._tokens) else len(self._rows.lines) - 1
        self.refresh(Region(0, first - self.scroll_offset.y, self.window.width, last - first + 1))

    # -- drawing -----------------------------------------------------------------------------------------------------

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
            cursor=self.cursor,
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
