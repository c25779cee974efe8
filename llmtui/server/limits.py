"""How much one client may ask for: so many requests, and so many tokens in a minute.

A client is a key, or an address where there are none. /health, /ready and /metrics are never limited.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Flask, Response, request

from llmtui.engine.events import Usage
from llmtui.server.callers import caller
from llmtui.server.errors import ApiError

if TYPE_CHECKING:
    from flask_limiter import Limiter, RequestLimit

UNLIMITED_PATHS = ("/health", "/ready", "/metrics")
MINUTE = 60.0
MANY_BUCKETS = 1024  # clients whose buckets are full again are forgotten beyond it


@dataclass(slots=True)
class Bucket:
    """level: tokens that are left; below 0 where an answer took more than there were."""

    level: float
    at: float


class TokenBudget:
    """Tokens per minute for each client: a bucket of that size, which refills evenly.

    An answer is charged when it has ended, so one may overdraw; nothing begins until the bucket holds a token again.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, Bucket] = {}

    def check(self, client: str) -> None:
        """Raises ApiError (429) where the client has spent its tokens."""
        level = self.level(client)
        if level < 1:
            seconds = self._seconds(1 - level)
            message = f"the {self.per_minute} tokens of this minute are spent: try again in {math.ceil(seconds)} s"
            raise ApiError(429, "token_limit_exceeded", message, retry_after=seconds)

    def spend(self, client: str, tokens: int) -> None:
        with self._lock:
            self._refilled(client).level -= tokens
            if len(self._buckets) > MANY_BUCKETS:
                self._forget_full()

    def level(self, client: str) -> float:
        """Tokens that are left now."""
        with self._lock:
            return self._refilled(client).level if client in self._buckets else float(self.per_minute)

    def seconds_to_full(self, client: str) -> float:
        return self._seconds(self.per_minute - self.level(client))

    def _seconds(self, tokens: float) -> float:
        """How long so many tokens take to come."""
        return tokens * MINUTE / self.per_minute

    def _refilled(self, client: str) -> Bucket:
        now = self._clock()
        bucket = self._buckets.setdefault(client, Bucket(self.per_minute, now))
        bucket.level = min(self.per_minute, bucket.level + (now - bucket.at) * self.per_minute / MINUTE)
        bucket.at = now
        return bucket

    def _forget_full(self) -> None:
        self._buckets = {
            client: bucket
            for client in list(self._buckets)
            if (bucket := self._refilled(client)).level < self.per_minute
        }


class Limits:
    """Both limits, as far as they are set, and the headers that tell clients about them."""

    def __init__(self, rate: str | None, tokens_per_minute: int | None) -> None:
        self._rate = rate
        self._limiter: Limiter | None = None
        self.budget = None if tokens_per_minute is None else TokenBudget(tokens_per_minute)

    def install(self, app: Flask) -> None:
        """Count requests from here on: what was refused before, for its key, is not counted."""
        if self._rate is not None:
            from flask_limiter import Limiter

            self._limiter = Limiter(
                caller,
                application_limits=[self._rate],  # one count for all routes, not one for each
                strategy="moving-window",
                storage_uri="memory://",
                on_breach=_refuse,
            )
            self._limiter.request_filter(_is_unlimited)
            self._limiter.init_app(app)
        if self._rate is not None or self.budget is not None:
            app.after_request(self._tell)

    def check_tokens(self) -> None:
        """Raises ApiError (429) where the caller has spent its tokens."""
        if self.budget is not None:
            self.budget.check(caller())

    def spend(self, client: str, usage: Usage) -> None:
        """A generation of the client has ended."""
        if self.budget is not None:
            self.budget.spend(client, usage.total_tokens)

    def _tell(self, response: Response) -> Response:
        """OpenAI's headers, which other dialects' clients may read as well."""
        if _is_unlimited():
            return response
        counted = None if self._limiter is None else self._limiter.current_limit
        if counted is not None:
            _tell(response, "requests", counted.limit.amount, counted.remaining, _seconds_left(counted))
        if self.budget is not None:
            left = max(0, math.floor(self.budget.level(caller())))
            _tell(response, "tokens", self.budget.per_minute, left, self.budget.seconds_to_full(caller()))
        return response


def duration(seconds: float) -> str:
    """As OpenAI writes it: 200ms, 12s, 6m0s, 1h0m0s."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    minutes, left = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{left}s" if hours else f"{minutes}m{left}s" if minutes else f"{left}s"


def _tell(response: Response, kind: str, limit: int, remaining: int, reset: float) -> None:
    response.headers[f"x-ratelimit-limit-{kind}"] = str(limit)
    response.headers[f"x-ratelimit-remaining-{kind}"] = str(remaining)
    response.headers[f"x-ratelimit-reset-{kind}"] = duration(reset)


def _is_unlimited() -> bool:
    return request.path in UNLIMITED_PATHS


def _seconds_left(counted: "RequestLimit") -> float:
    """Until the oldest request that counts is forgotten."""
    return max(0.0, counted.window.reset_time - time.time())


def _refuse(breached: "RequestLimit") -> None:
    seconds = _seconds_left(breached)
    message = f"more than {breached.limit}: try again in {max(1, math.ceil(seconds))} s"
    raise ApiError(429, "rate_limit_exceeded", message, retry_after=seconds)
