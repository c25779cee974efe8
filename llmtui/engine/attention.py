"""Attention over several sequences in one forward: their tokens lie side by side, and none sees another's.

A forward computes `input_ids [1, T1 + T2 + ...]`. Everything but attention works on each row alone; attention is called
by transformers under the name PACKED, writes the new keys and values to each sequence's own slab and attends over that.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from llmtui.engine import row_kernel
from llmtui.engine.branch_attention import BranchSpan
from llmtui.engine.decode_attention import DecodeGroup
from llmtui.engine.kv_cache import KVSlab, Shelf
from llmtui.engine.row_kernel import RowsOfShelf

PACKED = "llmtui_packed"
# what models pass along that does not change attention; anything else that is set is refused
_HARMLESS = frozenset({"position_ids", "use_cache"})


class NotPackable(Exception):
    """The model asks attention for something that packing does not know."""


@dataclass(frozen=True, slots=True)
class Span:
    """A sequence's tokens `begin` to `end`, computed in this forward, and the slab that holds those before them."""

    slab: KVSlab
    begin: int
    end: int

    @property
    def positions(self) -> range:
        return range(self.begin, self.end)

    @property
    def rows(self) -> int:
        return self.end - self.begin


class PackedBatch:
    """The spans of one forward, in the order of their rows. To the model it is the cache, one that holds nothing."""

    is_compileable = False

    def __init__(self, spans: Sequence[Span | BranchSpan], device: str | torch.device = "cpu") -> None:
        self.spans = spans
        self._device = device
        self._masks: dict[tuple[int, int, int | None], Tensor] = {}
        # each with the number of its first row
        self._placed: list[tuple[int, Span | BranchSpan]] = []
        row = 0
        for span in spans:
            if isinstance(span, Span):
                span.slab.reserve(span.end)
            self._placed.append((row, span))
            row += len(span.positions)

    @cached_property
    def _by_kernel(self) -> list[RowsOfShelf]:
        return [RowsOfShelf(mates) for mates in _by_shelf(self._placed)]

    @cached_property
    def _by_torch(self) -> tuple[list[tuple[int, Span]], list[DecodeGroup], list[tuple[int, BranchSpan]]]:
        """Spans that attend alone, single rows that attend together, and branches."""
        own = [(row, span) for row, span in self._placed if isinstance(span, Span)]
        branches = [(row, span) for row, span in self._placed if isinstance(span, BranchSpan)]
        alone = [placed for placed in own if placed[1].rows > 1]
        groups = _by_shelf([placed for placed in own if placed[1].rows == 1])
        alone += [mates[0] for mates in groups if len(mates) == 1]
        return alone, [DecodeGroup(mates, self._device) for mates in groups if len(mates) > 1], branches

    def attend(
        self, layer: int, query: Tensor, rows: Tensor, scaling: float | None = None, window: int | None = None
    ) -> Tensor:
        """Write new keys and values down; each row's attention over all that its sequence has up to it.

        query: [rows, heads, dim]; rows: [rows, 2, kv_heads, dim], keys and values; window: how many positions a row
        sees, itself included, None: all. Returns [rows, heads, dim].
        """
        if row_kernel.suits(query):
            attended = torch.empty(query.shape)
            for shelf in self._by_kernel:
                shelf.attend_into(attended, layer, query, rows, scaling, window)
            return attended
        alone, groups, branches = self._by_torch
        if len(alone) == len(self.spans) == 1:
            return self._attend_alone(alone[0][1], layer, query, rows, scaling, window)
        if len(groups) == 1 and groups[0].is_all_of(len(query)):
            return groups[0].attend(layer, query, rows, scaling, window)
        attended = torch.empty_like(query, memory_format=torch.contiguous_format)
        for row, span in alone:
            part = slice(row, row + span.rows)
            attended[part] = self._attend_alone(span, layer, query[part], rows[part], scaling, window)
        for group in groups:
            attended[group.rows] = group.attend(layer, query[group.rows], rows[group.rows], scaling, window)
        for row, branch in branches:
            part = slice(row, row + len(branch.positions))
            attended[part] = branch.attend(layer, query[part], rows[part], scaling, window)
        return attended

    def shelved(self, layers: int, kv_heads: int, dim: int) -> list[list[int]] | None:
        """What `run_blocks` is told of each shelf that keeps so many layers; None: it cannot attend for these heads."""
        if not row_kernel.suits_heads(dim, self._device):
            return None
        return [shelf.shelved(layers, kv_heads, dim) for shelf in self._by_kernel]

    def _attend_alone(
        self, span: Span, layer: int, query: Tensor, rows: Tensor, scaling: float | None, window: int | None
    ) -> Tensor:
        known = span.slab.write(layer, span.begin, rows)
        if window is not None and span.begin >= window:
            # the first row sees itself and window - 1 before it, and no later row sees further back
            known = known[:, :, span.begin - window + 1 :]
        count, heads, dim = query.shape
        keys, values = known.unsqueeze(1)
        grouped = heads != keys.shape[1]
        if count == 1:
            # the heads that share keys become rows over them
            shared = query.reshape(1, keys.shape[1], -1, dim)
            return scaled_dot_product_attention(shared, keys, values, scale=scaling).reshape(1, heads, dim)
        query = query.transpose(0, 1).unsqueeze(0)
        causal = span.begin == 0 and (window is None or count <= window)
        mask = None if causal else self.mask(count, keys.shape[2], window, query.device)
        attended = scaled_dot_product_attention(
            query, keys, values, attn_mask=mask, is_causal=causal, scale=scaling, enable_gqa=grouped
        )
        return attended[0].transpose(0, 1)

    def mask(self, rows: int, keys: int, window: int | None, device: torch.device) -> Tensor:
        """Which of the keys, the last of which is the last row's own, each row sees: [rows, keys] bool."""
        known = self._masks.get((rows, keys, window))
        if known is None:
            known = torch.ones(rows, keys, dtype=torch.bool, device=device).tril_(keys - rows)
            if window is not None:
                known.triu_(keys - rows - window + 1)
            self._masks[rows, keys, window] = known
        return known

    # what transformers asks a cache

    def update(self, keys: Tensor, values: Tensor, *_: object, **__: object) -> tuple[Tensor, Tensor]:
        return keys, values

    def get_seq_length(self, *_: object) -> int:
        return 0

    def get_query_offset(self, *_: object) -> int:
        return 0

    def get_mask_sizes(self, query_length: int, *_: object) -> tuple[int, int]:
        return query_length, 0


