"""The surprisal of the latest tokens as bars, and what it comes to over all of them."""

import math
from collections import deque
from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from llmtui.engine.events import Token
from llmtui.insight.stats import perplexity
from llmtui.tui.text import GLYPHS, GlyphSet, cell_width

# The most bars that any terminal has room for.
KEPT = 512
BITS_PER_STEP = 1.0


class SurprisalStrip(Widget):
    """`▁▂▇▃ mean 2.9 bit  ppl 7.5`: one bar a token, a step a bit; the numbers are over every generated token.

    ppl is the perplexity 2**mean. Prompt tokens and tokens without a surprisal count for nothing.
    """

    DEFAULT_CSS = """
    SurprisalStrip {
        height: 1;
        background: $surface;
        color: $foreground;
    }
    """

    def __init__(self, *, glyphs: GlyphSet = "unicode", id: str | None = None) -> None:
        super().__init__(id=id)
        self._signs = GLYPHS[glyphs]
        self._bars: deque[str] = deque(maxlen=KEPT)
        self._sum = 0.0
        self._count = 0

    @property
    def mean_bits(self) -> float | None:
        """Mean surprisal of the generated tokens, in bits."""
        return self._sum / self._count if self._count else None

    @property
    def perplexity(self) -> float | None:
        """2 to the power of the mean surprisal."""
        mean = self.mean_bits
        return None if mean is None else perplexity(mean)

    def push(self, tokens: Sequence[Token]) -> None:
        """Count tokens; those that were generated add a bar each."""
        counted = [t.surprisal_bits for t in tokens if not t.is_prompt and t.surprisal_bits is not None]
        if not counted:
            return
        for bits in counted:
            self._sum += bits
            self._count += 1
            self._bars.append(self._bar(bits))
        self.refresh()

    def clear(self) -> None:
        """Forget all tokens."""
        self._bars.clear()
        self._sum, self._count = 0.0, 0
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        if y > 0:
            return Strip.blank(width, base)
        return Strip([Segment(self.line(width), base)]).adjust_cell_length(width, base)

    def line(self, width: int) -> str:
        """What the strip shows in so many cells: the numbers first, then as many bars as there is room for."""
        numbers = self._numbers()
        room = max(0, width - cell_width(numbers) - 2)
        bars = "".join(list(self._bars)[-room:]) if room else ""
        return f"{bars:<{room}}  {numbers}" if room else numbers

    def _numbers(self) -> str:
        mean, ppl = self.mean_bits, self.perplexity
        if mean is None or ppl is None:
            return f"mean {self._signs.dash} bit  ppl {self._signs.dash}"
        return f"mean {mean:.1f} bit  ppl {self._signs.infinity if math.isinf(ppl) else f'{ppl:.1f}'}"

    def _bar(self, bits: float) -> str:
        steps = len(self._signs.bars) - 1
        return self._signs.bars[min(steps, 1 + int(min(bits, steps) / BITS_PER_STEP))]
