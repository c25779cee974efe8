"""Whatever a client sends, it gets an answer in our shape, and the server lives on."""

import json
from typing import Any

import pytest
from api_client import Api
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from llmtui.server.ollama_schemas import ChatRequest, GenerateRequest, Options
from llmtui.server.openai_schemas import ChatBody, CompletionBody
from llmtui.server.schemas import GenerateBody
from llmtui.server.tokens import DetokenizeBody, ScoreBody, TokenizeBody

FIXTURES_ARE_SHARED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
bodies = st.dictionaries(
    st.sampled_from(list(GenerateBody.model_fields)) | st.text(max_size=8), json_values, max_size=6
).map(lambda body: json.dumps(body).encode())


def mutated(text: str) -> st.SearchStrategy[bytes]:
    """`text` with a few bytes overwritten, put in or taken out."""
    edits = st.lists(
        st.tuples(st.integers(0, len(text)), st.integers(0, 2), st.binary(min_size=1, max_size=3)), max_size=4
    )

    def edit(changes: list[tuple[int, int, bytes]]) -> bytes:
        data = bytearray(text.encode())
        for place, kind, new in changes:
            data[place : place + (len(new) if kind == 0 else kind - 1)] = b"" if kind == 2 else new
        return bytes(data)

    return edits.map(edit)


VALID = json.dumps({"prompt": "Once é\n", "max_new_tokens": 1, "temperature": 0.5, "stop": ["x"], "seed": 1})


def check(api: Api, body: bytes) -> None:
    reply = api.request("POST", "/generate", body, {"Content-Type": "application/json"})
    assert reply.status in (200, 400), (body, reply)
    if reply.status == 400:
        error = reply.error
        assert error["param"] is None or error["param"] in GenerateBody.model_fields
        assert error["message"]
    elif reply.headers["content-type"] == "application/json":
        assert reply.json["success"] is True
    else:
        assert reply.events[-1]["success"] is True


@settings(max_examples=120, deadline=None, suppress_health_check=FIXTURES_ARE_SHARED)
@given(body=bodies)
def test_objects_of_any_values_are_answered_or_refused(api: Api, body: bytes) -> None:
    check(api, body)


@settings(max_examples=120, deadline=None, suppress_health_check=FIXTURES_ARE_SHARED)
@given(body=mutated(VALID) | st.binary(max_size=64))
def test_broken_bodies_are_answered_or_refused(api: Api, body: bytes) -> None:
    check(api, body)


@settings(max_examples=60, deadline=None, suppress_health_check=FIXTURES_ARE_SHARED)
@given(name=st.sampled_from(list(GenerateBody.model_fields)), value=json_values)
def test_any_value_in_any_field_is_answered_or_refused_by_name(api: Api, name: str, value: Any) -> None:
    body = json.dumps({"prompt": "Once", "max_new_tokens": 1, name: value}).encode()
    reply = api.request("POST", "/generate", body)
    assert reply.status in (200, 400)
    if reply.status == 400:
        assert reply.error["param"] in (name, None)
        if reply.error["param"] is None:
            assert reply.error["code"] == "invalid_json"


DIALECTS: dict[str, tuple[type[BaseModel], dict[str, Any]]] = {
    "/v1/completions": (CompletionBody, {"prompt": "Once", "max_tokens": 1}),
    "/v1/chat/completions": (ChatBody, {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}),
    "/api/generate": (GenerateRequest, {"model": "tiny-tales", "prompt": "Once", "options": {"num_predict": 1}}),
    "/api/chat": (ChatRequest, {"model": "tiny-tales", "messages": [{"role": "user", "content": "Hi"}]}),
    "/score": (ScoreBody, {"text": "Once upon"}),
    "/tokenize": (TokenizeBody, {"text": "Once upon"}),
    "/detokenize": (DetokenizeBody, {"ids": [5, 6]}),
}
OPTIONS = st.fixed_dictionaries(
    {"num_predict": st.just(1)}, optional={name: json_values for name in Options.model_fields if name != "num_predict"}
)


@pytest.mark.parametrize("path", DIALECTS)
@settings(max_examples=40, deadline=None, suppress_health_check=FIXTURES_ARE_SHARED)
@given(data=st.data())
def test_any_value_in_any_field_of_any_dialect_is_answered_or_refused(api: Api, path: str, data: st.DataObject) -> None:
    model, valid = DIALECTS[path]
    long = {"max_tokens", "max_completion_tokens", "n", "options", "ignore_eos"}  # would only run for long
    name = data.draw(st.sampled_from(sorted(set(model.model_fields) - long)))
    body = valid | {name: data.draw(json_values)}
    if path.startswith("/api/"):
        body["options"] = data.draw(OPTIONS)
    reply = api.request("POST", path, json.dumps(body).encode())
    assert reply.status in (200, 400, 404), (body, reply)
    if reply.status != 200:
        assert "error" in reply.json
    elif reply.headers["content-type"] == "application/json":
        assert "error" not in reply.json
    else:
        assert b'"error"' not in reply.body
