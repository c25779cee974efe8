"""Packed linears: how far from float32 they may be, that rows do not touch each other, and whole models on them."""

import gc
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn import functional
from transformers import AutoModelForCausalLM
from transformers.pytorch_utils import Conv1D

from llmtui.engine import Engine, GenerationRequest, SamplingParams, int8, kernels, quantize
from llmtui.engine.int8 import Int8Linear
from llmtui.engine.loaded import LoadedModel
from llmtui.engine.panels import Kind, PanelLinear
from llmtui.engine.quantize import (
    HalfLinear,
    OneDnnLinear,
    Packing,
    choose_precision,
    pack_linears,
    weight_bytes,
)

PACKED = ("float32", "bfloat16", "float16", "int8")
OWN = ("own float32", "own bfloat16", "own int8")
# of torch's, large layers in int8 have a kernel of their own
LAYERS = (*PACKED, "large int8", *OWN)
# odd ones, single ones, one wider than a cache line, and those of a real layer
SIZES = [(1, 1), (3, 5), (5, 3), (17, 33), (63, 65), (64, 1), (1, 64), (256, 768), (768, 256)]


def packing_of(dtype: str) -> Packing:
    """Of torch's operators, or "own ...", of our kernels."""
    if dtype in OWN:
        if kernels.KERNELS is None:
            pytest.skip("our own kernels do not run here")
        kind = Kind[dtype.removeprefix("own ").upper()]
        return lambda weight, bias: PanelLinear(weight, bias, kind)
    if dtype == "float32":
        return lambda weight, bias: OneDnnLinear(weight, bias, torch.float32)
    if dtype == "large int8":
        packing_of("int8")
        return large_int8
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "KERNELS", None)
        precision = choose_precision(dtype, "cpu", None)
    if precision.name != dtype or precision.packing is None:
        pytest.skip(precision.note)
    return precision.packing


def large_int8(weight: Tensor, bias: Tensor | None) -> Int8Linear:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(int8, "FEWEST_WEIGHTS_FOR_ONEDNN", 0)
        return Int8Linear(weight, bias)


def rows_and_layer(n_in: int, n_out: int, rows: int = 7, *, bias: bool = True) -> tuple[Tensor, nn.Linear]:
    """Random rows whose magnitudes span six decades, as outliers of real models do, and a random layer."""
    generator = torch.Generator().manual_seed(n_in * 1000 + n_out)
    layer = nn.Linear(n_in, n_out, bias=bias).requires_grad_(False)
    for parameter in layer.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) * 0.1
    x = torch.randn(rows, n_in, generator=generator) * torch.logspace(-3, 3, rows)[:, None]
    return x, layer


