"""What an answer's reader is told together, and what never waits."""

import threading
import time
from collections.abc import Iterator

import pytest
from tokens import make_token

from llmtui.engine.events import Event, Failed, Finished, Queued, Started, Timings, Token, Usage
from llmtui.engine.stream import Stream
from llmtui.server import batch
from llmtui.server.batch import Batch, Bundle
from llmtui.server.errors import ApiError
from llmtui.server.generation import Generation, Watcher
from llmtui.server.metrics import GenerationMeter, Metrics
from llmtui.server.streaming import written
from llmtui.server.usage import UsageCounter

TIMINGS = Timings(0.0, 0.0, None, 0.0, 0.0)
FINISHED = Finished("length", "", "", 3, None, Usage(1, 3), TIMINGS)
LONG_SECONDS = 60.0  # longer than a test may take: who waits for it fails


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TELLING_SECONDS", "FAST_TELLING_SECONDS", "POLL_SECONDS"):
        monkeypatch.setattr(batch, name, LONG_SECONDS)


def running(*watchers: Watcher) -> tuple[Stream, Batch]:
    stream = Stream("r", lambda: None)
    return stream, Batch("r", [lambda _: Generation(stream, watchers)])


def token(index: int) -> Token:
    return make_token(index=index)


def tell(stream: Stream, *events: Event) -> None:
    for event in events:
        stream.put(event)


def events_of(bundle: Bundle) -> list[Event]:
    return [event for _, event in bundle]


@pytest.mark.usefixtures("unhurried")
def test_what_comes_after_a_token_is_gathered_and_the_end_waits_for_nothing() -> None:
    stream, answer = running()
    bundles = answer.bundles(lambda: False)
    started, tokens = Started("r", "m", 1, 3, 0), [token(i) for i in (1, 2, 3)]
    tell(stream, Queued("r", 0))
    assert events_of(next(bundles)) == [Queued("r", 0)]
    tell(stream, started, tokens[0])
    assert events_of(next(bundles)) == [started, tokens[0]]
    tell(stream, *tokens[1:], FINISHED)
    assert events_of(next(bundles)) == [*tokens[1:], FINISHED]
    assert answer.ended
    assert list(bundles) == []


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("before", [Queued("r", 0), Started("r", "m", 1, 3, 0)])
def test_the_first_token_is_told_at_once_whatever_was_told_before(before: Event) -> None:
    stream, answer = running()
    bundles = answer.bundles(lambda: False)
    tell(stream, before)
    next(bundles)
    tell(stream, token(1))
    assert events_of(next(bundles)) == [token(1)]


def test_only_tokens_that_came_together_make_the_next_ones_wait_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "FAST_TELLING_SECONDS", LONG_SECONDS)
    stream, answer = running()
    bundles = answer.bundles(lambda: False)
    tell(stream, token(1))
    next(bundles)
    tell(stream, token(2), token(3))
    assert events_of(next(bundles)) == [token(2), token(3)]
    tell(stream, token(4))
    threading.Timer(0.1, stream.put, [FINISHED]).start()
    assert events_of(next(bundles)) == [token(4), FINISHED]


def test_tokens_that_came_together_are_followed_after_their_own_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "TELLING_SECONDS", LONG_SECONDS)
    stream, answer = running()
    bundles = answer.bundles(lambda: False)
    tell(stream, token(1), token(2))
    next(bundles)
    tell(stream, token(3))
    assert events_of(next(bundles)) == [token(3)]


def test_a_token_goes_out_although_no_other_follows() -> None:
    stream, answer = running()
    bundles = answer.bundles(lambda: False)
    for index in (1, 2):
        tell(stream, token(index))
        assert events_of(next(bundles)) == [token(index)]


@pytest.mark.usefixtures("unhurried")
def test_several_answers_of_a_request_do_not_wait_for_the_first_ones_end() -> None:
    first, second = Stream("r.0", lambda: None), Stream("r.1", lambda: None)
    answer = Batch("r", [lambda _: Generation(first, []), lambda _: Generation(second, [])])
    bundles = answer.bundles(lambda: False)
    tell(first, token(1))
    assert next(bundles) == [(0, token(1))]
    tell(second, token(1), FINISHED)
    assert next(bundles) == [(1, token(1)), (1, FINISHED)]


def test_what_was_told_but_not_read_counts_where_the_client_leaves() -> None:
    used: list[Usage] = []
    stream, answer = running(UsageCounter(used.append))
    tell(stream, Started("r", "m", 5, 9, 0), token(5), token(6))
    answer.cancel()
    assert used == [Usage(5, 2)]


def test_times_between_tokens_are_those_of_the_engine_not_of_the_reader() -> None:
    metrics = Metrics(engine=None, answers=None)  # type: ignore[arg-type]  # of these no number is asked
    meter = GenerationMeter(metrics, "")
    now = time.perf_counter()
    for index, told_at in ((1, now), (2, now + 0.25), (3, now + 1.0)):
        meter.see(token(index), told_at)
    (found,) = metrics.between.collect()
    values = {sample.name: sample.value for sample in found.samples}
    assert values["llmtui_inter_token_seconds_count"] == 2
    assert values["llmtui_inter_token_seconds_sum"] == pytest.approx(1.0)


def test_a_stream_knows_when_an_event_was_told() -> None:
    stream = Stream("r", lambda: None)
    before = time.perf_counter()
    stream.put(Queued("r", 0))
    after = time.perf_counter()
    stream.poll()
    assert before <= stream.told_at <= after


def test_a_stream_that_failed_has_an_end_to_wait_for() -> None:
    stream = Stream("r", lambda: None)
    stream.put(Queued("r", 0))
    assert not stream.wait_for_end(0.0)
    stream.put(Failed("", Usage(0, 0), TIMINGS))
    assert stream.wait_for_end(0.0)


def test_lines_that_were_made_before_one_fails_are_written_before_it_says_so() -> None:
    def lines(words: str) -> Iterator[str]:
        for word in words.split():
            if word == "bad":
                raise ApiError(503, "cancelled", "stopped")
            yield f"{word};"

    told = list(written(["one two", "", "three bad four"], lines, lambda error: f"{error.code}!"))
    assert told == ["one;two;", "three;cancelled!"]
