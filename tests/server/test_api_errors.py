"""Every refusal in one shape, naming the field, and never a stack trace."""

import json
import logging
from typing import Any

import pytest
from api_client import Api, serving

from llmtui.engine import Engine
from llmtui.settings import Settings

PROMPT = "Once upon a time"
NUMBERS = (
    "temperature",
    "top_p",
    "min_p",
    "typical_p",
    "repetition_penalty",
    "frequency_penalty",
    "presence_penalty",
)
WHOLE_NUMBERS = ("max_length", "max_new_tokens", "top_k", "seed", "top_logprobs")


@pytest.mark.parametrize("body", [{}, {"prompt": ""}, {"prompt": None}, {"prompt": 5}, {"prompt": ["a"]}])
def test_a_request_without_a_text_prompt_names_prompt(api: Api, body: dict[str, Any]) -> None:
    reply = api.generate(**body)
    assert (reply.status, reply.error["param"]) == (400, "prompt")
    assert "prompt" in reply.error["message"]


@pytest.mark.parametrize("name", [*NUMBERS, *WHOLE_NUMBERS])
@pytest.mark.parametrize("value", ["0.7", True, [], {}, -5])
def test_wrong_types_and_values_out_of_range_name_their_field(api: Api, name: str, value: Any) -> None:
    reply = api.generate(prompt=PROMPT, **{name: value})
    assert (reply.status, reply.error["param"]) == (400, name)
    assert name in reply.error["message"]


@pytest.mark.parametrize("name", [*NUMBERS, "max_length", "max_new_tokens", "seed", "top_logprobs"])
def test_huge_numbers_name_their_field(api: Api, name: str) -> None:
    reply = api.generate(prompt=PROMPT, **{name: 10**400})
    assert (reply.status, reply.error["param"]) == (400, name)


def test_any_top_k_above_the_vocabulary_keeps_everything(api: Api) -> None:
    everything = api.generate(prompt=PROMPT, seed=1, temperature=2.0, top_k=0).json["generated_text"]
    assert api.generate(prompt=PROMPT, seed=1, temperature=2.0, top_k=10**400).json["generated_text"] == everything


@pytest.mark.parametrize("name", WHOLE_NUMBERS)
def test_a_whole_number_written_with_a_fraction_is_refused(api: Api, name: str) -> None:
    reply = api.generate(prompt=PROMPT, **{name: 5.0})
    assert (reply.status, reply.error["param"]) == (400, name)


@pytest.mark.parametrize("name", [*NUMBERS, *WHOLE_NUMBERS, "stop", "stream", "model", "trace"])
def test_null_means_not_given(api: Api, name: str) -> None:
    asked = {"prompt": "Once", "max_length": 5, "temperature": 0} | ({"max_new_tokens": 3} if "max" in name else {})
    without = {field: value for field, value in asked.items() if field != name}
    given, missing = api.generate(**without | {name: None}), api.generate(**without)
    assert (given.status, missing.status) == (200, 200)
    if name != "temperature":  # which leaves the drawing to chance
        assert given.json["generated_text"] == missing.json["generated_text"]


@pytest.mark.parametrize("stop", [5, "", ["a", ""], [5], {"a": 1}, ["x"] * 17, True])
def test_bad_stop_texts_name_stop(api: Api, stop: Any) -> None:
    reply = api.generate(prompt=PROMPT, stop=stop)
    assert (reply.status, reply.error["param"]) == (400, "stop")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"not json",
        b"[]",
        b'"text"',
        b"null",
        b"5",
        b"{'prompt': 'a'}",
        b'{"prompt": "a", "temperature": NaN}',
        b'{"prompt": "a", "temperature": -Infinity}',
        b'{"prompt": "\xff\xfe"}',
        b'{"prompt": "\\ud800"}',
        b'{"prompt": "a\\udc00b"}',
        b'{"prompt": "\xed\xa0\x80"}',
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b'{"prompt": "a", "seed": ' + b"9" * 20_000 + b"}",
        b'{"prompt": "a"} trailing',
        b"prompt=hello",
        b"\x00\x01\x02",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_a_body_that_is_no_json_object_is_a_400(api: Api, body: bytes) -> None:
    reply = api.request("POST", "/generate", body, {"Content-Type": "application/json"})
    assert (reply.status, reply.error["code"], reply.error["param"]) == (400, "invalid_json", None)


