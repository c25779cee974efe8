"""What comes of a comparison: a column for each model, filled as its figures come, and what they have in common."""

from dataclasses import dataclass, field, replace

from llmtui.engine.events import Token
from llmtui.insight.compare.messages import Looked, Measured, ModelChoice, Progress, Reference
from llmtui.insight.divergence import PositionDifference, ScoredToken, Span, bits_per_byte, common_spans, differences


@dataclass(frozen=True, slots=True)
class Column:
    """One model of a comparison; exactly one of `measured` and `problem` is there.

    written        of a text that was not finished
    bits_per_byte  on the bytes that all models of the comparison scored; None until it was compared
    differences    from the first model that ran, on its own text, where the vocabularies are the same; else None
    trace          every token of that text as this model sees it; empty where the vocabularies differ
    """

    choice: ModelChoice
    measured: Measured | None = None
    problem: str | None = None
    written: str = ""
    bits_per_byte: float | None = None
    differences: tuple[PositionDifference, ...] | None = None
    trace: tuple[Token, ...] = ()

    @property
    def text(self) -> str:
        """What it wrote, as far as it came."""
        return self.written if self.measured is None else self.measured.text

    @property
    def label(self) -> str:
        """`NAME@DTYPE`, with the dtype that it really has once it was loaded."""
        return f"{self.choice.name}@{self.choice.dtype if self.measured is None else self.measured.info.dtype}"

    @property
    def mean_kl_bits(self) -> float | None:
        found = self.differences
        return sum(at.kl_bits for at in found) / len(found) if found else None

    @property
    def top1_agreement(self) -> float | None:
        """The share of positions where both models think the same token the most probable."""
        found = self.differences
        return sum(at.agrees for at in found) / len(found) if found else None


@dataclass(frozen=True, slots=True)
class Step:
    """Model `place` got further; a column tells what came of it so far."""

    place: int
    progress: Progress | Column


@dataclass(slots=True)
class Columns:
    """The columns by the places of their models, the reference, and the spans on which all of them were scored."""

    reference: Reference | None = None
    spans: tuple[Span, ...] = ()
    _columns: dict[int, Column] = field(default_factory=dict)
    _scores: dict[int, tuple[ScoredToken, ...]] = field(default_factory=dict)

    def at(self, place: int) -> Column | None:
        """The column of a model; None before anything came of it."""
        return self._columns.get(place)

    def put(self, place: int, column: Column) -> None:
        """Fill a column anew."""
        self._columns[place] = column

    def in_order(self) -> list[Column]:
        """Those that are known, in the order of the models."""
        return [column for _, column in sorted(self._columns.items())]

    def take(self, place: int, looked: Looked) -> Column:
        """Compare a model that has written with the reference by what it saw; the first one is the reference."""
        found = None
        if self.reference is not None and looked.logprobs is not None:
            found = tuple(differences(self.reference.ids, self.reference.logprobs, looked.logprobs))
        self.reference = self.reference or looked.reference
        self._columns[place] = replace(self._columns[place], differences=found, trace=looked.trace)
        self._scores[place] = looked.scores
        self._fill_bits_per_byte()
        return self._columns[place]

    def _fill_bits_per_byte(self) -> None:
        """Anew for all: another model may have narrowed the bytes that all of them scored."""
        places = sorted(self._scores)
        scored = [self._scores[place] for place in places]
        self.spans = common_spans(scored)
        values = iter(bits_per_byte(scored) or ())
        for place in places:
            self._columns[place] = replace(self._columns[place], bits_per_byte=next(values, None))
