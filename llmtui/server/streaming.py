"""Waiting for a generation while watching that its client is still there, and answers that come in pieces."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from flask import Response

from llmtui.server.errors import ApiError, as_api_error
from llmtui.server.jsonio import dumps

POLL_SECONDS = 0.25  # how long a client may be gone unnoticed while its request waits or reads its prompt

T = TypeVar("T")

STREAM_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


def client_gone(environ: Mapping[str, Any]) -> Callable[[], bool]:
    """Asks waitress whether the connection is closed; under another server the client counts as there."""
    check: Callable[[], bool] = environ.get("waitress.client_disconnected", lambda: False)
    return check


def guarded(lines: Iterable[str], error_line: Callable[[ApiError], str]) -> Iterator[str]:
    """`lines`, and where making one fails a last one that says so: the status is sent already."""
    try:
        yield from lines
    except Exception as error:  # noqa: BLE001 - as_api_error logs what nobody expected
        yield error_line(as_api_error(error))


def written(
    bundles: Iterable[T], lines: Callable[[T], Iterable[str]], error_line: Callable[[ApiError], str]
) -> Iterator[str]:
    """What goes out at a time, the lines of a bundle of events; where making one fails, a last one that says so."""
    held: list[str] = []
    try:
        for bundle in bundles:
            for line in lines(bundle):
                held.append(line)
            if held:
                yield "".join(held)
            held = []
    except Exception as error:  # noqa: BLE001 - as_api_error logs what nobody expected
        yield "".join([*held, error_line(as_api_error(error))])


def sse_line(frame: Mapping[str, Any]) -> str:
    """A server-sent event: one `data:` line, never an `id:` (clients choke on it) or a comment."""
    return f"data: {dumps(frame)}\n\n"


def ndjson_line(frame: Mapping[str, Any]) -> str:
    return dumps(frame) + "\n"


def stream_response(lines: Iterable[str], mimetype: str, cancel: Callable[[], None]) -> Response:
    """`lines`, sent as they come; closing the answer calls `cancel`."""
    response = Response(iter(lines), mimetype=mimetype, headers=STREAM_HEADERS)
    # a generator that nobody began does not run its finally: the response's own end must cancel, too
    response.call_on_close(cancel)
    return response


def sse_response(lines: Iterable[str], cancel: Callable[[], None]) -> Response:
    return stream_response(lines, "text/event-stream", cancel)


def ndjson_response(lines: Iterable[str], cancel: Callable[[], None]) -> Response:
    return stream_response(lines, "application/x-ndjson", cancel)
