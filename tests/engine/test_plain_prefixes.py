"""Models that run one sequence at a time, too, compute a beginning once, and forks what is new alone."""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from architectures import copy_tokenizer, make_model

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.events import Token
from llmtui.engine.plain_prefixes import MOST
from llmtui.engine.plain_runner import PlainRunner

GREEDY = SamplingParams(temperature=0.0, top_k=0, max_tokens=8, ignore_eos=True)
# their layers keep all positions
ARCHITECTURES = ("bloom", "gptj", "codegen", "falcon", "stablelm")
# some of its layers keep a window
WINDOWED = "gemma2"


def make_folder(architecture: str, folder: Path) -> Path:
    make_model(architecture, vocab_size=5120, max_position_embeddings=512, n_positions=512).save_pretrained(folder)
    copy_tokenizer(folder)
    return folder


@pytest.fixture(scope="module", params=ARCHITECTURES)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine(str(make_folder(request.param, tmp_path_factory.mktemp(request.param)))) as engine:
        assert engine.wait_until_loaded().engine_path == PlainRunner.path
        yield engine


@pytest.fixture(scope="module")
def bloom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine(str(make_folder("bloom", tmp_path_factory.mktemp("bloom")))) as engine:
        engine.wait_until_loaded()
        yield engine


def ids_of(length: int, seed: int) -> list[int]:
    return random.Random(seed).choices(range(5, 4000), k=length)


def run(engine: Engine, ids: list[int], params: SamplingParams = GREEDY, **fields: Any) -> Any:
    return engine.submit(GenerationRequest(prompt_ids=ids, params=params, **fields)).result()


def facts(result: Any) -> list[Any]:
    return [(t.id, t.logprob, t.entropy_bits) for t in result.tokens]


def assert_alike(ours: Any, theirs: Any) -> None:
    assert [t.id for t in ours.tokens] == [t.id for t in theirs.tokens]
    for one, other in zip(ours.tokens, theirs.tokens, strict=True):
        assert one.logprob == pytest.approx(other.logprob, abs=1e-3)


def test_a_prompt_asked_again_and_a_text_gone_on_with_are_not_computed_again(engine: Engine) -> None:
    ids = ids_of(150, 1)
    miss, hit = run(engine, ids), run(engine, ids)
    assert (miss.started.cached_tokens, hit.started.cached_tokens) == (0, 149)
    assert hit.finished.usage.cached_tokens == 149
    assert_alike(hit, miss)
    # the last token was drawn and never computed
    longer = [*ids, *(t.id for t in miss.tokens), 7]
    went_on = run(engine, longer)
    assert went_on.started.cached_tokens == len(ids) + len(miss.tokens) - 1
    assert_alike(went_on, run(engine, longer, client="fresh"))


def test_a_fork_of_a_running_request_shares_its_beginning_and_leaves_it_alone(engine: Engine) -> None:
    ids, params = ids_of(60, 2), replace(GREEDY, max_tokens=80)
    alone = run(engine, ids, params, client="alone")
    trunk = engine.submit(GenerationRequest(prompt_ids=ids, params=params, client="trunk", request_id="trunk"))
    drawn: list[int] = []
    for event in trunk:
        if isinstance(event, Token):
            drawn.append(event.id)
            if len(drawn) == 20:
                break
    branch = [*ids, *drawn[:10], 4002]
    forked = run(engine, branch, client="trunk", parent="trunk")
    assert forked.started.cached_tokens == len(ids) + 10
    assert_alike(forked, run(engine, branch, client="another"))
    rest = [event.id for event in trunk if isinstance(event, Token)]
    assert drawn + rest == [t.id for t in alone.tokens]


def test_an_exact_hit_gives_the_bits_of_a_miss(engine: Engine) -> None:
    ids, params = ids_of(150, 3), replace(GREEDY, exact=True)
    run(engine, ids)
    miss, hit = run(engine, ids, params), run(engine, ids, params)
    assert (miss.started.cached_tokens, hit.started.cached_tokens) == (0, 128)
    assert facts(hit) == facts(miss)


def test_guesses_that_did_not_come_true_are_no_part_of_it(engine: Engine) -> None:
    ids = ids_of(20, 4) * 3
    guessed = run(engine, ids, replace(GREEDY, speculate=4, max_tokens=20), client="guess")
    longer = [*ids, *(t.id for t in guessed.tokens), 9]
    went_on = run(engine, longer, client="guess")
    assert went_on.started.cached_tokens >= len(ids)
    assert_alike(went_on, run(engine, longer, client="no guess"))


def test_another_client_finds_nothing(bloom: Engine) -> None:
    ids = ids_of(100, 5)
    run(bloom, ids, client="one", request_id="mine")
    assert run(bloom, ids, client="two", parent="mine").started.cached_tokens == 0


def test_a_prompt_that_is_scored_is_computed_whole(bloom: Engine) -> None:
    ids = ids_of(40, 6)
    run(bloom, ids)
    scored = run(bloom, ids, replace(GREEDY, prompt_logprobs=True))
    assert scored.started.cached_tokens == 0
    assert len(scored.prompt) == 40


def test_a_cancelled_request_gives_what_it_had(bloom: Engine) -> None:
    ids = ids_of(100, 7)
    stream = bloom.submit(GenerationRequest(prompt_ids=ids, params=replace(GREEDY, max_tokens=300)))
    next(event for event in stream if isinstance(event, Token))
    stream.cancel()
    stream.result()
    assert run(bloom, ids).started.cached_tokens == 99


def test_the_least_recently_used_go_and_what_is_kept_is_told(tmp_path: Path) -> None:
    with Engine(str(make_folder("bloom", tmp_path))) as engine:
        engine.wait_until_loaded()
        prompts = [ids_of(70, 100 + n) for n in range(MOST + 1)]
        run(engine, prompts[0])
        one = engine.models()[0].prefix_cache_bytes
        # two layers of keys and values: 32 numbers in 4 bytes for each of 70 prompt tokens and 7 of 8 new ones
        assert one == 2 * 2 * 32 * 4 * 77
        for prompt in prompts[1:MOST]:
            run(engine, prompt)
        assert engine.models()[0].prefix_cache_bytes == MOST * one
        assert run(engine, prompts[0]).started.cached_tokens == 69
        run(engine, prompts[MOST])
        assert engine.models()[0].prefix_cache_bytes == MOST * one
        assert run(engine, prompts[0]).started.cached_tokens == 69
        assert run(engine, prompts[1]).started.cached_tokens == 0


def test_nothing_is_kept_where_nothing_may_be(tmp_path: Path) -> None:
    with Engine(str(make_folder("bloom", tmp_path)), prefix_cache_bytes=0) as engine:
        engine.wait_until_loaded()
        ids = ids_of(70, 8)
        assert [run(engine, ids).started.cached_tokens for _ in range(2)] == [0, 0]
        assert engine.models()[0].prefix_cache_bytes == 0


def test_layers_that_keep_a_window_give_no_beginning(tmp_path: Path) -> None:
    with Engine(str(make_folder(WINDOWED, tmp_path))) as engine:
        assert engine.wait_until_loaded().engine_path == PlainRunner.path
        ids = ids_of(70, 9)
        first, again = run(engine, ids), run(engine, ids)
        assert again.started.cached_tokens == 0
        assert facts(first) == facts(again)
