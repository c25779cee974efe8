"""What llmtui is asked to do while it is measured, with the full trace: top-10, rank, entropy, stages."""

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any
from uuid import uuid4

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.errors import GenerationFailed
from llmtui.engine.events import Failed, Timings, Token
from llmtui.engine.stream import Stream

PROMPT_IDS = list(range(100, 132))
SAMPLING: dict[str, Any] = {"temperature": 0.8, "top_k": 50, "top_p": 0.95}
VOCABULARY = 5000
# tokens of the running stream before the long prompt arrives
BEFORE_THE_PROMPT = 20
# what single steps are looked at for is repeated so long: interruptions by others take a few ms of each second
SETTLED_SECONDS = 1.0


class Requests:
    """Requests that have nothing in common: a prompt, a seed and a client of its own for each.

    vocabulary: prompts are made of the token ids below it.
    """

    def __init__(self, vocabulary: int = VOCABULARY) -> None:
        self._vocabulary = vocabulary
        self._latest = 0

    def next(self, tokens: int, prompt: int = 32, **fields: Any) -> GenerationRequest:
        """One for `tokens` new tokens after `prompt` others; fields: of SamplingParams."""
        ids = self.ids(prompt)
        seed = self._latest
        params = SamplingParams(**(SAMPLING | fields), ignore_eos=True, max_tokens=tokens, seed=seed)
        return GenerationRequest(prompt_ids=ids, params=params, client=str(seed))

    def ids(self, prompt: int) -> list[int]:
        """A prompt of so many tokens that begins like no other."""
        self._latest += 1
        return [(31 * i + 97 * self._latest) % self._vocabulary for i in range(prompt)]


def engine_seconds(engine: Engine, tokens: int, *, greedy: bool) -> float:
    """Decode time of one stream, from its first token to its last."""
    fields = {"temperature": 0.0} if greedy else SAMPLING
    params = SamplingParams(**fields, max_tokens=tokens, seed=1, ignore_eos=True)
    return engine.submit(GenerationRequest(prompt_ids=PROMPT_IDS, params=params)).result().finished.timings.decode


def streams_speed(engine: Engine, requests: Requests, streams: int, tokens: int, prompt: int, **fields: Any) -> float:
    """Tokens per second of requests that come together, in all: from the first token of any to the last of all."""
    times = token_times(engine, requests, streams, tokens, prompt, **fields)
    moments = [moment for own in times for moment in own]
    return (len(moments) - streams) / (max(moments) - min(moments))


def speeds_in_turn(
    engine: Engine, requests: Requests, tokens: int, ways: Sequence[Mapping[str, Any]]
) -> tuple[float, ...]:
    """Tokens per second of one stream for each way, fields of SamplingParams that do not change the text.

    Ways differ by a few hundredths, and a machine from one moment to the next by more. So all write the same text, one
    after the other and each as often first as last, then the next text. Of each text the median step counts, from one
    token to the next as the engine tells them to a reader that does nothing else; and a way is as much slower than the
    first one as it is in the median of the texts: one moment lasts for all ways of a text, or misleads that text alone.
    """
    texts: list[list[float]] = []
    order = list(range(len(ways)))
    began = time.perf_counter()
    while not texts or time.perf_counter() - began < SETTLED_SECONDS:
        request = requests.next(tokens)
        steps = [0.0] * len(ways)
        for way in order:
            params = replace(request.params, **ways[way])
            stream = engine.submit(replace(request, params=params, request_id=uuid4().hex))
            steps[way] = statistics.median(_steps(stream))
        texts.append(steps)
        order.reverse()
    first = statistics.median(steps[0] for steps in texts)
    return tuple(1 / (first * statistics.median(steps[way] / steps[0] for steps in texts)) for way in range(len(ways)))


def _steps(stream: Stream) -> list[float]:
    """Seconds from each token of a stream to the next, as the engine tells them."""
    return [after - before for before, after in pairwise(_told(stream))]


def prefill_seconds(engine: Engine, requests: Requests, streams: int, prompt: int) -> float:
    """From the submission of prompts that come together to the first token of the last."""
    began = time.perf_counter()
    return max(own[0] for own in token_times(engine, requests, streams, 1, prompt)) - began


def token_times(
    engine: Engine, requests: Requests, streams: int, tokens: int, prompt: int, **fields: Any
) -> list[list[float]]:
    """When the engine told each token of each stream, by `time.perf_counter`. Raises GenerationFailed.

    One thread reads all of them, one after the other: readers that wake for every token take the engine's cores.
    """
    running = [engine.submit(requests.next(tokens, prompt, **fields)) for _ in range(streams)]
    return [_told(stream) for stream in running]


def _told(stream: Stream) -> list[float]:
    times = []
    for event in stream:
        if isinstance(event, Token):
            times.append(stream.told_at)
        elif isinstance(event, Failed):
            raise GenerationFailed(event.error)
    return times


def first_token_seconds(engine: Engine, requests: Requests, prompt: int, **fields: Any) -> float:
    """From submit to the first token of a prompt, alone."""
    return _first_token(_timings(engine, requests.next(1, prompt, **fields)))


def first_token_twice(engine: Engine, requests: Requests, prompt: int) -> tuple[float, float]:
    """The same for a prompt that nobody has sent before, and for the same prompt sent again."""
    request = requests.next(1, prompt)
    miss, hit = (_first_token(_timings(engine, replace(request, request_id=name))) for name in ("miss", "hit"))
    return miss, hit


def gaps_beside_a_prompt(engine: Engine, requests: Requests, prompt: int, tokens: int = 100) -> tuple[float, float]:
    """Median and 99th percentile of the gaps between the tokens of one stream, in seconds, while a prompt arrives.

    Of one stream's hundred gaps the longest would be the percentile, and whatever else the machine did meanwhile: where
    gaps are short, streams are repeated, each with a prompt of its own, and the gaps of all of them are counted.
    """
    gaps: list[float] = []
    began = time.perf_counter()
    while not gaps or time.perf_counter() - began < SETTLED_SECONDS:
        gaps += _gaps_beside_a_prompt(engine, requests, prompt, tokens)
    return statistics.median(gaps), statistics.quantiles(gaps, n=100)[98]


def _gaps_beside_a_prompt(engine: Engine, requests: Requests, prompt: int, tokens: int) -> list[float]:
    times: list[float] = []
    other: Stream | None = None
    for event in engine.submit(requests.next(tokens)):
        if isinstance(event, Token):
            times.append(time.perf_counter())
            if len(times) == BEFORE_THE_PROMPT:
                other = engine.submit(requests.next(2, prompt))
    assert other is not None
    other.result()
    return [after - before for before, after in pairwise(times)]


def _timings(engine: Engine, request: GenerationRequest) -> Timings:
    return engine.submit(request).result().finished.timings


def _first_token(timings: Timings) -> float:
    assert timings.first_token is not None
    return timings.first_token