S = TypeVar("S", Span, "Span | BranchSpan")


def _by_shelf(spans: list[tuple[int, S]]) -> list[list[tuple[int, S]]]:
    mates: dict[Shelf, list[tuple[int, S]]] = {}
    for row, span in spans:
        mates.setdefault(span.slab.shelf, []).append((row, span))
    return list(mates.values())


def packed_attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    packed: PackedBatch | None = None,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    is_causal: bool | None = None,
    **others: object,
) -> tuple[Tensor, None]:
    """What transformers calls for each layer; the batch comes through the keyword arguments of `model.forward`.

    query: [1, heads, rows, dim]; key, value: [1, kv_heads, rows, dim]; attention_mask: of `packed_mask`.
    Returns [1, rows, heads, dim]. Raises NotPackable for what it does not know.
    """
    if others.keys() - _HARMLESS:
        unknown = [name for name, value in others.items() if not (value is None or value is False or name in _HARMLESS)]
        if unknown:
            raise NotPackable(f"attention with {', '.join(unknown)}")
    if packed is None or dropout or is_causal is False or not getattr(module, "is_causal", True):
        raise NotPackable("attention without a batch, with dropout, or with sight of what comes after")
    window = None if attention_mask is None else int(attention_mask)
    if sliding_window is not None and window not in (None, sliding_window):
        raise NotPackable(f"a window of {sliding_window} under a mask of {window}")
    rows = torch.cat((key, value)).permute(2, 0, 1, 3)
    return packed.attend(module.layer_idx, query[0].transpose(0, 1), rows, scaling, window)[None], None


def packed_mask(*, mask_function: Any, config: Any, device: Any, **_: object) -> Tensor | None:
    """What transformers calls for a mask: none for causal attention, the window's width for a sliding one.

    The masks themselves are each span's own. Raises NotPackable for any other pattern.
    """
    from transformers.masking_utils import causal_mask_function

    if mask_function is causal_mask_function:
        return None
    window = getattr(config, "sliding_window", None)
    if isinstance(window, int):
        row = torch.tensor(10**6, device=device)
        seen = mask_function(0, 0, row, row + torch.tensor([-window, 1 - window, 0, 1], device=device))
        if torch.broadcast_to(seen, (4,)).tolist() == [False, True, True, False]:
            return torch.tensor(window)
    raise NotPackable("a mask that is neither causal nor a sliding window")


def register_attention() -> None:
    """Make both known to transformers under their name; without the second, no mask would be asked for at all."""
    from transformers import AttentionInterface, AttentionMaskInterface

    AttentionInterface.register(PACKED, packed_attention)
    AttentionMaskInterface.register(PACKED, packed_mask)


# ids: [rows], their positions: [rows], whose they are, the rows whose logits are wanted (None: all) → [wanted, vocab]
PackedForward = Callable[[Tensor, Tensor, PackedBatch, Tensor | None], Tensor]


class OwnForward:
    """The model's own forward, with its attention packed.

    For models whose attention goes through transformers' interface and asks it for nothing but causal or sliding
    attention; `self_check.find_runner` tells which.
    """

    def __init__(self, model: Any) -> None:
        register_attention()
        self._model = model

    def __call__(self, ids: Tensor, positions: Tensor, batch: PackedBatch, kept: Tensor | None) -> Tensor:
        with packing(self._model.config):
            output = self._model(
                input_ids=ids[None],
                position_ids=positions[None],
                past_key_values=batch,
                use_cache=True,
                logits_to_keep=0 if kept is None else kept,
                packed=batch,
            )
        logits: Tensor = output.logits[0]
        return logits


@contextmanager
def packing(config: Any) -> Iterator[None]:
    """Inside, the model of this config attends packed; outside it is as it was loaded."""
    previous = config._attn_implementation
    config._attn_implementation = PACKED
    try:
        yield
    finally:
        config._attn_implementation = previous
