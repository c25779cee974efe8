"""The listening socket: waitress in a daemon thread, beside a screen or alone."""

import errno
import logging
import socket
import threading
import time
from typing import Any

from flask import Flask
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import ErrorTask

from llmtui.errors import LlmtuiError
from llmtui.server.access_log import new_id
from llmtui.server.errors import ApiError, from_status, shape_of
from llmtui.settings import Settings

# Each request in the engine holds a thread, and the engine refuses more than run and wait;
# the rest answer /health and refusals at once.
THREADS_BESIDES_ENGINE = 12
CONNECTIONS_BESIDES_THREADS = 200
# A body that is somewhat too large is read to its end, so that its client reads our answer instead of a reset.
DRAINED_BYTES = 4 * 1024 * 1024
STOP_SECONDS = 0.4
FLUSH_SECONDS = 1.0
FLUSH_POLL_SECONDS = 0.01

logger = logging.getLogger(__name__)


class ServerError(LlmtuiError):
    """The API cannot listen where it was told to."""


class JsonErrorTask(ErrorTask):  # type: ignore[misc]  # waitress has no types
    """Answers what waitress itself refuses (bad request lines, huge headers and bodies) in its dialect's shape."""

    def execute(self) -> None:
        refusal = self.request.error
        error = from_status(refusal.code)
        if refusal.code != 500:
            error = ApiError(refusal.code, error.code, f"{error.message}: {refusal.body}")
        # a request line that could not be read has no path
        path = getattr(self.request, "path", "")
        body = shape_of(self.channel.server.flask_app, path)(error).get_data()
        self.status = f"{refusal.code} {refusal.reason}"
        self.response_headers.extend([("Content-Type", "application/json"), ("X-Request-Id", new_id())])
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class JsonChannel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """A connection whose protocol errors are JSON."""

    error_task_class = JsonErrorTask


class Server:
    """Serves an application on the address of the settings, from `start` to `close`."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._waitress: Any = None
        self._thread: threading.Thread | None = None
        self._port = settings.port

    @property
    def port(self) -> int:
        """The port it listens on; after `start` also where the settings left the choice (0)."""
        return self._port

    @property
    def url(self) -> str:
        host = self._settings.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self._port}"

    def start(self) -> None:
        """Listen and answer from now on. Raises ServerError, in one sentence, where that port cannot be had."""
        listener = _listen(self._settings.host, self._settings.port)
        self._port = listener.getsockname()[1]
        threads = self._settings.max_running + self._settings.max_waiting + THREADS_BESIDES_ENGINE
        self._waitress = create_server(
            self._app,
            sockets=[listener],
            threads=threads,
            connection_limit=threads + CONNECTIONS_BESIDES_THREADS,
            channel_request_lookahead=1,  # keeps reading while a request runs, which is how a closed connection is seen
            max_request_body_size=self._settings.max_body_bytes + DRAINED_BYTES,
            log_socket_errors=False,
            ident=None,
        )
        self._waitress.channel_class = JsonChannel
        self._waitress.flask_app = self._app  # waitress itself keeps it wrapped
        self._thread = threading.Thread(target=self._waitress.run, name="llmtui-http", daemon=True)
        self._thread.start()
        logger.info("listening on %s", self.url)

    def flush(self) -> None:
        """Wait until what was answered has gone out, for a second at most: closing would cut it off."""
        deadline = time.monotonic() + FLUSH_SECONDS
        while self._unsent() and time.monotonic() < deadline:
            time.sleep(FLUSH_POLL_SECONDS)

    def _unsent(self) -> bool:
        channels = list(self._waitress.active_channels.values()) if self._waitress is not None else []
        return any(channel.total_outbufs_len or channel.requests for channel in channels)

    def close(self) -> None:
        """Close the port and every connection; requests still running are cancelled. Takes under half a second."""
        server, thread = self._waitress, self._thread
        if server is None or thread is None:
            return
        self._waitress = None
        deadline = time.monotonic() + STOP_SECONDS
        # in the server's own thread: a socket closed under its select() would make it raise
        server.trigger.pull_trigger(lambda: _close_connections(server))
        server.task_dispatcher.shutdown(timeout=STOP_SECONDS)
        if not server.task_dispatcher.threads:
            # a worker that still runs may pull the trigger, whose descriptor could be someone else's by then
            _close_trigger(server.trigger)
            thread.join(max(0.0, deadline - time.monotonic()))


def _close_connections(server: Any) -> None:
    wasyncore.dispatcher.close(server)
    for channel in list(server.active_channels.values()):
        channel.handle_close()


def _close_trigger(trigger: Any) -> None:
    with trigger.lock:  # so that the loop, awake for another reason, does not close it between these two lines
        trigger.thunks.append(trigger.close)
        trigger.pull_trigger()


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = "is in use by another program: stop it, or set PORT to another one (0 takes a free one)"
        elif error.errno == errno.EACCES:
            reason = "may not be opened by this user: set PORT to 1024 or above"
        else:
            reason = f"of {host} cannot be opened ({error.strerror}): set HOST and PORT to others"
        raise ServerError(f"port {port} {reason}") from None
