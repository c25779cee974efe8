"""Waiting for a generation while watching that its client is still there, and server-sent events."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from flask import Response

from llmtui.engine.events import Event
from llmtui.engine.stream import Stream
from llmtui.server.jsonio import dumps

POLL_SECONDS = 0.25  # how long a client may be gone unnoticed while its request waits or reads its prompt

SSE_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


def client_gone(environ: Mapping[str, Any]) -> Callable[[], bool]:
    """Asks waitress whether the connection is closed; under another server the client counts as there."""
    check: Callable[[], bool] = environ.get("waitress.client_disconnected", lambda: False)
    return check


def watch(stream: Stream, gone: Callable[[], bool]) -> Iterator[Event]:
    """The events of a request until it ends or its client leaves; whoever stops reading cancels it."""
    try:
        while not stream.ended and not gone():
            event = stream.poll(POLL_SECONDS)
            if event is not None:
                yield event
    finally:
        stream.cancel()


def sse_response(stream: Stream, frames: Iterable[Mapping[str, Any]]) -> Response:
    """`frames` as server-sent events, one `data:` line each, sent as they come; closing it cancels the request."""
    body = (f"data: {dumps(frame)}\n\n" for frame in frames)
    response = Response(body, mimetype="text/event-stream", headers=SSE_HEADERS)
    # a generator that nobody began does not run its finally: the response's own end must cancel, too
    response.call_on_close(stream.cancel)
    return response
