"""Two models on one text, token by token of the first: how much they differ, and where. Pure."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from llmtui.engine.events import Token
from llmtui.insight.compare import Column
from llmtui.insight.divergence import Span
from llmtui.tui.heat import BIT_LIMITS, SURPRISE_BITS
from llmtui.tui.text import GLYPHS, GlyphSet, piece

# KL(p‖q) in bits up to which a token has each colour.
KL_LIMITS: Final = (0.001, 0.01, 0.1, 0.5, 1.0)


class Differences:
    """p is the model that wrote the text, q another one.

    With one vocabulary they are compared at each token; otherwise only the bits of stretches that both cut alike are,
    and nothing else. spans: of all models, with p and q in these places of their bits.
    """

    def __init__(
        self,
        p: Column,
        q: Column,
        spans: Sequence[Span],
        places: tuple[int, int],
        *,
        glyphs: GlyphSet = "unicode",
    ) -> None:
        self.p = p
        self.q = q
        self.same_vocabulary = q.differences is not None
        self._glyphs: GlyphSet = glyphs
        self._spans = spans
        self._places = places
        self._at = {at.index: at for at in q.differences or ()}
        self._ends = list(accumulate(len(token.bytes) for token in p.trace))

    @property
    def legend(self) -> str:
        """What the colours tell."""
        if self.same_vocabulary:
            return "colour: KL(p‖q), bits " + " ".join(f"≤{limit:g}" for limit in KL_LIMITS)
        return "colour: difference in bits on common bytes " + " ".join(f"≤{limit:g}" for limit in BIT_LIMITS)

    def level(self, index: int) -> int | None:
        """The colour of token `index`, 0 to 5."""
        if self.same_vocabulary:
            at = self._at.get(index)
            return None if at is None else bisect_left(KL_LIMITS, at.kl_bits)
        span = self._span(index)
        return None if span is None else bisect_left(BIT_LIMITS, abs(self._gap(span)))

    def disagree(self, index: int) -> bool:
        """Whether a key stops at this token: another top-1; else many bits' difference on bytes that begin with it."""
        if self.same_vocabulary:
            at = self._at.get(index)
            return at is not None and not at.agrees
        span = self._span(index)
        first = span is not None and self._ends[index] - len(self.p.trace[index].bytes) <= span.start
        return span is not None and first and abs(self._gap(span)) > SURPRISE_BITS

    def words(self, index: int) -> str:
        """The numbers at token `index`."""
        if not self.same_vocabulary:
            return self._span_words(index)
        at = self._at.get(index)
        if at is None:
            return "nothing predicts the first token"
        p, q = self._expected(self.p.trace, index), self._expected(self.q.trace, index)
        arrow = GLYPHS[self._glyphs].arrow
        tops = f"both expect {p}" if at.agrees else f"p expects {p}, q {q}"
        return f"KL(p‖q) {at.kl_bits:.4f} bit · rank {at.rank} {arrow} {at.rank_other} · {tops}"

    def _span_words(self, index: int) -> str:
        span = self._span(index)
        if span is None:
            return "not on bytes that both models predict"
        size = span.end - span.start
        p, q = (span.bits[place] for place in self._places)
        return (
            f"bytes {span.start}–{span.end}: p {p:.2f} bit = {p / size:.2f} bit/byte · "
            f"q {q:.2f} bit = {q / size:.2f} bit/byte"
        )

    def _gap(self, span: Span) -> float:
        p, q = (span.bits[place] for place in self._places)
        return q - p

    def _span(self, index: int) -> Span | None:
        """The stretch of bytes that holds the end of a token."""
        end = self._ends[index] if index < len(self._ends) else -1
        place = bisect_left(self._spans, end, key=lambda span: span.end)
        span = self._spans[place] if place < len(self._spans) else None
        return span if span is not None and span.start < end else None

    def _expected(self, trace: Sequence[Token], index: int) -> str:
        if index >= len(trace) or not trace[index].candidates:
            return GLYPHS[self._glyphs].dash
        return piece(trace[index].candidates[0].bytes, glyphs=self._glyphs)
