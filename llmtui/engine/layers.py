"""What lean forwards are made of: one call of our own kernels where they know a layer, several of torch's elsewhere."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from llmtui.engine import kernels
from llmtui.engine.norms import Norm
from llmtui.engine.panels import PanelLinear
from llmtui.engine.quantize import OneDnnLinear, Part

Layer = Callable[[Tensor], Tensor]
# adds to its first argument, in place, what becomes of its second
Residual = Callable[[Tensor, Tensor], None]
TANH_GELUS = ("gelu_new", "gelu_pytorch_tanh")


def linear(module: Any, norm: Norm | None = None) -> Layer:
    """A linear layer, after a norm if there is one.

    Its own forward, but for GPT-2's Conv1D, which asks for shapes and looks its weights up at every call.
    """
    from transformers.pytorch_utils import Conv1D

    if isinstance(module, PanelLinear):
        return module.call(norm)
    layer: Layer = partial(_conv1d, module.bias, module.weight) if isinstance(module, Conv1D) else module.forward
    return layer if norm is None else lambda x: layer(norm(x))


def _conv1d(bias: Tensor, weight: Tensor, x: Tensor) -> Tensor:
    return torch.addmm(bias, x, weight)


def side_by_side(norm: Norm | None, *linears: Any) -> Layer:
    """The outputs of linears with the same input, one after the other."""
    whole = whole_of(*linears)
    if whole is not None:
        return linear(whole, norm)
    layers = [linear(module) for module in linears]
    before = norm or unchanged

    def joined(x: Tensor) -> Tensor:
        x = before(x)
        return torch.cat([layer(x) for layer in layers], dim=-1)

    return joined


def whole_of(*linears: Any) -> Any:
    """What linears with the same input are parts of; None: each is one of its own."""
    return linears[0].whole if all(isinstance(module, Part) for module in linears) else None


def activated(module: Any, norm: Norm, name: str, function: Any) -> Layer:
    """A linear after a norm, and the activation of its outputs."""
    if name in TANH_GELUS and isinstance(module, PanelLinear):
        return module.call(norm, gelu=True)
    if name in TANH_GELUS and isinstance(module, OneDnnLinear):
        return lambda x: module.with_gelu(norm(x))
    before, after = linear(module, norm), activation(name, function)
    return lambda x: after(before(x))


def gated(module: Any, name: str, function: Any) -> Layer:
    """A linear of [rows, gates and values]: of the activation of the gates times the values."""
    if name == "silu" and isinstance(module, PanelLinear):
        return module.call(gated=True)
    after, activate = linear(module), activation(name, function)

    def layer(x: Tensor) -> Tensor:
        gate, value = x.chunk(2, dim=-1)
        return after(activate(gate).mul_(value))

    return layer


def residual(
    module: Any, norm: Norm | None = None, multiplier: float = 1.0, gate: tuple[str, Any] | None = None
) -> Residual:
    """Adds what a linear makes of its input, after a norm and times a number. gate: of a gated one, its activation."""
    if norm is None and multiplier == 1.0 and isinstance(module, PanelLinear) and (gate is None or gate[0] == "silu"):
        return module.adding(gated=gate is not None)
    layer, after = linear(module) if gate is None else gated(module, *gate), norm or unchanged

    def add(x: Tensor, y: Tensor) -> None:
        x.add_(after(layer(y)), alpha=multiplier)

    return add


def activation(name: str, module: Any) -> Layer:
    """gelu_new is eight operations in transformers; torch has it in one."""
    if name in TANH_GELUS:
        return partial(functional.gelu, approximate="tanh")
    forward: Layer = module.forward
    return forward


def rotate(heads: Tensor, cos: Tensor, sin: Tensor) -> None:
    """Turn heads by their positions, in place (rotary positions, Su et al. 2021).

    heads: [rows, heads, dim] float32, the heads of a row side by side; cos, sin: [rows, 1, dim], the sines of the first
    half negative.
    """
    rows, count, dim = heads.shape
    if kernels.KERNELS is not None and heads.device.type == "cpu" and heads.dtype is cos.dtype is torch.float32:
        address = heads.data_ptr(), heads.stride(0), rows, count, dim
        kernels.KERNELS.rotate(*address, cos.data_ptr(), sin.data_ptr())
    else:
        torch.addcmul(heads * cos, heads.roll(dim // 2, -1), sin, out=heads)


def norm_heads(attention: Any, heads: int, all_heads: int) -> Layer | None:
    """The norms of queries and keys: [rows, query heads and key heads, dim] to the same; None if they have none."""
    if not hasattr(attention, "q_norm"):
        return None
    query, key = attention.q_norm, attention.k_norm
    if len(query.weight) == attention.head_dim:
        weight = torch.cat((query.weight.expand(heads, -1), key.weight.expand(all_heads - heads, -1)))
        return lambda x: torch.rms_norm(x, query.weight.shape, None, query.variance_epsilon).mul_(weight)
    query, key = Norm.rms(query), Norm.rms(key)
    return lambda x: torch.cat((query(x[:, :heads].flatten(1)), key(x[:, heads:].flatten(1))), dim=-1).view(x.shape)


def unchanged(x: Tensor) -> Tensor:
    return x
