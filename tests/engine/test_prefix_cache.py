"""Beginnings computed once: a request that finds them gets what it would get without."""

import random
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.events import Finished, Prefilled, Started
from llmtui.engine.kv_cache import KVSlab
from llmtui.engine.prefix_cache import BLOCK, PrefixCache, common

GREEDY = SamplingParams(temperature=0.0, top_k=0, max_tokens=10, ignore_eos=True)


def ids_of(length: int, seed: int) -> list[int]:
    return random.Random(seed).choices(range(5, 4000), k=length)


def run(engine: Engine, ids: list[int], params: SamplingParams = GREEDY, client: str = "local") -> Any:
    return engine.submit(GenerationRequest(prompt_ids=ids, params=params, client=client)).result()


def facts(result: Any) -> list[Any]:
    return [(t.id, t.logprob, t.entropy_bits, t.sampled_prob) for t in result.tokens]


def test_a_prompt_asked_again_is_not_computed_again(busy_engine: Engine) -> None:
    ids = ids_of(300, 1)
    miss, hit = run(busy_engine, ids), run(busy_engine, ids)
    assert (miss.started.cached_tokens, hit.started.cached_tokens) == (0, 299)
    assert hit.finished.usage.cached_tokens == 299
    assert hit.tokens[0].rows == 1
    assert [t.id for t in hit.tokens] == [t.id for t in miss.tokens]
    for ours, theirs in zip(hit.tokens, miss.tokens, strict=True):
        assert ours.logprob == pytest.approx(theirs.logprob, abs=1e-4)


def test_an_exact_hit_gives_the_bits_of_a_miss(busy_engine: Engine) -> None:
    ids, params = ids_of(300, 2), replace(GREEDY, exact=True)
    run(busy_engine, ids)
    miss, hit = run(busy_engine, ids, params), run(busy_engine, ids, params)
    assert (miss.started.cached_tokens, hit.started.cached_tokens) == (0, 256)
    assert facts(hit) == facts(miss)


@pytest.mark.parametrize("length", [1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK])
def test_the_last_token_alone_is_computed(busy_engine: Engine, length: int) -> None:
    ids = ids_of(length, 100 + length)
    miss, hit = run(busy_engine, ids), run(busy_engine, ids)
    assert hit.started.cached_tokens == length - 1
    assert [t.id for t in hit.tokens] == [t.id for t in miss.tokens]


def test_branches_of_one_beginning_each_equal_a_fresh_forward(busy_engine: Engine) -> None:
    trunk = ids_of(200, 3)
    run(busy_engine, trunk)
    for number in range(4):
        branch = trunk[: 140 + number] + ids_of(30, 200 + number)
        shared = run(busy_engine, branch)
        fresh = run(busy_engine, branch, client=f"fresh {number}")
        assert (shared.started.cached_tokens, fresh.started.cached_tokens) == (140 + number, 0)
        assert [t.id for t in shared.tokens] == [t.id for t in fresh.tokens]


def test_a_conversation_finds_its_own_answers(busy_engine: Engine) -> None:
    ids = ids_of(60, 4)
    answer = run(busy_engine, ids, replace(GREEDY, max_tokens=80))
    again = run(busy_engine, ids + [t.id for t in answer.tokens] + ids_of(10, 5))
    # the last one was drawn and never computed
    assert again.started.cached_tokens == 139


def test_a_client_never_finds_what_another_one_asked(busy_engine: Engine) -> None:
    ids = ids_of(150, 6)
    assert run(busy_engine, ids, client="a").started.cached_tokens == 0
    assert run(busy_engine, ids, client="b").started.cached_tokens == 0
    assert run(busy_engine, ids, client="a").started.cached_tokens == 149
    assert run(busy_engine, ids[:20], client="c").started.cached_tokens == 0


def test_scoring_a_prompt_computes_all_of_it(busy_engine: Engine) -> None:
    ids = ids_of(150, 7)
    run(busy_engine, ids)
    scored = run(busy_engine, ids, replace(GREEDY, prompt_logprobs=True))
    assert scored.started.cached_tokens == 0
    assert len(scored.prompt) == 150


def test_what_is_remembered_counts_as_read(busy_engine: Engine) -> None:
    ids = ids_of(150, 8)
    run(busy_engine, ids)
    events = list(busy_engine.submit(GenerationRequest(prompt_ids=ids, params=GREEDY)))
    assert [type(event) for event in events[1:3]] == [Started, Prefilled]
    assert events[2].done == 150
    assert isinstance(events[-1], Finished)


def block_of(value: float) -> torch.Tensor:
    return torch.full((BLOCK, 2, 1, 4), value)


def slab_of(blocks: int) -> KVSlab:
    slab = KVSlab()
    for number in range(blocks):
        slab.write(0, number * BLOCK, block_of(number))
    return slab


def test_it_holds_no_more_bytes_than_allowed_and_forgets_ends_before_beginnings() -> None:
    size = block_of(0).nbytes
    cache = PrefixCache(3 * size)
    long, other = ids_of(4 * BLOCK, 1), ids_of(BLOCK, 2)
    cache.keep(slab_of(4), long, "", 0)
    assert cache.bytes == 3 * size
    assert cache.fill(KVSlab(), long, "") == 3 * BLOCK
    cache.keep(slab_of(1), other, "", 0)
    assert cache.bytes == 3 * size
    assert cache.fill(KVSlab(), long, "") == 2 * BLOCK
    assert cache.fill(KVSlab(), other, "") == BLOCK


