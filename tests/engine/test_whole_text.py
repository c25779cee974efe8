"""Models whose forward does not go on where a cache of transformers ends: computed anew for each token, or refused."""

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from architectures import make_model, plain_logits, shared_model

from llmtui.engine import Engine, GenerationRequest, SamplingParams, kernels
from llmtui.engine.loaded import LoadedModel
from llmtui.engine.panels import Kind, PanelLinear
from llmtui.engine.plain_runner import PlainRunner, WholeTextRunner
from llmtui.engine.quantize import pack_linears
from llmtui.engine.self_check import find_runner
from llmtui.models.errors import ModelUnsupported

# without a cache; with a state beside it; with one in the module; with linears that the model multiplies by itself
MODELS: dict[str, dict[str, Any]] = {
    "openai-gpt": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 128},
    "rwkv": {"attention_hidden_size": 32, "context_length": 128},
    "recurrent_gemma": {
        "lru_width": 32,
        "attention_window_size": 16,
        "block_types": ["recurrent", "attention"],
        "num_key_value_heads": 1,
    },
    "mamba": {},
}
PARAMS = SamplingParams(temperature=0.9, seed=3, max_tokens=12, ignore_eos=True, prompt_logprobs=True)


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine("tiny-tales") as engine:
        engine.wait_until_loaded(60)
        yield engine


def packed(architecture: str) -> Any:
    """With linears of our own kernels, where they run."""
    model = make_model(architecture, **MODELS[architecture])
    if kernels.KERNELS is not None:
        pack_linears(model, lambda weight, bias: PanelLinear(weight, bias, Kind.FLOAT32))
    return model


def put_in_place(engine: Engine, runner: WholeTextRunner) -> None:
    loaded: LoadedModel = engine.run_job(lambda loaded: loaded).result(10)
    object.__setattr__(loaded, "runner", runner)
    object.__setattr__(loaded, "info", replace(loaded.info, context=128, vocab_size=160))


def test_a_long_prompt_is_computed_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []

    def counted(model: Any, ids: Any, _: str) -> torch.Tensor:
        lengths.append(len(ids))
        return plain_logits(model, list(ids))

    monkeypatch.setattr("llmtui.engine.plain_runner.read_whole", counted)
    put_in_place(engine, WholeTextRunner(shared_model("gpt2"), "cpu"))
    ids = random.Random(1).choices(range(5, 150), k=100)
    engine.submit(GenerationRequest(prompt_ids=ids, params=replace(PARAMS, max_tokens=3))).result()
    assert lengths == [100, 101, 102]


@pytest.mark.parametrize("architecture", MODELS)
def test_each_token_has_the_facts_that_the_models_own_forward_gives(engine: Engine, architecture: str) -> None:
    model = packed(architecture)
    runner = find_runner(model, "cpu", "float32")
    assert isinstance(runner, WholeTextRunner)
    put_in_place(engine, runner)
    prompts = [random.Random(n).choices(range(5, 150), k=n) for n in (9, 70)]
    requests = [GenerationRequest(prompt_ids=ids, params=PARAMS) for ids in prompts]
    together = [stream.result() for stream in [engine.submit(request) for request in requests]]
    for ids, result in zip(prompts, together, strict=True):
        tokens = (*result.prompt[1:], *result.tokens)
        rows = torch.log_softmax(plain_logits(model, [*ids, *(token.id for token in result.tokens)]).double(), dim=-1)
        for token, row in zip(tokens, rows, strict=False):
            assert token.logprob == pytest.approx(float(row[token.id]), abs=1e-4)
    guessing = replace(PARAMS, speculate=3)
    again = [engine.submit(GenerationRequest(prompt_ids=ids, params=guessing)).result() for ids in prompts]
    assert [[t.id for t in r.tokens] for r in again] == [[t.id for t in r.tokens] for r in together]


def test_a_model_whose_forward_fails_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_model("gpt2")
    monkeypatch.setattr(model, "forward", lambda **_: 1 / 0)
    with pytest.raises(ModelUnsupported, match=r"its forward fails \(division by zero\)"):
        find_runner(model, "cpu")


def test_a_model_that_remembers_the_text_before_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model, forward, calls = make_model("gpt2"), shared_model("gpt2").forward, []

    def other_each_time(**arguments: Any) -> Any:
        output = forward(**arguments)
        calls.append(output)
        output.logits = output.logits.roll(len(calls), dims=-1)
        return output

    monkeypatch.setattr(model, "forward", other_each_time)
    monkeypatch.setattr("llmtui.engine.self_check.lean_forward", lambda _: None)
    with pytest.raises(ModelUnsupported, match="depends on those before it"):
        find_runner(model, "cpu")


def test_logits_that_are_no_numbers_are_left_to_the_requests() -> None:
    model = make_model("bloom")
    with torch.no_grad():
        model.get_input_embeddings().weight.fill_(torch.nan)
    assert isinstance(find_runner(model, "cpu"), PlainRunner)


@pytest.mark.usefixtures("each_build")
@pytest.mark.parametrize("kind", Kind)
def test_a_packed_linear_tells_its_bias(kind: Kind) -> None:
    model = make_model("phi")
    biases = {
        name: module.bias.clone() for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)
    }
    pack_linears(model, lambda weight, bias: PanelLinear(weight, bias, kind))
    told = {name: module.bias for name, module in model.named_modules() if isinstance(module, PanelLinear)}
    assert told
    for name, bias in told.items():
        assert bias is not None
        assert torch.equal(bias, biases[name])
