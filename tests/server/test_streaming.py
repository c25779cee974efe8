"""Server-sent events, and clients that leave."""

import socket
import struct
from collections.abc import Callable

import pytest
from api_client import Api, until

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.events import Failed, Finished, Started, Timings, Usage
from llmtui.server.answers import Answer
from llmtui.server.batch import Batch
from llmtui.server.errors import ApiError
from llmtui.server.generation import Generation
from llmtui.server.schemas import generate_body
from llmtui.settings import Settings

PROMPT = "Once upon a time"
NOTICED_SECONDS = 1.0


def test_deltas_join_to_the_plain_answer_of_the_same_seed(api: Api) -> None:
    asked = {"prompt": PROMPT, "seed": 3, "temperature": 1.2, "max_length": 80}
    plain = api.generate(**asked).json
    events = api.generate(**asked, stream=True).events
    assert PROMPT + "".join(event["delta"] for event in events) == plain["generated_text"]
    assert [event["event"] for event in events] == ["token"] * plain["metadata"]["completion_tokens"] + ["finished"]


def test_deltas_never_show_the_stop_text_that_the_plain_answer_cuts(api: Api) -> None:
    whole = api.generate(prompt=PROMPT, temperature=0, max_length=40).json["generated_text"].removeprefix(PROMPT)
    stop = whole[20:27]
    events = api.generate(prompt=PROMPT, temperature=0, max_length=40, stop=stop, stream=True).events
    assert "".join(event["delta"] for event in events) == whole[: whole.index(stop)]


def test_the_last_event_is_the_plain_answer(api: Api) -> None:
    asked = {"prompt": PROMPT, "seed": 3, "max_length": 30}
    plain = api.generate(**asked).json
    last = api.generate(**asked, stream=True).events[-1]
    assert last.pop("event") == "finished"
    last.pop("delta")
    assert set(last) == set(plain)
    assert set(last["metadata"]) == set(plain["metadata"])
    assert (last["success"], last["generated_text"]) == (True, plain["generated_text"])
    assert last["parameters"] == plain["parameters"]


def test_token_events_carry_the_same_facts_as_the_plain_answers_tokens(api: Api) -> None:
    asked = {"prompt": PROMPT, "seed": 3, "max_length": 12, "top_logprobs": 4}
    plain = api.generate(**asked).json["metadata"]["tokens"]
    streamed = api.generate(**asked, stream=True).events[:-1]
    measured = {"event", "step_ns"}
    assert [{k: v for k, v in t.items() if k not in measured} for t in streamed] == [
        {k: v for k, v in t.items() if k not in measured} for t in plain
    ]


def test_what_would_have_come_instead_is_told_between_the_tokens(api: Api) -> None:
    asked = {"prompt": PROMPT, "seed": 3, "max_length": 16, "lookahead": 2, "lookahead_depth": 3}
    streamed = api.generate(**asked, stream=True).events
    told = [event for event in streamed if event["event"] == "lookahead"]
    tokens = [event["index"] for event in streamed if event["event"] == "token"]
    assert told[0]["index"] == tokens[0]
    assert all(branch["continuation"] and len(branch["tokens"]) <= 3 for event in told for branch in event["branches"])
    plain = api.generate(**asked).json["metadata"]
    assert [event.keys() - {"event"} for event in told[:1]] == [event.keys() for event in plain["lookahead"][:1]]
    assert "lookahead" not in api.generate(prompt=PROMPT, max_length=9).json["metadata"]


def test_a_stream_is_passed_on_at_once_by_caches_and_proxies(api: Api) -> None:
    headers = api.generate(prompt=PROMPT, max_new_tokens=1, stream=True).headers
    assert headers["content-type"].startswith("text/event-stream")
    assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-cache", "no")


def test_tokens_arrive_while_the_generation_still_runs(api: Api, engine: Engine) -> None:
    with api.begin(prompt=PROMPT, max_length=500, temperature=0, stream=True) as connection:
        read_until(connection, b'"event":"token"')
        assert engine.stats().running == 1
    until(lambda: engine.stats().running == 0, NOTICED_SECONDS)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_client_that_leaves_a_running_request_frees_the_engine_within_a_second(
    api: Api, engine: Engine, occupied: Callable, stream: bool, how: str
) -> None:
    with occupied(3):  # so that our own request runs at a quarter of the speed and cannot end by itself in time
        connection = api.begin(prompt=PROMPT, max_length=500, temperature=0, stream=stream)
        until(lambda: engine.stats().running == 4)
        if stream:
            read_until(connection, b'"event":"token"')
        leave(connection, how)
        until(lambda: engine.stats().running == 3, NOTICED_SECONDS)


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_while_it_waits_frees_its_place_within_a_second(
    api: Api, engine: Engine, occupied: Callable, stream: bool
) -> None:
    with occupied(4):
        connection = api.begin(prompt=PROMPT, max_length=500, stream=stream)
        until(lambda: engine.stats().waiting == 1)
        leave(connection, "close")
        until(lambda: engine.stats().waiting == 0, NOTICED_SECONDS)


def test_a_step_that_fails_in_mid_stream_ends_in_an_event_that_says_so() -> None:
    body = generate_body(Settings(_env_file=None)).read(b'{"prompt": "Once"}')
    events = [Started("id", "m", 1, 9, 0), Failed("a secret detail", Usage(1, 0), Timings(0, 0, None, 0, 0))]
    (frame,) = Answer(body, "CPU", "request-7").frames(events)
    assert (frame["event"], frame["success"], frame["error"]["code"]) == ("failed", False, "generation_failed")
    assert "request-7" in frame["error"]["message"]
    assert "secret" not in frame["error"]["message"]


def test_a_request_that_the_server_cancels_is_no_success() -> None:
    body = generate_body(Settings(_env_file=None)).read(b'{"prompt": "Once"}')
    answer = Answer(body, "CPU", "request-7")
    usage, timings = Usage(1, 2), Timings(0, 0, None, 0, 0)
    finished = Finished("cancelled", "", " upon a", 2, None, usage, timings)
    running, waiting = [Started("id", "m", 1, 9, 0), finished], [finished]
    for events in (running, waiting):
        (frame,) = answer.frames(events)
        assert (frame["event"], frame["success"], frame["error"]["code"]) == ("failed", False, "cancelled")
        with pytest.raises(ApiError) as refused:
            answer.whole(events)
        assert (refused.value.status, refused.value.code) == (503, "cancelled")


def test_watching_stops_and_cancels_as_soon_as_the_client_is_gone(engine: Engine) -> None:
    def begin(name: str) -> Generation:
        params = SamplingParams(ignore_eos=True, max_tokens=400)
        return Generation(engine.submit(GenerationRequest(prompt=PROMPT, params=params, request_id=name)), [])

    batch = Batch("id", [begin])
    assert list(batch.events(lambda: True)) == []
    until(lambda: engine.stats().running + engine.stats().waiting == 0, NOTICED_SECONDS)


def leave(connection: socket.socket, how: str) -> None:
    if how == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def read_until(connection: socket.socket, wanted: bytes) -> None:
    data = b""
    while wanted not in data:
        received = connection.recv(65536)
        assert received, f"the answer ended without {wanted!r}: {data!r}"
        data += received
