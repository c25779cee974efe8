"""What our own kernels do around a product: norms, gates, GELU and residuals, against torch in float64, one by one."""

from typing import Literal

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from llmtui.engine.layers import gated, linear, residual, rotate, side_by_side
from llmtui.engine.norms import Norm
from llmtui.engine.panels import Kind, PanelLinear
from llmtui.engine.quantize import Part

pytestmark = pytest.mark.usefixtures("each_build")

WIDTHS = [5, 16, 48, 257]
# few rows are prepared by each thread for itself, many by all together
ROWS = [1, 7, 16, 17, 70]


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed + shape[-1]))


def norm_of(kind: Literal["layer", "rms"], width: int, *, bias: bool = True) -> Norm:
    return Norm(kind, randn(width, seed=1) + 1, randn(width, seed=2) if kind == "layer" and bias else None, 1e-5)


def exact(norm: Norm, x: Tensor) -> Tensor:
    x = x.double()
    if norm.kind == "layer":
        weight, bias = norm.weight.double(), None if norm.bias is None else norm.bias.double()
        return functional.layer_norm(x, norm.weight.shape, weight, bias, norm.epsilon)
    return functional.rms_norm(x, norm.weight.shape, norm.weight.double(), norm.epsilon)


def product(layer: PanelLinear, x: Tensor, bias: Tensor) -> Tensor:
    return x.double() @ layer.weight.double().t() + bias.double()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("kind", ["layer", "rms"])
def test_a_norm_before_a_product_is_torchs(kind: Literal["layer", "rms"], rows: int, width: int) -> None:
    x = randn(rows, width) * torch.logspace(-1, 3, rows)[:, None] + 0.5
    bias = randn(40, seed=3)
    layer = PanelLinear(randn(40, width) * 0.1, bias, Kind.FLOAT32)
    for norm in (norm_of(kind, width), norm_of(kind, width, bias=False)):
        expected = product(layer, exact(norm, x), bias)
        torch.testing.assert_close(linear(layer, norm)(x).double(), expected, rtol=1e-4, atol=2e-4)
        # a row in company and alone
        assert torch.equal(linear(layer, norm)(x)[-1:], linear(layer, norm)(x[-1:]))


@pytest.mark.parametrize("kind", [Kind.BFLOAT16, Kind.INT8])
def test_what_comes_before_is_not_rounded_twice(kind: Kind) -> None:
    """The kernel rounds what the norm gives, as the layer alone rounds what it gets."""
    x, norm = randn(20, 96), norm_of("rms", 96)
    layer = PanelLinear(randn(32, 96), None, kind)
    torch.testing.assert_close(linear(layer, norm)(x), layer(norm(x)), rtol=0.02, atol=0.15)
    same = (linear(layer, norm)(x) - layer(norm(x))).abs() < 1e-4
    assert float(same.float().mean()) > 0.5  # where the norms' last bits turn no rounding, nothing differs


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("rows", ROWS)
def test_gates_and_residuals_are_torchs(rows: int, width: int) -> None:
    bias = randn(24, seed=3)
    layer = PanelLinear(randn(24, width) * 0.1, bias, Kind.FLOAT32)
    both, stream = randn(rows, 2 * width) * 3, randn(rows, 24, seed=4)
    gate, value = both.double().chunk(2, dim=-1)
    expected = product(layer, functional.silu(gate) * value, bias)
    torch.testing.assert_close(gated(layer, "silu", nn.SiLU())(both).double(), expected, rtol=1e-4, atol=1e-5)
    added = stream.clone()
    residual(layer, gate=("silu", nn.SiLU()))(added, both)
    torch.testing.assert_close(added.double(), stream.double() + expected, rtol=1e-4, atol=1e-5)
    added = stream.clone()
    residual(layer)(added, both[:, :width])  # rows that are not side by side in memory
    torch.testing.assert_close(
        added.double(), stream.double() + product(layer, both[:, :width], bias), rtol=1e-4, atol=1e-5
    )


def test_what_the_kernel_does_not_know_is_done_around_it() -> None:
    layer, norm = PanelLinear(randn(24, 48) * 0.1, None, Kind.FLOAT32), norm_of("rms", 24)
    both, stream = randn(9, 96), randn(9, 24)
    gate, value = both.double().chunk(2, dim=-1)
    expected = product(layer, functional.gelu(gate) * value, torch.zeros(24))
    torch.testing.assert_close(gated(layer, "gelu", nn.GELU())(both).double(), expected, rtol=1e-4, atol=1e-5)
    added = stream.clone()
    residual(layer, norm, 0.5, ("gelu", nn.GELU()))(added, both)
    torch.testing.assert_close(added.double(), stream.double() + 0.5 * exact(norm, expected), rtol=1e-4, atol=1e-5)


def test_layers_of_one_input_are_one_call_behind_one_norm() -> None:
    whole, norm, x = PanelLinear(randn(24, 48), None, Kind.FLOAT32), norm_of("rms", 48), randn(5, 48)
    parts = [Part(whole, 0, 16), Part(whole, 16, 24)]
    expected = product(whole, exact(norm, x), torch.zeros(24))
    torch.testing.assert_close(side_by_side(norm, *parts)(x).double(), expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(side_by_side(norm, nn.Linear(48, 3, bias=False), parts[0])(x)[:, 3:], parts[0](norm(x)))


@pytest.mark.parametrize("dim", [2, 8, 32, 64, 96, 130])
@pytest.mark.parametrize("rows", [1, 6])
def test_heads_are_turned_as_rotate_half_turns_them(dim: int, rows: int) -> None:
    joined = randn(rows, 5, dim)
    before = joined.clone()
    angles = randn(rows, 1, dim // 2).repeat(1, 1, 2)
    cos, sin = angles.cos(), angles.sin()
    x = joined[:, :3].double()
    halves = torch.cat((-x[..., dim // 2 :], x[..., : dim // 2]), dim=-1)
    expected = x * cos.double() + halves * sin.double()
    sin[..., : dim // 2] *= -1
    rotate(joined[:, :3], cos, sin)
    torch.testing.assert_close(joined[:, :3].double(), expected, rtol=1e-5, atol=1e-6)
    assert torch.equal(joined[:, 3:], before[:, 3:])
