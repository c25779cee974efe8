"""Attention over several sequences in one forward: their tokens lie side by side, and none sees another's.

A forward computes `input_ids [1, T1 + T2 + ...]`. Everything but attention works on each row alone; attention is called
by transformers under the name PACKED, writes the new keys and values to each sequence's own slab and attends over that.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from llmtui.engine.branch_attention import BranchSpan
from llmtui.engine.kv_cache import KVSlab

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


class PackedBatch:
    """The spans of one forward, in the order of their rows. To the model it is the cache, one that holds nothing."""

    is_compileable = False

    def __init__(self, spans: Sequence[Span | BranchSpan]) -> None:
        self.spans = spans
        self.lengths = [len(span.positions) for span in spans]
        self._masks: dict[tuple[int, int, int | None], Tensor] = {}

    def update(self, keys: Tensor, values: Tensor, *_: object, **__: object) -> tuple[Tensor, Tensor]:
        return keys, values

    def get_seq_length(self, *_: object) -> int:
        return 0

    def get_query_offset(self, *_: object) -> int:
        return 0

    def get_mask_sizes(self, query_length: int, *_: object) -> tuple[int, int]:
        return query_length, 0

    def mask(self, rows: int, keys: int, window: int | None, device: torch.device) -> Tensor:
        """Which of the keys, the last of which is the last row's own, each row sees: [rows, keys] bool."""
        known = self._masks.get((rows, keys, window))
        if known is None:
            known = torch.ones(rows, keys, dtype=torch.bool, device=device).tril_(keys - rows)
            if window is not None:
                known.triu_(keys - rows - window + 1)
            self._masks[rows, keys, window] = known
        return known


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
    layer: int = module.layer_idx
    if len(packed.spans) == 1:
        return _attend_any(packed, packed.spans[0], layer, query, key, value, scaling, window).transpose(1, 2), None
    attended, row = [], 0
    for span, rows in zip(packed.spans, packed.lengths, strict=True):
        q, k, v = query.narrow(2, row, rows), key.narrow(2, row, rows), value.narrow(2, row, rows)
        attended.append(_attend_any(packed, span, layer, q, k, v, scaling, window))
        row += rows
    return torch.cat(attended, dim=2).transpose(1, 2), None


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


@contextmanager
def packing(config: Any) -> Iterator[None]:
    """Inside, the model of this config attends packed; outside it is as it was loaded."""
    previous = config._attn_implementation
    config._attn_implementation = PACKED
    try:
        yield
    finally:
        config._attn_implementation = previous


def _attend_any(
    packed: PackedBatch,
    span: Span | BranchSpan,
    layer: int,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    scaling: float | None,
    window: int | None,
) -> Tensor:
    if isinstance(span, Span):
        return _attend(packed, span, layer, query, key, value, scaling, window)
    q, k, v = (states[0].transpose(0, 1) for states in (query, key, value))
    return span.attend(layer, q, k, v, scaling, window).transpose(0, 1)[None]


def _attend(
    packed: PackedBatch,
    span: Span,
    layer: int,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    scaling: float | None,
    window: int | None,
) -> Tensor:
    """One sequence's attention, [1, heads, rows, dim], over everything it has up to its last row."""
    keys, values = span.slab.write(layer, span.begin, key, value)
    if window is not None and span.begin >= window:
        # the first row sees itself and window - 1 before it, and no later row sees further back
        first = span.begin - window + 1
        keys, values = keys[:, :, first:], values[:, :, first:]
    heads, rows = query.shape[1], query.shape[2]
    grouped = heads != keys.shape[1]
    if rows == 1:
        if not grouped:
            return scaled_dot_product_attention(query, keys, values, scale=scaling)
        # the heads that share keys become rows over them
        shared = query.reshape(1, keys.shape[1], -1, query.shape[3])
        attended = scaled_dot_product_attention(shared, keys, values, scale=scaling)
        return attended.reshape(1, heads, 1, -1)
    if span.begin == 0 and (window is None or rows <= window):
        return scaled_dot_product_attention(query, keys, values, scale=scaling, is_causal=True, enable_gqa=grouped)
    mask = packed.mask(rows, keys.shape[2], window, query.device)
    return scaled_dot_product_attention(query, keys, values, attn_mask=mask, scale=scaling, enable_gqa=grouped)
