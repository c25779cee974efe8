"""So many requests are read and begun at a time; those that wait for the engine, a model or a download do not count.

Python runs one thread at a time. When a crowd comes, thirty threads that all have something to compute would make each
other, the engine and /health wait in turn for every step; three get through as fast, and let the others in.
"""

import threading

from flask import Flask, Response, g, has_app_context, request

WIDTH = 3
LONGEST_SECONDS = 1.0  # a request that computes for so long lets the next one in beside it


class Turnstile:
    """POST requests pass it one after the other; what operators ask does not."""

    def __init__(self) -> None:
        self._places = threading.Semaphore(WIDTH)

    def install(self, app: Flask) -> None:
        app.before_request(self._enter)
        app.after_request(self._leave)

    def _enter(self) -> None:
        if request.method == "POST" and self._places.acquire(timeout=LONGEST_SECONDS):
            g.leave_turnstile = self._places.release

    def _leave(self, response: Response) -> Response:
        step_aside()
        return response


def step_aside() -> None:
    """The request at hand waits from here on, and lets others through; nothing happens if it has done so before."""
    leave = g.pop("leave_turnstile", None) if has_app_context() else None
    if leave is not None:
        leave()
