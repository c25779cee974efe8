"""What would have come instead, against fresh forwards of the same tokens; and the text, which it may not change."""

import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import torch
from architectures import PACKABLE, make_model, plain_logits

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.errors import ParameterError
from llmtui.engine.events import Failed, Finished, Lookahead, Token
from llmtui.engine.loaded import LoadedModel
from llmtui.engine.lookahead import LOOKAHEAD_ROWS
from llmtui.engine.plain_runner import PlainRunner
from llmtui.engine.self_check import find_runner
from llmtui.engine.stream import GenerationResult

PARAMS = SamplingParams(temperature=1.0, max_tokens=14, seed=4, ignore_eos=True, lookahead=3, lookahead_depth=5)
PROMPT = random.Random(5).choices(range(5, 150), k=20)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """An engine of its own, whose runner tests exchange."""
    with Engine("tiny-tales") as engine:
        engine.wait_until_loaded(60)
        yield engine


@contextmanager
def running(engine: Engine, model: Any, **facts: Any) -> Iterator[None]:
    """Inside, requests run on another model, whose token ids are among those of the tokenizer."""
    loaded: LoadedModel = engine.run_job(lambda loaded: loaded).result(10)
    before = (loaded.runner, loaded.info, loaded.eos_ids)
    object.__setattr__(loaded, "runner", find_runner(model, "cpu"))
    object.__setattr__(loaded, "info", replace(loaded.info, **facts))
    object.__setattr__(loaded, "eos_ids", frozenset())
    try:
        yield
    finally:
        for name, value in zip(("runner", "info", "eos_ids"), before, strict=True):
            object.__setattr__(loaded, name, value)


def run(engine: Engine, params: SamplingParams = PARAMS, prompt: list[int] = PROMPT) -> GenerationResult:
    return engine.submit(GenerationRequest(prompt_ids=prompt, params=params)).result()


def check_branches(model: Any, prompt: list[int], result: GenerationResult, params: SamplingParams) -> None:
    """Every branch is what fresh forwards of the model itself choose, one after the other."""
    ids = [*prompt, *(token.id for token in result.tokens)]
    for lookahead in result.lookaheads:
        before = ids[: lookahead.index]
        row = torch.log_softmax(plain_logits(model, before)[-1], dim=-1)
        others = [i for i in row.argsort(descending=True).tolist() if i != ids[lookahead.index]]
        assert [branch.id for branch in lookahead.branches] == others[: params.lookahead]
        for branch in lookahead.branches:
            assert branch.logprob == pytest.approx(float(row[branch.id]), abs=1e-4)
            known = [*before, branch.id, *(token.id for token in branch.tokens)]
            rows = torch.log_softmax(plain_logits(model, known), dim=-1)[len(before) :]
            for token, expected in zip(branch.tokens, rows, strict=False):
                assert token.id == int(expected.argmax())
                assert token.logprob == pytest.approx(float(expected.max()), abs=1e-4)


@pytest.mark.parametrize("architecture", PACKABLE)
def test_a_branch_is_the_greedy_continuation_that_a_fresh_forward_gives(engine: Engine, architecture: str) -> None:
    model = make_model(architecture, torch.float64)
    with running(engine, model):
        result = run(engine)
        check_branches(model, PROMPT, result, PARAMS)
        assert [lookahead.index for lookahead in result.lookaheads] == list(range(20, 33))
        lengths = [len(branch.tokens) for lookahead in result.lookaheads for branch in lookahead.branches]
        # the last ones had no time to grow
        assert lengths == [min(5, left) for left in range(13, 0, -1) for _ in range(3)]


@pytest.mark.parametrize("architecture", ["llama", "mistral", "gpt2"])
@pytest.mark.parametrize(("lookahead", "depth"), [(1, 1), (8, 2), (2, 16), (5, 9)])
def test_any_width_and_depth(engine: Engine, architecture: str, lookahead: int, depth: int) -> None:
    params = replace(PARAMS, lookahead=lookahead, lookahead_depth=depth, max_tokens=30)
    model = make_model(architecture, torch.float64)
    with running(engine, model):
        result = run(engine, params)
    check_branches(model, PROMPT, result, params)
    assert result.lookaheads
    assert max(token.rows for token in result.tokens[1:]) <= LOOKAHEAD_ROWS


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("architecture", ["qwen2", "gemma3_text", "gpt2"])
@pytest.mark.parametrize("asked", [{"temperature": 0.0}, {}, {"speculate": 4, "temperature": 0.3}])
def test_the_text_and_its_facts_are_the_same_with_and_without(
    engine: Engine, architecture: str, exact: bool, asked: dict[str, Any]
) -> None:
    params = replace(PARAMS, exact=exact, max_tokens=40, **asked)
    model = make_model(architecture, torch.float64)
    with running(engine, model):
        with_branches, without = run(engine, params), run(engine, replace(params, lookahead=0))
    for ours, theirs in zip(with_branches.tokens, without.tokens, strict=True):
        assert (ours.id, ours.u, ours.delta, ours.rank) == (theirs.id, theirs.u, theirs.delta, theirs.rank)
        assert [(s.name, s.kept) for s in ours.stages] == [(s.name, s.kept) for s in theirs.stages]
        assert ours.logprob == pytest.approx(theirs.logprob, abs=1e-6)
    assert with_branches.text == without.text
    check_branches(model, PROMPT, with_branches, params)
    assert without.lookaheads == ()
    assert with_branches.lookaheads


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_an_exact_request_has_the_same_bits_with_and_without(engine: Engine, dtype: torch.dtype) -> None:
    params = replace(PARAMS, exact=True, max_tokens=30)
    with running(engine, make_model("llama", dtype)):
        with_branches, without = run(engine, params), run(engine, replace(params, lookahead=0))
    for ours, theirs in zip(with_branches.tokens, without.tokens, strict=True):
        assert replace(ours, step_ns=0) == replace(theirs, step_ns=0)
    assert {token.rows for token in with_branches.tokens[1:]} == {1}
    assert len(with_branches.lookaheads) == 29


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.bfloat16, 0.15)])
def test_company_of_branches_changes_no_more_than_the_dtypes_rounding(
    engine: Engine, dtype: torch.dtype, tolerance: float
) -> None:
    with running(engine, make_model("gpt2", dtype)):
        with_branches, without = run(engine), run(engine, replace(PARAMS, lookahead=0))
    for ours, theirs in zip(with_branches.tokens, without.tokens, strict=True):
        assert ours.logprob == pytest.approx(theirs.logprob, abs=tolerance)
        if ours.id != theirs.id:
            break


