"""The listening socket: waitress in a daemon thread, beside a screen or alone."""

import errno
import logging
import os
import socket
import threading
import time
from typing import Any

from flask import Flask
from waitress import wasyncore

from llmtui.errors import LlmtuiError
from llmtui.server.listener import HttpServer
from llmtui.settings import Settings

# Connections beyond MAX_CONNECTIONS are answered with a refusal; those beyond that wait to be accepted.
REFUSED_CONNECTIONS = 256
# A body that is somewhat too large is read to its end, so that its client reads our answer instead of a reset.
DRAINED_BYTES = 4 * 1024 * 1024
STOP_SECONDS = 0.4
FLUSH_SECONDS = 1.0
FLUSH_POLL_SECONDS = 0.01

logger = logging.getLogger(__name__)


class ServerError(LlmtuiError):
    """The API cannot listen where it was told to."""


class Server:
    """Serves an application on the address of the settings, from `start` to `close`."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._waitress: HttpServer | None = None
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
        settings = self._settings
        listener = _listen(settings.host, settings.port)
        self._port = listener.getsockname()[1]
        self._waitress = HttpServer(
            self._app,
            settings,
            listener,
            connection_limit=settings.max_connections + REFUSED_CONNECTIONS,
            asyncore_use_poll=True,  # select() knows no descriptor above 1023
            channel_request_lookahead=1,  # keeps reading while a request runs, which is how a closed connection is seen
            max_request_header_size=settings.max_header_bytes,
            max_request_body_size=settings.max_body_bytes + DRAINED_BYTES,
            log_socket_errors=False,
            ident=None,
            **_proxy_options(settings),
        )
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
        if server.task_dispatcher.ended:
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


def _proxy_options(settings: Settings) -> dict[str, Any]:
    """Whom to believe about who asks: nobody, or one proxy. What others say of it is not passed on."""
    if settings.trusted_proxy is None:
        return {"clear_untrusted_proxy_headers": True}
    return {
        "trusted_proxy": settings.trusted_proxy,
        "trusted_proxy_count": 1,
        "trusted_proxy_headers": {"x-forwarded-for"},
        "clear_untrusted_proxy_headers": True,
        "log_untrusted_proxy_headers": False,
    }


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = "is in use by another program: stop it, or set PORT to another one (0 takes a free one)"
        elif error.errno == errno.EACCES:
            reason = "may not be opened by this user: set PORT to 1024 or above"
        else:
            # Python's own text also tells the address, which stands before it already
            known = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
            reason = f"of {host} cannot be opened ({known}): set HOST and PORT to others"
        raise ServerError(f"port {port} {reason}") from None
