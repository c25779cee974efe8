"""However a request ends, and whatever the engine does at that moment, its stream ends in exactly one event."""

import random
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.errors import EngineClosed
from llmtui.engine.events import Failed, Finished, Prefilled, Queued, Started, Token
from llmtui.engine.imports import import_heavy_libraries
from llmtui.engine.loads import LoadTask
from llmtui.engine.runner import PackedRunner
from llmtui.engine.stream import GenerationResult, Stream
from llmtui.engine.watching import watch_running
from llmtui.models.errors import LoadCancelled, ModelError

GREEDY = SamplingParams(temperature=0.0, top_k=0, max_tokens=10, ignore_eos=True)
ENDLESS = SamplingParams(max_tokens=200, ignore_eos=True, seed=1)


def ask(length: int = 20, params: SamplingParams = ENDLESS, seed: int = 0, **fields: Any) -> GenerationRequest:
    ids = random.Random(seed).choices(range(5, 4000), k=length)
    return GenerationRequest(prompt_ids=ids, params=params, **fields)


def until(stream: Stream, kind: type[Any]) -> None:
    next(event for event in stream if isinstance(event, kind))


def only_end(stream: Stream) -> Finished | Failed:
    """The last event; checks that nothing comes after it."""
    ends = [event for event in stream if isinstance(event, (Finished, Failed))]
    assert len(ends) == 1
    assert stream._events.empty()
    return ends[0]


@pytest.mark.parametrize("state", [Queued, Started, Prefilled, Token])
def test_cancelled_while_another_model_is_loaded(
    engine: Engine, model_folder: Callable[[str], Path], state: type[Any]
) -> None:
    engine.load("tiny-tales").wait(60)
    stream = engine.submit(ask(300))
    tasks: list[LoadTask] = [engine.load(str(model_folder("llama"))), engine.load_beside(str(model_folder("qwen2")))]
    until(stream, state)
    stream.cancel()
    end = only_end(stream)
    assert isinstance(end, Finished)
    assert end.reason == "cancelled"
    for task in tasks:
        task.wait(60)
    assert engine.submit(ask(params=GREEDY)).result().tokens


@pytest.mark.parametrize("how", ["cancel, then close", "close, then cancel", "at the same time"])
def test_cancelled_while_the_engine_is_closed(how: str) -> None:
    engine = Engine("tiny-tales", max_running=2)
    engine.wait_until_loaded(60)
    streams = [engine.submit(ask(300, seed=n)) for n in range(5)]
    until(streams[0], Token)
    if how == "at the same time":
        threads = [threading.Thread(target=stream.cancel) for stream in streams]
        for thread in threads:
            thread.start()
        engine.close()
        for thread in threads:
            thread.join()
    else:
        steps: list[Callable[[], object]] = [lambda: [stream.cancel() for stream in streams], engine.close]
        for step in steps if how.startswith("cancel") else reversed(steps):
            step()
    for stream in streams:
        end = only_end(stream)
        assert isinstance(end, Finished)
        assert end.reason == "cancelled"


def test_whoever_comes_while_the_engine_closes_is_refused_or_ended() -> None:
    engine = Engine("tiny-tales", max_running=2, max_waiting=1000)
    engine.wait_until_loaded(60)
    streams: list[Stream] = []
    began = threading.Event()

    def keep_asking() -> None:
        for number in range(400):
            try:
                streams.append(engine.submit(ask(5, GREEDY, seed=number)))
            except EngineClosed:
                return
            began.set()

    asking = [threading.Thread(target=keep_asking) for _ in range(2)]
    for thread in asking:
        thread.start()
    assert began.wait(30)
    engine.close()
    for thread in asking:
        thread.join(30)
    assert streams
    for stream in streams:
        assert isinstance(only_end(stream), Finished)


def test_cancelling_again_and_after_the_end_changes_nothing(busy_engine: Engine) -> None:
    stream = busy_engine.submit(ask(params=GREEDY))
    end = only_end(stream)
    for _ in range(3):
        stream.cancel()
    busy_engine.run_job(lambda _: None).result(10)
    assert isinstance(end, Finished)
    assert end.reason == "length"
    assert stream._events.empty()
    assert busy_engine.stats().running == 0


