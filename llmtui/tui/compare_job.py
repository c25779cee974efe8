"""A comparison as a job for a thread of its own: it reports what comes, of whichever model, and can be stopped."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from llmtui.insight.compare import Column, Comparison, ModelChoice, Step
from llmtui.insight.divergence import Span


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """A comparison at one moment: its columns in the order of the models, None where nothing came of one yet."""

    columns: tuple[Column | None, ...] = ()
    spans: tuple[Span, ...] = ()

    @property
    def measured(self) -> list[Column]:
        """Those of models that ran."""
        return [column for column in self.columns if column is not None and column.measured is not None]

    @property
    def compared(self) -> list[Column]:
        """Those of models that looked at the reference text: the bits of the spans are theirs."""
        return [column for column in self.measured if column.bits_per_byte is not None]


News = Step | ComparisonView


def compare_job(
    comparison: Comparison, choices: Sequence[ModelChoice]
) -> Callable[[Callable[[News], None]], ComparisonView]:
    """A job that runs all models; `comparison.stop()` ends it early."""

    def view() -> ComparisonView:
        return ComparisonView(tuple(comparison.column(place) for place in range(len(choices))), comparison.spans)

    def job(report: Callable[[News], None]) -> ComparisonView:
        for step in comparison.run(choices):
            # one model's figures may change those of all
            report(view() if isinstance(step.progress, Column) else step)
        return view()

    return job
