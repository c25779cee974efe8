"""A second reader of a request's events, against what its own reader gets."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from tokens import make_token

from llmtui.engine import ChatMessage, Engine, GenerationRequest, SamplingParams, loop
from llmtui.engine.admission import Admission
from llmtui.engine.errors import RequestEnded
from llmtui.engine.events import Event, Finished, Queued, Started, Token
from llmtui.engine.loaded import LoadedModel
from llmtui.engine.stream import Stream
from llmtui.engine.watching import KEPT_ENDED, REPLAYED, TOP_CANDIDATES, Watch, WatchedStream

PROMPT = "Once upon a time"
ENDLESS = SamplingParams(max_tokens=400, ignore_eos=True, seed=1, top_logprobs=0)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        threading.Event().wait(0.005)


def begun(engine: Engine, tokens: int, **fields: object) -> tuple[Stream, list[Event]]:
    """A request that has drawn so many tokens, and the events of it so far."""
    params = {"prompt": PROMPT} | fields
    stream = engine.submit(GenerationRequest(params=ENDLESS, **params))  # type: ignore[arg-type]
    events: list[Event] = []
    while sum(isinstance(event, Token) for event in events) < tokens:
        event = stream.poll(timeout=20)
        assert event is not None
        events.append(event)
    return stream, events


def test_a_watcher_gets_all_that_was_and_all_that_comes(tiny_tales_engine: Engine) -> None:
    stream, before = begun(tiny_tales_engine, 7)
    watch = tiny_tales_engine.watch(stream.request_id)
    while sum(isinstance(event, Token) for event in before) < 60:
        event = stream.poll(timeout=20)
        assert event is not None
        before.append(event)
    stream.cancel()
    own = [*before, *stream]
    seen = list(watch.stream)
    assert [type(event) for event in seen] == [type(event) for event in own]
    assert seen[-1] is own[-1]
    assert isinstance(own[-1], Finished)
    for mine, theirs in zip(own, seen, strict=True):
        if isinstance(mine, Token) and isinstance(theirs, Token):
            assert replace(theirs, candidates=()) == replace(mine, candidates=())
        else:
            assert mine == theirs


def test_tokens_drawn_while_watched_have_candidates_and_their_own_reader_gets_what_it_asked_for(
    tiny_tales_engine: Engine, tiny_tales: LoadedModel
) -> None:
    stream, before = begun(tiny_tales_engine, 3)
    watch = tiny_tales_engine.watch(stream.request_id)
    seen = [watch.stream.poll(timeout=20) for _ in range(30)]
    stream.cancel()
    own = [event for event in [*before, *stream] if isinstance(event, Token)]
    tokens = [event for event in seen if isinstance(event, Token)]
    assert watch.rich_from is not None
    assert all(len(token.candidates) == 1 for token in own)
    assert all(len(token.candidates) == 1 for token in tokens if token.index < watch.rich_from)
    rich = next(token for token in tokens if token.index >= watch.rich_from)
    ids = [*tiny_tales.tokenizer(PROMPT)["input_ids"], *(token.id for token in own)][: rich.index]
    with torch.inference_mode():
        logits = tiny_tales.model(torch.tensor([ids])).logits[0, -1].float()
    top = torch.log_softmax(logits, dim=-1).topk(TOP_CANDIDATES)
    assert [candidate.id for candidate in rich.candidates[:TOP_CANDIDATES]] == top.indices.tolist()
    for candidate, expected in zip(rich.candidates, top.values.tolist(), strict=False):
        assert candidate.logprob == pytest.approx(expected, abs=1e-4)
    assert math.fsum(candidate.sampled_prob or 0.0 for candidate in rich.candidates) <= 1.0 + 1e-9


def test_watching_says_whose_request_it_is_and_shows_every_kind_of_prompt_as_text(tiny_tales_engine: Engine) -> None:
    ids = tiny_tales_engine.tokenize(PROMPT)
    for fields in ({}, {"prompt": None, "prompt_ids": ids}):
        stream, _ = begun(tiny_tales_engine, 1, client="alice", **fields)
        watch = tiny_tales_engine.watch(stream.request_id)
        assert (watch.request.client, watch.prompt, watch.model) == ("alice", PROMPT, tiny_tales_engine.model)
        stream.cancel()
        assert isinstance(list(stream)[-1], Finished)


def test_the_conversation_is_shown_as_the_template_made_it(tiny_tales_engine: Engine) -> None:
    messages = [ChatMessage(role="user", content="Tell me a tale.")]
    assert tiny_tales_engine.model is not None
    if not tiny_tales_engine.model.has_chat_template:
        pytest.skip("the embedded model has no chat template")
    stream, _ = begun(tiny_tales_engine, 1, prompt=None, messages=messages)
    assert "Tell me a tale." in tiny_tales_engine.watch(stream.request_id).prompt
    stream.cancel()
    assert isinstance(list(stream)[-1], Finished)


def test_whoever_stops_watching_changes_nothing_for_the_request(tiny_tales_engine: Engine) -> None:
    alone = tiny_tales_engine.submit(GenerationRequest(prompt=PROMPT, params=ENDLESS)).result()
    stream, _ = begun(tiny_tales_engine, 2)
    watch = tiny_tales_engine.watch(stream.request_id)
    assert isinstance(watch.stream.poll(timeout=20), Queued)
    watch.stream.cancel()
    tiny_tales_engine.run_job(lambda _: None).result(timeout=20)
    watch.stream.drain()
    finished = list(stream)[-1]
    assert isinstance(finished, Finished)
    assert (finished.reason, finished.text) == ("length", alone.text)
    assert (watch.stream.drain(), watch.stream.ended) == ([], False)


def test_the_last_requests_that_ended_can_be_read_over_and_older_ones_are_forgotten(tiny_tales_engine: Engine) -> None:
    params = SamplingParams(max_tokens=2, ignore_eos=True, prompt_logprobs=True)
    first = tiny_tales_engine.submit(GenerationRequest(prompt=PROMPT, params=params, client="alice"))
    events = list(first)
    tiny_tales_engine.run_job(lambda _: None).result(timeout=20)
    view = tiny_tales_engine.ended_requests()[-1]
    assert (view.id, view.client, view.state, view.generated_tokens) == (first.request_id, "alice", "finished", 2)
    assert first.request_id not in [view.id for view in tiny_tales_engine.requests()]
    watch = tiny_tales_engine.watch(first.request_id)
    assert list(watch.stream) == events
    assert watch.prompt == PROMPT
    for _ in range(KEPT_ENDED):
        tiny_tales_engine.submit(GenerationRequest(prompt=PROMPT, params=SamplingParams(max_tokens=1))).result()
    tiny_tales_engine.run_job(lambda _: None).result(timeout=20)
    assert len(tiny_tales_engine.ended_requests()) == KEPT_ENDED
    with pytest.raises(RequestEnded, match=f"{first.request_id} has ended"):
        tiny_tales_engine.watch(first.request_id)


def test_how_a_request_ended_is_remembered(tiny_tales_engine: Engine) -> None:
    stream, _ = begun(tiny_tales_engine, 2)
    stream.cancel()
    list(stream)
    tiny_tales_engine.run_job(lambda _: None).result(timeout=20)
    assert tiny_tales_engine.ended_requests()[-1].state == "cancelled"


def test_one_that_waits_can_be_watched_from_its_first_event_on(tiny_tales_engine: Engine) -> None:
    running = [begun(tiny_tales_engine, 1)[0] for _ in range(4)]
    waiting = tiny_tales_engine.submit(GenerationRequest(prompt=PROMPT, params=ENDLESS))
    watch = tiny_tales_engine.watch(waiting.request_id)
    assert isinstance(watch.stream.poll(timeout=20), Queued)
    for stream in running:
        stream.cancel()
    assert isinstance(watch.stream.poll(timeout=20), Started)
    waiting.cancel()
    assert isinstance(list(watch.stream)[-1], Finished)


def test_one_that_is_just_ending_can_be_watched(tiny_tales_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """At every moment of its end, seen from another thread."""
    watches: dict[str, Watch] = {}

    def watch_at(moment: str, request_id: str) -> None:
        def look() -> None:
            watches[moment] = tiny_tales_engine.watch(request_id)

        looking = threading.Thread(target=look)
        looking.start()
        looking.join()

    def between(moment: str, step: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(*args: Any) -> Any:
            watch_at(f"before {moment}", args[-1].request.request_id)
            result = step(*args)
            watch_at(f"after {moment}", args[-1].request.request_id)
            return result

        return stepped

    monkeypatch.setattr(Admission, "leave", between("leaving", Admission.leave))
    monkeypatch.setattr(loop, "remember", between("remembering", loop.remember))
    params = SamplingParams(max_tokens=2, ignore_eos=True)
    events = list(tiny_tales_engine.submit(GenerationRequest(prompt=PROMPT, params=params)))
    wait_until(lambda: len(watches) == 4)
    for watch in watches.values():
        assert list(watch.stream) == events


def test_what_is_kept_is_bounded_and_begins_with_how_it_started() -> None:
    stream = WatchedStream("r", lambda: None)
    heads = [Queued("r", 0), Started("r", "m", 1, 9999, 1)]
    for event in heads:
        stream.put(event)
    drawn = [make_token(index=place) for place in range(REPLAYED + 500)]
    for token in drawn:
        stream.put(token)
    reader = Stream("r", lambda: None)
    stream.join(reader)
    assert reader.drain() == [*heads, *drawn[500:]]


def test_nothing_richer_is_made_while_nobody_watches() -> None:
    def never() -> Event:
        raise AssertionError("nobody watches")

    stream = WatchedStream("r", lambda: None)
    stream.hold(Queued("r", 0), never)
    reader = Stream("r", lambda: None)
    stream.join(reader)
    stream.hold(Queued("r", 1), lambda: Queued("r", 2))
    stream.release()
    assert (stream.drain(), reader.drain()) == ([Queued("r", 0), Queued("r", 1)], [Queued("r", 0), Queued("r", 2)])
    stream.leave(reader)
    stream.leave(reader)
    stream.hold(Queued("r", 3), never)
    stream.release()
    assert reader.drain() == []


def test_held_events_come_out_at_release_or_before_the_next_that_is_put_and_each_once() -> None:
    own, early, late = WatchedStream("x", lambda: None), Stream("x", lambda: None), Stream("x", lambda: None)
    own.put(Queued("x", 0))
    own.join(early)
    first, second, third = (make_token(index=n) for n in range(3))
    rich = make_token(index=9)
    own.hold(first, lambda: rich)
    own.hold(second)
    assert own.drain() == [Queued("x", 0)]
    own.release()
    own.release()
    assert own.drain() == [first, second]
    own.hold(third)
    own.join(late)
    own.hold(first)
    own.put(second)
    assert own.drain() == [third, first, second]
    assert early.drain() == [Queued("x", 0), rich, second, third, first, second]
    assert late.drain() == [Queued("x", 0), first, second, third, first, second]