def test_a_request_that_cannot_begin_fails_alone(busy_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = PackedRunner.begin

    def failing(self: Any, sequence: Any) -> int:
        if sequence.request.client == "unlucky":
            raise MemoryError("no room for its keys and values")
        return begin(self, sequence)

    monkeypatch.setattr(PackedRunner, "begin", failing)
    good = busy_engine.submit(ask(params=replace(GREEDY, max_tokens=30)))
    end = only_end(busy_engine.submit(ask(client="unlucky")))
    assert isinstance(end, Failed)
    assert "no room" in end.error
    assert len(good.result().tokens) == 30


def test_what_cannot_be_kept_of_a_request_does_not_change_its_end(
    busy_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_self: Any, _sequence: Any) -> None:
        raise MemoryError("no room to keep it")

    monkeypatch.setattr(PackedRunner, "end", failing)
    end = only_end(busy_engine.submit(ask(params=GREEDY)))
    assert isinstance(end, Finished)
    assert end.reason == "length"


def test_if_the_engines_thread_itself_dies_nobody_waits_in_vain() -> None:
    engine = Engine("tiny-tales", max_running=1)
    engine.wait_until_loaded(60)
    running, waiting = engine.submit(ask()), engine.submit(ask())
    until(running, Token)
    engine._loop.call(lambda: 1 // 0)
    for stream in (running, waiting):
        end = only_end(stream)
        assert isinstance(end, Failed)
        assert "division" in end.error
    assert engine.state == "degraded"
    with pytest.raises(EngineClosed):
        engine.submit(ask())


def test_commands_that_fail_while_the_thread_ends_leave_no_reader_waiting() -> None:
    with Engine("tiny-tales") as engine:
        engine.wait_until_loaded(60)
        gate = threading.Event()
        engine.run_job(lambda _: gate.wait(30))
        stream = engine.submit(ask())
        for _ in range(2):  # the first ends the thread
            engine._loop.call(lambda: 1 // 0)
        gate.set()
        assert stream.wait_for_end(20)
        assert isinstance(only_end(stream), Failed)


def test_what_is_handed_over_after_the_end_is_refused_at_once() -> None:
    engine = Engine()
    engine.close(timeout=20)
    done = threading.Event()
    job = engine._loop.run(lambda: 1, done.set)
    assert job.cancelled()
    assert done.is_set()


def test_whoever_began_to_watch_while_the_engine_closed_reads_to_the_end() -> None:
    engine = Engine("tiny-tales")
    engine.wait_until_loaded(60)
    stream = engine.submit(ask())
    until(stream, Token)
    (sequence,) = engine._admission.everybody()
    engine.close(timeout=20)
    watch = watch_running(sequence, engine._loop.call)
    assert watch.stream.wait_for_end(20)
    assert isinstance(only_end(watch.stream), Finished)


def test_a_job_may_close_the_engine() -> None:
    engine = Engine("tiny-tales")
    engine.wait_until_loaded(60)
    assert engine.run_job(lambda _: engine.close()).result(20) is None
    engine._loop._thread.join(20)
    assert (engine.state, engine._loop._thread.is_alive()) == ("closed", False)


@pytest.mark.parametrize("how", ["closed", "crashed"])
def test_a_load_that_outlives_the_engine_ends(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    import_heavy_libraries()
    from llmtui.engine import loading

    find_runner, reached, gate = loading.find_runner, threading.Event(), threading.Event()

    def late(*args: Any, **kwargs: Any) -> Any:
        reached.set()
        assert gate.wait(30)
        return find_runner(*args, **kwargs)

    monkeypatch.setattr(loading, "find_runner", late)
    engine = Engine()
    task = engine.load("tiny-tales")
    assert reached.wait(60)
    if how == "crashed":
        engine._loop.call(lambda: 1 // 0)
    else:
        engine.close()
    engine._loop._thread.join(20)
    assert task.cancel_requested.is_set()
    gate.set()
    with pytest.raises(LoadCancelled):
        task.wait(20)
    assert engine.models() == ()


def test_a_load_that_wants_room_after_a_crash_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asked for it may have kept it from being stopped: the answer comes from the engine's end itself."""
    engine = Engine()
    monkeypatch.setattr(engine._loop, "at_end", lambda: None)
    engine._loop.call(lambda: 1 // 0)
    engine._loop._thread.join(20)
    with pytest.raises(LoadCancelled):
        engine._arrivals.choose("tiny-tales", "auto", "auto").wait(60)


def test_a_panic_in_a_load_is_its_end(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    import_heavy_libraries()
    from llmtui.engine import loading

    class Panic(BaseException):
        """As pyo3 raises where Rust panics."""

    def panicking(*_: Any) -> Any:
        raise Panic("index out of bounds")

    monkeypatch.setattr(loading, "_read_tokenizer", panicking)
    with pytest.raises(ModelError, match="index out of bounds"):
        engine.load("tiny-tales").wait(60)
    engine._loop.run(lambda: None).result(20)
    assert not engine._residents._reserved


Plan = tuple[int, int, int, int, bool, bool, bool]


@settings(max_examples=8, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 160),  # tokens of the prompt
            st.integers(1, 20),  # new tokens at most
            st.integers(0, 6),  # tokens of the one before it until it comes
            st.integers(0, 2),  # of which client
            st.booleans(),  # exact
            st.booleans(),  # begins as the one before it did, and names it as its parent
            st.booleans(),  # its reader leaves after two tokens
        ),
        min_size=2,
        max_size=10,
    )
)
def test_in_any_schedule_each_request_gets_what_it_gets_alone_and_ends_once(
    busy_engine: Engine, plans: list[Plan]
) -> None:
    salt = random.random()
    streams: list[tuple[GenerationRequest, Stream, bool, list[Any]]] = []
    for number, (length, tokens, delay, client, exact, forks, leaves) in enumerate(plans):
        before = streams[-1] if streams else None
        while before is not None and delay and (event := before[1].poll(timeout=20)) is not None:
            before[3].append(event)
            delay -= isinstance(event, Token)
        request = ask(length, replace(GREEDY, max_tokens=tokens, exact=exact), number + 1, client=f"{client} {salt}")
        if forks and before is not None and before[0].prompt_ids is not None and request.prompt_ids is not None:
            beginning = list(before[0].prompt_ids)[: length - 1]
            ids = [*beginning, *request.prompt_ids[len(beginning) :]]
            request = replace(request, prompt_ids=ids, parent=before[0].request_id, client=before[0].client)
        streams.append((request, busy_engine.submit(request), leaves, []))
    for request, stream, leaves, seen in streams:
        while (event := stream.poll(timeout=20)) is not None:
            seen.append(event)
            if leaves and sum(isinstance(e, Token) for e in seen) == 2:
                stream.cancel()
        ends = [event for event in seen if isinstance(event, (Finished, Failed))]
        assert [type(end) for end in ends] == [Finished]
        assert seen[-1] is ends[0]
        assert_as_alone(busy_engine, request, [event for event in seen if isinstance(event, Token)])


def assert_as_alone(engine: Engine, request: GenerationRequest, together: list[Token]) -> None:
    """Token by token: equal bits for an exact request, rounding apart for any other."""
    fresh = {"request_id": f"{request.request_id} alone", "parent": None, "client": f"{request.request_id} alone"}
    alone: GenerationResult = engine.submit(
        replace(request, params=replace(request.params, exact=True), **fresh)
    ).result()
    assert len(together) <= len(alone.tokens)
    for token, expected in zip(together, alone.tokens, strict=False):
        if request.params.exact:
            assert (token.id, token.logprob, token.candidates) == (expected.id, expected.logprob, expected.candidates)
        assert token.id == expected.id
        assert token.logprob == pytest.approx(expected.logprob, abs=1e-4)
        assert token.entropy_bits == pytest.approx(expected.entropy_bits, abs=1e-3)
        ours = {candidate.id: candidate.logprob for candidate in token.candidates}
        theirs = {candidate.id: candidate.logprob for candidate in expected.candidates}
        shared = ours.keys() & theirs.keys()
        assert len(shared) >= len(ours) - 1
        assert {i: ours[i] for i in shared} == pytest.approx({i: theirs[i] for i in shared}, abs=1e-4)
