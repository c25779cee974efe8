"""One request alone, then several at once: what sharing a forward is worth on this machine."""

import statistics
import threading
import time

from llmtui.engine import Engine, GenerationRequest, SamplingParams
from llmtui.engine.events import Token
from llmtui.engine.stream import Stream
from llmtui.insight.lessons.observation import Crowd

REQUESTS = 8
TOKENS = 40


def try_crowd(engine: Engine, prompt: str, requests: int = REQUESTS, tokens: int = TOKENS) -> Crowd:
    """Measure; takes a few seconds. Raises EngineError where the engine does not take the requests."""
    alone, _ = _speed(engine, prompt, 1, tokens)
    together, rows = _speed(engine, prompt, requests, tokens)
    return Crowd(requests, rows, alone, together)


def _speed(engine: Engine, prompt: str, requests: int, tokens: int) -> tuple[float, int]:
    """Tokens a second of all together, from submit to the last one, and the tokens of a typical forward of decoding."""
    began = time.perf_counter()
    streams: list[Stream] = []
    try:
        for seed in range(requests):
            params = SamplingParams(max_tokens=tokens, seed=seed, top_logprobs=0, ignore_eos=True)
            streams.append(engine.submit(GenerationRequest(prompt=prompt, params=params, client=f"lesson {seed}")))
        found: list[list[Token]] = [[] for _ in streams]
        readers = [
            threading.Thread(target=_read, args=(stream, into), daemon=True)
            for stream, into in zip(streams, found, strict=True)
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
    finally:
        for stream in streams:
            stream.cancel()
    seconds = time.perf_counter() - began
    # the first token of each comes with its prompt, and the next ones may come beside prompts of others
    rows = statistics.median_low([token.rows for each in found for token in each[1:]] or [0])
    return sum(map(len, found)) / seconds, rows


def _read(stream: Stream, into: list[Token]) -> None:
    into.extend(event for event in stream if isinstance(event, Token))
