"""What OpenAI's own client makes of our refusals: the right exception, the field at fault, and whether to ask again."""

import json
import logging
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest
from api_client import Api, serving, until
from sdk import MODEL, ollama_client, openai_client

from llmtui.engine import Engine
from llmtui.settings import Settings

PROMPT = "Once upon a time"
USER = [{"role": "user", "content": "Hi"}]
IMAGE = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]}]
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}


@pytest.fixture(scope="module")
def client(api: Api) -> Iterator[openai.OpenAI]:
    with openai_client(api) as client:
        yield client


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", ""),
        ("prompt", []),
        ("prompt", ["a", ""]),
        ("prompt", ["a", 5]),
        ("prompt", [[]]),
        ("prompt", [True]),
        ("prompt", None),
        ("prompt", [10**9]),
        ("prompt", [-1]),
        ("max_tokens", -1),
        ("temperature", 2.5),
        ("temperature", "1"),
        ("top_p", 0),
        ("n", 0),
        ("n", 129),
        ("n", 1.0),
        ("logprobs", 21),
        ("logprobs", True),
        ("stop", ["x"] * 17),
        ("stop", [""]),
        ("seed", 2**64),
        ("logit_bias", {"x": 1}),
        ("logit_bias", {"5": 101}),
        ("logit_bias", {"999999": 1}),
        ("logit_bias", [1]),
        ("frequency_penalty", 3),
        ("suffix", "the end"),
        ("best_of", 3),
        ("model", 7),
        ("stream", "yes"),
        ("stream_options", "usage"),
    ],
)
def test_a_wrong_field_of_a_completion_is_a_400_that_names_it(api: Api, field: str, value: Any) -> None:
    error = refused(api, "/v1/completions", {"prompt": PROMPT, "max_tokens": 1, field: value}, 400)
    assert error["param"] == field
    assert field in error["message"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("messages", []),
        ("messages", "Hi"),
        ("messages", [{"role": "wizard", "content": "Hi"}]),
        ("messages", [{"role": "user", "content": 5}]),
        ("messages", IMAGE),
        ("messages", [{"role": "tool", "content": "5", "tool_call_id": "a"}]),
        ("tools", [TOOL]),
        ("tool_choice", "required"),
        ("functions", [{"name": "f"}]),
        ("response_format", {"type": "json_object"}),
        ("response_format", {"type": "json_schema", "json_schema": {}}),
        ("modalities", ["audio"]),
        ("top_logprobs", 3),
        ("max_completion_tokens", 0),
    ],
)
def test_a_wrong_or_unsupported_field_of_a_chat_is_a_400_that_names_it(api: Api, field: str, value: Any) -> None:
    error = refused(api, "/v1/chat/completions", {"messages": USER, "max_tokens": 1, field: value}, 400)
    assert error["param"].partition("[")[0] == field
    assert field in error["message"]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/chat"])
def test_a_conversation_with_tools_is_refused_in_words_that_say_so(api: Api, path: str) -> None:
    called = [{"role": "assistant", "content": None, "tool_calls": [{"id": "a", "type": "function"}]}]
    for messages in (called, [*USER, {"role": "tool", "content": "5", "tool_call_id": "a"}]):
        reply = api.request("POST", path, json.dumps({"model": MODEL, "messages": messages}).encode())
        assert reply.status == 400
        assert b"messages with calls or results of tools are not supported" in reply.body


def test_unknown_and_harmless_fields_are_ignored(client: openai.OpenAI) -> None:
    harmless = {"user": "a", "store": True, "metadata": {"a": "b"}, "service_tier": "auto", "n": None, "logprobs": None}
    offered = {"tools": [], "tool_choice": "none", "response_format": {"type": "text"}, "made_up": [1]}
    answer = client.chat.completions.create(
        model=MODEL, messages=USER, max_tokens=1, extra_body={**harmless, **offered, "stop": None, "seed": None}
    )
    assert answer.usage.completion_tokens == 1


