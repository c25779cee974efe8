"""What `Engine.submit` returns: the events of one request, for one reader in any thread."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from llmtui.engine.errors import GenerationFailed
from llmtui.engine.events import Event, Failed, Finished, Lookahead, Prefilled, Started, Token


@dataclass(frozen=True, slots=True)
class GenerationResult:
    """A finished generation: its text, its tokens (the prompt's where they were asked for) and how it ended.

    lookaheads: what would have come instead of which token, where `lookahead` asked for it
    """

    started: Started
    prompt: tuple[Token, ...]
    tokens: tuple[Token, ...]
    finished: Finished
    lookaheads: tuple[Lookahead, ...] = ()

    @property
    def text(self) -> str:
        return self.finished.text


class Stream:
    """The events of one request, oldest first, ending in exactly one `Finished` or `Failed`."""

    def __init__(self, request_id: str, cancel: Callable[[], None]) -> None:
        self.request_id = request_id
        self._cancel = cancel
        self._events: queue.SimpleQueue[tuple[float, Event]] = queue.SimpleQueue()
        self._ended = False
        self._is_whole = threading.Event()
        self._told_at = 0.0
        self._opened_at = time.perf_counter()

    def put(self, event: Event) -> None:
        """Called by the engine's thread alone."""
        self._events.put((time.perf_counter(), event))
        if isinstance(event, (Finished, Failed)):
            self._is_whole.set()

    @property
    def ended(self) -> bool:
        """Whether the reader has taken the last event."""
        return self._ended

    @property
    def opened_at(self) -> float:
        """When it was made, by time.perf_counter(): the reader's own request was submitted then."""
        return self._opened_at

    @property
    def told_at(self) -> float:
        """When the engine told the event that was taken last, by time.perf_counter()."""
        return self._told_at

    def poll(self, timeout: float | None = 0.0) -> Event | None:
        """The next event; None if none comes within `timeout` seconds (None: no limit) or the last one was taken."""
        if self._ended:
            return None
        try:
            self._told_at, event = self._events.get(timeout=timeout) if timeout != 0 else self._events.get_nowait()
        except queue.Empty:
            return None
        self._ended = isinstance(event, (Finished, Failed))
        return event

    def drain(self) -> list[Event]:
        """All events that are there, without waiting."""
        events = []
        while (event := self.poll()) is not None:
            events.append(event)
        return events

    def wait_for_end(self, timeout: float) -> bool:
        """Whether the last event is there to be taken, or comes within `timeout` seconds; other events wake nobody."""
        return self._is_whole.wait(timeout)

    def __iter__(self) -> Iterator[Event]:
        while (event := self.poll(timeout=None)) is not None:
            yield event

    def result(self) -> GenerationResult:
        """Wait for the end. Raises GenerationFailed if a step failed."""
        started: Started | None = None
        prompt: list[Token] = []
        tokens: list[Token] = []
        lookaheads: list[Lookahead] = []
        # whoever wakes for every token takes the engine's cores
        self._is_whole.wait()
        for event in self:
            match event:
                case Started():
                    started = event
                case Prefilled():
                    prompt.extend(event.tokens)
                case Token():
                    tokens.append(event)
                case Lookahead():
                    lookaheads.append(event)
                case Failed():
                    raise GenerationFailed(event.error)
                case Finished():
                    if started is None:
                        started = Started(self.request_id, "", event.usage.prompt_tokens, 0, 0)
                    return GenerationResult(started, tuple(prompt), tuple(tokens), event, tuple(lookaheads))
                case _:
                    pass
        raise GenerationFailed("the stream was read to its end before result() was called")

    def cancel(self) -> None:
        """Ask the engine to stop; takes at most one step and ends in `Finished("cancelled")`."""
        self._cancel()
