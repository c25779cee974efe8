"""Numbers for Prometheus, in a registry of their own, so that several servers in one process stay apart."""

import time
from collections.abc import Sequence
from typing import Any

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from llmtui.engine import Engine
from llmtui.engine.events import Event, Finished, Started, Token
from llmtui.server.answer_cache import AnswerCache
from llmtui.server.engine_numbers import EngineNumbers
from llmtui.server.errors import ApiError

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
TOKEN_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
ROWS = (1, 2, 4, 8, 16, 32)
REJECTED = (401, 403, 408, 413, 429, 431, 503)
"""What the server turned away before doing anything."""


class Metrics:
    """What operators watch. Counts what came over HTTP; see EngineNumbers for the engine and the machine.

    key: the name of the key that came with a request, never the key; empty where there was none.
    """

    def __init__(self, engine: Engine, answers: AnswerCache) -> None:
        self.registry = CollectorRegistry()
        self.requests = self._make(Counter, "requests", "answers sent", ("route", "code", "key"))
        self.tokens = self._make(Counter, "tokens", "tokens read (prompt) and written (completion)", ("kind", "key"))
        self.cancelled = self._make(Counter, "cancelled", "generations stopped before their end", ("cause",))
        self.rejected = self._make(Counter, "rejected", "requests turned away", ("cause",))
        self.first_token = self._make(Histogram, "ttft_seconds", "from submit to the first token", buckets=SECONDS)
        self.between = self._make(Histogram, "inter_token_seconds", "from token to token", buckets=TOKEN_SECONDS)
        self.queue_wait = self._make(Histogram, "queue_wait_seconds", "from submit to the start", buckets=SECONDS)
        self.rows = self._make(Histogram, "batch_rows", "rows in the forward that made a token", buckets=ROWS)
        self.cache_hits = self._make(Counter, "answer_cache_hits", "generations that were not computed again")
        self.cache_misses = self._make(Counter, "answer_cache_misses", "generations that will not be again")
        self._make(Gauge, "answer_cache_bytes", "room that kept answers take").set_function(lambda: answers.bytes_held)
        self.registry.register(EngineNumbers(engine))

    def install(self, app: Flask) -> None:
        app.extensions["llmtui.metrics"] = self
        app.after_request(self._count_answer)

    def text(self) -> Response:
        """All numbers in Prometheus' text format."""
        return Response(generate_latest(self.registry), content_type=CONTENT_TYPE_LATEST)

    def count_rejection(self, error: ApiError) -> None:
        if error.status in REJECTED:
            self.rejected.labels(error.code).inc()

    def count_lookups(self, keys: Sequence[bytes | None], known: Sequence[bytes | None]) -> None:
        """The answers of one request: by their keys, where they may be kept, and those that are known."""
        hits = sum(answer is not None for answer in known)
        self.cache_hits.inc(hits)
        self.cache_misses.inc(sum(key is not None for key in keys) - hits)

    def _make(self, kind: Any, name: str, description: str, labels: tuple[str, ...] = (), **options: Any) -> Any:
        return kind(f"llmtui_{name}", description, labels, registry=self.registry, **options)

    def _count_answer(self, response: Response) -> Response:
        # the rule, not the path: whatever clients make up must not make series
        route = "other" if request.url_rule is None else request.url_rule.rule
        self.requests.labels(route, response.status_code, g.get("key_name", "")).inc()
        error: ApiError | None = g.get("error")
        if error is not None:
            self.count_rejection(error)
        return response


class GenerationMeter:
    """Watches the events of one generation go by.

    key: the name of the key that it is for; empty where there are none
    """

    def __init__(self, metrics: Metrics, key: str) -> None:
        self._metrics = metrics
        self._key = key
        self._written = metrics.tokens.labels("completion", key)
        self._submitted = time.perf_counter()
        self._last: float | None = None

    def see(self, event: Event, told_at: float, /) -> None:
        """Count what an event tells, and when."""
        metrics = self._metrics
        match event:
            case Started():
                metrics.queue_wait.observe(told_at - self._submitted)
                metrics.tokens.labels("prompt", self._key).inc(event.prompt_tokens)
            case Token():
                self._see_token(event, told_at)
            case Finished(reason="cancelled"):
                metrics.cancelled.labels("server").inc()
            case Finished(reason="deadline"):
                metrics.cancelled.labels("deadline").inc()
            case _:
                pass

    def client_left(self) -> None:
        self._metrics.cancelled.labels("client").inc()

    def _see_token(self, token: Token, now: float) -> None:
        metrics = self._metrics
        self._written.inc()
        metrics.rows.observe(token.rows)
        if self._last is None:
            metrics.first_token.observe(now - self._submitted)
        else:
            metrics.between.observe(now - self._last)
        self._last = now
