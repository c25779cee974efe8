"""Attention by our own kernel: each row over what its sequence has up to it; rows of a sequence read its keys once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from llmtui.engine import kernels
from llmtui.engine.branch_attention import BranchSpan

if TYPE_CHECKING:
    from llmtui.engine.attention import Span

# of the numbers of a head
VECTOR, MOST = 16, 256


def runs_on(device: str | torch.device) -> bool:
    """Whether there is a kernel for this device."""
    return kernels.KERNELS is not None and str(device) == "cpu"


def suits(query: Tensor) -> bool:
    """Whether it can do this. query: [rows, heads, dim]."""
    return query.dtype is torch.float32 and suits_heads(query.shape[-1], query.device)


def suits_heads(dim: int, device: str | torch.device) -> bool:
    """Whether it attends for heads of so many numbers."""
    return runs_on(device) and dim % VECTOR == 0 and dim <= MOST


class RowsOfShelf:
    """The rows of sequences that share a shelf, of each one or several: a single call attends for all of them.

    spans: each with the number that its first row has in the forward; those of a sequence one after the other.
    """

    def __init__(self, spans: "Sequence[tuple[int, Span | BranchSpan]]") -> None:
        self._shelf = spans[0][1].slab.shelf
        numbers: list[int] = []
        places: list[int] = []
        ends: list[int] = []
        branches: list[tuple[int, BranchSpan]] = []
        for first, span in spans:
            count = len(span.positions)
            if isinstance(span, BranchSpan):
                branches.append((len(numbers), span))
                ends += [start for start, _, _ in span.seen]
            else:
                ends += range(span.begin + 1, span.end + 1)
            numbers += range(first, first + count)
            places += [span.slab.place] * count
        # held while their addresses are
        self._rows = torch.tensor([numbers, places, ends])
        self._tails = _Tails(len(numbers), branches) if branches else None
        own = self._rows.data_ptr(), 8 * len(numbers)
        longest = max(ends) if self._tails is None else max(ends) + self._tails.longest
        # how many rows, where their numbers, places and ends are, and how much one of them sees at most
        self._words = (len(numbers), *(own[0] + n * own[1] for n in range(3)), longest)

    def shelved(self, layers: int, kv_heads: int, dim: int) -> list[int]:
        """What `run_blocks` is told of them."""
        kept_at = self._shelf.addresses(layers, kv_heads, dim).data_ptr()
        return [*self._shelf.shape(kv_heads, dim), *self._words, self._tails_at(layers, kv_heads, dim), kept_at]

    def _tails_at(self, layers: int, kv_heads: int, dim: int) -> int:
        if self._tails is None:
            return 0
        narrow, *_ = self._shelf.shape(kv_heads, dim)
        return self._tails.at(layers, kv_heads, dim, narrow=narrow)

    def attend_into(
        self, attended: Tensor, layer: int, query: Tensor, rows: Tensor, scaling: float | None, window: int | None
    ) -> None:
        """What `PackedBatch.attend` does, for these rows: written to theirs of `attended`, [rows, heads, dim]."""
        assert kernels.KERNELS is not None
        shelf = self._shelf.rows(layer, rows)
        _, places, kv_heads, capacity, dim = shelf.shape
        if query.stride()[1:] != (dim, 1):
            query = query.contiguous()
        if rows.stride()[1:] != (kv_heads * dim, dim, 1):
            rows = rows.contiguous()
        kernels.KERNELS.attend(
            shelf.data_ptr(), shelf.dtype is torch.bfloat16, places, kv_heads, capacity, dim,
            *self._words, self._tails_at(layer + 1, kv_heads, dim), layer, window or 0,
            query.data_ptr(), query.stride(0), rows.data_ptr(), rows.stride(0), query.shape[1],
            dim**-0.5 if scaling is None else scaling, attended.data_ptr(),
        )  # fmt: skip


class _Tails:
    """What the rows of branches see beyond their sequences, among other rows of a shelf.

    branches: each with the number that its first row has among the rows. longest: of what one sees.
    """

    def __init__(self, rows: int, branches: "Sequence[tuple[int, BranchSpan]]") -> None:
        # of each row: the address of its tails' addresses, their places, the first of them and their count
        self._words = torch.zeros(rows, 4, dtype=torch.int64)
        self._branches = branches
        for row, span in branches:
            seen = [(0, span.tails.places, first, count) for _, first, count in span.seen]
            self._words[row : row + len(seen)] = torch.tensor(seen)
        self.longest = int(self._words[:, 3].max())

    def at(self, layers: int, kv_heads: int, dim: int, *, narrow: bool) -> int:
        """The address of what the kernel must know of so many layers."""
        dtype = torch.bfloat16 if narrow else torch.float32
        for row, span in self._branches:
            addresses = span.tails.addresses(layers, kv_heads, dim, dtype)
            self._words[row : row + len(span.positions), 0] = addresses.data_ptr()
        return self._words.data_ptr()
