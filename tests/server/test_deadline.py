"""REQUEST_DEADLINE_SECONDS: an answer ends as it is, in words that each dialect's clients know."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from api_client import Api, Reply, serving

from llmtui.engine import Engine, GenerationRequest
from llmtui.engine.sequence import Sequence
from llmtui.engine.stream import Stream
from llmtui.settings import Settings


@pytest.fixture
def short_api(engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """A server that sets deadlines, on an engine whose clock lets five tokens pass before them."""

    def overdue(sequence: Sequence) -> bool:
        return sequence.request.deadline is not None and sequence.generated >= 5

    monkeypatch.setattr(Sequence, "overdue", property(overdue))
    with serving(engine, settings.model_copy(update={"request_deadline_seconds": 60.0})) as api:
        yield api


def post(api: Api, path: str, **body: Any) -> Reply:
    return api.request("POST", path, json.dumps(body).encode(), {"Content-Type": "application/json"})


def test_the_native_answer_says_deadline(short_api: Api) -> None:
    reply = short_api.generate(prompt="Once", max_length=400, ignore_eos=True)
    assert reply.status == 200
    assert reply.json["metadata"]["finish_reason"] == "deadline"
    assert reply.json["metadata"]["completion_tokens"] == 5
    assert 'llmtui_cancelled_total{cause="deadline"} 1.0' in short_api.get("/metrics").body.decode()


def test_openai_and_ollama_clients_are_told_a_length(short_api: Api) -> None:
    """Strict clients know no other word for an answer that a limit has cut."""
    model = {"model": "tiny-tales"}
    long = {"max_tokens": 400, "temperature": 0, "ignore_eos": True}
    options = {"num_predict": 400, "temperature": 0}
    message = {"messages": [{"role": "user", "content": "Once"}]}
    chat = post(short_api, "/v1/chat/completions", **model, **message, **long).json
    text = post(short_api, "/v1/completions", **model, prompt="Once", **long).json
    own = post(short_api, "/api/generate", **model, prompt="Once", stream=False, options=options).json
    assert [choice["finish_reason"] for choice in chat["choices"] + text["choices"]] == ["length"] * 2
    assert own["done_reason"] == "length"
    for used in (chat["usage"]["completion_tokens"], text["usage"]["completion_tokens"], own["eval_count"]):
        assert used == 5


def test_without_a_single_token_it_is_an_error(engine: Engine, settings: Settings) -> None:
    gate = threading.Event()
    with serving(engine, settings.model_copy(update={"request_deadline_seconds": 0.05})) as api:
        job = engine.run_job(lambda _: gate.wait(30))
        threading.Timer(0.2, gate.set).start()
        reply = api.generate(prompt="Once", max_length=400)
        assert job.result(30)
        assert (reply.status, reply.error["code"]) == (504, "deadline_exceeded")


def test_all_answers_of_a_request_share_its_time(
    engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float | None] = []
    submit = engine.submit

    def remember(request: GenerationRequest) -> Stream:
        given.append(request.deadline)
        return submit(request)

    monkeypatch.setattr(engine, "submit", remember)
    with serving(engine, settings.model_copy(update={"request_deadline_seconds": 60.0})) as api:
        post(api, "/v1/completions", model="tiny-tales", prompt=["Once"] * 8, max_tokens=3)
    deadlines = [deadline for deadline in given if deadline is not None]
    assert len(deadlines) == 8
    assert 60.0 > deadlines[0] > deadlines[-1] > 0.0
