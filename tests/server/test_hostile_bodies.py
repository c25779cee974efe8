"""Bad bodies on every POST route: a clear error in the route's own shape, soon, and nothing else is disturbed."""

import json
import time
from typing import Any

import pytest
from api_client import Api, Reply, read_reply, until
from flask import Flask

from llmtui.engine import Engine
from llmtui.server import create_app
from llmtui.settings import Settings

ANSWER_SECONDS = 20
PROMPT = {"prompt": "Once", "text": "Once", "messages": [{"role": "user", "content": "Hi"}], "model": "tiny-tales"}
NO_JSON = {
    "empty": b"",
    "cut": b'{"prompt": "a',
    "a list": b"[]",
    "null": b"null",
    "a form": b"prompt=hello&model=tiny-tales",
    "single quotes": b"{'prompt': 'a'}",
    "more behind it": json.dumps(PROMPT).encode() + b" {}",
    "NaN": b'{"prompt": "a", "temperature": NaN}',
    "-Infinity in a list": b'{"prompt": "a", "x": [-Infinity]}',
    "bytes that are no UTF-8": b'{"prompt": "\xff\xfe", "text": "\xc3"}',
    "UTF-16": '{"prompt": "a"}'.encode("utf-16"),
    "half a pair": b'{"prompt": "\\ud83e", "text": "\\udd8a"}',
    "deep lists": b'{"prompt": ' + b"[" * 30_000,
    "deep objects in a field nobody knows": b'{"x": ' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}",
    "a number of 20,000 digits": b'{"prompt": "a", "seed": ' + b"9" * 20_000 + b"}",
    "zero bytes": b"\x00" * 100,
}
HUGE: list[Any] = [10**400, -(10**30), 1e308, -1e308, 2**63, 2**64]
OF_EVERY_TYPE: list[Any] = [True, "5", "\x00\x1b[2J", [], [[[]]], {}, {"a": {"b": []}}, ["x"] * 50, [None], 0.5, -1]
FIELDS = ("prompt", "text", "ids", "messages", "model", "name", "options", "stop", "n", "seed", "temperature", "stream")


def post_routes() -> list[str]:
    with Engine() as engine:
        app: Flask = create_app(engine, Settings(_env_file=None))
    return sorted(
        rule.rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ()) and "<" not in rule.rule
    )


ROUTES = post_routes()


def refusal(reply: Reply, route: str) -> str:
    """The message of an error; checks that it has the shape of its dialect."""
    assert reply.headers["content-type"] == "application/json"
    if route.startswith("/v1/"):
        assert set(reply.json) == {"error"}
        assert set(reply.json["error"]) == {"message", "type", "param", "code"}
        return str(reply.json["error"]["message"])
    if route.startswith("/api/"):
        assert set(reply.json) == {"error"}
        return str(reply.json["error"])
    return str(reply.error["message"])


@pytest.mark.parametrize("route", ROUTES)
def test_what_is_no_json_object_is_refused_in_the_routes_own_shape(api: Api, route: str) -> None:
    for name, body in NO_JSON.items():
        began = time.monotonic()
        reply = api.request("POST", route, body)
        assert reply.status in (400, 501), (name, reply)
        assert "JSON" in refusal(reply, route) or reply.status == 501, name
        assert time.monotonic() - began < ANSWER_SECONDS, name


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("values", [HUGE, OF_EVERY_TYPE], ids=["huge numbers", "wrong types"])
def test_a_wrong_value_in_any_field_is_refused_or_harmless(api: Api, route: str, values: list[Any]) -> None:
    short = {"max_tokens": 1, "max_new_tokens": 1, "options": {"num_predict": 1}, "stream": False}
    for field in FIELDS:
        for value in values:
            body = json.dumps(PROMPT | {"ids": [5]} | short | {field: value}).encode()
            reply = api.request("POST", route, body)
            assert reply.status in (200, 400, 403, 404, 501), (field, value, reply)
            assert reply.status == 200 or refusal(reply, route), (field, value)


def test_bodies_that_never_come_keep_nobody_waiting(api: Api, engine: Engine) -> None:
    head = "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n{{"
    slow = [api.raw(head.format(route).encode()) for route in ROUTES for _ in range(6)]
    try:
        for connection in slow:
            connection.sendall(b'"prompt": ')
        assert api.get("/health").status == 200
        assert api.generate(prompt="Once", max_new_tokens=1).status == 200
    finally:
        for connection in slow:
            connection.close()
    until(lambda: engine.stats().running + engine.stats().waiting == 0)


def test_a_body_that_comes_slowly_is_read_to_its_end(api: Api) -> None:
    body = json.dumps({"prompt": "Once", "max_new_tokens": 1}).encode()
    connection = api.raw(f"POST /generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode())
    for begin in range(0, len(body), 5):
        connection.sendall(body[begin : begin + 5])
        time.sleep(0.01)  # so that each piece travels alone
    assert read_reply(connection).json["success"] is True


@pytest.mark.parametrize("length", ["-1", "abc", "5, 6", "1e3", "0x10"])
def test_a_length_that_is_none_is_refused(api: Api, length: str) -> None:
    reply = api.exchange(
        f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{{}}".encode()
    )
    assert reply.status in (400, 501)
    assert refusal(reply, "/v1/completions")