# long stretches in common, and ends anywhere within a block
texts = st.lists(st.tuples(st.integers(1, 3), st.integers(1, 50)), min_size=1, max_size=6).map(
    lambda parts: [token for token, times in parts for _ in range(times)]
)


def filled(ids: list[int]) -> KVSlab:
    """A slab whose rows tell the position and all tokens up to it."""
    slab = KVSlab()
    slab.write(0, 0, rows_of(ids))
    return slab


def rows_of(ids: list[int]) -> torch.Tensor:
    sums = torch.tensor(ids, dtype=torch.float32).cumsum(0)
    return torch.stack((sums, torch.arange(1.0, len(ids) + 1)), dim=1)[:, :, None, None].expand(-1, -1, 1, 4)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(texts, st.sampled_from("ab")), max_size=8), texts, st.sampled_from("ab"))
def test_the_longest_beginning_that_its_own_client_had_computed_is_found(
    kept: list[tuple[list[int], str]], ids: list[int], salt: str
) -> None:
    cache = PrefixCache(10**9)
    for known, owner in kept:
        cache.keep(filled(known), known, owner, 0, rest=True)
    longest = max((common(known, ids) for known, owner in kept if owner == salt), default=0)
    slab, of_whole = KVSlab(), KVSlab()
    assert cache.fill(slab, ids, salt) == longest
    known = slab.view(0, 0, longest) if longest else rows_of([]).permute(1, 2, 0, 3)
    assert torch.equal(known, rows_of(ids)[:longest].permute(1, 2, 0, 3))
    assert cache.fill(of_whole, ids, salt, whole=True) == longest // BLOCK * BLOCK


@given(texts.filter(lambda ids: len(ids) > 1), st.data())
def test_a_longer_text_takes_the_place_of_its_beginning(ids: list[int], data: st.DataObject) -> None:
    cache = PrefixCache(10**9)
    ends = data.draw(st.lists(st.integers(1, len(ids)), max_size=5))
    for end in [*ends, len(ids), *ends]:
        cache.keep(filled(ids), ids[:end], "", 0, rest=True)
    # a block that is not whole takes as much as one that is
    assert cache.bytes == -(-len(ids) // BLOCK) * BLOCK * 2 * 4 * 4
    cache.clear()
    assert (cache.bytes, cache.fill(KVSlab(), ids, "")) == (0, 0)


def test_the_least_recently_used_end_goes_first() -> None:
    cache = PrefixCache(10**9, most_blocks=2)
    first, second, third = ([n] * 10 for n in (1, 2, 3))
    for ids in (first, second):
        cache.keep(filled(ids), ids, "", 0, rest=True)
    assert cache.fill(KVSlab(), [*first, 9], "") == 10
    cache.keep(filled(third), third, "", 0, rest=True)
    assert [cache.fill(KVSlab(), [*ids, 9], "") for ids in (first, second, third)] == [10, 0, 10]


def test_what_a_request_writes_later_never_reaches_the_cache() -> None:
    cache, ids = PrefixCache(10**9), ids_of(BLOCK, 1)
    original = slab_of(1)
    cache.keep(original, ids, "", 0)
    original.write(0, 0, block_of(9))
    first = KVSlab()
    cache.fill(first, ids, "")
    first.write(0, 0, block_of(8))
    second = KVSlab()
    assert cache.fill(second, ids, "") == BLOCK
    assert torch.equal(second.write(0, BLOCK, block_of(1))[:, :, :BLOCK].permute(2, 0, 1, 3), block_of(0))


def test_the_memory_of_what_went_is_that_of_what_comes() -> None:
    cache = PrefixCache(10**9, most_blocks=2)
    kept = [ids_of(length, length) for length in (BLOCK, 3 * BLOCK, 10, 2 * BLOCK, BLOCK - 1)]
    for ids in kept:
        cache.keep(filled(ids), ids, "", 0, rest=True)
        slab = KVSlab()
        assert cache.fill(slab, [*ids, 1], "") > 0
        known = slab.view(0, 0, min(len(ids), 2 * BLOCK))
        assert torch.equal(known, rows_of(ids)[: known.shape[2]].permute(1, 2, 0, 3))
    assert cache.bytes == 2 * block_of(0.0).nbytes
    memory = {id(known) for block in cache._blocks.values() for known in block.layers.values()}
    spare = {id(known) for block in cache._spare for known in block.layers.values()}
    assert not memory & spare
    assert len(memory) + len(spare) <= 5


def test_spare_memory_is_counted_and_takes_no_more_than_blocks_may() -> None:
    size = block_of(0.0).nbytes
    cache = PrefixCache(3 * size)
    for seed in range(10):
        ids = ids_of(3 * BLOCK, seed)
        cache.keep(filled(ids), ids, "", 0)
    assert (cache.bytes, cache.spare_bytes) == (3 * size, 3 * size)
    cache.clear()
    assert (cache.bytes, cache.spare_bytes) == (0, 0)


def test_a_model_whose_blocks_are_larger_than_the_cache_runs_without_it() -> None:
    cache, ids = PrefixCache(10), ids_of(BLOCK, 1)
    cache.keep(slab_of(1), ids, "", 0)
    assert cache.bytes == 0
    assert cache.fill(KVSlab(), ids, "") == 0
