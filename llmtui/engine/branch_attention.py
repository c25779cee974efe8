"""Attention of branches: rows that see the beginning of a sequence, and after it a few tokens of their own.

The beginning is the sequence's own slab, read and never copied or written. What a branch has beyond it lies in a tail.
Scores over both are joined in one softmax, so that a branch attends as a sequence with these tokens would. Our own
kernel does that, and where it does not run, `BranchSpan.attend` by torch.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from llmtui.engine.kv_cache import NOWHERE, KVSlab
from llmtui.engine.lookahead import LOOKAHEAD_ROWS, BranchRow


class BranchTails:
    """What the branches of one sequence have beyond it: for each layer [2, kv_heads, slots * depth, dim]."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self._layers: dict[int, Tensor] = {}
        self._addresses = NOWHERE

    @property
    def places(self) -> int:
        """Of all slots together."""
        return LOOKAHEAD_ROWS * self.depth

    def write(self, layer: int, places: Tensor, rows: Tensor) -> Tensor:
        """Put down rows, [rows, 2, kv_heads, dim], at their places, [rows] int64; the tails of all slots."""
        _, _, heads, dim = rows.shape
        return self._of(layer, heads, dim, rows.dtype, rows.device).index_copy_(2, places, rows.permute(1, 2, 0, 3))

    def addresses(self, layers: int, kv_heads: int, dim: int, dtype: torch.dtype) -> Tensor:
        """Of so many layers on the CPU: [layers] int64."""
        if len(self._addresses) < layers:
            tails = [self._of(layer, kv_heads, dim, dtype, torch.device("cpu")) for layer in range(layers)]
            self._addresses = torch.tensor([tail.data_ptr() for tail in tails])
        return self._addresses

    def _of(self, layer: int, kv_heads: int, dim: int, dtype: torch.dtype, device: torch.device) -> Tensor:
        known = self._layers.get(layer)
        if known is None:
            # zeros: what is not written yet is masked, but no number may be anything times nothing
            known = self._layers[layer] = torch.zeros(2, kv_heads, self.places, dim, dtype=dtype, device=device)
        return known


class BranchSpan:
    """The rows of one sequence's branches in one forward."""

    def __init__(self, slab: KVSlab, tails: BranchTails, rows: Sequence[BranchRow]) -> None:
        self.slab = slab
        self.tails = tails
        self.positions = [row.position for row in rows]
        self._rows = rows
        self._end = max(row.start for row in rows)
        self._places: Tensor | None = None
        self._masks: dict[tuple[int, int | None], Tensor] = {}

    @property
    def seen(self) -> list[tuple[int, int, int]]:
        """Of each row: how many of the sequence's positions it sees, its first place, and how many places."""
        return [(row.start, row.slot * self.tails.depth, row.step + 1) for row in self._rows]

    def attend(self, layer: int, query: Tensor, rows: Tensor, scaling: float | None, window: int | None) -> Tensor:
        """What `PackedBatch.attend` does, for these rows: their keys and values go to the tails.

        query: [rows, heads, dim]; rows: [rows, 2, kv_heads, dim]; window: positions that a row sees, itself included,
        None: all. Returns [rows, heads, dim].
        """
        count, heads, dim = query.shape
        kv_heads = rows.shape[2]
        group = heads // kv_heads
        tail_keys, tail_values = self.tails.write(layer, self._known_places(query.device), rows)
        keys, values = self.slab.view(layer, self._first(window), self._end).to(query.dtype)
        # the heads that share keys become rows over them
        shared = query.view(count, kv_heads, group, dim).permute(1, 2, 0, 3).reshape(kv_heads, group * count, dim)
        scores = [torch.bmm(shared, part.transpose(1, 2)) for part in (keys, tail_keys)]
        scale = dim**-0.5 if scaling is None else scaling
        masked = torch.add(self._mask(group, window, query.device), torch.cat(scores, dim=-1), alpha=scale)
        of_known, of_tails = torch.softmax(masked, dim=-1).to(query.dtype).tensor_split((keys.shape[1],), dim=-1)
        attended = torch.baddbmm(torch.bmm(of_known, values), of_tails, tail_values)
        return attended.view(kv_heads, group, count, dim).permute(2, 0, 1, 3).reshape(count, heads, dim)

    def _first(self, window: int | None) -> int:
        """The first position of the sequence that a row sees."""
        return 0 if window is None else min(self._end, max(0, min(self.positions) - window + 1))

    def _known_places(self, device: torch.device) -> Tensor:
        if self._places is None:
            depth = self.tails.depth
            self._places = torch.tensor([row.slot * depth + row.step for row in self._rows], device=device)
        return self._places

    def _mask(self, group: int, window: int | None, device: torch.device) -> Tensor:
        """0 for what a row sees and minus infinity for the rest: [group * rows, known positions + places] float32."""
        known = self._masks.get((group, window))
        if known is None:
            starts, slots, positions = torch.tensor(
                [(row.start, row.slot, row.position) for row in self._rows], device=device
            ).T[..., None]
            before = torch.arange(self._first(window), self._end, device=device)
            places = torch.arange(self.tails.places, device=device)
            own = starts + places % self.tails.depth
            seen = torch.cat((before < starts, (places // self.tails.depth == slots) & (own <= positions)), dim=1)
            if window is not None:
                seen &= torch.cat((before.expand(len(starts), -1), own), dim=1) > positions - window
            mask = torch.zeros(seen.shape, device=device).masked_fill_(~seen, -torch.inf)
            known = self._masks[group, window] = mask.repeat(group, 1)
        return known
