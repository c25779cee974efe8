"""Opening and closing the port."""

import socket
import threading
import time
from types import SimpleNamespace

import pytest
from api_client import Api, until

from llmtui.engine import Engine
from llmtui.server import Server, ServerError, create_app
from llmtui.server.listener import Workers
from llmtui.settings import Settings

# those who are not waited for would hold it for as long as their generations run, and then the fixture fails
QUICK_SECONDS = 10.0


def make(engine: Engine, **values: object) -> Server:
    settings = Settings(_env_file=None, **{"port": 0, "max_length_limit": 500, **values})
    return Server(create_app(engine, settings), settings)


@pytest.fixture
def server(engine: Engine):
    server = make(engine)
    server.start()
    yield server
    server.close()


def test_port_zero_takes_a_free_port_and_the_url_names_it(server: Server) -> None:
    assert server.port > 0
    assert server.url == f"http://127.0.0.1:{server.port}"
    assert Api(server.port).get("/health").status == 200


def test_it_listens_on_the_ipv6_loopback_where_told_to(engine: Engine) -> None:
    server = make(engine, host="::1")
    try:
        server.start()
    except ServerError as error:
        pytest.skip(f"no IPv6 here: {error}")
    assert server.url == f"http://[::1]:{server.port}"
    socket.create_connection(("::1", server.port), timeout=5).close()
    server.close()


def test_a_busy_port_is_one_sentence_that_names_the_port_and_the_setting(engine: Engine, server: Server) -> None:
    second = make(engine, port=server.port)
    with pytest.raises(ServerError) as refused:
        second.start()
    message = str(refused.value)
    assert str(server.port) in message
    assert "PORT" in message
    assert "\n" not in message
    second.close()


def test_closing_frees_the_port_and_ends_its_threads(engine: Engine) -> None:
    before = set(threading.enumerate())
    first = make(engine)
    first.start()
    first.close()
    assert set(threading.enumerate()) <= before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", first.port), timeout=5)
    again = make(engine, port=first.port)
    again.start()
    again.close()


def test_closing_twice_or_before_starting_does_nothing(engine: Engine) -> None:
    server = make(engine)
    server.close()
    server.start()
    server.close()
    server.close()


@pytest.mark.parametrize("stream", [True, False])
def test_closing_is_quick_with_open_requests_and_frees_the_engine(engine: Engine, occupied, stream: bool) -> None:
    with occupied(3):
        server = make(engine)
        server.start()
        api = Api(server.port)
        connections = [api.begin(prompt="Once upon a time", max_length=500, stream=stream) for _ in range(3)]
        until(lambda: engine.stats().running + engine.stats().waiting == 6)
        began = time.monotonic()
        server.close()
        assert time.monotonic() - began < QUICK_SECONDS
        until(lambda: engine.stats().running + engine.stats().waiting == 3)
        for connection in connections:
            connection.close()


def test_closing_while_answers_are_being_sent_never_fails(engine: Engine) -> None:
    for _ in range(30):
        server = make(engine)
        server.start()
        api = Api(server.port)
        connections = [api.raw(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n") for _ in range(8)]
        server.close()
        for connection in connections:
            connection.close()


def test_what_operators_ask_has_threads_of_its_own() -> None:
    workers = Workers(1)
    hold, done = threading.Event(), threading.Event()
    stuck = SimpleNamespace(is_for_operators=False, service=hold.wait, cancel=lambda: None)
    for _ in range(3):
        workers.add_task(stuck)
    workers.add_task(SimpleNamespace(is_for_operators=True, service=done.set, cancel=lambda: None))
    assert done.wait(60)
    hold.set()
    workers.shutdown()
    until(lambda: workers.ended)


def test_a_crowd_that_connects_at_once_is_taken_in_whole(server: Server) -> None:
    connections = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(150)]
    try:
        assert Api(server.port).get("/info").status == 200
        for connection in connections:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert {connection.recv(12) for connection in connections} == {b"HTTP/1.1 200"}
    finally:
        for connection in connections:
            connection.close()
