"""Many requests at once in the real engine: each gets what it would get alone, in fair turns, and fails alone."""

import random
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from architectures import copy_tokenizer, make_model
from hypothesis import given, settings
from hypothesis import strategies as st

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.events import Failed, Finished, Prefilled, Started, Token
from llmtui.engine.requests import ParameterError
from llmtui.engine.scheduler import Scheduler
from llmtui.engine.stream import GenerationResult, Stream

pytestmark = pytest.mark.usefixtures("each_kernels")


@pytest.fixture(scope="module")
def busy_engine(each_kernels: None) -> Iterator[Engine]:  # noqa: ARG001  # a new one for each: it remembers prompts
    with Engine("tiny-tales") as engine:
        engine.wait_until_loaded(60)
        yield engine


GREEDY = SamplingParams(temperature=0.0, top_k=0, max_tokens=12, ignore_eos=True)
ENDLESS = SamplingParams(max_tokens=300, ignore_eos=True, seed=1)


def ids_of(length: int, seed: int) -> list[int]:
    return random.Random(seed).choices(range(5, 4000), k=length)


def ask(length: int, seed: int, params: SamplingParams, client: str = "local") -> GenerationRequest:
    return GenerationRequest(prompt_ids=ids_of(length, seed), params=params, client=client)


def until(stream: Stream, kind: type[Any], count: int = 1) -> None:
    """Read events until so many of a kind have come."""
    for event in stream:
        count -= isinstance(event, kind)
        if not count:
            return
    raise AssertionError(f"no {kind.__name__} came")


def test_tiny_tales_runs_many_sequences_in_one_forward(busy_engine: Engine) -> None:
    assert busy_engine.model is not None
    assert busy_engine.model.engine_path == "many sequences in one forward"


@settings(max_examples=6, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 150), st.integers(1, 12), st.integers(0, 6), st.booleans()), min_size=2, max_size=8
    )
)
def test_whoever_comes_and_goes_each_request_gets_what_it_gets_alone(
    busy_engine: Engine, plans: list[tuple[int, int, int, bool]]
) -> None:
    """plans: prompt length, new tokens, after how many tokens of the one before it arrives, whether it is stopped."""
    streams: list[tuple[GenerationRequest, Stream, bool, list[Any]]] = []
    for number, (length, tokens, delay, stopped) in enumerate(plans):
        if streams:
            _, earlier, _, seen = streams[-1]
            while delay and (event := earlier.poll(timeout=20)) is not None:
                seen.append(event)
                delay -= isinstance(event, Token)
        request = ask(length, number, replace(GREEDY, max_tokens=tokens))
        streams.append((request, busy_engine.submit(request), stopped, []))
        if stopped:
            streams[-1][1].cancel()
    for request, stream, stopped, seen in streams:
        seen.extend(stream)
        finished = seen[-1]
        assert isinstance(finished, Finished)
        assert finished.reason == "cancelled" or not stopped or finished.reason == "length"
        together = [event for event in seen if isinstance(event, Token)]
        alone = busy_engine.submit(replace(request, request_id="alone", params=replace(request.params, exact=True)))
        for token, expected in zip(together, alone.result().tokens, strict=False):
            assert token.id == expected.id
            assert token.logprob == pytest.approx(expected.logprob, abs=1e-4)
            assert token.entropy_bits == pytest.approx(expected.entropy_bits, abs=1e-3)


def test_every_token_tells_how_many_rows_shared_its_forward(busy_engine: Engine) -> None:
    alone = busy_engine.submit(ask(30, 1, GREEDY, client="a first one")).result()
    assert [token.rows for token in alone.tokens] == [30] + [1] * 11
    streams = [busy_engine.submit(ask(5, n, replace(GREEDY, max_tokens=40))) for n in range(6)]
    rows = [token.rows for stream in streams for token in stream.result().tokens]
    assert rows.count(6) > 50


def bits_of(result: GenerationResult) -> list[tuple[Any, ...]]:
    return [(t.id, t.logprob, t.entropy_bits, t.u, t.sampled_prob, t.candidates) for t in result.tokens]


