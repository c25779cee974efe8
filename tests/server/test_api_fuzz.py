"""Whatever a client sends, it gets an answer in our shape, and the server lives on."""

import json
from typing import Any

from api_client import Api
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmtui.server.schemas import GenerateBody

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
