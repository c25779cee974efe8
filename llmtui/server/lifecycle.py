"""Whether the server takes new work, and how it stops: what runs may finish, what comes is turned away."""

import threading
import time
from collections.abc import Callable

from flask import Flask, Response, g, request

from llmtui.engine import Engine
from llmtui.server.errors import ApiError

LAST_EVENTS_SECONDS = 2.0  # for cancelled answers to tell their clients so
POLL_SECONDS = 0.05
RETRY_SECONDS = 1.0  # behind a balancer, another instance answers the next attempt


class Lifecycle:
    """Counts the answers under way, streamed or not; once draining, refuses what asks for work."""

    def __init__(self) -> None:
        self._draining = threading.Event()
        self._changed = threading.Condition()
        self._open = 0

    @property
    def draining(self) -> bool:
        return self._draining.is_set()

    def refuse_if_draining(self) -> None:
        """Raises ApiError (503)."""
        if self.draining:
            raise ApiError(503, "shutting_down", "the server is shutting down", retry_after=RETRY_SECONDS)

    @property
    def open_answers(self) -> int:
        """POST requests whose answers are not sent to their end."""
        return self._open

    def install(self, app: Flask) -> None:
        app.before_request(self._open_answer)
        app.after_request(self._close_when_sent)

    def drain(self, engine: Engine, seconds: float, hurry: Callable[[], bool] = lambda: False) -> bool:
        """Refuse new work and let what runs finish; cancel what is left after `seconds`, and tell its clients so.

        hurry: asked again and again; ends the wait at once. Returns whether everything finished by itself.
        """
        self._draining.set()
        finished = self._wait(seconds, hurry)
        if not finished:
            for running in engine.requests():
                engine.cancel(running.id)
            self._wait(LAST_EVENTS_SECONDS, hurry)
        return finished

    def _wait(self, seconds: float, hurry: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + seconds
        with self._changed:
            while self._open and not hurry() and time.monotonic() < deadline:
                self._changed.wait(POLL_SECONDS)
            return not self._open

    def _open_answer(self) -> None:
        if request.method != "POST":
            return
        self._add(1)
        g.is_open_answer = True
        self.refuse_if_draining()  # asked after counting: draining must not miss one that slips by

    def _close_when_sent(self, response: Response) -> Response:
        if g.pop("is_open_answer", False):
            response.call_on_close(lambda: self._add(-1))
        return response

    def _add(self, count: int) -> None:
        with self._changed:
            self._open += count
            self._changed.notify_all()
