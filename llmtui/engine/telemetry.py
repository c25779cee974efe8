"""The RAW facts of one position: what the model itself thought of every token, before any sampling."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from llmtui.engine.errors import GenerationFailed
from llmtui.engine.sampling import Ranking

# exp of it is 0 in float32, and it is no infinity
LOWEST_LOGPROB = -1e4


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row of logits and what follows from it at temperature 1 without filters.

    logits: [vocab] float32 on the CPU. log_sum: ln of the sum of exp(logits). entropy_bits: of the softmax.
    """

    logits: Tensor
    log_sum: float
    entropy_bits: float

    @classmethod
    def of(cls, logits: Tensor) -> "RawRow":
        """Raises GenerationFailed for a row that is no distribution."""
        log_sum = float(torch.logsumexp(logits, dim=-1))
        if not math.isfinite(log_sum):
            raise GenerationFailed("the model gave logits that are no numbers: try --dtype float32")
        # H = -sum p ln p, where p = 0 adds nothing, though its logarithm is minus infinity
        logprobs = (logits - log_sum).clamp_(min=LOWEST_LOGPROB)
        entropy = -float(torch.dot(torch.exp(logprobs), logprobs)) / math.log(2)
        return cls(logits, log_sum, max(0.0, entropy))

    def logprob(self, token_id: int) -> float:
        """Natural log of the token's RAW probability."""
        return min(0.0, float(self.logits[token_id]) - self.log_sum)

    def rank_and_ties(self, token_id: int) -> tuple[int, int]:
        """1 + the number of tokens above it, and the number of others exactly beside it."""
        values = self.logits.numpy()
        value = values[token_id]
        return int(np.count_nonzero(values > value)) + 1, int(np.count_nonzero(values == value)) - 1

    def top(self, n: int, ranking: Ranking | None = None) -> list[int]:
        """The n most probable ids; `ranking` is used if it ranks these very logits."""
        if n == 0:
            return []
        if ranking is None or ranking.logits is not self.logits:
            ranking = Ranking(self.logits, n)
        ranking.sort(n)
        return [int(i) for i in ranking.ids[:n]]
