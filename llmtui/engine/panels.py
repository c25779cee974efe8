"""Linears by our own kernels: weights in panels of 16 outputs, read once for all rows of a step, well ahead of use."""

from enum import IntEnum
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from llmtui.engine import kernels
from llmtui.models.weights import PANEL

INT8_MAX = 127
# of rows: unsigned around it, which is what VNNI multiplies
ZERO_POINT = 128


class Kind(IntEnum):
    """How the weights are held; `native/linears.h` has the same numbers."""

    FLOAT32 = 0
    BFLOAT16 = 1
    INT8 = 2

    @property
    def dtype(self) -> torch.dtype:
        return (torch.float32, torch.bfloat16, torch.int8)[self]

    @property
    def inputs(self) -> int:
        """How many weights of an output lie side by side."""
        return (1, 2, 4)[self]


class PanelLinear(nn.Module):
    """x Wᵀ + b with W in float32, bfloat16 or int8: a row gives the same bits whatever rows are computed with it.

    bfloat16: x is rounded to it, sums and results are not. int8: symmetric absmax, one scale for each output and one
    for each row, sums of integers (Dettmers et al. 2022, "vector-wise quantization", without its outlier path).
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, kind: Kind) -> None:
        super().__init__()
        self.out_features, self.in_features = weight.shape
        self.kind = kind
        fill = (0, -self.out_features % PANEL)
        added = None if bias is None else functional.pad(bias, fill)
        self._start, self._scales, self._bias = added, None, None
        if kind is Kind.INT8:
            # not of weight.abs(), which is one more copy of a large head
            largest = torch.maximum(weight.amax(dim=1, keepdim=True), -weight.amin(dim=1, keepdim=True))
            largest.clamp_(min=torch.finfo(torch.float32).tiny)
            weight = (weight * (INT8_MAX / largest)).round_().to(torch.int8)
            self._start = functional.pad(weight.sum(dim=1, dtype=torch.int32).mul_(-ZERO_POINT), fill)
            self._scales, self._bias = functional.pad(largest[:, 0] / INT8_MAX, fill), added
        self._panels = in_panels(weight.to(kind.dtype), kind.inputs)
        held = [0 if t is None else t.data_ptr() for t in (self._panels, self._start, self._scales, self._bias)]
        self._plain = (int(kind), *held, self.in_features, self.out_features, False)
        self._gelu = (*self._plain[:-1], True)
        assert kernels.KERNELS is not None
        self._multiply = kernels.KERNELS.multiply

    def forward(self, x: Tensor) -> Tensor:
        return self._times(x, self._plain)

    def with_gelu(self, x: Tensor) -> Tensor:
        """GELU, approximated by tanh, of x Wᵀ + b."""
        return self._times(x, self._gelu)

    def _times(self, x: Tensor, layer: tuple[Any, ...]) -> Tensor:
        if x.dim() != 2:
            return self._times(x.reshape(-1, self.in_features), layer).view(*x.shape[:-1], self.out_features)
        if x.stride(1) != 1 or x.dtype is not torch.float32:
            x = x.float().contiguous()
        rows = x.shape[0]
        y = torch.empty(rows, self.out_features)
        self._multiply(*layer, x.data_ptr(), x.stride(0), rows, y.data_ptr())
        return y

    @property
    def weight(self) -> Tensor:
        """[out, in] float32: a copy of what the layer multiplies with."""
        weight = out_of_panels(self._panels, self.out_features, self.in_features).float()
        return weight if self._scales is None else weight * self._scales[: self.out_features, None]

    @property
    def weight_bytes(self) -> int:
        return sum(t.nbytes for t in (self._panels, self._start, self._scales, self._bias) if t is not None)


def in_panels(weight: Tensor, inputs: int) -> Tensor:
    """[out, in] as [panels, in / inputs, PANEL, inputs], filled up with zeros."""
    outs, ins = weight.shape
    filled = functional.pad(weight, (0, -ins % inputs, 0, -outs % PANEL))
    return filled.view(-1, PANEL, filled.shape[1] // inputs, inputs).permute(0, 2, 1, 3).contiguous()


def out_of_panels(panels: Tensor, outs: int, ins: int) -> Tensor:
    """What `in_panels` made of [outs, ins]."""
    return panels.permute(0, 2, 1, 3).reshape(panels.shape[0] * PANEL, -1)[:outs, :ins]
