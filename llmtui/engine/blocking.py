"""The engine for scripts and notebooks: calls that wait."""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from llmtui.engine.errors import EngineBusy, EngineClosed, GenerationFailed
from llmtui.engine.events import Failed, Finished, Token
from llmtui.engine.requests import GenerationRequest, SamplingParams
from llmtui.engine.stream import GenerationResult, Stream

if TYPE_CHECKING:
    from llmtui.engine.engine import Engine


def generate(engine: "Engine", prompts: Iterable[str], params: SamplingParams) -> list[GenerationResult]:
    """Results in the order of the prompts, of which as many run at once as the engine takes; see `Engine.generate`."""
    engine.wait_until_loaded()
    results: list[GenerationResult] = []
    running: deque[Stream] = deque()
    try:
        for prompt in prompts:
            request = GenerationRequest(prompt=prompt, params=params)
            while (stream := _submit(engine, request, alone=not running)) is None:
                results.append(_first(running))
            running.append(stream)
        while running:
            results.append(_first(running))
    finally:
        for stream in running:
            stream.cancel()
    return results


def stream(engine: "Engine", prompt: str, params: SamplingParams) -> Iterator[Token]:
    """The tokens of one continuation; see `Engine.stream`."""
    engine.wait_until_loaded()
    events = engine.submit(GenerationRequest(prompt=prompt, params=params))
    try:
        for event in events:
            if isinstance(event, Token):
                yield event
            elif isinstance(event, Failed):
                raise GenerationFailed(event.error)
            elif isinstance(event, Finished) and event.reason == "cancelled":
                raise EngineClosed
    finally:
        events.cancel()


def _first(running: deque[Stream]) -> GenerationResult:
    """Wait for the one that began first, and only then take it out: whoever interrupts the wait must still find it."""
    result = running[0].result()
    running.popleft()
    return result


def _submit(engine: "Engine", request: GenerationRequest, *, alone: bool) -> Stream | None:
    """None where the engine is full and a request of our own will make room."""
    try:
        return engine.submit(request)
    except EngineBusy:
        if alone:
            raise
    return None
