"""One log line and one id for each request: JSON, one object a line."""

import json
import logging
import re
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, g, request

from llmtui.engine.events import Event, Failed, Finished, Usage
from llmtui.server.errors import ApiError
from llmtui.system.logs import ACCESS_LOGGER

SANE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
LONGEST_PATH = 300

logger = logging.getLogger(ACCESS_LOGGER)


@dataclass(slots=True)
class Entry:
    """What an answer takes, gathered until it has been sent. Tokens are those that were read and written for it.

    error: why it ended too early, if it did so after its status was sent
    """

    began: float
    prompt_tokens: int = 0
    completion_tokens: int = 0
    error: str | None = None

    def add(self, usage: Usage, *, shares_prompt: bool = False) -> None:
        """One of its generations has ended. shares_prompt: with one whose prompt is counted."""
        self.prompt_tokens += 0 if shares_prompt else usage.prompt_tokens
        self.completion_tokens += usage.completion_tokens

    def blame(self, code: str) -> None:
        """One of its generations ended too early; the first one tells why, the others were stopped with it."""
        self.error = self.error or code


@dataclass(frozen=True, slots=True)
class Ending:
    """A watcher of a generation that tells the log where it did not come to its end."""

    entry: Entry

    def see(self, event: Event, _told_at: float, /) -> None:
        match event:
            case Failed():
                self.entry.blame("generation_failed")
            case Finished(reason="cancelled"):
                self.entry.blame("cancelled")
            case _:
                pass

    def client_left(self) -> None:
        self.entry.blame("client_closed_request")


def new_id() -> str:
    return uuid.uuid4().hex


def install(app: Flask) -> None:
    """Give each request an id (the caller's own where it is harmless) and log it when its answer has been sent."""

    @app.before_request
    def begin() -> None:
        asked = request.headers.get("X-Request-Id", "")
        g.request_id = asked if SANE_ID.fullmatch(asked) else new_id()
        g.entry = Entry(time.perf_counter())

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        entry: Entry = g.entry
        facts = _facts(response.status_code)

        def log() -> None:
            taken = {
                "error": facts["error"] or entry.error,
                "prompt_tokens": entry.prompt_tokens,
                "completion_tokens": entry.completion_tokens,
                "seconds": round(time.perf_counter() - entry.began, 6),
            }
            logger.info("%s", json.dumps(facts | taken))  # ASCII: a path holds whatever a client sends

        response.call_on_close(log)
        return response


def log_refusal(error: ApiError, request_id: str, address: str, path: str) -> None:
    """A line for what was refused before it was a request: too large, too slow, one too many, or not HTTP."""
    facts = dict.fromkeys(("key", "method", "route", "cache"))
    known = {"time": _now(), "request_id": request_id, "address": address, "path": path[:LONGEST_PATH]}
    logger.info("%s", json.dumps(known | facts | {"status": error.status, "error": error.code}))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _facts(status: int) -> dict[str, Any]:
    """What is known of the request at hand when its answer begins."""
    error: ApiError | None = g.get("error")
    return {
        "time": _now(),
        "request_id": g.request_id,
        "key": g.get("key_name"),
        "address": request.remote_addr,
        "method": request.method,
        "route": None if request.url_rule is None else request.url_rule.rule,
        "path": request.path[:LONGEST_PATH],
        "status": status,
        "error": None if error is None else error.code,
        "cache": g.get("cache"),
    }