def test_an_exact_request_gives_the_same_bits_in_any_company(busy_engine: Engine) -> None:
    request = ask(150, 9, SamplingParams(seed=5, max_tokens=10, ignore_eos=True, exact=True))
    alone = busy_engine.submit(request).result()
    company = [busy_engine.submit(ask(40 + n, n, ENDLESS)) for n in range(5)]
    for stream in company:
        until(stream, Token)
    accompanied = busy_engine.submit(replace(request, request_id="again", client="another")).result()
    assert bits_of(accompanied) == bits_of(alone)
    assert [token.rows for token in accompanied.tokens] == [150 - 128] + [1] * 9
    for stream in company:
        stream.cancel()
        assert stream.result().finished.reason == "cancelled"


def test_a_long_prompt_arriving_does_not_stop_the_tokens_of_others(busy_engine: Engine) -> None:
    running = busy_engine.submit(ask(5, 1, ENDLESS))
    until(running, Token, 3)
    arriving = busy_engine.submit(ask(400, 2, replace(GREEDY, max_tokens=1), client="one with a long prompt"))
    done = [0, *(event.done for event in arriving if isinstance(event, Prefilled))]
    running.cancel()
    beside = [event.rows - 1 for event in running if isinstance(event, Token) and event.rows > 1]
    assert beside == [after - before for before, after in pairwise(done)]
    assert (sum(beside), len(beside) > 1) == (400, True)


def test_no_prompt_is_moved_while_others_wait_for_their_next_token(busy_engine: Engine) -> None:
    running = busy_engine.submit(ask(60, 1, replace(ENDLESS, max_tokens=150)))
    arriving = busy_engine.submit(ask(300, 2, replace(ENDLESS, max_tokens=200), client="a new one"))

    def capacities() -> list[int]:
        everybody = busy_engine._admission.everybody()
        return [sequence.cache.shelf.capacity for sequence in everybody]

    until(arriving, Started)
    at_first = busy_engine.run_job(lambda _: capacities()).result(10)
    until(arriving, Token, 3)
    assert busy_engine.run_job(lambda _: capacities()).result(10) == at_first == [256, 512]
    for stream in (running, arriving):
        stream.cancel()
        stream.result()


@pytest.mark.parametrize("state", [Started, Prefilled, Token])
def test_cancelling_in_any_state_ends_once_and_leaves_the_others_alone(busy_engine: Engine, state: type[Any]) -> None:
    kept = busy_engine.submit(ask(20, 1, replace(GREEDY, max_tokens=30)))
    until(kept, Token)
    doomed = busy_engine.submit(ask(300, 2, replace(ENDLESS, max_tokens=200)))
    until(doomed, state)
    doomed.cancel()
    rest = list(doomed)
    assert [type(event) for event in rest if isinstance(event, (Finished, Failed))] == [Finished]
    assert rest[-1].reason == "cancelled"
    alone = busy_engine.submit(ask(20, 1, replace(GREEDY, max_tokens=30))).result()
    assert kept.result().text == alone.text
    assert busy_engine.stats().running == 0


