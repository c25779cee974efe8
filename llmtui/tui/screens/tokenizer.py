"""How a text is cut into tokens, live while it is typed, by one tokenizer or by two side by side."""

from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Any, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static, TextArea

from llmtui.errors import LlmtuiError
from llmtui.insight.tokenization import Tokenization, read_tokenizer, tokenize
from llmtui.models.partial import tokenizer_folder
from llmtui.tui.bridge import Bridge
from llmtui.tui.screens.window import Window, is_open
from llmtui.tui.text import GLYPHS, GlyphSet, visible
from llmtui.tui.widgets.piece_flow import PieceFlow, PieceTable

EXAMPLE: Final = "Once upon a time, a fox said: “naïve” 🦊"
HEIGHTS: Final = [(0, "-short"), (30, "-tall")]
SECOND_EMPTY: Final = "a second model"


class TokenizerScreen(Window[None]):
    """A text above, and below it what each tokenizer makes of it. Needs no weights."""

    NAME = "Tokenizer"
    HINT = "type a text · tab goes on · Enter in a name loads that tokenizer · esc closes"
    CSS_PATH: ClassVar[str | list[str | PurePath]] = ["window.tcss", "tokenizer.tcss"]
    AUTO_FOCUS = "#text"
    VERTICAL_BREAKPOINTS = HEIGHTS

    def __init__(self, bridge: Bridge, model: str, text: str, *, glyphs: GlyphSet = "unicode") -> None:
        super().__init__()
        self._text = text or EXAMPLE
        self._columns = (
            TokenizerColumn(bridge, model, glyphs=glyphs, id="first"),
            TokenizerColumn(bridge, "", glyphs=glyphs, id="second"),
        )

    def compose(self) -> ComposeResult:
        with Vertical(id="window"):
            area = TextArea(self._text, id="text", tab_behavior="focus", highlight_cursor_line=False)
            area.cursor_blink = False
            yield area
            with Horizontal(id="columns"):
                yield from self._columns

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(TextArea).move_cursor(self.query_one(TextArea).document.end)
        for column in self._columns:
            column.cut(self._text)

    @on(TextArea.Changed)
    def _typed(self, message: TextArea.Changed) -> None:
        for column in self._columns:
            column.cut(message.text_area.text)


class TokenizerColumn(Vertical):
    """One tokenizer: its name, what it comes to, the text with its cuts, and the tokens."""

    def __init__(self, bridge: Bridge, name: str, *, glyphs: GlyphSet, id: str) -> None:
        super().__init__(id=id)
        self._bridge = bridge
        self._glyphs: GlyphSet = glyphs
        self._model = name
        self._tokenizer: Any = None
        self._text = ""
        self._busy = False

    def compose(self) -> ComposeResult:
        yield Input(self._model, placeholder=SECOND_EMPTY, classes="name", select_on_focus=True)
        yield Static("", classes="sum", markup=False)
        yield PieceFlow(glyphs=self._glyphs)
        yield PieceTable(glyphs=self._glyphs)

    def on_mount(self) -> None:
        self._use(self._model)

    def cut(self, text: str) -> None:
        """Show the tokens of a text as soon as they are there; of several wishes, the latest."""
        self._text = text
        if self._tokenizer is None or self._busy:
            return
        self._busy = True
        tokenizer = self._tokenizer
        self._bridge.run(
            lambda: tokenize(tokenizer, text),
            self._if_here(lambda result: self._cut_done(result, text)),
            self._if_here(self._not_cut),
        )

    @on(Input.Submitted)
    def _named(self, message: Input.Submitted) -> None:
        message.stop()
        self._use(message.value.strip())

    def _use(self, name: str) -> None:
        """Read the tokenizer of a model; until it is there, the one before stays."""
        self._model = name
        self.set_class(not name, "-empty")
        if not name:
            self._tokenizer = None
            self._show(None, "")
            return
        self._tell(f"reading the tokenizer of {name} {GLYPHS[self._glyphs].ellipsis}")

        def read() -> Any:
            folder: Path = tokenizer_folder(name)
            return read_tokenizer(folder)

        self._bridge.run(
            read,
            self._if_here(lambda tokenizer: self._read(name, tokenizer)),
            self._if_here(lambda error: self._not_read(name, error)),
        )

    def _read(self, name: str, tokenizer: Any) -> None:
        if name == self._model:
            self._tokenizer = tokenizer
            self.cut(self._text)

    def _not_read(self, name: str, error: Exception) -> None:
        if name == self._model:
            self._tokenizer = None
            self._show(None, f"{self._cross} {error if isinstance(error, LlmtuiError) else f'{name}: {error}'}")

    def _cut_done(self, result: Tokenization, text: str) -> None:
        self._busy = False
        if self._tokenizer is None:
            return
        self._show(result, summary(result))
        if text != self._text:
            self.cut(self._text)

    def _not_cut(self, error: Exception) -> None:
        self._busy = False
        self._show(None, f"{self._cross} {error}")

    def _show(self, result: Tokenization | None, line: str) -> None:
        self.set_class(result is None and bool(line), "-failed")
        pieces = () if result is None else result.pieces
        self.query_one(PieceFlow).show(pieces)
        self.query_one(PieceTable).show(pieces)
        self._tell(line)

    def _tell(self, line: str) -> None:
        self.query_one(".sum", Static).update(visible(line, glyphs=self._glyphs), layout=False)

    @property
    def _cross(self) -> str:
        return "✗" if self._glyphs == "unicode" else "!"

    def _if_here(self, then: Callable[[Any], None]) -> Callable[[Any], None]:
        """The window may be closed before a job is done."""
        return lambda result: then(result) if is_open(self) else None


def summary(result: Tokenization) -> str:
    """`12 tokens · 4.50 characters a token · 54 characters · 57 bytes`."""
    line = f"{len(result.pieces)} tokens"
    if result.characters_per_token is not None:
        line += f" · {result.characters_per_token:.2f} characters a token"
    return f"{line} · {len(result.text)} characters · {len(result.text.encode())} bytes"