def test_a_model_that_is_not_loaded_is_a_404_that_names_the_one_that_is(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        client.completions.create(model="gpt-4o", prompt=PROMPT)
    assert missing.value.code == "model_not_found"
    assert MODEL in missing.value.message
    assert client.completions.create(model=f"{MODEL}:latest", prompt=PROMPT, max_tokens=1).model == MODEL


@pytest.mark.parametrize("stream", [False, True])
def test_a_text_longer_than_the_context_is_never_cut_silently(client: openai.OpenAI, stream: bool) -> None:
    for asked in (
        {"prompt": "word " * 600},
        {"prompt": ["fine", "word " * 600]},
        {"prompt": PROMPT, "max_tokens": 600},
    ):
        with pytest.raises(openai.BadRequestError) as refusal:
            client.completions.create(model=MODEL, stream=stream, **asked)
        assert refusal.value.code == "context_length_exceeded"
    with pytest.raises(openai.BadRequestError) as refusal:
        client.chat.completions.create(
            model=MODEL, stream=stream, messages=[{"role": "user", "content": "word " * 600}]
        )
    assert refusal.value.code == "context_length_exceeded"


def test_every_answer_names_its_request(client: openai.OpenAI) -> None:
    raw = client.completions.with_raw_response.create(
        model=MODEL, prompt="Once", max_tokens=1, extra_headers={"X-Request-Id": "mine-1"}
    )
    assert raw.headers["x-request-id"] == "mine-1"
    assert raw.parse()._request_id == "mine-1"
    with pytest.raises(openai.BadRequestError) as refusal:
        client.completions.create(model=MODEL, prompt="", max_tokens=1)
    assert refusal.value.request_id


def test_a_full_queue_is_a_429_with_the_headers_that_tell_when_to_come_back(
    client: openai.OpenAI, occupied: Callable
) -> None:
    with occupied(12), pytest.raises(openai.RateLimitError) as refusal:
        client.completions.create(model=MODEL, prompt="Once", max_tokens=1)
    headers = refusal.value.response.headers
    assert refusal.value.code == "queue_full"
    assert int(headers["retry-after"]) >= 1
    assert int(headers["retry-after-ms"]) >= 1


def test_the_client_asks_again_by_itself_and_gets_its_answer_once_there_is_room(
    api: Api, occupied: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    retries: list[int] = []
    with openai_client(api, max_retries=10) as patient, caplog.at_level(logging.INFO, "llmtui.access"):

        def ask() -> None:
            raw = patient.completions.with_raw_response.create(model=MODEL, prompt="Once", max_tokens=1)
            retries.append(raw.retries_taken)

        with occupied(12):
            asking = threading.Thread(target=ask)
            asking.start()
            until(lambda: any('"status": 429' in record.getMessage() for record in caplog.records))
        asking.join(timeout=60)
    assert retries[0] >= 1


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_the_server_cancels_is_an_error_that_is_not_asked_for_again(
    api: Api, engine: Engine, stream: bool
) -> None:
    asked = {"model": MODEL, "prompt": PROMPT, "max_tokens": 480, "extra_body": {"ignore_eos": True}}

    def cancel_it() -> None:
        until(lambda: engine.stats().running == 1)
        for request in engine.requests():
            engine.cancel(request.id)

    canceller = threading.Thread(target=cancel_it)
    canceller.start()
    with openai_client(api, max_retries=2) as client, pytest.raises(openai.APIError) as stopped:
        read_all(client, asked, stream=stream)
    canceller.join(timeout=30)
    assert "cancelled" in stopped.value.message
    assert engine.stats().running == 0, "the client came back for more"


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_frees_all_its_choices_within_a_second(api: Api, engine: Engine, stream: bool) -> None:
    body = json.dumps({"prompt": PROMPT, "n": 20, "max_tokens": 480, "ignore_eos": True, "stream": stream}).encode()
    head = f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with api.raw(head + body):
        until(lambda: engine.stats().running == 4)
    until(lambda: engine.stats().running + engine.stats().waiting == 0, 1.0)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nope", 404),
        ("GET", "/v1/completions", 405),
        ("POST", "/v1/models", 405),
        ("POST", "/v1/embeddings", 404),
    ],
)
def test_paths_and_methods_are_refused_in_openais_shape(api: Api, method: str, path: str, status: int) -> None:
    reply = api.request(method, path)
    assert reply.status == status
    assert set(reply.json) == {"error"}
    assert set(reply.json["error"]) == {"message", "type", "param", "code"}


