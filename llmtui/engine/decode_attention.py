"""Attention of sequences that decode: one row each over the keys and values of one shelf, all rows in a few calls."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from llmtui.engine.row_lookup import RowLookup

if TYPE_CHECKING:
    from llmtui.engine.attention import Span


class DecodeGroup:
    """Rows of sequences that share a shelf, one each: a single call attends for all of them.

    rows: which of the forward's rows they are, [n] int64, by place on the shelf.
    """

    def __init__(self, mates: Sequence[tuple[int, "Span"]], device: str | torch.device) -> None:
        mates = sorted(mates, key=lambda mate: mate[1].slab.place)
        spans = [span for _, span in mates]
        self._count = len(mates)
        self._shelf = spans[0].slab.shelf
        self.rows = torch.tensor([row for row, _ in mates], device=device)
        self._in_order = [row for row, _ in mates] == list(range(len(mates)))
        places = [span.slab.place for span in spans]
        self._first, self._end = places[0], places[-1] + 1
        self._longest = max(span.end for span in spans)
        self._places = torch.tensor(places, device=device)
        self._ends = torch.tensor([span.end for span in spans], device=device)
        # a free place between them is computed and thrown away
        self._seats = self._places - self._first
        self._gaps = self._end - self._first != len(mates)
        self._masks: dict[int | None, Tensor] = {}
        self._written: dict[tuple[int, ...], Tensor] = {}
        self._lookups: dict[tuple[int, int | None], RowLookup] = {}

    def is_all_of(self, rows: int) -> bool:
        """Whether these are all rows of the forward, in their order."""
        return self._in_order and self._count == rows

    def attend(self, layer: int, query: Tensor, rows: Tensor, scaling: float | None, window: int | None) -> Tensor:
        """What `PackedBatch.attend` does, for these rows alone."""
        shelf = self._shelf.rows(layer, rows)
        _, heads, dim = query.shape
        shelf.view(-1, dim).index_put_((self._newest(shelf),), rows)
        scale = dim**-0.5 if scaling is None else scaling
        if RowLookup.suits(query, shelf):
            known_keys, known_values = shelf.view(2, -1, dim)
            return self._lookup(heads, window).attend(query, known_keys, known_values, scale)
        keys, values = shelf[:, self._first : self._end, :, : self._longest]
        if self._gaps:
            query = query.new_zeros(len(keys), heads, dim).index_copy_(0, self._seats, query)
        attended = self._over(query, keys, values, scale, window)
        return attended.index_select(0, self._seats) if self._gaps else attended

    def _newest(self, shelf: Tensor) -> Tensor:
        """Where the rows' own keys and values lie among all of the shelf: [n, 2, kv_heads]."""
        known = self._written.get(shelf.shape)
        if known is None:
            two, places, heads, capacity, _ = shelf.shape
            kinds, head = (torch.arange(n, device=shelf.device) for n in (two, heads))
            of_place = (kinds[:, None] * places + self._places[:, None, None]) * heads
            known = self._written[shelf.shape] = (of_place + head) * capacity + self._ends[:, None, None] - 1
        return known

    def _lookup(self, heads: int, window: int | None) -> RowLookup:
        known = self._lookups.get((heads, window))
        if known is None:
            known = RowLookup(self._places, self._ends, heads, self._shelf.capacity, window)
            self._lookups[heads, window] = known
        return known

    def _over(self, query: Tensor, keys: Tensor, values: Tensor, scale: float, window: int | None) -> Tensor:
        """Each place's row, [places, heads, dim], over its keys and values, [places, kv_heads, positions, dim]."""
        places, heads, dim = query.shape
        # the heads that share keys become rows over them
        shared = query.reshape(places, keys.shape[1], -1, dim)
        mask = self._mask(window, query.dtype)
        if query.dtype.itemsize < 4:
            # torch's own keeps scores in float32
            attended = scaled_dot_product_attention(shared, keys, values, attn_mask=mask, scale=scale)
            return attended.reshape(places, heads, dim)
        # on a CPU two products of batches read keys and values faster
        mask = mask.expand(shared.shape[:2] + mask.shape[2:]).flatten(0, 1)
        shared, keys, values = shared.flatten(0, 1), keys.flatten(0, 1), values.flatten(0, 1)
        scores = torch.baddbmm(mask, shared, keys.transpose(1, 2), alpha=scale)
        return torch.bmm(torch.softmax(scores, dim=-1), values).view(places, heads, dim)

    def _mask(self, window: int | None, dtype: torch.dtype) -> Tensor:
        """0 for the positions that each place's row sees, minus infinity for others: [places, 1, 1, positions]."""
        known = self._masks.get(window)
        if known is None:
            ends = self._ends.new_zeros(self._end - self._first, 1)
            ends[self._seats, 0] = self._ends
            positions = torch.arange(self._longest, device=ends.device)
            unseen = positions >= ends
            if window is not None:
                unseen |= positions < ends - window
            mask = torch.zeros(unseen.shape, dtype=dtype, device=ends.device).masked_fill_(unseen, -torch.inf)
            known = self._masks[window] = mask[:, None, None]
        return known
