"""What a column of a comparison says of its model, in words: pure, from what was measured."""

from typing import Final

from llmtui.engine.events import Token
from llmtui.engine.loads import LoadProgress, LoadStage
from llmtui.insight.compare import Column, Progress
from llmtui.units import count, duration, fixed, probability, short_count, size

# From so many cells on, two facts share a line.
TWO: Final = 36
GAP: Final = 2
NAMES: Final = (
    "params",
    "context",
    "disk",
    "load",
    "memory",
    "peak",
    "first",
    "tok/s",
    "bit/byte",
    "tokens",
    "KL(p‖q)",
    "top-1",
)


def doing(progress: Progress) -> str:
    """What a model does, in a few words."""
    match progress:
        case Token():
            return "writes"
        case LoadProgress(stage=LoadStage.DOWNLOAD, done=done, total=total) if total:
            return f"downloads, {size(done)} of {size(total)}"
        case LoadProgress(stage=LoadStage.WEIGHTS, done=done, total=total) if total:
            return f"reads weights, {done} of {total}"
        case LoadProgress():
            return "loads"
        case standing:
            return str(standing)


def column_facts(column: Column | None) -> list[tuple[str, str]]:
    """Name and value of each fact, in the order they are shown; dashes for what is not known."""
    measured = None if column is None else column.measured
    if column is None or measured is None:
        return [(name, "–") for name in NAMES]
    agreement = column.top1_agreement
    values = (
        short_count(measured.info.parameters),
        count(measured.info.context),
        size(measured.disk_bytes),
        duration(measured.info.load_seconds),
        size(measured.memory_bytes),
        size(measured.peak_bytes),
        duration(measured.first_token),
        fixed(measured.tokens_per_second, 1),
        fixed(column.bits_per_byte, 3),
        count(measured.tokens),
        fixed(column.mean_kl_bits, 4),
        "–" if agreement is None else probability(agreement),
    )
    return list(zip(NAMES, values, strict=True))


def fact_lines(facts: list[tuple[str, str]], width: int) -> list[str]:
    """The facts below each other, two a line where there is room."""
    if width < TWO:
        return [_line(name, value, width) for name, value in facts]
    half = (width - GAP) // 2
    pairs = zip(facts[::2], facts[1::2], strict=True)
    return [f"{_line(*first, half)}{' ' * GAP}{_line(*second, half)}" for first, second in pairs]


def _line(name: str, value: str, width: int) -> str:
    return f"{name}{value:>{max(0, width - len(name))}}"