def test_a_body_that_is_no_json_needs_no_content_type_to_be_refused(api: Api) -> None:
    for body in (b"", b"{", b"[]", b'{"prompt": NaN}', b'{"prompt": "\xff"}'):
        reply = api.request("POST", "/v1/completions", body)
        assert (reply.status, reply.json["error"]["code"]) == (400, "invalid_json")


def refused(api: Api, path: str, body: dict[str, Any], status: int) -> dict[str, Any]:
    reply = api.request("POST", path, json.dumps(body).encode())
    assert (reply.status, set(reply.json)) == (status, {"error"}), reply.body
    return dict(reply.json["error"])


def read_all(client: openai.OpenAI, asked: dict[str, Any], *, stream: bool) -> None:
    answer = client.completions.create(**asked, stream=stream)
    for _ in answer if stream else ():
        pass


@pytest.mark.parametrize(
    ("path", "prompt", "field"),
    [
        ("/v1/completions", {"prompt": PROMPT}, "max_tokens"),
        ("/v1/chat/completions", {"messages": USER}, "max_tokens"),
        ("/v1/chat/completions", {"messages": USER}, "max_completion_tokens"),
    ],
)
def test_more_new_tokens_than_fit_are_not_blamed_on_the_prompt(
    api: Api, path: str, prompt: dict[str, Any], field: str
) -> None:
    error = refused(api, path, prompt | {field: 99_999}, 400)
    assert (error["param"], error["code"]) == (field, "context_length_exceeded")
    told = re.fullmatch(
        rf"{field} asks for too much: 99999 new tokens and the prompt's (\d+) are more than the model's context "
        r"of 512: ask for (\d+) at most, or shorten the prompt",
        error["message"],
    )
    assert told is not None, error["message"]
    assert int(told[1]) + int(told[2]) == 512
    answer = api.request("POST", path, json.dumps(prompt | {field: int(told[2]), "stop": ["a", "e"]}).encode())
    assert (answer.status, answer.json["usage"]["prompt_tokens"]) == (200, int(told[1]))


def test_the_operators_limit_on_new_tokens_holds(engine: Engine, settings: Settings) -> None:
    with serving(engine, settings.model_copy(update={"max_tokens_limit": 5})) as api, openai_client(api) as client:
        goes_on = {"ignore_eos": True}
        chat = client.chat.completions.create(model=MODEL, messages=USER, extra_body=goes_on)
        text = client.completions.create(model=MODEL, prompt=PROMPT, extra_body=goes_on)
        assert (chat.usage.completion_tokens, text.usage.completion_tokens) == (5, 5)
        for name in ("max_tokens", "max_completion_tokens"):
            with pytest.raises(openai.BadRequestError) as refusal:
                client.chat.completions.create(model=MODEL, messages=USER, **{name: 6})
            assert (refusal.value.param, "at most 5" in refusal.value.message) == (name, True)
        with ollama_client(api) as other:
            answer = other.generate(MODEL, PROMPT, raw=True, options={"num_predict": 50})
            assert answer.eval_count <= 5


@pytest.mark.parametrize(("path", "shape"), [("/v1/completions", dict), ("/api/generate", str)])
def test_what_the_socket_refuses_comes_in_the_dialects_shape_too(api: Api, path: str, shape: type) -> None:
    reply = api.exchange(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999999\r\n\r\n".encode())
    assert reply.status == 413
    assert isinstance(reply.json["error"], shape)
