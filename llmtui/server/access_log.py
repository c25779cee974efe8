"""One log line and one id for each request."""

import logging
import re
import time
import uuid

from flask import Flask, Response, g, request

SANE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")

logger = logging.getLogger("llmtui.access")


def new_id() -> str:
    return uuid.uuid4().hex


def install(app: Flask) -> None:
    """Give each request an id (the caller's own where it is harmless) and log it when its answer has been sent."""

    @app.before_request
    def begin() -> None:
        asked = request.headers.get("X-Request-Id", "")
        g.request_id = asked if SANE_ID.fullmatch(asked) else new_id()
        g.began = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        method, path, began, request_id = request.method, request.path, g.began, g.request_id

        def log() -> None:
            milliseconds = (time.perf_counter() - began) * 1000
            # a path holds whatever a client sends, line ends included
            shown = path.encode("unicode_escape").decode("ascii")
            logger.info("%s %s %d %.1f ms %s", method, shown, response.status_code, milliseconds, request_id)

        response.call_on_close(log)
        return response