def test_an_infinite_number_names_its_field(api: Api) -> None:
    reply = api.request("POST", "/generate", b'{"prompt": "a", "temperature": 1e999}')
    assert (reply.status, reply.error["param"]) == (400, "temperature")


def test_a_prompt_longer_than_the_context_is_refused_and_never_cut(api: Api) -> None:
    for extra in ({}, {"max_length": 500}, {"max_new_tokens": 5}, {"stream": True}):
        reply = api.generate(prompt="word " * 1000, **extra)
        assert (reply.status, reply.error["code"]) == (400, "context_length_exceeded")
        assert reply.error["param"] == "prompt"
        assert "512" in reply.error["message"]


def test_max_length_must_leave_room_above_the_prompts_own_tokens(api: Api, engine: Engine) -> None:
    own = len(engine.tokenize(PROMPT))
    refused = api.generate(prompt=PROMPT, max_length=own)
    assert (refused.status, refused.error["param"]) == (400, "max_length")
    assert str(own) in refused.error["message"]
    assert api.generate(prompt=PROMPT, max_length=own + 1).json["metadata"]["completion_tokens"] == 1


def test_a_prompt_as_long_as_the_default_max_length_names_max_length(api: Api) -> None:
    reply = api.generate(prompt="word " * 100)
    assert (reply.status, reply.error["param"]) == (400, "max_length")


def test_max_length_over_the_limit_is_refused(api: Api, settings: Settings) -> None:
    reply = api.generate(prompt=PROMPT, max_length=settings.max_length_limit + 1)
    assert (reply.status, reply.error["param"]) == (400, "max_length")
    assert str(settings.max_length_limit) in reply.error["message"]


def test_max_new_tokens_alone_must_fit_the_limit_together_with_the_prompt(
    api: Api, engine: Engine, settings: Settings
) -> None:
    room = settings.max_length_limit - len(engine.tokenize(PROMPT))
    refused = api.generate(prompt=PROMPT, max_new_tokens=room + 1)
    assert (refused.status, refused.error["param"]) == (400, "max_new_tokens")
    assert str(settings.max_length_limit) in refused.error["message"]
    assert api.generate(prompt=PROMPT, max_new_tokens=room, temperature=0).status == 200


def test_errors_before_the_first_byte_of_a_stream_are_ordinary_answers(api: Api) -> None:
    reply = api.generate(prompt=PROMPT, stream=True, temperature=9)
    assert (reply.status, reply.error["param"]) == (400, "temperature")


@pytest.mark.parametrize("path", ["/nope", "/generate/", "//health", "/health/../info", "/%00", "/%ff%0a"])
def test_unknown_paths_are_404_in_our_shape(api: Api, path: str) -> None:
    reply = api.get(path)
    if path == "//health":
        assert reply.status == 200  # waitress takes leading slashes as one
    else:
        assert (reply.status, reply.error["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/generate", "POST"),
        ("HEAD", "/generate", "POST"),
        ("POST", "/health", "GET, HEAD"),
        ("DELETE", "/info", "GET, HEAD"),
        ("OPTIONS", "/generate", "POST"),
        ("BREW", "/health", "GET, HEAD"),
    ],
)
def test_wrong_methods_are_405_and_name_the_right_ones(api: Api, method: str, path: str, allowed: str) -> None:
    reply = api.request(method, path)
    assert (reply.status, reply.headers["allow"]) == (405, allowed)
    if method != "HEAD":
        assert reply.error["code"] == "method_not_allowed"


