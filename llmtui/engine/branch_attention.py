"""Attention of branches: rows that see the beginning of a sequence, and after it a few tokens of their own.

The beginning is the sequence's own slab, read and never copied or written. What a branch has beyond it lies in a tail.
Scores over both are joined in one softmax, so that a branch attends as a sequence with these tokens would.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from llmtui.engine.kv_cache import KVSlab
from llmtui.engine.lookahead import LOOKAHEAD_ROWS, BranchRow


class BranchTails:
    """What the branches of one sequence have beyond it: for each layer [slots, depth, 2 kv_heads, dim]."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._layers: dict[int, Tensor] = {}

    def write(self, layer: int, slots: Tensor, steps: Tensor, rows: Tensor) -> Tensor:
        """Put down a row in each of the slots; all that these slots hold, [rows, depth, 2 kv_heads, dim].

        rows: [rows, 2 kv_heads, dim], the keys' heads and the values'; slots, steps: [rows] int64.
        """
        known = self._layers.get(layer)
        if known is None:
            # zeros: what is not written yet is masked, but no number may be anything times nothing
            known = self._layers[layer] = rows.new_zeros((LOOKAHEAD_ROWS, self._depth, *rows.shape[1:]))
        known[slots, steps] = rows
        return known[slots]


class BranchSpan:
    """The rows of one sequence's branches in one forward."""

    def __init__(self, slab: KVSlab, tails: BranchTails, rows: Sequence[BranchRow]) -> None:
        self.slab = slab
        self.positions = [row.position for row in rows]
        self._tails = tails
        self._rows = rows
        self._depth = max(row.step for row in rows) + 1
        self._index: tuple[Tensor, Tensor] | None = None
        self._masks: dict[int | None, Tensor] = {}

    def attend(self, layer: int, query: Tensor, rows: Tensor, scaling: float | None, window: int | None) -> Tensor:
        """What `PackedBatch.attend` does, for these rows: their keys and values go to the tails.

        query: [rows, heads, dim]; rows: [rows, 2 kv_heads, dim]; window: positions that a row sees, itself included,
        None: all. Returns [rows, heads, dim].
        """
        count, heads, dim = query.shape
        kv_heads = rows.shape[1] // 2
        slots, steps = self._places(query.device)
        tails = self._tails.write(layer, slots, steps, rows)[:, : self._depth]
        tail_keys, tail_values = tails.chunk(2, dim=2)
        known_keys, known_values = self.slab.view(layer, self._first(window), self._end).chunk(2)
        known = known_keys.shape[1]
        # the heads that share keys become rows over them: [kv_heads, group, rows, dim]
        shared = query.reshape(count, kv_heads, -1, dim).permute(1, 2, 0, 3)
        shared = shared * (dim**-0.5 if scaling is None else scaling)
        by_head, by_kv = shared.shape[:3], heads // kv_heads * count
        before = torch.matmul(shared.reshape(kv_heads, by_kv, dim), known_keys.transpose(1, 2)).view(*by_head, known)
        own = torch.einsum("kgrd,rtkd->kgrt", shared, tail_keys)
        scores = torch.cat((before, own), dim=-1).float() + self._mask(window, query.device)
        weights = torch.softmax(scores, dim=-1).to(query.dtype)
        of_known = weights[..., :known].reshape(kv_heads, by_kv, known)
        attended: Tensor = torch.matmul(of_known, known_values).view(*by_head, dim)
        attended = attended + torch.einsum("kgrt,rtkd->kgrd", weights[..., known:], tail_values)
        return attended.permute(2, 0, 1, 3).reshape(count, heads, dim)

    @property
    def _end(self) -> int:
        """The position up to which at least one row sees the sequence's own tokens."""
        return max(row.start for row in self._rows)

    def _first(self, window: int | None) -> int:
        """The first position that a row sees."""
        return 0 if window is None else min(self._end, max(0, min(self.positions) - window + 1))

    def _places(self, device: torch.device) -> tuple[Tensor, Tensor]:
        if self._index is None:
            slots = torch.tensor([row.slot for row in self._rows], device=device)
            self._index = (slots, torch.tensor([row.step for row in self._rows], device=device))
        return self._index

    def _mask(self, window: int | None, device: torch.device) -> Tensor:
        """0 for what a row sees and minus infinity for the rest: [rows, known positions + depth] float32."""
        known = self._masks.get(window)
        if known is None:
            starts = torch.tensor([row.start for row in self._rows], device=device)[:, None]
            positions = torch.tensor(self.positions, device=device)[:, None]
            before = torch.arange(self._first(window), self._end, device=device)[None]
            own = starts + torch.arange(self._depth, device=device)
            seen = torch.cat((before < starts, own <= positions), dim=1)
            if window is not None:
                seen &= torch.cat((before.expand(len(starts), -1), own), dim=1) > positions - window
            known = self._masks[window] = torch.zeros(seen.shape, device=device).masked_fill_(~seen, -torch.inf)
        return known
