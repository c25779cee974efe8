"""One connection: what waitress refuses before a route sees it, in the words of the dialect that was asked."""

import socket
import time
from typing import Any

from flask import Flask
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher
from waitress.utilities import Error, RequestHeaderFieldsTooLarge

from llmtui.server.access_log import new_id
from llmtui.server.errors import ApiError, from_status, shape_of
from llmtui.server.pulls import MAX_PULLS
from llmtui.settings import Settings

RETRY_SECONDS = 1.0
# A request holds a thread while it is in the engine, waits for a model or downloads one, and each has a bound;
# the rest answer /health and refusals at once.
THREADS_BESIDES_THESE = 12
ACCEPTED_A_TURN = 64
ALWAYS_ANSWERED = "/health"
PROBES = ("/health", "/ready")


class TooManyConnections(Error):  # type: ignore[misc]  # waitress has no types
    """More are open than MAX_CONNECTIONS."""

    code = 503
    reason = "Service Unavailable"


class RequestTimeout(Error):  # type: ignore[misc]
    """The request did not arrive whole within READ_SECONDS."""

    code = 408
    reason = "Request Timeout"


def as_api_error(refusal: Error) -> ApiError:
    """What waitress refuses (bad request lines, huge headers and bodies …) as an answer."""
    match refusal:
        case TooManyConnections():
            return ApiError(503, "too_many_connections", refusal.body, retry_after=RETRY_SECONDS)
        case RequestTimeout():
            return ApiError(408, "request_timeout", refusal.body)
        case RequestHeaderFieldsTooLarge():
            return ApiError(431, "headers_too_large", "the request's headers are larger than MAX_HEADER_BYTES allows")
        case _:
            error = from_status(refusal.code)
            if refusal.code != 500:
                error.message = f"{error.message}: {refusal.body}"
            return error


class JsonErrorTask(ErrorTask):  # type: ignore[misc]
    """Answers a request that no route sees."""

    def execute(self) -> None:
        refusal = self.request.error
        error = as_api_error(refusal)
        app: Flask = self.channel.server.flask_app
        app.extensions["llmtui.metrics"].count_rejection(error)
        answer = shape_of(app, _path(self.request))(error)
        body = answer.get_data()
        self.status = f"{refusal.code} {refusal.reason}"
        own = [(name, value) for name, value in answer.headers if name.lower() != "content-length"]
        self.response_headers.extend([*own, ("X-Request-Id", new_id())])
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection that is one too many, or sends too slowly, is told so in JSON."""

    error_task_class = JsonErrorTask

    def __init__(self, server: Any, *arguments: Any, **options: Any) -> None:
        self._reading_since: float | None = None
        super().__init__(server, *arguments, **options)
        self._is_surplus = len(server.active_channels) > self._settings.max_connections

    @property
    def _settings(self) -> Settings:
        settings: Settings = self.server.settings
        return settings

    def received(self, data: bytes) -> bool:
        """More of a request came. Called by the server's own thread."""
        if self._reading_since is None:
            self._reading_since = time.monotonic()
        received: bool = super().received(data)
        if self.request is None:
            self._reading_since = None
        return received

    @property
    def is_probe(self) -> bool:
        """Whether its next request asks how the server is."""
        return self.requests[0].error is None and self.requests[0].path in PROBES

    def readable(self) -> bool:
        """Asked by the server's own thread at least once a second."""
        if self._reading_since is not None and time.monotonic() - self._reading_since > self._settings.read_seconds:
            self._give_up_reading()
        readable: bool = super().readable()
        return readable

    def service(self) -> None:
        """Answer the next request. Called by a worker."""
        request = self.requests[0]
        if self._is_surplus and request.error is None and request.path != ALWAYS_ANSWERED:
            limit = self._settings.max_connections
            request.error = TooManyConnections(f"more than {limit} connections are open: try again later")
        super().service()

    def _give_up_reading(self) -> None:
        self._reading_since = None
        with self.requests_lock:
            request: Any = self.request
            self.request: Any = None
            if request is None:
                return
            if not request.headers_finished:
                request.parse_header(b"GET / HTTP/1.0\r\n")  # what the answer needs to know of it
            request.error = RequestTimeout(f"the request did not arrive within {self._settings.read_seconds:g} s")
            request.completed = True
            self.requests.append(request)
            if len(self.requests) == 1:
                self.server.add_task(self)


class Workers(ThreadedTaskDispatcher):  # type: ignore[misc]
    """The threads that answer requests: in the order they came, but probes first, however many wait."""

    def add_task(self, task: Channel) -> None:
        with self.lock:
            (self.queue.appendleft if task.is_probe else self.queue.append)(task)
            self.queue_cv.notify()


class HttpServer(TcpWSGIServer):  # type: ignore[misc]
    """The listening socket in waitress' loop.

    app, settings: for the channels, which answer some requests themselves
    """

    channel_class = Channel

    def __init__(self, app: Flask, settings: Settings, listener: socket.socket, **options: Any) -> None:
        self.flask_app = app  # waitress itself keeps it wrapped
        self.settings = settings
        workers = Workers()
        busy = settings.max_running + 2 * settings.max_waiting + MAX_PULLS
        workers.set_thread_count(busy + THREADS_BESIDES_THESE)
        super().__init__(
            app,
            _sock=listener,
            bind_socket=False,
            sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
            dispatcher=workers,
            adj=Adjustments(**options),
        )

    def handle_accept(self) -> None:
        """Take all connections that wait: one a turn would let a crowd keep everybody behind it waiting."""
        for _ in range(ACCEPTED_A_TURN):
            before = len(self.active_channels)
            super().handle_accept()
            if len(self.active_channels) == before:
                return


def _path(request: Any) -> str:
    """The path of a request; of one whose headers were not read to their end from its first line."""
    if not request.headers_finished:
        words = request.header_plus.split(b"\r\n", 1)[0].split(b" ")
        return words[1].decode("latin-1") if len(words) == 3 else "/"
    return str(getattr(request, "path", "/"))
