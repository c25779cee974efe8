"""REQUEST_DEADLINE_SECONDS: an answer ends as it is, in words that each dialect's clients know."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from api_client import Api, Reply, serving

from llmtui.engine import Engine
from llmtui.engine.runner import PackedRunner
from llmtui.settings import Settings

SECONDS = 0.6


@pytest.fixture
def slow_api(engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """Answers take seconds on any machine, and the server gives each little more than half a one."""
    forward = PackedRunner.forward

    def slowly(self: Any, work: Any) -> Any:
        threading.Event().wait(0.02)
        return forward(self, work)

    monkeypatch.setattr(PackedRunner, "forward", slowly)
    with serving(engine, settings.model_copy(update={"request_deadline_seconds": SECONDS})) as api:
        yield api


def post(api: Api, path: str, **body: Any) -> Reply:
    return api.request("POST", path, json.dumps(body).encode(), {"Content-Type": "application/json"})


def test_the_native_answer_says_deadline(slow_api: Api) -> None:
    reply = slow_api.generate(prompt="Once", max_length=400, ignore_eos=True)
    assert reply.status == 200
    assert reply.json["metadata"]["finish_reason"] == "deadline"
    assert 0 < reply.json["metadata"]["completion_tokens"] < 300
    assert 'llmtui_cancelled_total{cause="deadline"} 1.0' in slow_api.get("/metrics").body.decode()


def test_openai_and_ollama_clients_are_told_a_length(slow_api: Api) -> None:
    """Strict clients know no other word for an answer that a limit has cut."""
    model = {"model": "tiny-tales"}
    long = {"max_tokens": 400, "ignore_eos": True, "logit_bias": {"0": -100}}
    message = {"messages": [{"role": "user", "content": "Once"}]}
    chat = post(slow_api, "/v1/chat/completions", **model, **message, **long).json
    text = post(slow_api, "/v1/completions", **model, prompt="Once", **long).json
    own = post(slow_api, "/api/generate", **model, prompt="Once", stream=False, options={"num_predict": 400}).json
    assert [choice["finish_reason"] for choice in chat["choices"] + text["choices"]] == ["length"] * 2
    assert own["done_reason"] == "length"
    for used in (chat["usage"]["completion_tokens"], text["usage"]["completion_tokens"], own["eval_count"]):
        assert 0 < used < 300


def test_without_a_single_token_it_is_an_error(engine: Engine, settings: Settings) -> None:
    gate = threading.Event()
    with serving(engine, settings.model_copy(update={"request_deadline_seconds": 0.05})) as api:
        job = engine.run_job(lambda _: gate.wait(30))
        threading.Timer(0.2, gate.set).start()
        reply = api.generate(prompt="Once", max_length=400)
        assert job.result(30)
        assert (reply.status, reply.error["code"]) == (504, "deadline_exceeded")


def test_all_answers_of_a_request_share_its_time(slow_api: Api) -> None:
    reply = post(slow_api, "/v1/completions", model="tiny-tales", prompt=["Once"] * 4, max_tokens=400, n=2)
    # four run at a time: the later ones have no time left for a token
    assert reply.status == 504
