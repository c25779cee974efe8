"""waitress' loop over the listening socket, and the threads that answer."""

import socket
from typing import Any

from flask import Flask
from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher

from llmtui.server.channel import Channel
from llmtui.server.pulls import MAX_PULLS
from llmtui.settings import Settings

# A request holds a thread while it is in the engine, waits for a model or downloads one, and each has a bound;
# the rest answer refusals at once.
THREADS_BESIDES_THESE = 12
THREADS_FOR_OPERATORS = 2
ACCEPTED_A_TURN = 64


class Workers(ThreadedTaskDispatcher):  # type: ignore[misc]  # waitress has no types
    """The threads that answer requests, and beside them a few for what operators ask alone.

    However many requests wait or hold a thread: how the server is, what it does and how to stop it can be asked.
    """

    def __init__(self, count: int) -> None:
        super().__init__()
        self.set_thread_count(count)
        self._for_operators = ThreadedTaskDispatcher()
        self._for_operators.set_thread_count(THREADS_FOR_OPERATORS)

    @property
    def ended(self) -> bool:
        """Whether no thread is left, after `shutdown`."""
        return not self.threads and not self._for_operators.threads

    def add_task(self, task: Channel) -> None:
        """Without a word in the log where it has to wait, as waitress' own: a crowd would fill it."""
        pool = self._for_operators if task.is_for_operators else self
        with pool.lock:
            pool.queue.append(task)
            pool.queue_cv.notify()

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5.0) -> bool:
        self._for_operators.set_thread_count(0)  # they end while the others are waited for
        super().shutdown(cancel_pending, timeout)
        return bool(self._for_operators.shutdown(cancel_pending, timeout))


class HttpServer(TcpWSGIServer):  # type: ignore[misc]
    """The listening socket in waitress' loop.

    app, settings: for the channels, which answer some requests themselves
    """

    channel_class = Channel

    def __init__(self, app: Flask, settings: Settings, listener: socket.socket, **options: Any) -> None:
        self.flask_app = app  # waitress itself keeps it wrapped
        self.settings = settings
        busy = settings.max_running + 2 * settings.max_waiting + MAX_PULLS
        super().__init__(
            app,
            _sock=listener,
            bind_socket=False,
            sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
            dispatcher=Workers(busy + THREADS_BESIDES_THESE),
            adj=Adjustments(**options),
        )

    def handle_accept(self) -> None:
        """Take all connections that wait: one a turn would let a crowd keep everybody behind it waiting."""
        for _ in range(ACCEPTED_A_TURN):
            before = len(self.active_channels)
            super().handle_accept()
            if len(self.active_channels) == before:
                return