def test_a_branch_ends_where_the_models_context_does(engine: Engine) -> None:
    model = make_model("gpt2", torch.float64)
    with running(engine, model, context=30):
        result = run(engine, replace(PARAMS, max_tokens=10))
    check_branches(model, PROMPT, result, PARAMS)
    assert result.tokens[-1].index == 29
    assert all(a.index + len(b.tokens) <= 30 for a in result.lookaheads for b in a.branches)


def test_rows_of_others_come_first(engine: Engine) -> None:
    """While others decode the rows are fewer; while a prompt is read there are none, and what was under way is told."""
    model = make_model("llama", torch.float64)
    with running(engine, model):
        alone = run(engine, replace(PARAMS, max_tokens=60))
        watched = engine.submit(GenerationRequest(prompt_ids=PROMPT, params=replace(PARAMS, max_tokens=60)))
        others = []
        events: list[Any] = []
        for event in watched:
            events.append(event)
            if isinstance(event, Token) and event.index in (25, 35, 45):
                prompt = random.Random(event.index).choices(range(5, 150), k=40)
                plain = SamplingParams(max_tokens=12, seed=1, ignore_eos=True)
                others.append(engine.submit(GenerationRequest(prompt_ids=prompt, params=plain)))
        results = [other.result() for other in others]
        assert [e.id for e in events if isinstance(e, Token)] == [token.id for token in alone.tokens]
        told = tuple(event for event in events if isinstance(event, Lookahead))
        result = replace(alone, lookaheads=told)
        check_branches(model, PROMPT, result, PARAMS)
        # a step that reads a prompt has no row but the prompt's and one for each that decodes
        for other in results:
            assert other.tokens[0].rows <= 40 + len(others)
        assert isinstance(events[-1], Finished)


def test_a_stopped_request_still_ends_in_one_last_event(engine: Engine) -> None:
    for _ in range(3):
        stream = engine.submit(GenerationRequest(prompt_ids=PROMPT, params=replace(PARAMS, max_tokens=200)))
        events: list[Any] = []
        for event in stream:
            events.append(event)
            if sum(isinstance(e, Token) for e in events) == 7:
                stream.cancel()
        assert [type(e) for e in events if isinstance(e, (Finished, Failed))] == [Finished]
        assert isinstance(events[-1], Finished)


def test_a_model_that_is_not_packed_refuses_with_the_way_out(engine: Engine) -> None:
    loaded: LoadedModel = engine.run_job(lambda loaded: loaded).result(10)
    before = loaded.runner
    object.__setattr__(loaded, "runner", PlainRunner(loaded.model, "cpu"))
    try:
        with pytest.raises(ParameterError, match=r"lookahead.*one sequence at a time.*set it to 0"):
            run(engine)
    finally:
        object.__setattr__(loaded, "runner", before)
    for name, value in (("lookahead", 9), ("lookahead", -1), ("lookahead_depth", 0), ("lookahead_depth", 17)):
        with pytest.raises(ParameterError, match=name):
            SamplingParams(**{name: value})


def test_the_embedded_model_tells_what_would_have_come(engine: Engine) -> None:
    params = SamplingParams(temperature=0.0, max_tokens=12, lookahead=2, lookahead_depth=4, seed=1)
    result = engine.submit(GenerationRequest(prompt="Once upon a time", params=params)).result()
    first = result.lookaheads[0]
    assert first.index == result.started.prompt_tokens
    for branch in first.branches:
        assert branch.continuation.encode() == b"".join(token.bytes for token in branch.tokens)
        assert all(math.exp(token.logprob) <= 1 for token in branch.tokens)
    shown = [candidate.id for candidate in result.tokens[0].candidates if candidate.id != result.tokens[0].id]
    assert [branch.id for branch in first.branches] == shown[:2]
