"""Whether one more model fits into memory beside those that are there."""

from collections.abc import Sequence
from typing import Final

from llmtui.insight.compare.messages import Loaded, ModelChoice
from llmtui.models.catalog import BYTES_PER_PARAMETER, describe, locate
from llmtui.models.errors import ModelError

BESIDES: Final = 700_000_000
"""Bytes that a process takes besides weights: 400 MB of program, and what reading a prompt and generating may take."""


def fits(choice: ModelChoice, beside: Sequence[Loaded]) -> bool:
    """Whether a model can be loaded beside others, the latest last, as far as is known.

    Nothing is known of one that is not on this machine, and one alone always may try.
    """
    if not beside:
        return True
    needed = needed_bytes(choice, beside[-1].device)
    return needed is None or needed <= beside[-1].free_bytes - sum(one.mapped_bytes for one in beside)


def needed_bytes(choice: ModelChoice, device: str) -> int | None:
    """Memory that a model's process takes at most while it loads and runs; None where its weights are not known.

    On a CPU every dtype is made from float32, and a tied output layer becomes a copy of its own.
    """
    try:
        path = locate(choice.name).path
    except ModelError:
        return None
    entry = None if path is None else describe(path, choice.name)
    if entry is None or entry.weights is None:
        return None
    if device == "cpu":
        return BYTES_PER_PARAMETER["float32"] * (entry.weights.all + entry.weights.tied_head) + BESIDES
    return (entry.estimated_memory(choice.dtype, device) or 0) + BESIDES
