"""Where two models differ on the text of the first: every token, coloured by how much, and what each expected."""

from collections.abc import Sequence
from pathlib import PurePath
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from llmtui.engine.events import Token
from llmtui.insight.compare import Column
from llmtui.insight.divergence import Span
from llmtui.tui.differences import Differences
from llmtui.tui.heat import ColourMode
from llmtui.tui.screens.window import Window
from llmtui.tui.text import GlyphSet, visible
from llmtui.tui.token_painter import TokenPainter
from llmtui.tui.widgets.inspector import Inspector
from llmtui.tui.widgets.token_view import TokenView

WIDTHS: Final = [(0, "-narrow"), (100, "-wide")]


class DifferenceView(TokenView):
    """The token view, coloured by the difference of two models; [ and ] stop where they disagree."""

    def __init__(self, differences: Differences, *, glyphs: GlyphSet = "unicode", id: str | None = None) -> None:
        super().__init__(glyphs=glyphs, id=id)
        self.compare(differences)

    def compare(self, differences: Differences) -> None:
        """Show the difference from another model."""
        self._differences = differences
        self._painter = TokenPainter(self._level_of)
        self.refresh()

    def stops_at(self, token: Token) -> bool:
        return self._differences.disagree(token.index)

    def _level_of(self, token: Token, _: ColourMode) -> int | None:
        return self._differences.level(token.index)


class DifferenceScreen(Window[None]):
    """The text above; the numbers of the token under the cursor; with one vocabulary, what both models expected."""

    HINT = "arrows walk · [ ] disagreements · o another model · esc closes"
    CSS_PATH: ClassVar[str | list[str | PurePath]] = ["window.tcss", "sweep.tcss"]
    HORIZONTAL_BREAKPOINTS = WIDTHS
    AUTO_FOCUS = "#tokens"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("o", "other", "Another model", show=False)]

    def __init__(self, columns: Sequence[Column], spans: Sequence[Span], *, glyphs: GlyphSet = "unicode") -> None:
        """columns: the models that ran, the first with its text; spans: their bits on common bytes."""
        super().__init__()
        self._columns = columns
        self._spans = spans
        self._glyphs: GlyphSet = glyphs
        self._other = 1
        self.differences = self._compare()
        self.tokens = DifferenceView(self.differences, glyphs=glyphs, id="tokens")
        self.first = Inspector(glyphs=glyphs, id="first")
        self.second = Inspector(glyphs=glyphs, id="second")

    def compose(self) -> ComposeResult:
        with Vertical(id="window", classes="whole"):
            yield Static("", id="legend", markup=False)
            yield self.tokens
            yield Static("", id="facts", markup=False)
            with Horizontal(id="inspectors"):
                for name, inspector in (("p", self.first), ("q", self.second)):
                    with Vertical():
                        yield Static("", id=f"{name}-name", classes="side", markup=False)
                        yield inspector

    def on_mount(self) -> None:
        super().on_mount()
        self.tokens.append(self._columns[0].trace)
        self._tell_models()
        self.tokens.cursor = 0
        self.tokens.action_surprise(1)

    @property
    def heading(self) -> str:
        p, q = self.differences.p, self.differences.q
        return visible(f"p {p.label} · q {q.label}", glyphs=self._glyphs)

    def action_other(self) -> None:
        """Compare with the next model."""
        self._other = self._other % (len(self._columns) - 1) + 1
        self.differences = self._compare()
        self.tokens.compare(self.differences)
        self._tell_models()
        self._show()

    @on(TokenView.CursorMoved)
    def _cursor_moved(self) -> None:
        self._show()

    def _compare(self) -> Differences:
        p, q = self._columns[0], self._columns[self._other]
        return Differences(p, q, self._spans, (0, self._other), glyphs=self._glyphs)

    def _tell_models(self) -> None:
        self.entitle()
        self.query_one("#legend", Static).update(self.differences.legend, layout=False)
        same = self.differences.same_vocabulary
        # candidates of other tokens could not be compared
        self.query_one("#inspectors").display = same
        for name, column in (("p", self.differences.p), ("q", self.differences.q)):
            words = f"{name} {column.label}" if same else ""
            self.query_one(f"#{name}-name", Static).update(visible(words, glyphs=self._glyphs), layout=False)

    def _show(self) -> None:
        token = self.tokens.current
        if token is None:
            return
        self.query_one("#facts", Static).update(f"#{token.index} {self.differences.words(token.index)}", layout=False)
        p, q = self.differences.p, self.differences.q
        self.first.show(token, _vocabulary(p))
        self.second.show(q.trace[token.index] if token.index < len(q.trace) else None, _vocabulary(q))


def _vocabulary(column: Column) -> int | None:
    return None if column.measured is None else column.measured.info.vocab_size
