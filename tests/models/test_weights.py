"""What the headers of a model's files tell of its weights, against the model itself."""

from pathlib import Path

import pytest
from architectures import LEAN, NOT_PACKABLE, PACKABLE, copy_tokenizer, make_config, shared_model
from torch import nn
from transformers.pytorch_utils import Conv1D

from llmtui import own_kernels
from llmtui.engine import Engine
from llmtui.models.catalog import describe, embedded_path
from llmtui.models.weights import WeightCounts, int8_bytes


@pytest.mark.parametrize("architecture", [*PACKABLE, *NOT_PACKABLE, "mixtral"])
def test_linear_layers_and_tied_heads_are_told_from_embeddings_by_their_names(
    architecture: str, tmp_path: Path
) -> None:
    model = shared_model(architecture)
    model.save_pretrained(tmp_path)
    copy_tokenizer(tmp_path)
    head = model.get_output_embeddings().weight
    tied = head is model.get_input_embeddings().weight
    linears = {id(module.weight): module for module in model.modules() if isinstance(module, (nn.Linear, Conv1D))}
    shapes = [(m.nf, m.nx) if isinstance(m, Conv1D) else (m.out_features, m.in_features) for m in linears.values()]
    assert describe(tmp_path, "x").weights == WeightCounts(
        all=model.num_parameters(),
        linear=sum(outputs * inputs for outputs, inputs in shapes) - (head.numel() if tied else 0),
        tied_head=head.numel() if tied else 0,
        int8_bytes=sum(int8_bytes(outputs, inputs) for outputs, inputs in shapes),
    )


@pytest.mark.usefixtures("torch_alone")
def test_torch_pads_small_layers_in_int8_and_large_ones_not() -> None:
    assert int8_bytes(768, 768) == 768 * (1024 + 12)
    assert int8_bytes(768, 3072) == 768 * (3072 + 12)
    assert int8_bytes(3072, 768) == 3072 * (1024 + 12)
    assert int8_bytes(50257, 768) == 50257 * (768 + 12)


def test_our_own_kernels_pad_outputs_to_16_and_inputs_to_4(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_kernels, "run_here", lambda: "AVX2")
    assert int8_bytes(768, 576) == 768 * (576 + 8)
    assert int8_bytes(50257, 577) == 50272 * (580 + 8)


def test_tied_and_untied_are_both_among_the_architectures() -> None:
    assert {bool(make_config(name).tie_word_embeddings) for name in LEAN} == {True, False}


@pytest.mark.usefixtures("each_kernels")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16", "int8"])
def test_memory_is_estimated_as_the_engine_then_holds_the_weights(dtype: str) -> None:
    entry = describe(embedded_path(), "tiny-tales")
    with Engine() as engine:
        info = engine.load("tiny-tales", device="cpu", dtype=dtype).wait(timeout=60)
    if info.dtype != dtype:
        pytest.skip(info.linears)
    assert entry.weights is not None
    copied = 4 * entry.weights.tied_head if info.linears == "float32 linears by oneDNN" else 0
    assert entry.estimated_memory(dtype) == pytest.approx(info.weights_bytes - copied, rel=0.001)
