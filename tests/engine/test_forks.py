"""A request that names a parent computes only what is new, and gets what it would get without."""

import random
import uuid
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.events import Token
from llmtui.engine.prefix_cache import common
from llmtui.engine.stream import GenerationResult

GREEDY = SamplingParams(temperature=0.0, top_k=0, max_tokens=8, ignore_eos=True)


def ids_of(length: int, seed: int) -> list[int]:
    return random.Random(seed).choices(range(5, 4000), k=length)


def run(engine: Engine, ids: list[int], params: SamplingParams = GREEDY, **fields: Any) -> GenerationResult:
    return engine.submit(GenerationRequest(prompt_ids=ids, params=params, **fields)).result()


def assert_alike(forked: GenerationResult, fresh: GenerationResult) -> None:
    assert [t.id for t in forked.tokens] == [t.id for t in fresh.tokens]
    for ours, theirs in zip(forked.tokens, fresh.tokens, strict=True):
        assert ours.logprob == pytest.approx(theirs.logprob, abs=1e-4)
        assert ours.entropy_bits == pytest.approx(theirs.entropy_bits, abs=1e-3)


@settings(max_examples=15, deadline=None)
@given(
    length=st.integers(1, 200),
    written=st.integers(1, 80),
    share=st.floats(0, 1),
    new=st.integers(1, 40),
    data=st.data(),
)
def test_a_fork_computes_what_differs_and_equals_a_fresh_forward(
    busy_engine: Engine, length: int, written: int, share: float, new: int, data: st.DataObject
) -> None:
    seed = data.draw(st.integers(0, 2**32))
    client = f"fork {uuid.uuid4()}"
    parent = run(
        busy_engine, ids_of(length, seed), replace(GREEDY, max_tokens=written), client=client, request_id=client
    )
    known = ids_of(length, seed) + [t.id for t in parent.tokens]
    # the parent's last token was drawn and never computed
    shared = round(share * (len(known) - 1))
    child = known[:shared] + [4001 + i for i in range(new)]
    forked = run(busy_engine, child, client=client, parent=client)
    assert forked.started.cached_tokens == common(known[:-1], child[:-1])
    assert forked.finished.usage.cached_tokens == forked.started.cached_tokens
    assert forked.tokens[0].rows == len(child) - forked.started.cached_tokens
    assert_alike(forked, run(busy_engine, child, client=f"fresh {client}"))


def test_branches_of_a_running_request_leave_it_alone(busy_engine: Engine) -> None:
    """What-if branches: the first tokens of somebody's text so far, and another one after them."""
    prompt = ids_of(70, 1)
    trunk_params = replace(GREEDY, max_tokens=150)
    alone = run(busy_engine, prompt, trunk_params, client="alone")
    trunk = busy_engine.submit(
        GenerationRequest(prompt_ids=prompt, params=trunk_params, client="trunk", request_id="trunk")
    )
    drawn: list[int] = []
    for event in trunk:
        if isinstance(event, Token):
            drawn.append(event.id)
            if len(drawn) == 30:
                break
    for keep in (3, 29):
        branch = [*prompt, *drawn[:keep], 4002]
        forked = run(busy_engine, branch, client="trunk", parent="trunk")
        assert forked.started.cached_tokens == len(branch) - 1
        assert_alike(forked, run(busy_engine, branch, client=f"fresh {keep}"))
    assert [*drawn, *(t.id for t in trunk.result().tokens)] == [t.id for t in alone.tokens]


def test_a_chain_of_forks_reaches_back_to_its_beginning(busy_engine: Engine) -> None:
    ids = ids_of(30, 2)
    for number in range(4):
        result = run(busy_engine, ids, client="chain", request_id=f"chain {number}", parent=f"chain {number - 1}")
        assert result.started.cached_tokens == (0 if number == 0 else len(ids) - 2)
        ids = [*ids, *(t.id for t in result.tokens), 17 + number]


def test_another_clients_request_is_nobodys_parent(busy_engine: Engine) -> None:
    ids = ids_of(100, 3)
    run(busy_engine, ids, client="a", request_id="of a")
    running = busy_engine.submit(
        GenerationRequest(
            prompt_ids=ids, params=replace(GREEDY, max_tokens=300), client="a", request_id="of a, running"
        )
    )
    next(event for event in running if isinstance(event, Token))
    for parent in ("of a", "of a, running"):
        assert run(busy_engine, ids, client=f"not {parent}", parent=parent).started.cached_tokens == 0
    running.cancel()
    assert running.result().finished.reason == "cancelled"


def test_an_unknown_parent_costs_a_whole_forward_and_nothing_else(busy_engine: Engine) -> None:
    ids = ids_of(50, 4)
    orphan = run(busy_engine, ids, client="orphan", parent="nobody")
    assert orphan.started.cached_tokens == 0
    assert_alike(orphan, run(busy_engine, ids, client="orphan, fresh"))


def facts(result: GenerationResult) -> list[Any]:
    return [(t.id, t.logprob, t.entropy_bits, t.sampled_prob, t.candidates) for t in result.tokens]


def test_an_exact_fork_takes_whole_blocks_of_exact_prompts_alone_and_has_the_bits_of_a_fresh_one(
    busy_engine: Engine,
) -> None:
    exact = replace(GREEDY, exact=True, max_tokens=70)
    ids = ids_of(100, 5)
    parent = run(busy_engine, ids, exact, client="exact", request_id="exact")
    child = [*ids, *(t.id for t in parent.tokens[:60]), 4003]
    forked = run(busy_engine, child, exact, client="exact", parent="exact")
    fresh = run(busy_engine, child, exact, client="exact, fresh")
    # the parent's tokens from 64 on were computed one by one, or in a shorter block
    assert (forked.started.cached_tokens, fresh.started.cached_tokens) == (64, 0)
    assert facts(forked) == facts(fresh)
    assert run(busy_engine, child, client="exact", parent="exact").started.cached_tokens == 0


def test_what_is_kept_for_forks_counts_as_remembered_and_can_be_forgotten(busy_engine: Engine) -> None:
    ids = ids_of(40, 7)
    before = busy_engine.stats().prefix_cache_bytes
    run(busy_engine, ids, client="kept", request_id="kept")
    assert busy_engine.stats().prefix_cache_bytes > before
    busy_engine.run_job(lambda loaded: loaded.runner.forget()).result(10)
    assert busy_engine.stats().prefix_cache_bytes == 0
    assert run(busy_engine, [*ids, 9], client="kept", parent="kept").started.cached_tokens == 0


def test_every_row_of_a_prompt_that_is_scored_is_computed(busy_engine: Engine) -> None:
    ids = ids_of(40, 8)
    run(busy_engine, ids, client="scored", request_id="scored")
    scored = run(busy_engine, ids, replace(GREEDY, prompt_logprobs=True), client="scored", parent="scored")
    assert (scored.started.cached_tokens, len(scored.prompt)) == (0, 40)


@given(st.lists(st.integers(0, 3)), st.lists(st.integers(0, 3)))
def test_common_is_the_longest_shared_beginning(first: list[int], second: list[int]) -> None:
    expected = max(n for n in range(min(len(first), len(second)) + 1) if first[:n] == second[:n])
    assert common(first, second) == expected
