"""Where every dialect hands in its generations: what is counted, limited and remembered is so here, once for all."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from flask import Flask, Response, g

from llmtui.engine import Engine, GenerationRequest
from llmtui.engine.events import Usage
from llmtui.engine.loads import ModelInfo
from llmtui.server.answer_cache import AnswerCache, Recorder, cache_key, replayed
from llmtui.server.batch import Batch
from llmtui.server.generation import Generation, Watcher
from llmtui.server.limits import Limits
from llmtui.server.metrics import GenerationMeter, Metrics
from llmtui.server.usage import UsageCounter

CACHE_HEADER = "X-Llmtui-Cache"


@dataclass(frozen=True)
class Desk:
    """Takes generations, and lets those watch them who count."""

    engine: Engine
    metrics: Metrics
    limits: Limits
    answers: AnswerCache

    def install(self, app: Flask) -> None:
        app.after_request(_tell_of_cache)

    @property
    def from_cache(self) -> bool:
        """Whether nothing is computed for the HTTP request at hand, which has begun."""
        return bool(g.get("cache") == "hit")

    def begin(self, model: ModelInfo, requests: Sequence[GenerationRequest]) -> Batch:
        """The generations of the HTTP request at hand, begun; those that are known already are not computed again.

        model: the one that all of them run on.

        Raises ApiError (429) where the caller has spent its tokens, and what `Engine.submit` raises.
        """
        began = time.perf_counter()
        requests = [replace(request, model=model.name) for request in requests]
        keys = [self._key(model, request) for request in requests]
        known = [None if key is None else self.answers.get(key) for key in keys]
        if None in known:
            self.limits.check_tokens()
        beginnings: list[Callable[[str], Generation]] = [
            partial(self._compute, request, key) if answer is None else partial(self._replay, request, answer, began)
            for request, key, answer in zip(requests, keys, known, strict=True)
        ]
        batch = Batch(g.request_id, beginnings)
        g.cache = "hit" if None not in known else "miss" if None not in keys else None
        self.metrics.count_lookups(keys, known)
        return batch

    def _key(self, model: ModelInfo, request: GenerationRequest) -> bytes | None:
        """Under which its answer may be kept; None where it may not."""
        if not self.answers.enabled:
            return None
        # what the holder of one key asked must not show in the time that another's answer takes
        return cache_key(model, request, g.get("key_name", ""))

    def _compute(self, request: GenerationRequest, key: bytes | None, name: str) -> Generation:
        def charge(usage: Usage) -> None:
            self.limits.spend(request.client, usage)

        watchers: list[Watcher] = [GenerationMeter(self.metrics), UsageCounter(charge)]
        if key is not None:
            watchers.append(Recorder(self.answers, key, []))
        return Generation(self.engine.submit(replace(request, request_id=name)), watchers)

    def _replay(self, request: GenerationRequest, answer: bytes, began: float, name: str) -> Generation:
        return Generation(replayed(answer, replace(request, request_id=name), began), [])


def _tell_of_cache(response: Response) -> Response:
    """hit: nothing was computed. miss: some was, and will not be again. Without the header: chance has a part in it."""
    if g.get("cache"):
        response.headers[CACHE_HEADER] = g.cache
    return response
