"""The tokens of one text, to be walked as on the main screen."""

from collections.abc import Sequence
from pathlib import PurePath
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from llmtui.engine.events import Token
from llmtui.tui.screens.window import Window
from llmtui.tui.text import GlyphSet, visible
from llmtui.tui.widgets.inspector import Inspector
from llmtui.tui.widgets.surprisal_strip import SurprisalStrip
from llmtui.tui.widgets.token_view import TokenView


class CellScreen(Window[None]):
    """Tokens above, the one under the cursor below; the cursor begins at `first`."""

    HINT = "arrows walk · [ ] surprises · ^T colour · s raw or sampled · esc closes"
    CSS_PATH: ClassVar[str | list[str | PurePath]] = ["window.tcss", "sweep.tcss"]
    AUTO_FOCUS = "#tokens"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "sampled", "Raw or sampled", show=False),
        Binding("ctrl+t", "colour", "Colour", show=False),
    ]

    def __init__(
        self,
        name: str,
        tokens: Sequence[Token],
        first: int | None,
        vocab_size: int | None,
        *,
        glyphs: GlyphSet = "unicode",
    ) -> None:
        super().__init__()
        self._title = name
        self._tokens = tokens
        self._first = first
        self._vocab_size = vocab_size
        self.tokens = TokenView(glyphs=glyphs, id="tokens")
        self.inspector = Inspector(glyphs=glyphs, id="inspector")
        self.strip = SurprisalStrip(glyphs=glyphs, id="strip")

    def compose(self) -> ComposeResult:
        with Vertical(id="window", classes="whole"):
            yield self.tokens
            yield self.inspector
            yield self.strip

    def on_mount(self) -> None:
        super().on_mount()
        self.tokens.append(self._tokens)
        self.strip.push(self._tokens)
        self.tokens.cursor = self._first or 0

    @on(TokenView.CursorMoved)
    def _cursor_moved(self) -> None:
        self.inspector.show(self.tokens.current, self._vocab_size)

    def action_sampled(self) -> None:
        """Show the other distribution."""
        self.inspector.toggle_sampled()

    def action_colour(self) -> None:
        """Let the colours tell the next thing."""
        self.tokens.mode = self.tokens.mode.next
        self.entitle()

    @property
    def heading(self) -> str:
        return visible(f"{self._title} · colour: {self.tokens.mode}")