def test_a_forward_that_fails_ends_only_the_request_to_blame(
    busy_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = busy_engine.run_job(lambda loaded: loaded).result(10)
    forward = type(loaded.runner).forward
    poison = 4321

    def failing(self: Any, work: Any) -> Any:
        outputs = forward(self, work)
        if any(poison in part.sequence.ids[part.begin : part.end] for part in work):
            raise RuntimeError("out of memory")
        return outputs

    params = replace(GREEDY, max_tokens=15)
    expected = [busy_engine.submit(ask(20, n, params)).result().text for n in range(3)]
    monkeypatch.setattr(type(loaded.runner), "forward", failing)
    good = [busy_engine.submit(ask(20, n, params)) for n in range(3)]
    for stream in good:
        until(stream, Token)
    bad = busy_engine.submit(GenerationRequest(prompt_ids=[5, 6, poison], params=ENDLESS))
    end = list(bad)[-1]
    assert isinstance(end, Failed)
    assert "out of memory" in end.error
    assert [stream.result().text for stream in good] == expected


@contextmanager
def held(engine: Engine) -> Iterator[None]:
    """The engine takes no step inside: what is submitted there arrives at once."""
    gate = threading.Event()
    job = engine.run_job(lambda _: gate.wait(30))
    try:
        yield
    finally:
        gate.set()
    assert job.result(30)


def ended_before(single: Stream, many: list[Stream]) -> int:
    limit = single.result().finished.timings.total
    return sum(stream.result().finished.timings.total < limit for stream in many)


def test_a_client_with_fifty_requests_does_not_hold_up_anothers_single_one() -> None:
    with Engine("tiny-tales", max_running=4, max_waiting=60) as engine:
        engine.wait_until_loaded(60)
        params = replace(GREEDY, max_tokens=2)
        with held(engine):
            many = [engine.submit(ask(8, n, params, client="many")) for n in range(50)]
            single = engine.submit(ask(8, 99, params, client="single"))
        assert ended_before(single, many) <= 4


def test_of_two_clients_prompts_the_single_one_is_not_read_last(busy_engine: Engine) -> None:
    params = replace(GREEDY, max_tokens=1)
    with held(busy_engine):
        many = [busy_engine.submit(ask(300, n, params, client="many")) for n in range(8)]
        single = busy_engine.submit(ask(300, 50, params, client="single"))
    assert ended_before(single, many) <= 3


def test_a_model_that_cannot_be_packed_still_serves_several_at_once(engine: Engine, tmp_path: Path) -> None:
    model = make_model("bloom", vocab_size=5120)
    model.save_pretrained(tmp_path)
    copy_tokenizer(tmp_path)
    info = engine.load(str(tmp_path)).wait(60)
    assert info.engine_path == "one sequence at a time"
    streams = [engine.submit(ask(100, n, replace(GREEDY, max_tokens=10))) for n in range(4)]
    for number, stream in enumerate(streams):
        ids = ids_of(100, number)
        expected = model.generate(torch.tensor([ids]), max_new_tokens=10, min_new_tokens=10, do_sample=False)
        tokens = stream.result().tokens
        assert [token.id for token in tokens] == expected[0, 100:].tolist()
        assert {token.rows for token in tokens[1:]} == {1}


def test_two_models_at_once_share_the_engines_steps(engine: Engine, model_folder: Callable[[str], Path]) -> None:
    engine.load("tiny-tales").wait(60)
    first = [engine.submit(ask(10, n, replace(GREEDY, max_tokens=30))) for n in range(3)]
    engine.load(str(model_folder("llama"))).wait(60)
    second = engine.submit(ask(10, 1, GREEDY))
    names = {stream.result().started.model for stream in first}
    assert names == {"tiny-tales"}
    assert len(second.result().tokens) == 12


def test_exact_must_be_a_yes_or_a_no() -> None:
    with pytest.raises(ParameterError, match="exact"):
        SamplingParams(exact="no")  # type: ignore[arg-type]


class ChangedWhileRead(OrderedDict[str, deque[Any]]):
    """The engine's thread adds a client in the middle of every walk over the others."""

    def values(self) -> Any:
        for queue in super().values():
            yield queue
            self[f"client {len(self)}"] = deque()


def test_how_many_wait_can_be_asked_while_clients_come_and_go() -> None:
    scheduler = Scheduler(max_running=1)
    scheduler._waiting = ChangedWhileRead()
    sequences: list[Any] = [SimpleNamespace(request=SimpleNamespace(client=client), model=None) for client in "aab"]
    counts = []
    for sequence in sequences:
        assert scheduler.add(sequence) == scheduler.waiting - 1
        counts.append(scheduler.waiting)
    scheduler.admit()
    counts.append(scheduler.waiting)
    for sequence in (sequences[2], sequences[2], sequences[0], sequences[1]):
        scheduler.drop(sequence)
        counts.append(scheduler.waiting)
    assert counts == [1, 2, 3, 2, 1, 1, 1, 0]
