"""One line that says what goes on: in words, with a mark that needs no colour."""

from enum import StrEnum
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from llmtui.tui.text import GlyphSet, cell_width, middle_ellipsis, parts_that_fit, visible


class Tone(StrEnum):
    """How a status is meant."""

    CALM = "calm"
    BUSY = "busy"
    GOOD = "good"
    BAD = "bad"


MARKS: Final[dict[GlyphSet, dict[Tone, str]]] = {
    "unicode": {Tone.CALM: " ", Tone.BUSY: "▸", Tone.GOOD: "✓", Tone.BAD: "✗"},
    "ascii": {Tone.CALM: " ", Tone.BUSY: ">", Tone.GOOD: "+", Tone.BAD: "!"},
}
GAP: Final = 2


class StatusBar(Widget):
    """What goes on, at the left; at the right what else there is to know. Fixed size: nothing that ticks lays out."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"status--{tone}" for tone in Tone} | {"status--aside"}
    DEFAULT_CSS = """
    StatusBar {
        height: 1;
        background: $background;
        color: $text;
        & .status--calm { color: $text-muted; }
        & .status--busy { color: $text; }
        & .status--good { color: $success; }
        & .status--bad { color: $error; text-style: bold; }
        & .status--aside { color: $warning; }
    }
    """

    def __init__(self, *, glyphs: GlyphSet = "unicode", id: str | None = None) -> None:
        super().__init__(id=id)
        self._glyphs: GlyphSet = glyphs
        self._tone = Tone.CALM
        self._text = ""
        self._aside = ""

    @property
    def text(self) -> str:
        """What stands at the left."""
        return self._text

    @property
    def tone(self) -> Tone:
        """How it is meant."""
        return self._tone

    @property
    def aside(self) -> str:
        """What stands at the right."""
        return self._aside

    def show(self, text: str, tone: Tone = Tone.CALM) -> None:
        """Say what goes on."""
        text = visible(text, glyphs=self._glyphs)
        if (text, tone) != (self._text, self._tone):
            self._text, self._tone = text, tone
            self.refresh()

    def show_aside(self, text: str) -> None:
        """Say what else there is to know; empty: nothing."""
        text = visible(text, glyphs=self._glyphs)
        if text != self._aside:
            self._aside = text
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        if y > 0:
            return Strip.blank(width, base)
        aside = middle_ellipsis(self._aside, width // 2, glyphs=self._glyphs)
        room = width - 4 - (cell_width(aside) + GAP if aside else 0)
        text = parts_that_fit(self._text, max(0, room), glyphs=self._glyphs)
        tone = self.get_component_rich_style(f"status--{self._tone}")
        segments = [
            Segment(f" {MARKS[self._glyphs][self._tone]} ", tone),
            Segment(text, tone),
            Segment(" " * max(0, room - cell_width(text)), base),
        ]
        if aside:
            segments += [Segment(" " * GAP, base), Segment(aside, base + self._aside_style), Segment(" ", base)]
        return Strip(segments).adjust_cell_length(width, base)

    @property
    def _aside_style(self) -> Style:
        return self.get_component_rich_style("status--aside")
