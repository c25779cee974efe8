"""Numbers about a whole text, from its tokens' RAW probabilities."""

import math
from collections.abc import Iterable

from llmtui.engine.events import Token


def mean_surprisal(tokens: Iterable[Token]) -> float | None:
    """Mean surprisal in bits of the tokens that have a probability; None if there are none."""
    bits = [token.surprisal_bits for token in tokens if token.surprisal_bits is not None]
    return math.fsum(bits) / len(bits) if bits else None


def perplexity(bits: float) -> float:
    """2 to the power of a mean surprisal in bits; infinite beyond what a float holds.

    The same number as exp of the mean negative natural-log probability, which is transformers' loss.
    """
    return 2.0**bits if bits < 1024 else math.inf
