"""A comparison as a job for a thread of its own: it reports what comes, model after model, and can be stopped."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from llmtui.insight.compare import Column, Comparison, ModelChoice, Progress
from llmtui.insight.divergence import Span


@dataclass(frozen=True, slots=True)
class Step:
    """Model `place` got further."""

    place: int
    progress: Progress


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """A comparison at one moment: the columns so far, in the order of the models."""

    columns: tuple[Column, ...] = ()
    spans: tuple[Span, ...] = ()


News = Step | ComparisonView


def compare_job(
    comparison: Comparison, choices: Sequence[ModelChoice]
) -> Callable[[Callable[[News], None]], ComparisonView]:
    """A job that runs every model in turn; `comparison.stop()` ends it early."""

    def job(report: Callable[[News], None]) -> ComparisonView:
        for place, choice in enumerate(choices):
            comparison.add(choice, lambda progress, place=place: report(Step(place, progress)))  # type: ignore[misc]
            report(view_of(comparison))
        return view_of(comparison)

    return job


def view_of(comparison: Comparison) -> ComparisonView:
    """A picture of a comparison, for another thread."""
    return ComparisonView(tuple(comparison.columns), comparison.spans)
