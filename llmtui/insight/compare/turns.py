"""How a model's process keeps to its turns: its engine is halted between two steps while another's computes."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from llmtui.engine import Engine
from llmtui.engine.events import Event, Timings, Token
from llmtui.engine.stream import Stream

if TYPE_CHECKING:
    from llmtui.engine.loaded import LoadedModel

# Short enough for texts that seem to grow at once, long enough for caches to be warm nearly all of the time.
TURN_SECONDS: Final = 0.1


class Turns:
    """Generates over as many turns as it takes, and knows how long it had none.

    pass_on: gives the turn back, and returns with the next one.
    """

    def __init__(self, engine: Engine, pass_on: Callable[[], None]) -> None:
        self._engine = engine
        self._pass_on = pass_on
        self._waited_for_first = 0.0
        self._waited_after_first = 0.0
        self._writing = False

    def events(self, stream: Stream) -> Iterator[Event]:
        """The events of the one request that runs. A turn ends with the first step that ends after `TURN_SECONDS`."""
        began = time.perf_counter()
        for event in stream:
            yield self._seen(event)
            if time.perf_counter() - began >= TURN_SECONDS and not stream.ended:
                yield from self._pause(stream)
                began = time.perf_counter()

    def own(self, timings: Timings) -> Timings:
        """Timings of the request without the time that it had no turn."""
        waited = self._waited_for_first + self._waited_after_first
        first = timings.first_token
        return replace(
            timings,
            prefill=timings.prefill - self._waited_for_first,
            first_token=None if first is None else first - self._waited_for_first,
            decode=timings.decode - self._waited_after_first,
            total=timings.total - waited,
        )

    def _seen(self, event: Event) -> Event:
        self._writing = self._writing or isinstance(event, Token)
        return event

    def _pause(self, stream: Stream) -> Iterator[Event]:
        """Halt the engine, yield what it did until then, and wait for the next turn."""
        halted, resume = threading.Event(), threading.Event()

        def halt(_: "LoadedModel") -> float:
            began = time.perf_counter()
            halted.set()
            resume.wait()
            return time.perf_counter() - began

        waiting = self._engine.run_job(halt)
        # an engine that has ended halts nothing
        waiting.add_done_callback(lambda _: halted.set())
        try:
            halted.wait()
            for event in stream.drain():
                yield self._seen(event)
            if not stream.ended:
                self._pass_on()
        finally:
            resume.set()
        if self._writing:
            self._waited_after_first += waiting.result()
        else:
            self._waited_for_first += waiting.result()
