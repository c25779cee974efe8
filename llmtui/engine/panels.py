"""Linears by our own kernels: weights in panels of 16 outputs, read once for all rows of a step, well ahead of use."""

from collections.abc import Callable
from enum import IntEnum

import torch
from torch import Tensor, nn
from torch.nn import functional

from llmtui.engine import kernels
from llmtui.engine.int8 import ZERO_POINT, in_steps
from llmtui.engine.norms import Norm
from llmtui.models.weights import PANEL

# `native/linears.h` has the same numbers
BEFORE = {None: 0, "layer": 1, "rms": 2, "gated": 3}
WRITTEN, GELU, ADDED = 0, 1, 2

# what kernels are told: addresses, whole numbers and fractions
Words = tuple[int | float, ...]


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
            weight, step = in_steps(weight)
            self._start = functional.pad(weight.sum(dim=1, dtype=torch.int32).mul_(-ZERO_POINT), fill)
            self._scales, self._bias = functional.pad(step, fill), added
        self._panels = in_panels(weight.to(kind.dtype), kind.inputs)
        held = map(_address, (self._panels, self._start, self._scales, self._bias))
        self._layer = (int(kind), *held, self.in_features, self.out_features)
        # kept while their weights' addresses are
        self._norms: list[Norm | None] = []
        self._plain = self.call()

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() == 2 and x.stride(1) == 1 and x.dtype is torch.float32:
            return self._plain(x)
        rows = x.float().reshape(-1, self.in_features).contiguous()
        return self._plain(rows).view(*x.shape[:-1], self.out_features)

    def call(self, norm: Norm | None = None, *, gelu: bool = False, gated: bool = False) -> Callable[[Tensor], Tensor]:
        """In one kernel, what stands around the layer, too: x, [rows, in] float32 side by side, to [rows, out].

        norm: of x, at first. gelu: GELU, approximated by tanh, of what comes out. gated: x is [rows, 2 in], gates and
        values, of which SiLU(gate) * value is taken.
        """
        into = self._into(norm, GELU if gelu else WRITTEN, gated=gated)
        outs = self.out_features

        def layer(x: Tensor) -> Tensor:
            y = torch.empty(x.shape[0], outs)
            into(x, y)
            return y

        return layer

    def adding(self, *, gated: bool = False) -> Callable[[Tensor, Tensor], None]:
        """The same as `call`, but of its second argument, and added to its first."""
        into = self._into(None, ADDED, gated=gated)
        return lambda y, x: into(x, y)

    def described(self, norm: Norm | None = None, after: int = WRITTEN, *, gated: bool = False) -> Words:
        """What the kernel must know of the layer, of what comes before it and of what becomes of its products."""
        before = BEFORE["gated" if gated else None if norm is None else norm.kind]
        held = (0, 0, 0.0) if norm is None else (norm.weight.data_ptr(), _address(norm.bias), float(norm.epsilon))
        self._norms.append(norm)
        return (*self._layer, before, *held, after)

    def _into(self, norm: Norm | None, after: int, *, gated: bool) -> Callable[[Tensor, Tensor], None]:
        assert kernels.KERNELS is not None
        multiply = kernels.KERNELS.multiply
        layer = self.described(norm, after, gated=gated)

        def into(x: Tensor, y: Tensor) -> None:
            multiply(*layer, x.data_ptr(), x.stride(0), x.shape[0], y.data_ptr())

        return into

    @property
    def weight(self) -> Tensor:
        """[out, in] float32: a copy of what the layer multiplies with."""
        weight = out_of_panels(self._panels, self.out_features, self.in_features).float()
        return weight if self._scales is None else weight * self._scales[: self.out_features, None]

    @property
    def bias(self) -> Tensor | None:
        """[out] float32, for models that add it themselves."""
        bias = self._start if self._scales is None else self._bias
        return None if bias is None else bias[: self.out_features]

    @property
    def weight_bytes(self) -> int:
        return sum(t.nbytes for t in (self._panels, self._start, self._scales, self._bias) if t is not None)


def _address(tensor: Tensor | None) -> int:
    return 0 if tensor is None else tensor.data_ptr()


def in_panels(weight: Tensor, inputs: int) -> Tensor:
    """[out, in] as [panels, in / inputs, PANEL, inputs], filled up with zeros."""
    outs, ins = weight.shape
    filled = functional.pad(weight, (0, -ins % inputs, 0, -outs % PANEL))
    return filled.view(-1, PANEL, filled.shape[1] // inputs, inputs).permute(0, 2, 1, 3).contiguous()


def out_of_panels(panels: Tensor, outs: int, ins: int) -> Tensor:
    """What `in_panels` made of [outs, ins]."""
    return panels.permute(0, 2, 1, 3).reshape(panels.shape[0] * PANEL, -1)[:outs, :ins]
