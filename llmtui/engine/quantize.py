"""Faster linears for the CPU: the layers a model has, with weights packed once for the kernels that run them best.

Only the weights of linears change their type. Embeddings, norms, attention and all that flows between layers stay
float32, so every layer below takes and gives x: [..., in] float32 → [..., out] float32.
"""

import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from llmtui import own_kernels
from llmtui.engine import kernels, row_kernel
from llmtui.engine.int8 import Int8Linear, WithoutOverrides
from llmtui.engine.memory import return_free_memory
from llmtui.engine.panels import Kind, PanelLinear
from llmtui.processor import CPUINFO


class OneDnnLinear(nn.Module):
    """x Wᵀ + b by oneDNN with W in float32, or in bfloat16: then x and x Wᵀ are rounded to bfloat16, sums are not."""

    def __init__(self, weight: Tensor, bias: Tensor | None, dtype: torch.dtype) -> None:
        super().__init__()
        self.out_features, self.in_features = weight.shape
        self._dtype = dtype
        self._packed = torch.ops.mkldnn._reorder_linear_weight(weight.to(dtype).contiguous(), None)
        self.bias = bias
        self._multiply = torch.ops.mkldnn._linear_pointwise.default

    def forward(self, x: Tensor) -> Tensor:
        if self._dtype == torch.float32:
            y: Tensor = self._multiply(x, self._packed, self.bias, "none", [], "")
            return y
        y = self._multiply(x.to(self._dtype), self._packed, None, "none", [], "")
        return y.float() if self.bias is None else y + self.bias

    def with_gelu(self, x: Tensor) -> Tensor:
        """GELU, approximated by tanh, of x Wᵀ + b as the next such layer takes it: rounded to W's type, once."""
        y: Tensor = self._multiply(x.to(self._dtype), self._packed, self.bias, "gelu", [], "tanh")
        return y

    @property
    def weight(self) -> Tensor:
        """[out, in] float32: a copy of what the layer multiplies with."""
        weight: Tensor = self._packed.to_dense().float()
        return weight

    @property
    def weight_bytes(self) -> int:
        return int(torch.ops.mkldnn._nbytes(self._packed)) + _bytes(self.bias)