def bound(dtype: str, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """How far each output may be from the exact one, [rows, out] float64.

    A product of a and b that are read as a + da and b + db is off by |a| |db| + |b| |da| + |da| |db|. Rounding to a
    type with p bits gives |da| <= 2**-p |a|, to int8 steps half a step: absmax / 254 (and 1 % more, for the float32
    arithmetic that finds the step). float32 sums of n terms are off by n 2**-24 of the sum of magnitudes.
    """
    x, weight = x.double().abs(), weight.double().abs()
    magnitudes = x @ weight.t()
    sums = (x.shape[1] + 4) * 2**-24 * (magnitudes + bias.double().abs())
    match dtype:
        case "float32" | "own float32":
            return sums
        case "own bfloat16":
            u = 2.0**-8
            return (2 * u + u * u) * magnitudes + 2 * sums
        case "bfloat16":
            u = 2.0**-8
            return (2 * u + u * u) * magnitudes + u * magnitudes * (1 + u) ** 2 + 2 * sums
        case "float16":
            return 2.0**-11 * magnitudes + 2.0**-25 * x.sum(1, keepdim=True) + 2 * sums
    dx = 1.01 * x.amax(1, keepdim=True) / 254
    dw = 1.01 * weight.amax(1) / 254
    return dx * weight.sum(1) + dw * x.sum(1, keepdim=True) + x.shape[1] * dx * dw + 2 * sums


@pytest.mark.parametrize("dtype", LAYERS)
@pytest.mark.parametrize(("n_in", "n_out"), SIZES)
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
def test_a_packed_layer_is_as_near_to_float32_as_its_type_allows(dtype: str, n_in: int, n_out: int, bias: bool) -> None:
    x, layer = rows_and_layer(n_in, n_out, bias=bias)
    packed = packing_of(dtype)(layer.weight, layer.bias if bias else None)
    b = layer.bias if bias else torch.zeros(n_out)
    exact = x.double() @ layer.weight.double().t() + b.double()
    got = packed(x)
    assert got.dtype == torch.float32
    assert got.shape == exact.shape
    assert bool(((got.double() - exact).abs() <= bound(dtype, x, layer.weight, b)).all())


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", *OWN])
@pytest.mark.parametrize(("n_in", "n_out"), SIZES)
def test_a_gelu_inside_the_layer_is_rounded_to_its_type_and_nothing_else(dtype: str, n_in: int, n_out: int) -> None:
    x, layer = rows_and_layer(n_in, n_out)
    packed = packing_of(dtype)(layer.weight, layer.bias)
    assert isinstance(packed, OneDnnLinear | PanelLinear)
    exact = functional.gelu(x.double() @ layer.weight.double().t() + layer.bias.double(), approximate="tanh")
    got = packed.with_gelu(x) if isinstance(packed, OneDnnLinear) else packed.call(gelu=True)(x)
    assert got.dtype == (torch.bfloat16 if dtype == "bfloat16" else torch.float32)
    # GELU's slope is nowhere above 1.13
    rounding = 2.0**-8 if dtype == "bfloat16" else 0.0
    off = 1.13 * bound(dtype, x, layer.weight, layer.bias) + rounding * exact.abs() + 1e-6
    assert bool(((got.double() - exact).abs() <= off).all())


@pytest.mark.parametrize("dtype", LAYERS)
def test_a_row_gives_the_same_bits_alone_and_beside_loud_others(dtype: str) -> None:
    x, layer = rows_and_layer(256, 768, rows=16)
    packed = packing_of(dtype)(layer.weight, layer.bias)
    alone = torch.cat([packed(x[i : i + 1]) for i in range(16)])
    unequal = [n for n in (2, 3, 5, 8, 16) if not torch.equal(packed(x[:n]), alone[:n])]
    if dtype in ("float32", "float16"):
        # the kernels add in another order for one row than for many; int8 adds integers, bfloat16 was measured
        torch.testing.assert_close(packed(x), alone, rtol=1e-5, atol=1e-5 * float(x.abs().max()))
    else:
        assert unequal == []


@pytest.mark.parametrize("dtype", ["int8", "large int8", *OWN])
@pytest.mark.parametrize(("n_in", "n_out"), [*SIZES, (257, 771), (576, 960), (1030, 517)])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
def test_a_row_in_int8_or_by_our_own_kernels_gives_the_same_bits_in_any_batch(
    dtype: str, n_in: int, n_out: int, bias: bool
) -> None:
    # 64 rows are a block of a prompt; kernels work in blocks of 8, 14 or 16 and share rows or outputs among threads
    x, layer = rows_and_layer(n_in, n_out, rows=70)
    packed = packing_of(dtype)(layer.weight, layer.bias if bias else None)
    alone = torch.cat([packed(x[i : i + 1]) for i in range(70)])
    batches = [(begin, begin + n) for n in (2, 3, 8, 13, 14, 15, 16, 17, 31, 64) for begin in (0, 70 - n)]
    assert [batch for batch in batches if not torch.equal(packed(x[slice(*batch)]), alone[slice(*batch)])] == []


@pytest.mark.parametrize("dtype", ["int8", "large int8", "own int8"])
def test_rows_in_int8_may_be_as_small_or_large_as_float32_allows(dtype: str) -> None:
    x, layer = rows_and_layer(64, 32, rows=5, bias=False)
    x = functional.normalize(x) * torch.tensor([1e-36, 1e-20, 1.0, 1e20, 1e36])[:, None]
    got = packing_of(dtype)(layer.weight, None)(x)
    exact = x.double() @ layer.weight.double().t()
    assert bool(((got.double() - exact).abs() <= bound(dtype, x, layer.weight, torch.zeros(32))).all())


@pytest.mark.parametrize("dtype", LAYERS)
def test_leading_dimensions_are_kept_and_no_rows_give_no_rows(dtype: str) -> None:
    x, layer = rows_and_layer(24, 10, rows=6)
    packed = packing_of(dtype)(layer.weight, layer.bias)
    torch.testing.assert_close(packed(x.view(2, 3, 24)), packed(x).view(2, 3, 10))
    assert packed(x[:0]).shape == (0, 10)
    assert packed(x.view(2, 3, 24)[:, :0]).shape == (2, 0, 10)
    torch.testing.assert_close(packed(x.t().contiguous().t()), packed(x))


@pytest.mark.parametrize("dtype", LAYERS)
def test_a_row_of_zeros_gives_the_bias_and_a_broken_row_breaks_no_other(dtype: str) -> None:
    x, layer = rows_and_layer(64, 32, rows=5)
    packed = packing_of(dtype)(layer.weight, layer.bias)
    x[1] = 0
    whole = packed(x)
    x[3, 7] = float("nan")
    x[4, 7] = float("inf")
    broken = packed(x)
    torch.testing.assert_close(whole[1], layer.bias, rtol=2**-8, atol=0)
    assert torch.equal(broken[:3], whole[:3])
    assert bool(broken[3].isnan().all())
    assert not bool(broken[4].isfinite().any())


@pytest.mark.parametrize("dtype", LAYERS)
def test_a_layer_of_zeros_and_one_with_a_dead_output_stay_so(dtype: str) -> None:
    x, layer = rows_and_layer(16, 4)
    layer.weight.data[2] = 0
    packed = packing_of(dtype)(layer.weight, None)
    assert packed(x)[:, 2].tolist() == [0.0] * 7
    assert not bool(packing_of(dtype)(torch.zeros(4, 16), None)(x).any())


@pytest.mark.parametrize("dtype", LAYERS)
def test_the_weights_can_be_read_back_as_the_layer_uses_them(dtype: str) -> None:
    _, layer = rows_and_layer(33, 17)
    packed = packing_of(dtype)(layer.weight, layer.bias)
    weight = layer.weight
    steps = {"float32": 0.0, "bfloat16": 2**-8, "float16": 2**-11}
    step = steps.get(dtype.removeprefix("own "), 1.01 / 254)
    scale = weight.abs().amax(1, keepdim=True) if "int8" in dtype else weight.abs()
    assert bool(((packed.weight - weight).abs() <= step * scale + 1e-7).all())
    assert (packed.in_features, packed.out_features) == (33, 17)


class Odd(nn.Module):
    """A linear, one used at two places, a Conv1D, and a head tied to an embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 6)
        self.first = nn.Linear(6, 10, bias=False)
        self.again = self.first
        self.conv = Conv1D(6, 10)
        self.head = nn.Linear(6, 11, bias=False)
        self.head.weight = self.embedding.weight
        nn.init.normal_(self.conv.bias)

    def forward(self, ids: Tensor) -> Tensor:
        x = functional.relu(self.first(self.embedding(ids)) + self.again(self.embedding(ids)))
        y: Tensor = self.head(self.conv(x))
        return y


def test_every_linear_is_packed_the_tied_head_too_and_the_embedding_is_not() -> None:
    model = Odd()
    ids = torch.arange(11)
    with torch.inference_mode():
        expected = model(ids)
        embedding = model.embedding.weight.clone()
        pack_linears(model, packing_of("float32"))
        torch.testing.assert_close(model(ids), expected)
    kinds = {name: type(module) for name, module in model.named_modules(remove_duplicate=False) if name}
    assert {name for name, kind in kinds.items() if kind is OneDnnLinear} == {"first", "again", "conv", "head"}
    assert torch.equal(model.embedding.weight, embedding)
    assert weight_bytes(model) >= 4 * (11 * 6 + 2 * 6 * 10 + 6 * 11)


@pytest.mark.usefixtures("each_kernels")
@pytest.mark.parametrize("architecture", ["gpt2", "llama", "qwen2"])
@pytest.mark.parametrize("dtype", PACKED)
def test_a_model_on_packed_linears_predicts_what_float32_predicts(
    engine: Engine,
    model_folder: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    architecture: str,
    dtype: str,
) -> None:
    packing_of(dtype)
    monkeypatch.setattr(quantize, "_mkl_is_slow", lambda: True)
    folder = model_folder(architecture)
    info = engine.load(str(folder), device="cpu", dtype=dtype).wait(60)
    assert info.dtype == dtype
    reference = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    params = SamplingParams(temperature=0.0, max_tokens=24, ignore_eos=True, prompt_logprobs=True)
    result = engine.submit(GenerationRequest(prompt="Once upon a time there was", params=params)).result()
    ids = torch.tensor([[t.id for t in (*result.prompt, *result.tokens)]])
    with torch.inference_mode():
        logprobs = reference(ids).logits[0].log_softmax(-1)
    tokens = [*result.prompt, *result.tokens][1:]
    differences = [abs((t.logprob or 0.0) - float(logprobs[t.index - 1, t.id])) for t in tokens]
    # random weights of this size have no outliers; measured: 2e-5, 0.06, 0.004 and 0.2
    assert max(differences) < {"float32": 1e-3, "bfloat16": 0.3, "float16": 0.03, "int8": 1.0}[dtype]


@pytest.mark.usefixtures("each_kernels")
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "int8"])
def test_the_embedded_model_still_tells_its_tale_in_few_bits(engine: Engine, dtype: str) -> None:
    packing_of(dtype)
    info = engine.load("tiny-tales", device="cpu", dtype=dtype).wait(60)
    assert info.parameters == 6_180_864
    assert info.vocab_size == 5120
    assert dtype in info.linears
    assert info.weights_bytes < 6_180_864 * 4
    params = SamplingParams(temperature=0.0, max_tokens=30)
    text = engine.submit(GenerationRequest(prompt="Once upon a time", params=params)).result().finished.text
    assert "there" in text


def test_a_stream_in_int8_gives_the_same_text_alone_and_among_others(engine: Engine) -> None:
    packing_of("int8")
    engine.load("tiny-tales", device="cpu", dtype="int8").wait(60)

    def ask(prompt: str) -> GenerationRequest:
        # greedy: the layers give the same bits, attention in float32 does not; where that turns a step of 8 bits,
        # a probability changes by some hundredths, which a draw may fall into
        params = SamplingParams(temperature=0.0, max_tokens=24, ignore_eos=True)
        return GenerationRequest(prompt=prompt, params=params)

    alone = engine.submit(ask("The fox said")).result()
    streams = [engine.submit(ask(p)) for p in ("A loud bear", "The fox said", "Why is the sky blue?", "x " * 100)]
    among = [stream.result() for stream in streams][1]
    assert [t.id for t in among.tokens] == [t.id for t in alone.tokens]


def test_the_weights_of_before_are_let_go() -> None:
    layers = nn.Sequential(*(nn.Linear(1024, 1024, bias=False) for _ in range(24)))
    float32 = [StorageWeakRef(layer.weight.untyped_storage()) for layer in layers]
    pack_linears(layers, packing_of("int8"))
    gc.collect()
    assert all(storage.expired() for storage in float32)
    # 96 MiB in float32 are 24 MiB in int8
    assert 24 << 20 <= weight_bytes(layers) < 28 << 20


@pytest.mark.usefixtures("torch_alone")
def test_a_cpu_without_the_instructions_runs_float32_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_vnni_supported", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    for dtype in ("int8", "bfloat16"):
        precision = choose_precision(dtype, "cpu", torch.float16)
        assert (precision.name, precision.dtype) == ("float32", torch.float32)
        assert precision.note.startswith(f"{dtype} needs AVX512-")


@pytest.mark.usefixtures("torch_alone")
@pytest.mark.parametrize("amd", [True, False])
def test_float32_is_packed_where_mkl_is_slow_and_left_alone_elsewhere(
    monkeypatch: pytest.MonkeyPatch, amd: bool
) -> None:
    monkeypatch.setattr(quantize, "_mkl_is_slow", lambda: amd)
    for dtype in ("auto", "float32"):
        precision = choose_precision(dtype, "cpu", torch.bfloat16)
        assert (precision.name, precision.packing is not None) == ("float32", amd)
        assert precision.note == f"float32 linears by {'oneDNN' if amd else 'torch'}"


@pytest.mark.parametrize(
    ("dtype", "stored", "expected"),
    [
        ("auto", torch.bfloat16, torch.bfloat16),
        ("auto", None, torch.float32),
        ("float16", torch.float32, torch.float16),
        ("int8", torch.float16, torch.float16),
    ],
)
def test_a_gpu_runs_the_checkpoints_own_type_or_the_one_asked_for(
    dtype: str, stored: torch.dtype | None, expected: torch.dtype
) -> None:
    precision = choose_precision(dtype, "cuda:0", stored)
    assert (precision.dtype, precision.packing) == (expected, None)
    assert (dtype == "int8") == precision.note.startswith("int8 runs on CPUs alone")


@pytest.mark.usefixtures("each_kernels")
def test_the_loaded_model_holds_only_packed_linears(engine: Engine) -> None:
    packing_of("int8")
    info = engine.load("tiny-tales", device="cpu", dtype="int8").wait(60)

    def kinds(loaded: LoadedModel) -> set[str]:
        modules = nn.Linear, Conv1D, Int8Linear, PanelLinear
        return {type(m).__name__ for m in loaded.model.modules() if isinstance(m, modules)}

    expected = {"Int8Linear"} if kernels.KERNELS is None else {"PanelLinear"}
    assert engine.run_job(kinds).result(10) == expected
    assert ("own kernels" in info.linears) == (kernels.KERNELS is not None)


def test_float16_weights_out_of_range_are_cut_and_not_infinite() -> None:
    packing_of("float16")
    packed = HalfLinear(torch.full((4, 4), 1e6), None)
    assert bool(packed(torch.ones(1, 4)).isfinite().all())
