"""One model of a comparison: its name, what was measured, and its text as it comes."""

from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.strip import Strip
from textual.widget import Widget

from llmtui.engine.events import Token
from llmtui.insight.compare import Column, ModelChoice, Progress
from llmtui.tui.compare_facts import column_facts, doing, fact_lines
from llmtui.tui.text import GLYPHS, GlyphSet, cell_width, middle_ellipsis, visible
from llmtui.tui.widgets.output import Kind, Output

_BOLD = Style(bold=True)


class ModelFacts(Widget):
    """The name and the facts, as many lines as they take at this width."""

    DEFAULT_CSS = """
    ModelFacts { background: $surface; color: $foreground; }
    """

    def __init__(self, name: str, *, glyphs: GlyphSet = "unicode", id: str | None = None) -> None:
        super().__init__(id=id)
        self._glyphs: GlyphSet = glyphs
        self._title = name
        self._facts = column_facts(None)

    def show(self, name: str, facts: list[tuple[str, str]]) -> None:
        """Show other facts."""
        self._title, self._facts = name, facts
        self.refresh()

    @property
    def lines(self) -> list[str]:
        """What is shown below the name."""
        return fact_lines(self._facts, self.size.width)

    def lines_at(self, width: int) -> int:
        """How many lines it takes at a width."""
        return 1 + len(fact_lines(self._facts, width))

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        if y == 0:
            title = middle_ellipsis(visible(self._title, glyphs=self._glyphs), width, glyphs=self._glyphs)
            return Strip([Segment(title, base + _BOLD)], cell_width(title)).adjust_cell_length(width, base)
        lines = self.lines
        text = lines[y - 1] if y <= len(lines) else ""
        return Strip([Segment(text, base)]).adjust_cell_length(width, base)


class ModelColumn(Vertical):
    """Facts above, text below, and on its border what the model does. written: tokens so far."""

    def __init__(self, choice: ModelChoice, *, glyphs: GlyphSet = "unicode") -> None:
        super().__init__(classes="column")
        self._choice = choice
        self._glyphs: GlyphSet = glyphs
        self._told = False
        self.written = 0
        self.facts = ModelFacts(f"{choice.name}@{choice.dtype}", glyphs=glyphs)
        self.output = Output(empty="Waits for its turn.")

    def compose(self) -> ComposeResult:
        yield self.facts
        yield self.output

    def on_resize(self) -> None:
        self.facts.styles.height = self.facts.lines_at(self.scrollable_content_region.width)

    def move(self, progress: Progress) -> None:
        """The model got further."""
        words = doing(progress)
        if isinstance(progress, Token):
            self.written += 1
            self.output.extend(progress.delta)
            words += f", {self.written} tokens"
        self._say(words)

    def show(self, column: Column) -> None:
        """What was measured, and at its end the whole text, or why there is none."""
        self.facts.show(column.label, column_facts(column))
        self._say("" if column.measured is None or column.bits_per_byte is not None else "has written")
        if self._told:
            return
        self._told = True
        if column.problem is not None:
            self.output.add(Kind.ERROR, f"{'✗' if self._glyphs == 'unicode' else '!'} {column.problem}")
        elif column.measured is not None and self.output.text != column.measured.text:
            self.output.clear()
            self.output.add(Kind.TEXT, column.measured.text or GLYPHS[self._glyphs].dash)

    def _say(self, words: str) -> None:
        self.output.border_title = Content(words)
