"""Numbers about a whole generation, from its tokens' RAW probabilities."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from llmtui.engine.events import Token


@dataclass(frozen=True, slots=True)
class TextStats:
    """scored: tokens with a probability. mean_surprisal and bits_per_byte in bits, perplexity = 2 ** mean_surprisal."""

    scored: int
    mean_surprisal: float
    perplexity: float
    bits_per_byte: float


def text_stats(tokens: Iterable[Token]) -> TextStats | None:
    """The statistics of the tokens that have a probability; None if there are none.

    Perplexity is exp of the mean negative natural-log probability (transformers' loss), the same number as here.
    """
    scored = [token for token in tokens if token.surprisal_bits is not None]
    if not scored:
        return None
    bits = math.fsum(token.surprisal_bits or 0.0 for token in scored)
    size = sum(len(token.bytes) for token in scored if not token.is_special)
    mean = bits / len(scored)
    perplexity = 2**mean if mean < 1023 else math.inf
    return TextStats(len(scored), mean, perplexity, bits / size if size else math.inf)
