"""Limits of what is sent and of how it is sent: each with its own status, and told in the dialect's words."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack

import pytest
from api_client import Api, read_reply, serving, until
from prometheus_client.parser import text_string_to_metric_families

from llmtui.engine import Engine
from llmtui.server import Keyring
from llmtui.settings import Settings, SettingsError

CHAT = "/v1/chat/completions"
SLOW_SECONDS = 1.0


@pytest.fixture
def limited(engine: Engine, settings: Settings) -> Callable[..., AbstractContextManager[Api]]:
    return lambda **values: serving(engine, settings.model_copy(update=values))


def rejected(api: Api, cause: str) -> float:
    families = text_string_to_metric_families(api.get("/metrics").body.decode())
    samples = [s for f in families for s in f.samples if s.name == "llmtui_rejected_total"]
    return sum(sample.value for sample in samples if sample.labels["cause"] == cause)


@pytest.mark.parametrize("path", ["/generate", CHAT, "/api/chat"])
def test_headers_that_are_too_large_are_a_431(limited: Callable, path: str) -> None:
    with limited(max_header_bytes=20_000) as api:
        most = "x" * 19_000
        assert api.get("/health", X_Padding=most).status == 200
        reply = api.request("POST", path, b"{}", {"X-Padding": most + "x" * 2_000})
        assert reply.status == 431
        assert "MAX_HEADER_BYTES" in message(path, reply.json)
        assert rejected(api, "headers_too_large") == 1


@pytest.mark.parametrize("path", ["/generate", CHAT, "/api/chat"])
def test_a_body_that_is_too_large_is_a_413(limited: Callable, path: str) -> None:
    with limited(max_body_bytes=2_000) as api:
        reply = api.request("POST", path, b" " * 2_001)
        assert reply.status == 413
        assert "MAX_BODY_BYTES" in message(path, reply.json)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/generate", {"prompt": "a b c d e f g", "max_new_tokens": 1}),
        ("/score", {"text": "a b c d e f g"}),
        ("/v1/completions", {"prompt": ["a", "a b c d e f g"], "max_tokens": 1}),
        ("/v1/completions", {"prompt": list(range(300, 310)), "max_tokens": 1}),
        (CHAT, {"messages": [{"role": "user", "content": "a b c d e f g"}]}),
        ("/api/generate", {"model": "tiny-tales", "prompt": "a b c d e f g"}),
    ],
)
def test_a_prompt_that_is_too_long_is_a_400_that_counts_it(limited: Callable, path: str, body: dict) -> None:
    with limited(max_prompt_tokens=5) as api:
        reply = api.request("POST", path, json.dumps(body).encode())
        assert reply.status == 400
        assert "this server reads 5 at most" in message(path, reply.json)
        shorter = api.request("POST", "/generate", b'{"prompt": "a", "max_new_tokens": 1}')
        assert shorter.status == 200


@pytest.mark.parametrize("path", ["/generate", CHAT, "/api/chat"])
@pytest.mark.parametrize("sent", ["half a body", "half the headers"])
def test_a_request_that_does_not_arrive_is_a_408_and_its_connection_ends(
    limited: Callable, path: str, sent: str
) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n"
    with limited(read_seconds=SLOW_SECONDS) as api, ExitStack() as stack:
        data = head + ("Content-Length: 100\r\n\r\n{" if sent == "half a body" else "X-Slow: ")
        connection = stack.enter_context(api.raw(data.encode()))
        began = time.monotonic()
        while time.monotonic() - began < SLOW_SECONDS / 2:  # drips, so that no pause is long
            connection.sendall(b" ")
            time.sleep(0.01)
        received = b""
        while b"}\n" not in received and (more := connection.recv(65536)):
            received += more
        assert received.split()[1] == b"408", received
        assert f"did not arrive within {SLOW_SECONDS:g} s" in message(path, json.loads(received.split(b"\r\n\r\n")[1]))
        until(lambda: connection_is_closed(connection))
        assert rejected(api, "request_timeout") == 1


def test_a_request_that_arrives_in_pieces_but_in_time_is_answered(limited: Callable) -> None:
    with limited(read_seconds=5.0) as api:
        body = b'{"prompt": "Once", "max_new_tokens": 1}'
        connection = api.raw(b"POST /generate HTTP/1.1\r\nHost: localhost\r\n")
        for piece in (f"Content-Length: {len(body)}\r\n\r\n".encode(), body[:9], body[9:]):
            time.sleep(0.02)
            connection.sendall(piece)
        assert read_reply(connection).status == 200


def test_an_answer_may_take_longer_than_its_request_may(limited: Callable, engine: Engine) -> None:
    with limited(read_seconds=SLOW_SECONDS) as api:
        held = threading.Event()
        job = engine.run_job(lambda _: held.wait(30))
        connection = api.begin(prompt="Once upon a time", max_length=20, temperature=0, stream=True)
        time.sleep(1.5 * SLOW_SECONDS)  # the time itself is what passes: nothing else can be waited for
        held.set()
        assert read_reply(connection).events[-1]["event"] == "finished"
        assert job.result(30)


@pytest.fixture
def crowded(limited: Callable) -> Iterator[tuple[Api, ExitStack]]:
    """A server with as many open connections as it takes."""
    with limited(max_connections=5) as api, ExitStack() as others:
        for _ in range(5):
            others.enter_context(socket.create_connection(("127.0.0.1", api.port)))
        yield api, others


@pytest.mark.parametrize("path", ["/generate", CHAT, "/api/chat"])
def test_one_connection_too_many_is_a_503_that_says_when_to_come_back(
    crowded: tuple[Api, ExitStack], path: str
) -> None:
    api, others = crowded
    reply = api.request("POST", path, b"{}")
    assert (reply.status, reply.headers["retry-after"]) == (503, "1")
    assert "more than 5 connections" in message(path, reply.json)
    assert api.get("/health").status == 200
    others.close()
    until(lambda: api.get("/info").status == 200)
    assert rejected(api, "too_many_connections") >= 1


def message(path: str, reply: dict) -> str:
    """The words of an error, which has the shape of the path's dialect."""
    if path.startswith("/api/"):
        return str(reply["error"])
    if path.startswith("/v1/"):
        assert set(reply["error"]) == {"message", "type", "param", "code"}
    else:
        assert reply["success"] is False
    return str(reply["error"]["message"])


