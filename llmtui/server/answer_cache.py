"""Answers that are known already: generations that are deterministic by construction, kept as the events they told.

A generation is so if it is greedy or has a seed. Its events are kept, not a dialect's text: a request that streams is
answered from one that did not, and every dialect writes the answer in its own words.
"""

import hashlib
import pickle
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from llmtui.engine import GenerationRequest
from llmtui.engine.events import Event, Finished, Queued, Started, Timings
from llmtui.engine.loads import ModelInfo
from llmtui.engine.stream import Stream
from llmtui.server.model_card import model_card

LARGEST_SHARE = 4  # an answer of more than this part of the room would push too many others out
WHOLE = ("stop", "length")  # not what was cancelled or cut by its deadline
# what a request says besides that does not change its answer; the model's facts count, not how it was named
_OF_THE_CALLER: dict[str, Any] = {"request_id": "", "client": "", "model": None, "deadline": None, "parent": None}


def cache_key(model: ModelInfo, request: GenerationRequest, salt: str) -> bytes | None:
    """What an answer depends on, as a digest; None where it also depends on chance.

    model: its files, dtype and device, too. salt: answers are shared only between those with the same.
    """
    params = request.params
    if params.temperature == 0:
        params = replace(params, seed=None)  # nothing is drawn
    elif params.seed is None:
        return None
    asked = replace(request, params=params, **_OF_THE_CALLER)
    facts = (salt, model_card(model).digest, replace(model, load_seconds=0.0), asked)
    return hashlib.sha256(repr(facts).encode()).digest()


class AnswerCache:
    """The events of answers by key, as bytes: at most `capacity` of them, the least recently used goes first."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._answers: OrderedDict[bytes, bytes] = OrderedDict()
        self._bytes = 0

    @property
    def enabled(self) -> bool:
        return self._capacity > 0

    @property
    def bytes_held(self) -> int:
        return self._bytes

    def get(self, key: bytes) -> bytes | None:
        with self._lock:
            answer = self._answers.get(key)
            if answer is not None:
                self._answers.move_to_end(key)
            return answer

    def put(self, key: bytes, events: Sequence[Event]) -> None:
        answer = pickle.dumps(tuple(events), pickle.HIGHEST_PROTOCOL)
        if len(answer) > self._capacity / LARGEST_SHARE:
            return
        with self._lock:
            self._bytes += len(answer) - len(self._answers.pop(key, b""))
            self._answers[key] = answer
            while self._bytes > self._capacity:
                _, oldest = self._answers.popitem(last=False)
                self._bytes -= len(oldest)


@dataclass(frozen=True, slots=True)
class Recorder:
    """A watcher that keeps a generation's events, and hands them to the cache if it ends as it should."""

    cache: AnswerCache
    key: bytes
    events: list[Event]

    def see(self, event: Event, _told_at: float, /) -> None:
        self.events.append(event)
        if isinstance(event, Finished) and event.reason in WHOLE:
            self.cache.put(self.key, self.events)

    def client_left(self) -> None:
        """Half an answer is none."""


def replayed(answer: bytes, request: GenerationRequest, began: float) -> Stream:
    """The events of a known answer as those of this request. began: `time.perf_counter()` when it was asked.

    They tell how a token was chosen when it was computed. Nothing is computed now, so nothing waited, read or wrote:
    all of the prompt counts as cached, and the time is that of looking it up.
    """
    events: tuple[Event, ...] = pickle.loads(answer)
    stream = Stream(request.request_id, lambda: None)
    for event in events:
        stream.put(_as_replayed(event, request, began))
    return stream


def _as_replayed(event: Event, request: GenerationRequest, began: float) -> Event:
    match event:
        case Queued():
            return replace(event, request_id=request.request_id, position=0)
        case Started():
            seed = event.seed if request.params.seed is None else request.params.seed
            return replace(event, request_id=request.request_id, seed=seed, cached_tokens=event.prompt_tokens)
        case Finished():
            taken = time.perf_counter() - began
            first = None if event.timings.first_token is None else taken
            usage = replace(event.usage, cached_tokens=event.usage.prompt_tokens)
            return replace(event, usage=usage, timings=Timings(0.0, 0.0, first, 0.0, taken))
        case _:
            return event
