"""A blocking job on a daemon thread, so that its caller can be stopped at once and never waits without bound."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from llmtui.models.errors import LoadCancelled, ModelError

TICK_SECONDS = 0.1
STOPPED = "loading was stopped"
T = TypeVar("T")


def run_stoppable(
    job: Callable[[], T],
    cancelled: threading.Event,
    *,
    timeout: float | None = None,
    on_tick: Callable[[], None] | None = None,
) -> T:
    """What `job` returns or the ModelError it raises; `on_tick` is called about ten times a second meanwhile.

    Raises LoadCancelled soon after `cancelled` is set, and TimeoutError after `timeout` seconds. Either way the thread
    is left to end by itself: the job must see to it that it does, and that nothing it does then matters.
    """
    running = _Job(job)
    deadline = None if timeout is None else time.monotonic() + timeout
    if cancelled.is_set():
        raise LoadCancelled(STOPPED)
    running.start()
    while running.is_alive():
        running.join(TICK_SECONDS)
        if cancelled.is_set():
            raise LoadCancelled(STOPPED)
        if on_tick is not None:
            on_tick()
        if deadline is not None and time.monotonic() > deadline and running.is_alive():
            raise TimeoutError
    return running.outcome()


class _Job(threading.Thread, Generic[T]):
    def __init__(self, job: Callable[[], T]) -> None:
        super().__init__(name="llmtui-download", daemon=True)
        self._job = job
        self._results: list[T] = []
        self._error: ModelError | None = None

    def run(self) -> None:
        try:
            self._results.append(self._job())
        except ModelError as error:
            self._error = error

    def outcome(self) -> T:
        if self._error is not None:
            raise self._error
        if not self._results:
            # a mistake in the job: threading.excepthook has reported it
            raise ModelError("the download failed in an unexpected way: the log says how")
        return self._results[0]