def connection_is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1024) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


# who asks, and with which key


def test_behind_a_trusted_proxy_the_address_is_that_of_its_client(limited: Callable) -> None:
    with limited(rate_limit="1/minute", trusted_proxy="127.0.0.1") as api:
        replies = [api.get("/info", X_Forwarded_For=address) for address in ("10.1.1.1", "10.1.1.2", "10.1.1.1")]
    assert [reply.status for reply in replies] == [200, 200, 429]


def test_nobody_else_may_say_who_asks(limited: Callable) -> None:
    with limited(rate_limit="1/minute") as api:
        replies = [api.get("/info", X_Forwarded_For=address) for address in ("10.1.1.1", "10.1.1.2")]
    assert [reply.status for reply in replies] == [200, 429]


def settings_with(**values: object) -> Settings:
    return Settings(_env_file=None, port=0, **values)


def test_keys_come_from_a_file_beside_those_of_the_setting(tmp_path, engine: Engine) -> None:
    file = tmp_path / "keys"
    file.write_text("# ours\nbob:sk-bob-67890\n\n  # theirs\ncarol:sk-carol-111\n")
    settings = settings_with(api_keys="alice:sk-alice-12345", api_keys_file=file)
    keys = Keyring.of(settings)
    assert [keys.name_of(key) for key in ("sk-alice-12345", "sk-bob-67890", "sk-carol-111", "ours")] == [
        "alice", "bob", "carol", None,
    ]  # fmt: skip
    with serving(engine, settings) as api:
        assert [api.get("/info", X_API_Key=key).status for key in ("sk-bob-67890", "sk-nobody-1")] == [200, 401]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (None, "cannot be read"),
        (b"", "no key"),
        (b"# only\n", "no key"),
        (b"bob", "NAME:KEY"),
        (b"\xff\xfe", "UTF-8"),
        (b"alice:sk-other-123", "alice"),
    ],
)
def test_a_key_file_that_is_no_good_is_one_sentence_without_its_keys(
    tmp_path, content: bytes | None, word: str
) -> None:
    file = tmp_path / "keys"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=word) as refused:
        Keyring.of(settings_with(api_keys="alice:sk-alice-12345", api_keys_file=file))
    assert "API_KEYS_FILE" in str(refused.value)
    assert "sk-" not in str(refused.value)
