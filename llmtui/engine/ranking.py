"""The tokens of a row of logits, most probable first, equals by id: sorted only as deep as needed.

A row's border is a logit that at least so many tokens reach: one pass finds those at or above it, equals of the last
one among them, and only these are sorted.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

FIRST_DEPTH = 64
NEXT_DEPTH = 1024
# Of a longer row the border is looked for among the largest logits of so many columns, several times FIRST_DEPTH.
COLUMNS = 512
# The border of all that can be drawn.
LOWEST = float(np.finfo(np.float32).min)

# ids and logits of the most probable tokens of a row, all equals of the last one among them
Beginning = tuple[NDArray[np.int64], NDArray[np.float64]]


class Ranking:
    """One row's tokens, of which the beginning is sorted.

    row: [vocab] float32; -inf marks tokens that cannot be drawn and are not ranked. size: how many are.
    What is known already: size; border, how deep to sort at first, in place of `depth`; or the sorted beginning.
    """

    __slots__ = ("_logits", "_masses", "ids", "row", "size", "values")

    def __init__(
        self,
        row: Tensor | NDArray[np.float32],
        depth: int = FIRST_DEPTH,
        *,
        size: int | None = None,
        border: float | None = None,
        beginning: Beginning | None = None,
    ) -> None:
        self._logits = row if isinstance(row, Tensor) else None
        # the same memory: NumPy's small steps take less time
        self.row: NDArray[np.float32] = row.numpy() if isinstance(row, Tensor) else row
        self.size = int(np.count_nonzero(self.row > -math.inf)) if size is None else size
        self.ids, self.values = beginning or (np.empty(0, np.int64), np.empty(0, np.float64))
        self._masses: dict[float, NDArray[np.float64]] = {}
        if border is not None:
            self._sort_from(border)
        elif beginning is None:
            self.sort(depth)

    @property
    def logits(self) -> Tensor:
        """The row as a tensor, each time the same."""
        if self._logits is None:
            self._logits = torch.from_numpy(self.row)
        return self._logits

    def sort(self, depth: int) -> None:
        """Make at least the first `depth` tokens available in `ids` and `values`, with all equals of the last one."""
        depth = min(depth, self.size)
        if depth <= len(self.ids):
            return
        everything = depth > NEXT_DEPTH or depth == self.size
        self._sort_from(LOWEST if everything else float(np.partition(self.row, -depth)[-depth]))

    def deepen(self) -> bool:
        """Sort further, in the few steps that pay; False if everything is sorted."""
        if len(self.ids) >= self.size:
            return False
        self.sort(NEXT_DEPTH if len(self.ids) < NEXT_DEPTH else self.size)
        return True

    def after_equals(self, place: int) -> int:
        """The first place behind the tokens that are exactly as probable as the one at `place`, which is sorted."""
        values, end = self.values, place + 1
        value = values[place]
        while end < len(values) and values[end] == value:
            end += 1
        return end

    def masses(self, temperature: float) -> NDArray[np.float64]:
        """Cumulative sums of exp((logit - highest) / temperature) over the tokens that are sorted."""
        known = self._masses.get(temperature)
        if known is None or len(known) < len(self.values):
            # float64: the cumulative sum of 150k float32 terms misses 1.0 by more than u's resolution
            below = self.values - self.values[0]
            known = np.exp(below if temperature == 1.0 else below / temperature).cumsum()
            self._masses[temperature] = known
        return known

    def mass(self, kept: int, temperature: float) -> float:
        """Sum of exp((logit - highest) / temperature) over the first `kept` tokens."""
        if kept < self.size:
            self.sort(kept)
        if kept <= len(self.values):
            return float(self.masses(temperature)[kept - 1])
        # the sum over all of them needs no order
        return float(((self.logits.double() - self.values[0]) / temperature).exp_().sum())

    def _sort_from(self, border: float) -> None:
        """Rank all tokens whose logit is at or above the border."""
        ids = (self.row >= border).nonzero()[0]
        values = self.row[ids]
        order = descending(values)
        self.ids = ids[order]
        self.values = values[order].astype(np.float64)


def column_heads(logits: Tensor) -> NDArray[np.float32]:
    """[n, COLUMNS]: the largest of each column when a row of logits, [n, vocab], is written in lines of COLUMNS.

    The k-th largest of them is reached by at least k tokens, and by few more. A short row is its own.
    """
    rows: NDArray[np.float32] = logits.numpy()
    lines = rows.shape[1] // COLUMNS
    if lines < 2:
        return rows
    heads: NDArray[np.float32] = rows[:, : lines * COLUMNS].reshape(-1, lines, COLUMNS).max(axis=1)
    rest = rows[:, lines * COLUMNS :]
    if rest.size:
        np.maximum(heads[:, : rest.shape[1]], rest, out=heads[:, : rest.shape[1]])
    return heads


def borders(heads: NDArray[np.float32]) -> list[float]:
    """For each row that `heads` are of a logit that FIRST_DEPTH tokens reach, or all that can be drawn."""
    if heads.shape[1] <= FIRST_DEPTH:
        return [LOWEST] * len(heads)
    found = np.partition(heads, -FIRST_DEPTH, axis=1)[:, -FIRST_DEPTH]
    return [max(LOWEST, border) for border in found.tolist()]


def descending(values: NDArray[np.float32]) -> NDArray[np.int64]:
    """Places of the values, the largest first, equals in their order."""
    if len(values) <= NEXT_DEPTH:
        return (-values).argsort(kind="stable")
    # whole numbers in the floats' order, each with its place: NumPy sorts them ten times faster
    bits = (values + np.float32(0.0)).view(np.int32)  # so that -0.0 is 0.0
    rising = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    keys = (~rising).astype(np.int64) << 32 | np.arange(len(values))
    keys.sort()
    return keys & 0xFFFFFFFF
