"""Every token of a text on one pane, walked with a cursor: by keys, by the mouse, or by what is surprising."""

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.scrollbar import ScrollDown, ScrollTo, ScrollUp

from llmtui.engine.events import Token
from llmtui.tui import heat
from llmtui.tui.text import GlyphSet
from llmtui.tui.widgets.token_lines import TokenLines


class TokenView(TokenLines):
    """The person walks the tokens with a cursor, or the end is followed while they arrive."""

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

    @dataclass
    class CursorMoved(Message):
        """The cursor stands on another token; None and None: it is gone, the end is followed."""

        index: int | None
        token: Token | None

    def __init__(self, *, glyphs: GlyphSet = "unicode", id: str | None = None) -> None:
        super().__init__(glyphs=glyphs, id=id)
        self._goal: tuple[int, int] | None = None

    @property
    def current(self) -> Token | None:
        """The token under the cursor, or the last one while there is no cursor."""
        if not self._tokens:
            return None
        return self._tokens[-1 if self.cursor is None else self.cursor]

    @property
    def marked(self) -> int | None:
        return self.cursor

    def clear(self) -> None:
        super().clear()
        self.cursor = None

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
        self._fit(self._last_top)

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

    def _settle(self, top: int) -> None:
        if self.cursor is None:
            super()._settle(top)
        else:
            self._fit(min(self._line_of(top), self._last_top))
            self._reveal(self.cursor)

    def _reveal(self, token: int) -> None:
        """Bring a token into the window: half a page beyond, because every move draws the whole window."""
        height = self.window.height
        line, top = self._line_of(token), self.scroll_offset.y
        if height and not top <= line < top + height:
            self._fit(min(max(0, line - height // 2), self._last_top))

    def _refresh_token(self, token: int) -> None:
        first = self._line_of(token)
        last = self._line_of(token + 1) if token + 1 < len(self._tokens) else len(self._rows.lines) - 1
        self.refresh(Region(0, first - self.scroll_offset.y, self.window.width, last - first + 1))
