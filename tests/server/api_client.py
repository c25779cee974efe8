"""A plain HTTP client for the tests, and waiting for things to come true."""

import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from llmtui.engine import Engine
from llmtui.server import Server, create_app
from llmtui.settings import Settings

DEADLINE_SECONDS = 30.0


@dataclass(frozen=True)
class Reply:
    """One HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body, parse_constant=_refuse_constant)

    @property
    def error(self) -> dict[str, Any]:
        """The error object; checks that the answer has the one shape of the native API's errors."""
        reply = self.json
        assert set(reply) == {"success", "error"}
        assert reply["success"] is False
        assert set(reply["error"]) == {"code", "message", "param"}
        assert self.headers["content-type"] == "application/json"
        return dict(reply["error"])

    @property
    def events(self) -> list[dict[str, Any]]:
        """The server-sent events; checks that each is exactly one data line and a blank one."""
        frames = self.body.decode("ascii").split("\n\n")
        assert frames.pop() == ""
        assert all(frame.startswith("data: ") and "\n" not in frame for frame in frames)
        return [json.loads(frame.removeprefix("data: ")) for frame in frames]


def _refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


@dataclass(frozen=True)
class Api:
    """Asks one server."""

    port: int

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_SECONDS)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            lower = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, lower, response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Reply:
        return self.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def generate(self, **body: Any) -> Reply:
        return self.request("POST", "/generate", json.dumps(body).encode(), {"Content-Type": "application/json"})

    def begin(self, **body: Any) -> socket.socket:
        """Send a generation and keep the open connection, for the caller to read or to close."""
        data = json.dumps(body).encode()
        head = f"POST /generate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(data)}\r\n\r\n"
        return self.raw(head.encode() + data)

    def raw(self, data: bytes) -> socket.socket:
        """An open connection over which `data` was sent."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_SECONDS)
        connection.sendall(data)
        return connection

    def exchange(self, data: bytes) -> Reply:
        """Send raw bytes and read one answer."""
        return read_reply(self.raw(data))


def read_reply(connection: socket.socket) -> Reply:
    """The whole answer that comes over an open connection, which is closed then."""
    with connection:
        response = http.client.HTTPResponse(connection)
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        reply = Reply(response.status, headers, response.read())
        response.close()
        return reply


def until(condition: Callable[[], bool], seconds: float = DEADLINE_SECONDS) -> float:
    """Wait until something is true; how long that took. Fails after `seconds`."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"not true within {seconds} s"
        time.sleep(0.005)
    return time.monotonic() - began


@contextmanager
def serving(engine: Engine, settings: Settings) -> Iterator[Api]:
    server = Server(create_app(engine, settings), settings)
    server.start()
    try:
        yield Api(server.port)
    finally:
        server.close()
