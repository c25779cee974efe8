"""The RAW facts of one position: what the model itself thought of every token, before any sampling."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from llmtui.engine import facts_kernel
from llmtui.engine.errors import GenerationFailed
from llmtui.engine.ranking import Ranking, borders, column_heads

BITS_PER_NAT = 1 / math.log(2)
# Up to so many logits torch has one thread compute, too, and NumPy takes less time between its steps.
ONE_THREAD = 32768
# Of more, so many at once: larger tensors are new memory each time, and writing that takes several times as long.
AT_ONCE = 2**19


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row of logits and what follows from it at temperature 1 without filters.

    log_sum: ln of the sum of exp(logits). entropy_bits: of the softmax. ranking: of these logits.
    """

    log_sum: float
    entropy_bits: float
    ranking: Ranking

    @classmethod
    def of(cls, logits: Tensor) -> "RawRow":
        """Raises GenerationFailed for a row that is no distribution."""
        return raw_rows(logits[None])[0].checked()

    @classmethod
    def from_sums(cls, highest: float, total: float, products: float, ranking: Ranking) -> "RawRow":
        """Of the highest logit and the sums of the shares, e^(logit - highest), and of share * ln(share).

        H = -sum p ln p = ln total - products / total, in nats.
        """
        log_total = math.log(total)
        entropy = (log_total - products / total) * BITS_PER_NAT
        return cls(highest + log_total, max(0.0, entropy), ranking)

    @property
    def logits(self) -> Tensor:
        """[vocab] float32 on the CPU."""
        return self.ranking.logits

    def checked(self) -> "RawRow":
        """The row itself. Raises GenerationFailed if it is no distribution."""
        if not math.isfinite(self.log_sum):
            raise GenerationFailed("the model gave logits that are no numbers: try --dtype float32")
        return self

    def logprob(self, token_id: int) -> float:
        """Natural log of the token's RAW probability."""
        return logprob_of(float(self.ranking.row[token_id]), self.log_sum)

    def rank_and_ties(self, token_id: int) -> tuple[int, int]:
        """1 + the number of tokens above it, and the number of others exactly beside it."""
        row, values = self.ranking.row, self.ranking.values
        value = row[token_id]
        if value >= values[-1]:
            # what is ranked holds all above it and all beside it
            above = int(np.count_nonzero(values > value))
            return above + 1, self.ranking.after_equals(above) - above - 1
        return int(np.count_nonzero(row > value)) + 1, int(np.count_nonzero(row == value)) - 1

    def mass(self, ranking: Ranking, kept: int) -> float:
        """RAW probability that the first `kept` tokens of a ranking hold together."""
        if kept >= self.ranking.size:
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


def logprob_of(logit: float, log_sum: float) -> float:
    """Natural log of a RAW probability; rounding makes none larger than 1."""
    return min(0.0, logit - log_sum)


def raw_rows(logits: Tensor) -> list[RawRow]:
    """The facts of many rows, [n, vocab]; those of a row that is no distribution are no numbers."""
    if facts_kernel.runs_on(logits):
        return _facts_by_kernel(logits)
    if logits.numel() <= ONE_THREAD:
        return _facts(logits, _sums_by_numpy)
    at_once = max(1, AT_ONCE // logits.shape[1])
    with torch.inference_mode():
        return [row for part in torch.split(logits, at_once) for row in _facts(part, _sums_by_torch)]


def _facts_by_kernel(logits: Tensor) -> list[RawRow]:
    return [
        RawRow.from_sums(highest, total, products, Ranking(row, size=size, beginning=beginning))
        for row, highest, total, products, size, beginning in facts_kernel.find(logits)
    ]


# rows of logits, [n, vocab], and the highest of each, [n, 1] → of each the sums of its shares, which are
# exp(logit - highest), and of share * ln(share)
Sums = Callable[[Tensor, NDArray[np.float32]], tuple[list[float], list[float]]]


def _facts(logits: Tensor, sums: Sums) -> list[RawRow]:
    heads = column_heads(logits)
    highest = heads.max(axis=1, keepdims=True)
    facts = zip(logits.unbind(), highest[:, 0].tolist(), *sums(logits, highest), borders(heads), strict=True)
    return [_raw_row(*row) for row in facts]


def _sums_by_numpy(logits: Tensor, highest: NDArray[np.float32]) -> tuple[list[float], list[float]]:
    # infinities less infinities are told by what comes of them
    with np.errstate(invalid="ignore"):
        below = logits.numpy() - highest
        shares = np.exp(below)
        below *= shares
        return np.add.reduce(shares, axis=1).tolist(), np.add.reduce(below, axis=1).tolist()


def _sums_by_torch(logits: Tensor, highest: NDArray[np.float32]) -> tuple[list[float], list[float]]:
    # in bits: torch's exp2 takes a quarter of the time that its exp takes
    below = (logits - torch.from_numpy(highest)).mul_(BITS_PER_NAT)
    shares = torch.exp2(below)
    totals = shares.sum(dim=-1).tolist()
    products = shares.mul_(below).sum(dim=-1).tolist()
    return totals, [product / BITS_PER_NAT for product in products]


def _raw_row(logits: Tensor, highest: float, total: float, products: float, border: float) -> RawRow:
    complete = not math.isnan(products)
    if not complete:
        # where a share is 0 of minus infinity it adds nothing
        below = logits - highest
        products = float((below.exp() * below).nansum())
    ranking = Ranking(logits, size=len(logits) if complete else None, border=border)
    return RawRow.from_sums(highest, total, products, ranking)
