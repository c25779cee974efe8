"""All layers of a model in one call of our own kernels.

Between two calls the interpreter takes some microseconds, and whoever else waits for it may take milliseconds: by calls
of single kernels, a forward of one token waits for it five times a layer.
"""

import struct
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from llmtui.engine import kernels, row_kernel
from llmtui.engine.attention import PackedBatch
from llmtui.engine.norms import Norm
from llmtui.engine.panels import WRITTEN, PanelLinear, Words


def described(module: Any, norm: Norm | None = None, after: int = WRITTEN, *, gated: bool = False) -> Words | None:
    """What our kernels must know of a linear and of what stands around it; None: it is not theirs."""
    return module.described(norm, after, gated=gated) if isinstance(module, PanelLinear) else None


def described_block(*layers: Words | None, heads: int, scale: float, window: int | None = None) -> Words | None:
    """The same of a layer of a model; None: a part of it is not theirs.

    layers: queries, keys and values; what is attended, added to the rows; the feed-forward part up, and down, added.
    window: how many positions a row sees, None: all.
    """
    words: list[int | float] = []
    for layer in layers:
        if layer is None:
            return None
        words += layer
    return (*words, heads, float(scale), window or 0)


class Blocks:
    """The layers of one model, as `described_block` tells of each. kv_heads, dim: heads of keys, numbers of a head."""

    def __init__(self, described: Sequence[Words], kv_heads: int, dim: int) -> None:
        self._count, self._kv_heads, self._dim = len(described), kv_heads, dim
        self._words = in_words([word for block in described for word in block])

    @classmethod
    def of(cls, described: Sequence[Words | None], kv_heads: int, dim: int) -> "Blocks | None":
        """None where a layer is not our kernels', or its heads are not."""
        known = [words for words in described if words is not None]
        if len(known) < len(described) or not row_kernel.suits_heads(dim, "cpu"):
            return None
        return cls(known, kv_heads, dim)

    def run(
        self, x: Tensor, batch: PackedBatch, kept: Tensor | None, turn: tuple[Tensor, Tensor] | None = None
    ) -> Tensor | None:
        """What becomes of x, [rows, width] float32, which is overwritten: [kept rows, width]. None: not by one call.

        kept: numbers of rows, rising; None: all. turn: cosines and sines as `layers.rotate` takes them.
        """
        shelves = batch.shelved(self._count, self._kv_heads, self._dim)
        cos, sin = (None, None) if turn is None else turn
        if shelves is None or any(t is not None and t.dtype is not torch.float32 for t in (x, cos, sin)):
            return None
        assert kernels.KERNELS is not None
        on_shelves = torch.tensor(shelves)
        kernels.KERNELS.run_blocks(
            self._words.data_ptr(), self._count, on_shelves.data_ptr(), len(shelves),
            _address(cos), _address(sin), x.data_ptr(), x.shape[1], x.shape[0], _address(kept), _count(kept),
        )  # fmt: skip
        return x if kept is None else x[: len(kept)]


def in_words(values: Sequence[int | float]) -> Tensor:
    """Whole numbers and addresses, and fractions as doubles, 8 bytes each."""
    packed = struct.pack("".join("d" if isinstance(value, float) else "q" for value in values), *values)
    return torch.frombuffer(bytearray(packed), dtype=torch.int64)


def _address(tensor: Tensor | None) -> int:
    return 0 if tensor is None else tensor.data_ptr()


def _count(tensor: Tensor | None) -> int:
    return 0 if tensor is None else len(tensor)
