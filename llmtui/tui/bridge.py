"""The only place where threads meet the screen: what the engine's threads leave behind is picked up here by a timer.

Workers of Textual would be waited for at exit; these threads are daemons and are not.
"""

import logging
import queue
import threading
from collections.abc import Callable
from typing import Final, TypeVar

from textual.message_pump import MessagePump

from llmtui.engine import Engine
from llmtui.engine.errors import EngineError
from llmtui.engine.events import Event
from llmtui.engine.loads import LoadProgress, LoadTask
from llmtui.engine.requests import GenerationRequest
from llmtui.engine.stream import Stream
from llmtui.models.errors import LoadCancelled
from llmtui.tui.messages import Arrived, LoadFailed, LoadMoved, ModelLoaded, Refused

T = TypeVar("T")
P = TypeVar("P")
TICK_SECONDS: Final = 1 / 15

logger = logging.getLogger(__name__)


class Bridge:
    """Starts loads and generations, and posts to one node what becomes of them, in batches.

    All methods are for the screen's own thread. While there is nothing to pick up, nothing ticks.
    """

    def __init__(self, engine: Engine, node: MessagePump) -> None:
        self._engine = engine
        self._post = node.post_message
        self._timer = node.set_interval(TICK_SECONDS, self.tick, pause=True)
        self._load: LoadTask | None = None
        self._progress: LoadProgress | None = None
        self._stream: Stream | None = None
        self._submitting = False
        self._cancel_wanted = False
        self._jobs = 0
        self._results: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    @property
    def generating(self) -> bool:
        """Whether a request was made that has not ended."""
        return self._submitting or self._stream is not None

    @property
    def loading(self) -> str | None:
        """The name of the model being loaded."""
        return None if self._load is None else self._load.name

    def load(self, start: Callable[[], LoadTask]) -> None:
        """Begin a load; a former one is stopped by the engine and forgotten here."""
        self._load = start()
        self._progress = None
        self._timer.resume()

    def cancel_load(self) -> None:
        """Stop the load under way, if there is one."""
        if self._load is not None:
            self._load.cancel()

    def generate(self, request: GenerationRequest) -> None:
        """Hand a request to the engine. Tokenising a long prompt takes time, so another thread does it."""
        self._submitting, self._cancel_wanted = True, False
        self.run(lambda: self._engine.submit(request), self._accepted, self._refused)

    def follow(self, stream: Stream) -> None:
        """Post the events of a request that somebody else made."""
        self._stream = stream
        self._timer.resume()

    def cancel_generation(self) -> None:
        """Stop the running generation, within one step."""
        self._cancel_wanted = True
        if self._stream is not None:
            self._stream.cancel()

    def run(self, job: Callable[[], T], then: Callable[[T], None], failed: Callable[[Exception], None]) -> None:
        """Do a short job in a thread of its own; `then` or `failed` runs in the screen's thread."""

        self.run_reporting(lambda _: job(), lambda _: None, then, failed)

    def run_reporting(
        self,
        job: Callable[[Callable[[P], None]], T],
        moved: Callable[[P], None],
        then: Callable[[T], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Do a longer job that reports: it is given a function to call; `moved` gets what it says, in order."""

        def end(report: Callable[[], None]) -> None:
            self._jobs -= 1
            report()

        def work() -> None:
            try:
                result = job(lambda news: self._results.put(lambda: moved(news)))
            except Exception as error:  # noqa: BLE001 - handed over to `failed`
                problem = error
                self._results.put(lambda: end(lambda: failed(problem)))
            else:
                self._results.put(lambda: end(lambda: then(result)))

        self._jobs += 1
        threading.Thread(target=work, name="llmtui-job", daemon=True).start()
        self._timer.resume()

    def tick(self) -> None:
        """Pick up what there is, and rest if no more is to come."""
        while not self._results.empty():
            self._results.get_nowait()()
        self._follow_load()
        self._follow_stream()
        if self._load is None and self._stream is None and not self._jobs:
            self._timer.pause()

    def _accepted(self, stream: Stream) -> None:
        self._submitting = False
        self._stream = stream
        if self._cancel_wanted:
            stream.cancel()

    def _refused(self, error: Exception) -> None:
        self._submitting = False
        if not isinstance(error, EngineError):
            logger.error("a request was not taken", exc_info=error)
        self._post(Refused(_sentence(error)))

    def _follow_stream(self) -> None:
        stream = self._stream
        if stream is None:
            return
        told: list[tuple[Event, float]] = []
        while (event := stream.poll()) is not None:
            told.append((event, stream.told_at - stream.opened_at))
        if stream.ended:
            self._stream = None
        if told:
            events, times = zip(*told, strict=True)
            self._post(Arrived(events, times))

    def _follow_load(self) -> None:
        task = self._load
        if task is None:
            return
        if not task.ended:
            if task.progress != self._progress:
                self._progress = task.progress
                self._post(LoadMoved(task.name, task.progress))
            return
        self._load = None
        if task.info is not None:
            self._post(ModelLoaded(task.info))
        else:
            error = task.error or LoadCancelled(f"loading {task.name} was stopped")
            self._post(LoadFailed(task.name, _sentence(error), isinstance(error, LoadCancelled)))


def _sentence(error: Exception) -> str:
    return str(error) or type(error).__name__
