"""Bits per byte on held-out text: the number itself, and that no dtype spoils the embedded model."""

import math

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from llmtui.engine import Engine, kernels
from llmtui.insight.held_out import bits_per_byte, held_out_texts
from llmtui.models.catalog import embedded_path
from llmtui.models.dtypes import COSTS, HELD_OUT_BYTES

SIZE = HELD_OUT_BYTES


@pytest.fixture(scope="module")
def float32_bits(tiny_tales_engine: Engine) -> float:
    return tiny_tales_engine.run_job(lambda loaded: bits_per_byte(loaded, held_out_texts(SIZE))).result(60)


def test_held_out_text_is_always_the_same_and_as_long_as_asked_for() -> None:
    texts = held_out_texts(SIZE)
    assert texts == held_out_texts(SIZE)
    assert SIZE <= sum(len(text.encode()) for text in texts) < 2 * SIZE


def test_bits_per_byte_are_transformers_loss_in_bits_by_the_texts_own_bytes(float32_bits: float) -> None:
    tokenizer = AutoTokenizer.from_pretrained(embedded_path())
    model = AutoModelForCausalLM.from_pretrained(embedded_path(), dtype=torch.float32)
    nats, size = 0.0, 0
    for text in held_out_texts(SIZE):
        ids = tokenizer(text, return_tensors="pt").input_ids[:, :512]
        with torch.inference_mode():
            nats += model(ids, labels=ids).loss.item() * (ids.shape[1] - 1)
        size += len(tokenizer.decode(ids[0, 1:], skip_special_tokens=True).encode())
    assert float32_bits == pytest.approx(nats / math.log(2) / size, rel=1e-4)
    assert 0.1 < float32_bits < 1.5


@pytest.mark.parametrize(("dtype", "most"), [("bfloat16", 0.005), ("float16", 0.0005), ("int8", 0.02)])
def test_a_smaller_dtype_costs_the_embedded_model_next_to_nothing(float32_bits: float, dtype: str, most: float) -> None:
    with Engine() as engine:
        if engine.load("tiny-tales", device="cpu", dtype=dtype).wait(60).dtype != dtype:
            pytest.skip("this CPU runs float32 instead")
        bits = engine.run_job(lambda loaded: bits_per_byte(loaded, held_out_texts(SIZE))).result(60)
    assert abs(bits - float32_bits) < most
    # what the model picker tells before anything is loaded
    # torch's kernels round elsewhere
    assert bits == pytest.approx(COSTS[dtype].bits_per_byte, abs=5e-5 if kernels.KERNELS else 2e-4)


def test_the_picker_tells_what_float32_costs(float32_bits: float) -> None:
    assert float32_bits == pytest.approx(COSTS["float32"].bits_per_byte, abs=2e-5)