def test_a_body_over_the_limit_is_413(api: Api, settings: Settings) -> None:
    fits = json.dumps({"prompt": "Once", "max_new_tokens": 1}).ljust(settings.max_body_bytes).encode()
    assert api.request("POST", "/generate", fits).status == 200
    reply = api.request("POST", "/generate", fits + b" ")
    assert (reply.status, reply.error["code"]) == (413, "body_too_large")


def test_a_chunked_body_over_the_limit_is_413(api: Api, settings: Settings) -> None:
    size = settings.max_body_bytes + 1
    head = b"POST /generate HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    reply = api.exchange(head + f"{size:x}\r\n".encode() + b" " * size + b"\r\n0\r\n\r\n")
    assert (reply.status, reply.error["code"]) == (413, "body_too_large")


def test_a_chunked_body_within_the_limit_is_read(api: Api) -> None:
    body = b'{"prompt": "Once", "max_new_tokens": 1}'
    head = b"POST /generate HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert api.exchange(head + f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n").json["success"] is True


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"POST /generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999999\r\n\r\n", 413),
        (b"POST /generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n", 400),
        (b"POST /generate HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\nno colon here\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Big: " + b"a" * 300_000 + b"\r\n\r\n", 431),
        (b"\xff\xfe\x00\x01\r\n\r\n", 400),
        (b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET http://evil.example/nope HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET /health HTTP/1.1\r\nHost: <script>\r\n\r\n", 403),
        (b"GET /health HTTP/1.1\r\nHost: local host\r\n\r\n", 403),
        (b"GET /health HTTP/1.1\r\nHost:\r\n\r\n", 403),
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", 403),
    ],
    ids=lambda value: str(value)[:48],
)
def test_hostile_request_heads_are_refused_in_our_shape(api: Api, request_bytes: bytes, status: int) -> None:
    reply = api.exchange(request_bytes)
    assert reply.status == status
    assert reply.error["message"]
    assert reply.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/chat"])
@pytest.mark.parametrize("text", ["Hello", "half a pair: \ud800", ""])
def test_a_conversation_that_makes_no_prompt_is_the_clients_error(
    api: Api, engine: Engine, monkeypatch: pytest.MonkeyPatch, path: str, text: str
) -> None:
    template = "{% if messages[0].content == 'Hello' %}{{ raise_exception('greetings are left out') }}{% endif %}"
    tokenizer = engine.run_job(lambda loaded: loaded.tokenizer).result(10)
    monkeypatch.setattr(tokenizer, "chat_template", template + "{{ messages[0].content }}")
    body = {"model": "tiny-tales", "messages": [{"role": "user", "content": text}]}
    reply = api.request("POST", path, json.dumps(body).encode())
    assert reply.status == 400
    assert ("greetings are left out" in reply.body.decode()) == (text == "Hello")


def test_a_defect_of_ours_is_a_500_without_a_stack_trace_and_is_logged(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    class BrokenEngine:
        """Stands in for a defect that nobody has found yet."""

        @property
        def state(self) -> str:
            raise ZeroDivisionError("a secret detail")

    with serving(BrokenEngine(), settings) as api, caplog.at_level(logging.ERROR):
        reply = api.get("/health")
    assert (reply.status, reply.error["code"]) == (500, "internal_error")
    assert b"secret" not in reply.body
    assert b"Traceback" not in reply.body
    assert any(record.exc_info and "a secret detail" in str(record.exc_info[1]) for record in caplog.records)


def test_every_answer_carries_a_request_id_and_a_sane_one_is_kept(api: Api) -> None:
    assert api.get("/health", X_Request_Id="job-7:a.b_c").headers["x-request-id"] == "job-7:a.b_c"
    for hostile in ("", "a b", "x" * 129, "\x1b[31m", "é"):
        given = api.request("GET", "/nope", headers={"X-Request-Id": hostile.encode("latin-1")})
        assert len(given.headers["x-request-id"]) == 32
