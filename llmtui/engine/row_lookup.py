"""Attention of single rows by looking keys and values up, on a CPU.

A row of each head attends over some hundred keys. As products of matrices that is too little work to hide how long
memory takes to answer: the keys of 16 sequences came at 16 GB/s, where memory gives more than 50. Two operations made
for tables much larger than any cache read only the rows that they are told, one after the other, and ahead: a product
that is computed at some places alone (`sampled_addmm`), and sums of weighted rows (`embedding_bag`).
"""

import warnings

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag


class RowLookup:
    """Which rows of a shelf's keys and values each head of each sequence's row sees: the same for all layers.

    places, ends: of the sequences on the shelf, [n] int64; window: how many positions a row sees, None: all.
    """

    def __init__(self, places: Tensor, ends: Tensor, heads: int, capacity: int, window: int | None) -> None:
        begins = torch.zeros_like(ends) if window is None else (ends - window).clamp_(min=0)
        positions = begins[:, None] + torch.arange(int((ends - begins).max()))
        unseen = positions >= ends[:, None]
        # in place of what a shorter one has not, its last row again: it is in the cache
        positions = torch.minimum(positions, ends[:, None] - 1)
        table = places[:, None] * heads + torch.arange(heads)
        seen = (table[:, :, None] * capacity + positions[:, None]).int()
        self._count = positions.shape[1]
        self._seen = seen.flatten()
        self._begins = torch.arange(0, len(self._seen) + 1, self._count, dtype=torch.int32)
        self._mask = torch.zeros(unseen.shape).masked_fill_(unseen, -torch.inf)[:, None] if unseen.any() else None
        self._scores: Tensor | None = None

    @staticmethod
    def suits(query: Tensor, shelf: Tensor) -> bool:
        """Whether it is faster here; heads that share keys read them once as a product of matrices.

        query: [n, heads, dim]; shelf: [2, places, kv_heads, capacity, dim].
        """
        return query.device.type == "cpu" and query.dtype == torch.float32 and query.shape[1] == shelf.shape[2]

    def attend(self, query: Tensor, keys: Tensor, values: Tensor, scale: float) -> Tensor:
        """Each row over what it sees. query: [n, heads, dim]; keys, values: [rows of the shelf, dim]."""
        if self._scores is None:
            self._scores = _at_places(self._begins, self._seen, len(keys))
        # written over what the last layer left there
        torch.sparse.sampled_addmm(self._scores, query.flatten(0, 1), keys.t(), beta=0.0, alpha=scale, out=self._scores)
        scores = self._scores.values().view(*query.shape[:2], self._count)
        weights = torch.softmax(scores if self._mask is None else scores + self._mask, dim=-1)
        return embedding_bag(
            self._seen, values, self._begins[:-1], mode="sum", per_sample_weights=weights.flatten()
        ).view(query.shape)


def _at_places(begins: Tensor, columns: Tensor, width: int) -> Tensor:
    """A matrix that has numbers only at these columns of each row, all of them 0."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(
            begins, columns, torch.zeros(len(columns)), (len(begins) - 1, width), check_invariants=False
        )
