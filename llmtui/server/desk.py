"""Where every dialect hands in its generations: what is counted, limited and remembered is so here, once for all."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from flask import Flask, Response, g

from llmtui.engine import Engine, GenerationRequest
from llmtui.engine.events import Usage
from llmtui.engine.loads import ModelInfo
from llmtui.server.access_log import Ending, Entry
from llmtui.server.answer_cache import AnswerCache, Recorder, cache_key, replayed
from llmtui.server.batch import Batch
from llmtui.server.errors import ApiError
from llmtui.server.generation import Generation, Watcher
from llmtui.server.limits import Limits
from llmtui.server.metrics import GenerationMeter, Metrics
from llmtui.server.turnstile import step_aside
from llmtui.server.usage import UsageCounter

CACHE_HEADER = "X-Llmtui-Cache"


@dataclass(frozen=True)
class Desk:
    """Takes generations, and lets those watch them who count.

    has_keys           whether a key came with every request, so that its name tells callers apart
    max_prompt_tokens  of a prompt; None: as many as the context holds
    seconds            that the generations of an HTTP request may take together; None: no limit
    """

    engine: Engine
    metrics: Metrics
    limits: Limits
    answers: AnswerCache
    has_keys: bool
    max_prompt_tokens: int | None
    seconds: float | None = None

    def install(self, app: Flask) -> None:
        app.after_request(_tell_of_cache)

    @property
    def from_cache(self) -> bool:
        """Whether nothing is computed for the HTTP request at hand, which has begun."""
        return bool(g.get("cache") == "hit")

    def begin(self, model: ModelInfo, requests: Sequence[GenerationRequest], answers: int = 1) -> Batch:
        """The generations of the HTTP request at hand, begun; those that are known already are not computed again.

        model: the one that all of them run on. answers: to each prompt, one after the other in `requests`.

        Raises ApiError (429) where the caller has spent its tokens, (400) for a prompt that is longer than this server
        reads, and what `Engine.submit` raises.
        """
        requests = [replace(request, model=model.name) for request in requests]
        for request in requests:
            self._refuse_long(request)
        began = time.perf_counter()
        keys = [self._key(request) for request in requests]
        known = [None if key is None else self.answers.get(key) for key in keys]
        if None in known:
            self.limits.check_tokens()
        entry: Entry = g.entry
        notes = [partial(entry.add, shares_prompt=index % answers > 0) for index in range(len(requests))]
        beginnings: list[Callable[[str], Generation]] = [
            partial(self._compute, request, key, began, note, entry)
            if answer is None
            else partial(self._replay, request, answer, began, note)
            for request, key, answer, note in zip(requests, keys, known, notes, strict=True)
        ]
        batch = Batch(g.request_id, beginnings)
        g.cache = "hit" if None not in known else "miss" if None not in keys else None
        self.metrics.count_lookups(keys, known)
        step_aside()
        return batch

    def _refuse_long(self, request: GenerationRequest) -> None:
        limit = self.max_prompt_tokens
        if limit is None:
            return
        prompt = request.prompt
        tokens = len((request.prompt_ids or ()) if prompt is None else self.engine.tokenize(prompt, request.model))
        if tokens > limit:
            message = f"prompt has {tokens} tokens, and this server reads {limit} at most: shorten it"
            raise ApiError(400, "prompt_too_long", message, "prompt")

    def _key(self, request: GenerationRequest) -> bytes | None:
        """Under which its answer may be kept; None where it may not."""
        model = self.engine.model if request.model is None else self.engine.info_of(request.model)
        if model is None or not self.answers.enabled:
            return None
        # what the holder of one key asked must not show in the time that another's answer takes
        return cache_key(model, request, request.client if self.has_keys else "")

    def _compute(
        self,
        request: GenerationRequest,
        key: bytes | None,
        began: float,
        note: Callable[[Usage], None],
        entry: Entry,
        name: str,
    ) -> Generation:
        def charge(usage: Usage) -> None:
            note(usage)
            self.limits.spend(request.client, usage)

        key_name = request.client if self.has_keys else ""
        watchers: list[Watcher] = [GenerationMeter(self.metrics, key_name), UsageCounter(charge), Ending(entry)]
        stream = self.engine.submit(replace(request, request_id=name, deadline=self._left(began)))
        if key is not None and key == self._key(request):  # else the model was changed in between
            watchers.append(Recorder(self.answers, key, []))
        return Generation(stream, watchers)

    def _left(self, began: float) -> float | None:
        """Seconds that are left to a generation of an HTTP request which began then."""
        return None if self.seconds is None else max(1e-3, self.seconds - (time.perf_counter() - began))

    def _replay(
        self, request: GenerationRequest, answer: bytes, began: float, note: Callable[[Usage], None], name: str
    ) -> Generation:
        return Generation(replayed(answer, replace(request, request_id=name), began), [UsageCounter(note)])


def _tell_of_cache(response: Response) -> Response:
    """hit: nothing was computed. miss: some was, and will not be again. Without the header: chance has a part in it."""
    if g.get("cache"):
        response.headers[CACHE_HEADER] = g.cache
    return response
