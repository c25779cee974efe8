"""Linears in 8 bits: weights with a scale for each output, rows with a scale for each row, sums of integers."""

import warnings

import torch
from torch import Tensor, nn

from llmtui.models.weights import FEWEST_WEIGHTS_FOR_ONEDNN, int8_bytes

INT8_MAX = 127
# of rows: unsigned around it, which is what VNNI multiplies
ZERO_POINT = 128
# Before it calls an operator, torch asks each argument whether it overrides operators. FBGEMM's packed weights answer
# with a C++ exception, which takes 6 µs: as long as a small layer.
WithoutOverrides = torch._C.DisableTorchFunctionSubclass


def in_steps(weight: Tensor) -> tuple[Tensor, Tensor]:
    """[out, in] as whole steps, int8, and the size of one for each output, [out] float32: symmetric absmax."""
    # not of weight.abs(), which is one more copy of a large head
    largest = torch.maximum(weight.amax(dim=1, keepdim=True), -weight.amin(dim=1, keepdim=True))
    largest.clamp_(min=torch.finfo(torch.float32).tiny)
    return (weight * (INT8_MAX / largest)).round_().to(torch.int8), largest.squeeze(1) / INT8_MAX


class Int8Linear(nn.Module):
    """x Wᵀ + b with W in int8, one scale for each output, and x in 8 bits, one scale for each row.

    A row's scale is its own largest magnitude and the products are added as integers, so a row gives the same bits
    whatever other rows are computed with it. Scheme: symmetric absmax, as in LLM.int8() (Dettmers et al. 2022,
    "vector-wise quantization", without its outlier path).
    """

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        self.out_features, self.in_features = weight.shape
        # a call of FBGEMM takes 20 µs less; oneDNN computes many rows of a large layer faster, and pads no weights
        product = FbgemmProduct if weight.numel() < FEWEST_WEIGHTS_FOR_ONEDNN else OneDnnProduct
        self._product = product(*in_steps(weight))
        self.bias = bias

    def forward(self, x: Tensor) -> Tensor:
        if not x.numel():
            return x.new_empty(*x.shape[:-1], self.out_features)
        # not vector_norm(inf) nor aminmax: they are 10 to 20 times slower
        magnitudes = x.abs()
        largest = magnitudes.amax(dim=-1, keepdim=True)
        # The kernels know one scale for all rows, so they get rows divided by their own. What they make of 0 / 0 in a
        # row of zeros is any byte, which `largest` then multiplies by zero; infinities and NaN come out as NaN.
        y = self._product(torch.div(x, largest, out=magnitudes))
        return y.mul_(largest) if self.bias is None else torch.addcmul(self.bias, y, largest, out=y)

    @property
    def weight(self) -> Tensor:
        """[out, in] float32: a copy of what the layer multiplies with."""
        return self._product.weight

    @property
    def weight_bytes(self) -> int:
        return self._product.bytes + (0 if self.bias is None else self.bias.nbytes)


class FbgemmProduct:
    """x Wᵀ for x within ±1, of FBGEMM, which also rounds the rows: nothing else takes so little besides its sums.

    steps: W in int8, [out, in]; step: the size of one for each output, [out].
    """

    def __init__(self, steps: Tensor, step: Tensor) -> None:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r"torch\.quantize_per_tensor.* deprecated")
            zero_points = torch.zeros(len(step), dtype=torch.long)
            weight = torch._make_per_channel_quantized_tensor(steps, step.double(), zero_points, 0)
        self._packed = torch.ops.quantized.linear_prepack(weight, None)
        self._multiply = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32.default
        self.bytes = int8_bytes(*steps.shape)

    def __call__(self, x: Tensor) -> Tensor:
        with WithoutOverrides():
            y: Tensor = self._multiply(x, 1 / INT8_MAX, ZERO_POINT, self._packed)
        return y

    @property
    def weight(self) -> Tensor:
        weight: Tensor = torch.ops.quantized.linear_unpack(self._packed)[0].dequantize()
        return weight


class OneDnnProduct:
    """The same of oneDNN, which takes rows as bytes."""

    def __init__(self, steps: Tensor, step: Tensor) -> None:
        self._packed = torch.ops.onednn.qlinear_prepack(steps.contiguous(), None)
        self._step = step
        self._scale = step / INT8_MAX
        self._zero_points = torch.zeros(len(step), dtype=torch.int32)
        # the half makes cutting off round
        self._middle = torch.tensor(ZERO_POINT + 0.5)
        self._multiply = torch.ops.onednn.qlinear_pointwise.default
        self.bytes = int(torch.ops.mkldnn._nbytes(self._packed)) + 3 * step.nbytes

    def __call__(self, x: Tensor) -> Tensor:
        steps = torch.add(self._middle, x, alpha=INT8_MAX).to(torch.uint8)
        y: Tensor = self._multiply(
            steps, 1.0, ZERO_POINT, self._packed, self._scale, self._zero_points,
            None, 1.0, 0, torch.float32, "none", [], "",
        )  # fmt: skip
        return y

    @property
    def weight(self) -> Tensor:
        weight: Tensor = self._packed.to_dense().t().float() * self._step[:, None]
        return weight
