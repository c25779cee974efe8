"""All layers in one call: the bits of the same layers called one by one, and only where all of them are known."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from architectures import make_model, plain_logits

from llmtui.engine.attention import Span
from llmtui.engine.blocks import Blocks, in_words
from llmtui.engine.branch_attention import BranchSpan, BranchTails
from llmtui.engine.kv_cache import KVPool, KVSlab
from llmtui.engine.lean import lean_forward, same_input
from llmtui.engine.lookahead import BranchRow
from llmtui.engine.panels import Kind, PanelLinear
from llmtui.engine.quantize import pack_linears
from llmtui.engine.runner import PackedRunner

pytestmark = pytest.mark.usefixtures("each_build")

VOCAB = 160
# heads of 16 numbers, which our kernels attend for; a window that changes with the layer, biases, shared keys
SHAPES: dict[str, dict[str, Any]] = {
    "gpt2": {"hidden_size": 64, "n_embd": 64, "num_hidden_layers": 3, "n_layer": 3},
    "llama": {"hidden_size": 64, "num_hidden_layers": 3},
    "mistral": {"hidden_size": 64, "num_hidden_layers": 3},
    "qwen2": {"hidden_size": 64, "num_hidden_layers": 3, "max_window_layers": 2},
}
# norms of heads, norms after layers, a multiplier of residuals, an activation that is not the kernels'
OTHERS: dict[str, dict[str, Any]] = {
    "qwen3": {"hidden_size": 64},
    "olmo2": {"hidden_size": 64},
    "granite": {"hidden_size": 64, "residual_multiplier": 0.5},
    "gpt2": {"hidden_size": 64, "n_embd": 64, "activation_function": "relu"},
    "llama": {"hidden_size": 64, "hidden_act": "gelu"},
}


def packed(architecture: str, kind: Kind = Kind.FLOAT32, **fields: Any) -> Any:
    model = make_model(architecture, **fields).eval()
    pack_linears(model, lambda weight, bias: PanelLinear(weight, bias, kind), same_input(model))
    return model


def forwards(model: Any) -> tuple[Any, Any]:
    """By one call, which it must be, and by calls of single kernels."""
    in_one, one_by_one = lean_forward(model), lean_forward(model)
    assert isinstance(in_one._in_one, Blocks)  # type: ignore[union-attr]
    one_by_one._in_one = None  # type: ignore[union-attr]
    run = in_one._in_one.run

    def seen(*args: Any) -> Any:
        computed = run(*args)
        assert computed is not None
        return computed

    in_one._in_one.run = seen  # type: ignore[union-attr, method-assign]
    return in_one, one_by_one


def ids_of(spans: Sequence[Any]) -> list[int]:
    return [(7 * n + 3) % VOCAB for n in range(sum(len(span.positions) for span in spans))]


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("architecture", SHAPES)
def test_one_call_gives_the_bits_of_single_ones(architecture: str, kind: Kind, narrow: bool) -> None:
    """Prompts and single tokens, of sequences on one shelf and on two, with all rows wanted or the last of each."""
    model = packed(architecture, kind, **SHAPES[architecture])
    written = []
    for forward in forwards(model):
        runner, pool = PackedRunner(forward, "cpu", narrow=narrow), KVPool(narrow=narrow)
        slabs = [KVSlab(pool, room) for room in (20, 20, 200)]
        logits = []
        for parts, all_rows in (
            (((0, 9), (0, 1), (0, 17)), False),
            (((9, 10), (1, 2), (17, 18)), False),
            (((10, 12), (2, 20), (18, 19)), True),
        ):
            spans = [Span(slab, *part) for slab, part in zip(slabs, parts, strict=True)]
            logits += runner.forward_spans(spans, ids_of(spans), [all_rows] * 3)
        written.append(torch.cat(logits))
    assert len(written[0]) == 3 + 3 + 21
    assert torch.equal(*written)


@pytest.mark.parametrize("architecture", SHAPES)
def test_one_call_computes_what_the_models_own_forward_does(architecture: str) -> None:
    fields = SHAPES[architecture]
    ids = [(11 * n + 5) % VOCAB for n in range(40)]
    runner = PackedRunner(forwards(packed(architecture, **fields))[0], "cpu")
    slab = KVSlab(KVPool())
    parts = [(0, 30), *((n, n + 1) for n in range(30, 40))]
    logits = [runner.forward_spans([Span(slab, *part)], ids[slice(*part)], [True])[0] for part in parts]
    torch.testing.assert_close(
        torch.cat(logits), plain_logits(make_model(architecture, **fields).eval(), ids), rtol=1e-4, atol=2e-4
    )


@pytest.mark.parametrize("architecture", SHAPES)
def test_rows_that_nobody_wants_change_nothing(architecture: str) -> None:
    for forward in forwards(packed(architecture, **SHAPES[architecture])):
        runner, pool = PackedRunner(forward, "cpu"), KVPool()
        every, last = (
            runner.forward_spans(
                [Span(KVSlab(pool), 0, 70), Span(KVSlab(pool), 0, 5)], list(range(75)), [wanted, False]
            )
            for wanted in (True, False)
        )
        assert torch.equal(every[0][-1:], last[0])
        assert torch.equal(every[1], last[1])


@pytest.mark.parametrize("architecture", OTHERS)
def test_a_layer_that_is_not_known_as_a_whole_is_called_one_by_one(architecture: str) -> None:
    forward: Any = lean_forward(packed(architecture, **OTHERS[architecture]))
    assert forward._in_one is None


def test_heads_that_the_kernels_do_not_attend_for_are_called_one_by_one() -> None:
    forward: Any = lean_forward(packed("gpt2"))
    assert forward._in_one is None


def test_a_model_whose_linears_are_not_packed_is_called_one_by_one() -> None:
    forward: Any = lean_forward(make_model("llama", **SHAPES["llama"]))
    assert forward._in_one is None


def test_rows_of_lookahead_are_computed_with_the_others() -> None:
    model = packed("llama", **SHAPES["llama"])
    results = []
    for forward in forwards(model):
        runner, slab, tails = PackedRunner(forward, "cpu"), KVSlab(KVPool()), BranchTails(2)
        runner.forward_spans([Span(slab, 0, 9)], list(range(9)), [False])
        rows = [BranchRow(token, start=10, step=0, slot=slot) for slot, token in enumerate((3, 4))]
        spans = [Span(slab, 9, 10), BranchSpan(slab, tails, rows)]
        results.append(torch.cat(runner.forward_spans(spans, [1, 3, 4], [True, True])))
    assert torch.equal(*results)


def test_a_shelf_that_was_given_up_and_made_again_is_found_where_it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmtui.engine.kv_cache.KEPT_BYTES", 0)
    in_one, _ = forwards(packed("gpt2", **SHAPES["gpt2"]))
    runner, pool = PackedRunner(in_one, "cpu"), KVPool()
    ids = list(range(20))
    fresh = [runner.forward_spans([Span(KVSlab(pool), 0, 20)], ids, [True])[0] for _ in range(3)]
    assert torch.equal(fresh[0], fresh[1])
    assert torch.equal(fresh[0], fresh[2])


def test_words_hold_whole_numbers_addresses_and_fractions() -> None:
    words = in_words([3, 2**62, 0.25, -1])
    assert words.tolist()[:2] == [3, 2**62]
    assert words.view(torch.float64)[2] == 0.25
    assert words[3] == -1