class HalfLinear(nn.Module):
    """x Wᵀ + b by FBGEMM with W in float16: neither x nor the result is rounded. Weights are cut to ±65504."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        self.out_features, self.in_features = weight.shape
        self._packed = torch.ops.quantized.linear_prepack_fp16(weight.contiguous(), bias)
        self.bias = bias
        self._multiply = torch.ops.quantized.linear_dynamic_fp16.default

    def forward(self, x: Tensor) -> Tensor:
        with WithoutOverrides():
            y: Tensor = self._multiply(x, self._packed)
        return y

    @property
    def weight(self) -> Tensor:
        """[out, in] float32: a copy of what the layer multiplies with."""
        weight: Tensor = torch.ops.quantized.linear_unpack_fp16(self._packed)[0]
        return weight.float()

    @property
    def weight_bytes(self) -> int:
        return 2 * self.in_features * self.out_features + _bytes(self.bias)


PackedLinear = PanelLinear | OneDnnLinear | HalfLinear | Int8Linear


class Part(nn.Module):
    """One of several linears with the same input, which are packed as a whole: its outputs are `begin` to `end`."""

    def __init__(self, whole: PackedLinear, begin: int, end: int) -> None:
        super().__init__()
        self.whole = whole
        self.in_features, self.out_features = whole.in_features, end - begin
        self._outputs = slice(begin, end)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.whole(x)[..., self._outputs]
        return y

    @property
    def weight(self) -> Tensor:
        """[out, in] float32: a copy of what the layer multiplies with."""
        return self.whole.weight[self._outputs]


Packing = Callable[[Tensor, Tensor | None], PackedLinear]


def pack_linears(model: nn.Module, packing: Packing, same_input: Iterable[tuple[str, ...]] = ()) -> None:
    """Replace every linear of a float32 model on the CPU, GPT-2's Conv1D and a tied head too, one at a time.

    same_input: names of linears that are packed as one, and become its parts. Each layer's own weights are let go
    before the next is packed. A tied head gets a copy: the embedding keeps its own. What is left is copied out of the
    file that transformers maps into memory, so that the file can go.
    """
    from transformers.pytorch_utils import Conv1D

    with torch.no_grad():
        for group in same_input:
            _pack_together(model, group, packing)
        names = [
            name for name, module in model.named_modules(remove_duplicate=False) if type(module) in (nn.Linear, Conv1D)
        ]
        for name in names:
            module: Any = model.get_submodule(name)
            weight = module.weight.t() if type(module) is Conv1D else module.weight
            bias = None if module.bias is None else module.bias.detach()
            model.set_submodule(name, packing(weight.detach(), None if bias is None else bias.clone()))
            del module, weight, bias
        for parameter in model.parameters():
            parameter.data = parameter.data.clone()
    return_free_memory()


def _pack_together(model: nn.Module, names: tuple[str, ...], packing: Packing) -> None:
    linears: list[Any] = [model.get_submodule(name) for name in names]
    biases = [linear.bias for linear in linears]
    if any((bias is None) != (biases[0] is None) for bias in biases):
        return
    whole = packing(torch.cat([linear.weight for linear in linears]), None if biases[0] is None else torch.cat(biases))
    begin = 0
    for name, linear in zip(names, linears, strict=True):
        model.set_submodule(name, Part(whole, begin, begin + linear.out_features))
        begin += linear.out_features


def weight_bytes(model: nn.Module) -> int:
    """Bytes of the weights in memory, tied ones counted once."""
    storages = {p.untyped_storage().data_ptr(): p.untyped_storage().nbytes() for p in model.parameters()}
    packed = sum(m.weight_bytes for m in model.modules() if isinstance(m, PackedLinear))
    return sum(storages.values()) + packed


@dataclass(frozen=True, slots=True)
class Precision:
    """How a model's weights are held.

    name     what a person calls it: float32, bfloat16, float16 or int8
    dtype    the weights are read as, and everything between the linears has
    packing  of the linears; None: they stay as transformers made them
    note     in words: what computes the linears, and why it is not what was asked for
    narrow   whether keys and values may be kept in bfloat16
    """

    name: str
    dtype: torch.dtype
    packing: Packing | None
    note: str
    narrow: bool = False

    def told(self, *, narrow: bool) -> str:
        """The note, and whether keys and values are in bfloat16."""
        return f"{self.note}, keys and values in bfloat16" if narrow else self.note


OWN_KINDS = {"auto": Kind.FLOAT32, "float32": Kind.FLOAT32, "bfloat16": Kind.BFLOAT16, "int8": Kind.INT8}


def choose_precision(dtype: str, device: str, stored: torch.dtype | None, head_dim: int = 0) -> Precision:
    """What a dtype setting means here. stored: the checkpoint's dtype. head_dim: numbers of a head of keys; 0: unknown.

    `auto` is float32 on a CPU and the checkpoint's own on a GPU. What this machine cannot run, or would run slower
    than float32, becomes the `auto` of the device, and the note says so.
    """
    if device != "cpu":
        return _on_gpu(dtype, stored)
    if kernels.KERNELS is not None and dtype in OWN_KINDS:
        return _by_own_kernels(OWN_KINDS[dtype], head_dim)
    match dtype:
        case "bfloat16" if _has_bfloat16():
            return Precision(dtype, torch.float32, _pack_bfloat16, "bfloat16 linears by oneDNN")
        case "float16" if _has_fbgemm():
            return Precision(dtype, torch.float32, HalfLinear, "float16 linears by FBGEMM")
        case "int8" if _has_int8():
            return Precision(dtype, torch.float32, Int8Linear, "int8 linears by FBGEMM, large ones by oneDNN")
    refused = {
        "bfloat16": "bfloat16 needs AVX512-BF16, AMX or llmtui's own kernels, none of which is here: ",
        "float16": "float16 needs FBGEMM, which this build of torch has not: ",
        "int8": "int8 needs AVX512-VNNI and FBGEMM or llmtui's own kernels, none of which is here: ",
    }.get(dtype, "")
    if _mkl_is_slow() and _has_onednn():
        return Precision("float32", torch.float32, _pack_float32, refused + "float32 linears by oneDNN")
    return Precision("float32", torch.float32, None, refused + "float32 linears by torch")


def _by_own_kernels(kind: Kind, head_dim: int) -> Precision:
    name, note = kind.name.lower(), f"{kind.name.lower()} linears by llmtui's own kernels ({own_kernels.run_here()})"
    # what is rounded anyway loses nothing that a measure shows, and attention reads half as much
    narrow = kind is not Kind.FLOAT32 and head_dim > 0 and row_kernel.suits_heads(head_dim, "cpu")
    return Precision(name, torch.float32, partial(PanelLinear, kind=kind), note, narrow)


def head_dim_of(config: Any) -> int:
    """Numbers of a head of keys, as a model's config says; 0: it does not say."""
    config = config.get_text_config()
    width, heads = getattr(config, "hidden_size", 0), getattr(config, "num_attention_heads", 0)
    return int(getattr(config, "head_dim", None) or (width // heads if heads else 0))


def _on_gpu(dtype: str, stored: torch.dtype | None) -> Precision:
    own = stored or torch.float32
    chosen = own if dtype in ("auto", "int8") else getattr(torch, dtype)
    name = str(chosen).removeprefix("torch.")
    refused = "int8 runs on CPUs alone: " if dtype == "int8" else ""
    return Precision(name, chosen, None, f"{refused}{name} linears by torch")


def _pack_float32(weight: Tensor, bias: Tensor | None) -> OneDnnLinear:
    return OneDnnLinear(weight, bias, torch.float32)


def _pack_bfloat16(weight: Tensor, bias: Tensor | None) -> OneDnnLinear:
    return OneDnnLinear(weight, bias, torch.bfloat16)


def _has_onednn() -> bool:
    return torch.backends.mkldnn.is_available()  # type: ignore[no-any-return,no-untyped-call]  # torch has no types here


def _has_fbgemm() -> bool:
    return "fbgemm" in torch.backends.quantized.supported_engines


def _has_bfloat16() -> bool:
    """Without these instructions oneDNN imitates them, slower than float32."""
    return _has_onednn() and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def _has_int8() -> bool:
    """Without VNNI, sums of two products are cut to 16 bits, which is wrong, not only slow."""
    return _has_onednn() and _has_fbgemm() and torch.cpu._is_vnni_supported()


def _mkl_is_slow() -> bool:
    """MKL keeps its fast kernels for Intel's CPUs: elsewhere oneDNN has twice its speed with the same weights."""
    words = CPUINFO.read_text(errors="replace")[:4096] if CPUINFO.is_file() else platform.processor()
    return "AuthenticAMD" in words


def _bytes(tensor: Tensor | None) -> int:
    return 0 if tensor is None else tensor.nbytes
