"""Speculation changes what a text costs and nothing else: ids, random numbers, stages and facts stay as they are."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from architectures import copy_tokenizer, make_model
from transformers import AutoModelForCausalLM

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.attention import OwnForward
from llmtui.engine.errors import ParameterError
from llmtui.engine.loaded import LoadedModel
from llmtui.engine.plain_runner import PlainRunner
from llmtui.engine.prefix_cache import BLOCK
from llmtui.engine.runner import PackedRunner
from llmtui.engine.stream import GenerationResult
from llmtui.models.catalog import embedded_path

REPETITIVE = "The cat sat on the mat. The dog sat on the mat. The cow sat on the mat. The pig sat on the"
PROMPTS = (REPETITIVE, "Once upon a time there was a small mouse", "1 2 3 1 2 3 1 2 3")
CIRCLE = "A red ball, a blue ball, " * 6
SETTINGS: dict[str, dict[str, Any]] = {
    "greedy": {"temperature": 0.0},
    "default": {},
    "hot": {"temperature": 1.6},
    "filters": {"top_p": 0.8, "min_p": 0.05, "typical_p": 0.9},
    "penalties": {"repetition_penalty": 1.2, "frequency_penalty": 0.4, "presence_penalty": 0.3},
    "greedy with penalties": {"temperature": 0.0, "frequency_penalty": 0.2},
    "stop string": {"temperature": 0.0, "stop": [" mat. The"]},
    "facts of the prompt": {"prompt_logprobs": True},
    "end of text": {"temperature": 0.0, "ignore_eos": False},
}


@pytest.fixture(scope="module", params=[PackedRunner, PlainRunner])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """In float64, so that no two tokens are so nearly equal that rounding could choose between them."""
    model = AutoModelForCausalLM.from_pretrained(embedded_path(), dtype=torch.float64)
    with Engine("tiny-tales") as engine:
        engine.wait_until_loaded(60)
        loaded: LoadedModel = engine.run_job(lambda loaded: loaded).result(10)
        runner = PlainRunner(model, "cpu") if request.param is PlainRunner else PackedRunner(OwnForward(model), "cpu")
        object.__setattr__(loaded, "runner", runner)
        yield engine


def run(engine: Engine, prompt: str, speculate: int, **fields: Any) -> GenerationResult:
    params = SamplingParams(**({"max_tokens": 25, "seed": 3, "ignore_eos": True, "exact": True} | fields))
    return engine.submit(GenerationRequest(prompt=prompt, params=replace(params, speculate=speculate))).result()


def what_counts(result: GenerationResult) -> list[tuple[Any, ...]]:
    return [
        (t.index, t.id, t.text, t.delta, t.u, t.rank, [(s.name, s.value, s.kept) for s in t.stages])
        for t in (*result.prompt, *result.tokens)
    ]


@pytest.mark.parametrize("kind", SETTINGS)
def test_the_text_and_every_fact_are_the_same_with_and_without(engine: Engine, kind: str) -> None:
    for prompt, speculate in zip(PROMPTS, (2, 5, 9), strict=True):
        without = run(engine, prompt, 0, **SETTINGS[kind])
        with_drafts = run(engine, prompt, speculate, **SETTINGS[kind])
        assert what_counts(with_drafts) == what_counts(without)
        assert with_drafts.text == without.text
        assert replace(with_drafts.finished, timings=without.finished.timings, usage=without.finished.usage) == (
            without.finished
        )
        for token, expected in zip(with_drafts.tokens, without.tokens, strict=True):
            assert token.logprob == pytest.approx(expected.logprob, abs=1e-6)
            assert token.entropy_bits == pytest.approx(expected.entropy_bits, abs=1e-6)
            assert token.sampled_prob == pytest.approx(expected.sampled_prob, abs=1e-6)
        usage = with_drafts.finished.usage
        assert (usage.prompt_tokens, usage.completion_tokens) == (
            without.finished.usage.prompt_tokens,
            without.finished.usage.completion_tokens,
        )
        assert 0 <= usage.accepted_tokens <= usage.drafted_tokens


def test_every_guess_that_came_true_saves_a_forward(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: LoadedModel = engine.run_job(lambda loaded: loaded).result(10)
    forward, sizes = type(loaded.runner).forward, list[int]()

    def counting(self: Any, work: Any) -> Any:
        sizes.extend(part.rows for part in work)
        return forward(self, work)

    monkeypatch.setattr(type(loaded.runner), "forward", counting)
    few = dict.fromkeys(engine.tokenize("red ball"), 30.0)
    usage = run(engine, CIRCLE, 6, max_tokens=60, logit_bias=few).finished.usage
    assert usage.acceptance_rate is not None
    assert usage.acceptance_rate > 0.2
    assert len(sizes) == 60 - usage.accepted_tokens
    assert sum(sizes) == usage.prompt_tokens + len(sizes) - 1 + usage.drafted_tokens
    assert run(engine, REPETITIVE, 0, max_tokens=2).finished.usage.acceptance_rate is None


def test_in_less_precision_only_rounding_can_tell_the_texts_apart(busy_engine: Engine) -> None:
    """A row of logits computed beside others may differ in its last bits, as in any shared forward."""
    hot = {"temperature": 1.6, "top_k": 0}
    for seed in range(5):
        without = run(busy_engine, REPETITIVE, 0, **hot, seed=seed)
        with_drafts = run(busy_engine, REPETITIVE, 5, **hot, seed=seed)
        for ours, theirs in zip(with_drafts.tokens, without.tokens, strict=False):
            assert ours.u == theirs.u
            if ours.id != theirs.id:
                # neighbours in the ranking, whose order or whose common border is a matter of rounding
                assert ours.rank is not None
                assert theirs.rank is not None
                assert abs(ours.rank - theirs.rank) <= 1
                break


@pytest.mark.parametrize("max_tokens", [1, 2, 5, 9])
def test_a_limit_in_the_middle_of_a_draft_is_kept(engine: Engine, max_tokens: int) -> None:
    params = {"temperature": 0.0, "max_tokens": max_tokens}
    without, with_drafts = run(engine, REPETITIVE, 0, **params), run(engine, REPETITIVE, 8, **params)
    assert with_drafts.text == without.text
    assert (with_drafts.finished.reason, len(with_drafts.tokens)) == ("length", max_tokens)


def test_a_stop_id_in_the_middle_of_a_draft_ends_the_text_there(engine: Engine) -> None:
    free = run(engine, REPETITIVE, 8, temperature=0.0)
    for token in free.tokens[2:6]:
        params = {"temperature": 0.0, "stop_ids": [token.id]}
        without, with_drafts = run(engine, REPETITIVE, 0, **params), run(engine, REPETITIVE, 8, **params)
        assert what_counts(with_drafts) == what_counts(without)
        assert with_drafts.finished.reason == "stop"


def test_beside_other_requests_each_keeps_its_text(engine: Engine) -> None:
    def ask(number: int, speculate: int) -> GenerationRequest:
        params = SamplingParams(max_tokens=20, seed=number, ignore_eos=True, speculate=speculate, temperature=0.3)
        return GenerationRequest(prompt=(*PROMPTS, CIRCLE)[number % 4], params=params)

    alone = [engine.submit(ask(number, 0)).result() for number in range(6)]
    together = [engine.submit(ask(number, number % 3 * 3)) for number in range(6)]
    results = [stream.result() for stream in together]
    assert [what_counts(result) for result in results] == [what_counts(result) for result in alone]
    assert sum(result.finished.usage.accepted_tokens for result in results) > 0


def test_an_exact_request_has_the_same_bits_whatever_exact_ones_said_before(engine: Engine) -> None:
    """Blocks that decoding computed row by row are other bits than a prompt read in blocks: they are not handed on."""
    first = run(engine, "A tale of two foxes", 0, seed=99, max_tokens=150)
    continued = "A tale of two foxes" + first.text

    def bits(client: str) -> list[tuple[Any, ...]]:
        params = SamplingParams(max_tokens=4, seed=1, exact=True, ignore_eos=True)
        result = engine.submit(GenerationRequest(prompt=continued, params=params, client=client)).result()
        return [(t.id, t.logprob, t.entropy_bits) for t in result.tokens]

    assert bits("local") == bits("somebody new")


def test_a_window_that_slides_on_takes_rejected_guesses_back(tmp_path: Any) -> None:
    """Both runners, on a model whose attention sees six tokens."""
    model = make_model("mistral", vocab_size=5120)
    model.save_pretrained(tmp_path)
    copy_tokenizer(tmp_path)
    with Engine() as engine:
        engine.load(str(tmp_path)).wait(60)
        loaded: LoadedModel = engine.run_job(lambda loaded: loaded).result(10)
        for runner in (loaded.runner, PlainRunner(loaded.model, "cpu")):
            object.__setattr__(loaded, "runner", runner)
            for params in ({"temperature": 0.0}, {"temperature": 0.3, "repetition_penalty": 0.5}):
                without = run(engine, REPETITIVE, 0, **params)
                with_drafts = run(engine, REPETITIVE, 4, **params)
                assert what_counts(with_drafts) == what_counts(without)
            assert with_drafts.finished.usage.drafted_tokens > with_drafts.finished.usage.accepted_tokens


def test_a_cache_that_cannot_go_back_is_refused_with_the_way_out(engine: Engine, monkeypatch: Any) -> None:
    loaded: LoadedModel = engine.run_job(lambda loaded: loaded).result(10)
    monkeypatch.setattr(loaded.runner, "rewinds", False)
    with pytest.raises(ParameterError, match=r"speculate.*set it to 0"):
        run(engine, "x", 3)
    with pytest.raises(ParameterError, match="speculate"):
        SamplingParams(speculate=-1)


def test_the_blocks_that_guesses_completed_are_remembered(busy_engine: Engine) -> None:
    first = run(busy_engine, CIRCLE, 6, temperature=0.0, max_tokens=150, exact=False)
    assert first.finished.usage.accepted_tokens > 20
    ids = [*busy_engine.tokenize(CIRCLE), *(token.id for token in first.tokens[:-1])]
    again = busy_engine.submit(GenerationRequest(prompt_ids=[*ids, 9], params=SamplingParams(max_tokens=1))).result()
    assert again.started.cached_tokens >= (len(ids) - 8) // BLOCK * BLOCK


@pytest.mark.parametrize("length", range(BLOCK - 6, BLOCK))
def test_a_block_that_the_last_guesses_completed_is_remembered(busy_engine: Engine, length: int) -> None:
    params = SamplingParams(max_tokens=12, temperature=0.0, ignore_eos=True, speculate=16, logit_bias={300: 100.0})
    first = busy_engine.submit(GenerationRequest(prompt_ids=[300] * length, params=params, client=str(length))).result()
    assert first.finished.usage.accepted_tokens > 0
    ids = [300] * (length + len(first.tokens))
    again = GenerationRequest(prompt_ids=[*ids, 5], params=SamplingParams(max_tokens=1), client=str(length))
    # the last one was drawn and never computed
    assert busy_engine.submit(again).result().started.cached_tokens == len(ids) - 1
