"""A request whose time is up ends once, as it is, wherever it stands; the others go on."""

import math
import threading
import time
from typing import Any

import pytest

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.errors import ParameterError
from llmtui.engine.events import Failed, Finished, Prefilled, Token
from llmtui.engine.runner import PackedRunner

LONG = SamplingParams(max_tokens=400, ignore_eos=True, seed=1)
# at most: what a step takes under load on top of the deadline
SLACK = 3.0


@pytest.fixture
def slow(busy_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Steps of 20 ms at least, so that a long generation takes seconds on any machine."""
    forward = PackedRunner.forward

    def slowly(self: Any, work: Any) -> Any:
        threading.Event().wait(0.02)
        return forward(self, work)

    monkeypatch.setattr(PackedRunner, "forward", slowly)
    return busy_engine


def ends_of(events: list[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, (Finished, Failed))]


def test_a_running_request_ends_with_what_it_has(slow: Engine) -> None:
    beside = slow.submit(GenerationRequest(prompt="Once", params=SamplingParams(max_tokens=60, ignore_eos=True)))
    events = list(slow.submit(GenerationRequest(prompt="Once upon a time", params=LONG, deadline=1.0)))
    (end,) = ends_of(events)
    tokens = [event for event in events if isinstance(event, Token)]
    assert (end.reason, end.usage.completion_tokens) == ("deadline", len(tokens))
    assert 0 < len(tokens) < 100
    assert end.text == "".join(token.delta for token in tokens) + end.delta
    assert 1.0 < end.timings.total < 1.0 + SLACK
    assert len(beside.result().tokens) == 60


def test_a_prompt_that_is_being_read_ends_without_a_token(slow: Engine) -> None:
    running = slow.submit(GenerationRequest(prompt="Once", params=LONG))
    next(event for event in running if isinstance(event, Token))
    request = GenerationRequest(prompt_ids=[9] * 450, params=SamplingParams(exact=True, max_tokens=4), deadline=0.06)
    events = list(slow.submit(request))
    running.cancel()
    (end,) = ends_of(events)
    assert (end.reason, end.usage.completion_tokens, end.timings.first_token) == ("deadline", 0, None)
    assert all(event.done < 450 for event in events if isinstance(event, Prefilled))
    assert running.result().finished.reason == "cancelled"


def test_a_waiting_request_ends_without_having_started() -> None:
    with Engine("tiny-tales", max_running=1) as engine:
        engine.wait_until_loaded(60)
        gate = threading.Event()
        job = engine.run_job(lambda _: gate.wait(30))
        running = engine.submit(GenerationRequest(prompt="Once", params=LONG))
        waiting = engine.submit(GenerationRequest(prompt="Once", params=LONG, deadline=0.05))
        time.sleep(0.06)  # the engine's thread is held: nothing else can be waited for
        gate.set()
        assert job.result(30)
        end = waiting.result()
        running.cancel()
        assert (end.finished.reason, end.tokens, end.finished.text) == ("deadline", (), "")
        assert running.result().finished.reason == "cancelled"


def test_a_request_that_is_done_in_time_ends_as_without_a_deadline(busy_engine: Engine) -> None:
    params = SamplingParams(max_tokens=5, ignore_eos=True)
    result = busy_engine.submit(GenerationRequest(prompt="Once", params=params, deadline=600)).result()
    assert (result.finished.reason, len(result.tokens)) == ("length", 5)


@pytest.mark.parametrize("deadline", [0, -1.0, math.nan, True, "soon"])
def test_a_deadline_is_a_number_of_seconds_above_zero(deadline: Any) -> None:
    with pytest.raises(ParameterError, match="deadline"):
        GenerationRequest(prompt="a", deadline=deadline)
