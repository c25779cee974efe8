"""A small number that moves: name, value with unit, and its recent past."""

from collections import deque

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from llmtui.tui.text import GLYPHS, GlyphSet, cell_width, visible
from llmtui.units import percent as percent_words

FULL = 100.0
HIGH = 90.0
SAMPLES = 5
VALUE_CELLS = 4


class Gauge(Widget):
    """`cpu  87% ▂▅▇█▇`: bars on a fixed range of 0 to 100, newest at the right; from 90 on it is bold.

    Of fixed width, so that a new value draws one line and lays out nothing.
    """

    DEFAULT_CSS = """
    Gauge {
        height: 1;
    }
    """

    def __init__(self, label: str, *, glyphs: GlyphSet = "unicode", id: str | None = None) -> None:
        super().__init__(id=id)
        self._label = visible(label, glyphs=glyphs)
        self._bars = GLYPHS[glyphs].bars
        self._unknown = GLYPHS[glyphs].dash
        self._samples: deque[float] = deque(maxlen=SAMPLES)
        self._high = False
        self._text = self._compose_text(self._unknown)
        self.styles.width = cell_width(self._text)

    @property
    def text(self) -> str:
        """What the gauge shows."""
        return self._text

    def push(self, percent: float | None, value: str | None = None) -> None:
        """Add a sample in percent of the full range; None: unknown. value: what to write instead of the percent."""
        known = percent is not None and percent == percent
        share = min(FULL, max(0.0, percent)) if percent is not None and known else 0.0
        self._samples.append(share)
        words = self._unknown if not known else percent_words(share) if value is None else value
        text, high = self._compose_text(words), share >= HIGH
        if (text, high) != (self._text, self._high):
            self._text, self._high = text, high
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        if y > 0:
            return Strip.blank(width, base)
        style = base + Style(bold=True) if self._high else base
        return Strip([Segment(self._text, style)]).adjust_cell_length(width, base)

    def _compose_text(self, words: str) -> str:
        steps = len(self._bars) - 1
        # A sample is never drawn as nothing: the lowest bar is zero.
        past = "".join(self._bars[max(1, round(sample / FULL * steps))] for sample in self._samples)
        return f"{self._label} {words[:VALUE_CELLS]:>{VALUE_CELLS}} {past:>{SAMPLES}}"
