"""Keys and values in bfloat16 beside bfloat16 and int8 linears: half the memory, and all else as it was."""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from architectures import copy_tokenizer, make_model

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.events import Token
from llmtui.engine.kv_cache import KVSlab
from llmtui.engine.quantize import choose_precision
from llmtui.engine.stream import GenerationResult
from llmtui.insight.architecture import architecture_of_folder

pytestmark = pytest.mark.usefixtures("each_build")

PARAMS = SamplingParams(temperature=0.9, max_tokens=60, seed=3, ignore_eos=True)


@pytest.fixture(scope="module", params=["bfloat16", "int8"])
def engine(request: pytest.FixtureRequest, each_build: None) -> Iterator[Engine]:  # noqa: ARG001  # a new one for each
    with Engine("tiny-tales", dtype=request.param) as engine:
        engine.wait_until_loaded(60)
        yield engine


def ids_of(length: int, seed: int) -> list[int]:
    return random.Random(seed).choices(range(5, 4000), k=length)


def ask(engine: Engine, ids: list[int], params: SamplingParams = PARAMS, **fields: str) -> GenerationResult:
    return engine.submit(GenerationRequest(prompt_ids=ids, params=params, **fields)).result()


def facts(result: GenerationResult) -> list[tuple[int, float | None, float | None]]:
    return [(token.id, token.logprob, token.entropy_bits) for token in result.tokens]


def test_they_take_half_of_what_float32_takes_and_the_model_says_so(engine: Engine) -> None:
    info = engine.model
    assert info is not None
    assert info.linears.endswith("keys and values in bfloat16")
    seen = []
    for event in engine.submit(GenerationRequest(prompt_ids=ids_of(100, 1), params=PARAMS)):
        if isinstance(event, Token):
            seen.append(engine.stats().kv_bytes)
    # 6 layers, 256 numbers of keys and of values, places for 256 tokens, 2 bytes each
    assert max(seen) == 6 * 2 * 256 * 256 * 2


def test_a_known_beginning_gives_the_bits_that_computing_it_gives(engine: Engine) -> None:
    ids = ids_of(200, 2)
    miss, hit = (ask(engine, ids, client="same") for _ in range(2))
    assert (miss.started.cached_tokens, hit.started.cached_tokens) == (0, 199)
    assert facts(miss) == facts(hit)


def test_a_fork_gives_the_bits_that_its_own_prompt_gives(engine: Engine) -> None:
    ids = ids_of(90, 3)
    trunk = ask(engine, ids, client="fork", request_id="trunk")
    child = [*ids, *(token.id for token in trunk.tokens[:20]), 4001]
    forked = ask(engine, child, client="fork", parent="trunk")
    assert forked.started.cached_tokens == len(child) - 1
    assert facts(forked) == facts(ask(engine, child, client="fresh"))


def test_a_text_has_the_bits_that_it_has_alone(engine: Engine) -> None:
    prompts = [ids_of(length, length) for length in (10, 70, 130, 33)]
    alone = [facts(ask(engine, ids, client=f"alone {len(ids)}")) for ids in prompts]
    running = [
        engine.submit(GenerationRequest(prompt_ids=ids, params=PARAMS, client=f"together {len(ids)}"))
        for ids in prompts
    ]
    assert [facts(stream.result()) for stream in running] == alone


def test_lookahead_changes_no_text_and_continues_as_the_text_itself_would(engine: Engine) -> None:
    ids = ids_of(40, 4)
    greedy = replace(PARAMS, temperature=0.0, max_tokens=30)
    plain, looking = ask(engine, ids, greedy, client="a"), ask(engine, ids, replace(greedy, lookahead=2), client="b")
    assert facts(looking) == facts(plain)
    branches = [(ahead.index, branch) for ahead in looking.lookaheads for branch in ahead.branches if branch.tokens]
    assert branches
    index, branch = branches[len(branches) // 2]
    text = [token.id for token in plain.tokens]
    instead = [*ids, *text[: index - len(ids)], branch.id]
    own = ask(engine, instead, replace(greedy, max_tokens=len(branch.tokens)), client="c")
    for ahead, token in zip(branch.tokens, own.tokens, strict=True):
        # tails are not rounded
        assert token.logprob == pytest.approx(ahead.logprob, abs=0.05)


def test_heads_that_our_own_attention_does_not_know_keep_float32() -> None:
    assert choose_precision("int8", "cpu", None, 64).narrow
    assert not choose_precision("int8", "cpu", None, 24).narrow
    assert not choose_precision("int8", "cpu", None).narrow
    assert not choose_precision("float32", "cpu", None, 64).narrow


@pytest.mark.parametrize(("architecture", "narrow"), [("llama", True), ("bloom", False)])
def test_they_are_so_where_sequences_share_a_forward_and_nowhere_else(
    architecture: str, narrow: bool, tmp_path: Path
) -> None:
    """Where they do not, transformers' own cache keeps them in float32."""
    make_model(architecture, vocab_size=5120, hidden_size=64).save_pretrained(tmp_path)
    copy_tokenizer(tmp_path)
    with Engine() as engine:
        info = engine.load(str(tmp_path), dtype="int8").wait(60)
    assert info.linears.endswith("keys and values in bfloat16") == narrow
    assert architecture_of_folder(tmp_path, "cpu", "int8").linears == info.linears


def test_what_moves_to_a_larger_place_stays_what_it_was() -> None:
    from llmtui.engine.kv_cache import KVPool

    slab = KVSlab(KVPool(narrow=True), 100)
    rows = torch.randn(300, 2, 3, 16, generator=torch.Generator().manual_seed(0))
    for begin in range(0, 300, 60):
        slab.write(0, begin, rows[begin : begin + 60])
    assert slab.view(0, 0, 300).dtype is torch.bfloat16
    assert torch.equal(slab.view(0, 0, 300), rows.permute(1, 2, 0, 3).bfloat16())
