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
    """Keys and values of the branches of one sequence beyond its own: for each layer [slots, depth, kv_heads, dim]."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._layers: dict[int, tuple[Tensor, Tensor]] = {}

    def write(self, layer: int, slots: Tensor, steps: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Put down one row for each of the slots; all that these slots hold, [rows, depth, kv_heads, dim].

        keys, values: [rows, kv_heads, dim]; slots, steps: [rows] int64.
        """
        known = self._layers.get(layer)
        if known is None:
            # zeros: what is not written yet is masked, but no number may be anything times nothing
            shape = (LOOKAHEAD_ROWS, self._depth, *keys.shape[1:])
            known = self._layers[layer] = (keys.new_zeros(shape), values.new_zeros(shape))
        tail_keys, tail_values = known
        tail_keys[slots, steps] = keys
        tail_values[slots, steps] = values
        return tail_keys[slots], tail_values[slots]


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

    def attend(
        self, layer: int, query: Tensor, keys: Tensor, values: Tensor, scaling: float | None, window: int | None
    ) -> Tensor:
        """Put down the rows' own keys and values; what each row sees, weighed.

        query: [rows, heads, dim]; keys, values: [rows, kv_heads, dim]; window: positions that a row sees, itself
        included, None: all. Returns [rows, heads, dim].
        """
        rows, heads, dim = query.shape
        kv_heads = keys.shape[1]
        slots, steps = self._places(query.device)
        tail_keys, tail_values = self._tails.write(layer, slots, steps, keys, values)
        tail_keys, tail_values = tail_keys[:, : self._depth], tail_values[:, : self._depth]
        known_keys, known_values = self.slab.view(layer, self._first(window), self._end)
        known = known_keys.shape[1]
        # the heads that share keys become rows over them: [kv_heads, group, rows, dim]
        shared = query.reshape(rows, kv_heads, -1, dim).permute(1, 2, 0, 3)
        shared = shared * (dim**-0.5 if scaling is None else scaling)
        by_head, by_kv = shared.shape[:3], heads // kv_heads * rows
        before = torch.matmul(shared.reshape(kv_heads, by_kv, dim), known_keys.transpose(1, 2)).view(*by_head, known)
        own = torch.einsum("kgrd,rtkd->kgrt", shared, tail_keys)
        scores = torch.cat((before, own), dim=-1).float() + self._mask(window, query.device)
        weights = torch.softmax(scores, dim=-1).to(query.dtype)
        of_known = weights[..., :known].reshape(kv_heads, by_kv, known)
        attended: Tensor = torch.matmul(of_known, known_values).view(*by_head, dim)
        attended = attended + torch.einsum("kgrt,rtkd->kgrd", weights[..., known:], tail_values)
        return attended.permute(2, 0, 1, 3).reshape(rows, heads, dim)

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
