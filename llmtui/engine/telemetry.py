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
from llmtui.engine.ranking import Ranking, borders, column_heads

BITS_PER_NAT = 1 / math.log(2)


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
        return self.logprobs([token_id])[0]

    def logprobs(self, ids: Sequence[int]) -> list[float]:
        """Natural logs of the tokens' RAW probabilities."""
        return [min(0.0, value - self.log_sum) for value in self.ranking.row[ids].tolist()]

    def rank_and_ties(self, token_id: int) -> tuple[int, int]:
        """1 + the number of tokens above it, and the number of others exactly beside it."""
        values: NDArray[Any] = self.ranking.row
        value = values[token_id]
        if value >= self.ranking.values[-1]:
            # what is ranked holds all above it and all beside it
            values = self.ranking.values
        return int(np.count_nonzero(values > value)) + 1, int(np.count_nonzero(values == value)) - 1

    def mass(self, ranking: Ranking, kept: int) -> float:
        """RAW probability that the first `kept` tokens of a ranking hold together."""
        if kept >= len(self.ranking.row):
            return 1.0
        if ranking is self.ranking:
            ranking.sort(kept)
            share = math.exp(float(ranking.values[0]) - self.log_sum)
            return min(1.0, share * float(ranking.masses(1.0)[kept - 1]))
        ranking.sort(kept)
        values = self.ranking.row[ranking.ids[:kept]].astype(np.float64)
        return min(1.0, float(np.exp(values - self.log_sum).sum()))

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
    heads = column_heads(logits)
    highest = heads.amax(dim=-1, keepdim=True)
    # in bits: torch's exp2 takes a quarter of the time that its exp takes
    below = (logits - highest).mul_(BITS_PER_NAT)
    shares = torch.exp2(below)
    totals = shares.sum(dim=-1).tolist()
    products = shares.mul_(below)
    sums = products.sum(dim=-1).tolist()
    rows = zip(logits, products, highest[:, 0].tolist(), totals, sums, borders(heads), strict=True)
    return [_raw_row(*row) for row in rows]


def _raw_row(
    logits: Tensor, products: Tensor, highest: float, total: float, sum_of_products: float, border: float
) -> RawRow:
    """H = -sum p log2 p = log2 total - sum(share * below) / total."""
    complete = not math.isnan(sum_of_products)
    if not complete:
        # where a share is 0 of minus infinity it adds nothing
        sum_of_products = float(products.nansum())
    entropy = math.log2(total) - sum_of_products / total
    ranking = Ranking(logits, border=border, complete=complete)
    return RawRow(logits, highest + math.log(total), max(0.0, entropy), ranking)
