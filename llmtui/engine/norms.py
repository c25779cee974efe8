"""The norms of a model's layers, as torch computes them and with what our own kernels need to do the same."""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Norm:
    """weight and bias, if there is one: [width] float32.

    layer: (x - mean) / sqrt(variance + epsilon) * weight + bias (Ba et al. 2016)
    rms:   x / sqrt(mean of squares + epsilon) * weight (Zhang and Sennrich 2019)
    """

    kind: Literal["layer", "rms"]
    weight: Tensor
    bias: Tensor | None
    epsilon: float

    @classmethod
    def layer(cls, module: Any) -> "Norm":
        return cls("layer", module.weight, module.bias, module.eps)

    @classmethod
    def rms(cls, module: Any) -> "Norm":
        return cls("rms", module.weight, None, module.variance_epsilon)

    def __call__(self, x: Tensor) -> Tensor:
        """Of each row of x, [..., width]."""
        shape = self.weight.shape
        if self.kind == "layer":
            return torch.layer_norm(x, shape, self.weight, self.bias, self.epsilon)
        return torch.rms_norm(x, shape, self.weight, self.epsilon)
