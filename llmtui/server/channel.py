"""One connection: what waitress refuses before a route sees it, in the words of the dialect that was asked."""

import time
from typing import Any

from flask import Flask
from waitress.channel import HTTPChannel
from waitress.task import ErrorTask
from waitress.utilities import Error, RequestHeaderFieldsTooLarge

from llmtui.server.access_log import log_refusal, new_id
from llmtui.server.errors import ApiError, from_status, shape_of
from llmtui.settings import Settings

RETRY_SECONDS = 1.0
ALWAYS_ANSWERED = "/health"
FOR_OPERATORS = ("/health", "/ready", "/metrics", "/requests")


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
        path, request_id = _path(self.request), new_id()
        log_refusal(error, request_id, self.channel.addr[0], path)
        answer = shape_of(app, path)(error)
        body = answer.get_data()
        self.status = f"{refusal.code} {refusal.reason}"
        own = [(name, value) for name, value in answer.headers if name.lower() != "content-length"]
        self.response_headers.extend([*own, ("X-Request-Id", request_id)])
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
    def is_for_operators(self) -> bool:
        """Whether its next request asks how the server is, what it does, or that it stops something."""
        request = self.requests[0]
        path: str = "" if request.error else request.path
        return path in FOR_OPERATORS or path.startswith("/requests/")

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


def _path(request: Any) -> str:
    """The path of a request; of one whose headers were not read to their end, from its first line; else empty."""
    if not request.headers_finished:
        words = request.header_plus.split(b"\r\n", 1)[0].split(b" ")
        return words[1].decode("latin-1") if len(words) == 3 else ""
    return str(getattr(request, "path", ""))
