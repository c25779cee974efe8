"""The RAW facts of one position: what the model itself thought of every token, before any sampling."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from llmtui.engine.errors import GenerationFailed
from llmtui.engine.sampling import Ranking

# exp of it is 0 in float32, and it is no infinity
LOWEST_LOGPROB = -1e4


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row of logits and what follows from it at temperature 1 without filters.

    logits: [vocab] float32 on the CPU. log_sum: ln of the sum of exp(logits). entropy_bits: of the softmax. ranking: of
    these logits.
    """

    logits: Tensor
    log_sum: float
    entropy_bits: float
    ranking: Ranking

    @classmethod
    def of(cls, logits: Tensor) -> "RawRow":
        """Raises GenerationFailed for a row that is no distribution."""
        return raw_rows(logits[None])[0].checked()

    def checked(self) -> "RawRow":
        """The row itself. Raises GenerationFailed if it is no distribution."""
        if not math.isfinite(self.log_sum):
            raise GenerationFailed("the model gave logits that are no numbers: try --dtype float32")
        return self

    def logprob(self, token_id: int) -> float:
        """Natural log of the token's RAW probability."""
        return min(0.0, float(self.ranking.row[token_id]) - self.log_sum)

    def rank_and_ties(self, token_id: int) -> tuple[int, int]:
        """1 + the number of tokens above it, and the number of others exactly beside it."""
        values: NDArray[Any] = self.ranking.row
        value = values[token_id]
        if value >= self.ranking.values[-1]:
            # what is ranked holds all above it and all beside it
            values = self.ranking.values
        return int(np.count_nonzero(values > value)) + 1, int(np.count_nonzero(values == value)) - 1

    def top(self, n: int) -> list[int]:
        """The n most probable ids."""
        self.ranking.sort(n)
        ids: list[int] = self.ranking.ids[:n].tolist()
        return ids


def facts_of_all(outputs: Sequence[Tensor]) -> list[list[RawRow]]:
    """The facts of each output's rows, [rows, vocab], those of all outputs in one pass."""
    with torch.inference_mode():
        rows = iter(raw_rows(outputs[0] if len(outputs) == 1 else torch.cat(list(outputs))))
    return [[next(rows) for _ in range(len(output))] for output in outputs]


def raw_rows(logits: Tensor) -> list[RawRow]:
    """The facts of many rows, [n, vocab], in one pass; those of a row that is no distribution are no numbers."""
    highest = logits.amax(dim=-1, keepdim=True)
    # the lowest: so that p = 0, whose logarithm is minus infinity, adds nothing to H
    below = (logits - highest).clamp_(min=LOWEST_LOGPROB)
    shares = torch.exp(below)
    totals = shares.sum(dim=-1).double()
    # H = -sum p ln p = ln total - sum(share * below) / total
    entropies = (totals.log() - shares.mul_(below).sum(dim=-1) / totals) / math.log(2)
    log_sums = highest[:, 0].double() + totals.log()
    facts = zip(log_sums.tolist(), entropies.tolist(), Ranking.of_all(logits), strict=True)
    return [RawRow(ranking.logits, log_sum, max(0.0, entropy), ranking) for log_sum, entropy, ranking in facts]
