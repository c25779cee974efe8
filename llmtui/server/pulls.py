"""Downloads that requests ask for: their progress, and their end when the client leaves."""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from llmtui.models.catalog import is_hub_id
from llmtui.models.download import DownloadPlan, fetch, plan
from llmtui.models.errors import LoadCancelled, ModelError, ModelNotFound
from llmtui.server.errors import LOADING_RETRY_SECONDS, ApiError
from llmtui.server.streaming import POLL_SECONDS
from llmtui.server.turnstile import step_aside

MAX_PULLS = 4  # at once; each holds a thread of the server


@dataclass(frozen=True, slots=True)
class Progress:
    """Bytes that are here, of all; commit: which state of the repository is fetched."""

    commit: str
    done: int
    total: int


class Pulls:
    """Brings models into the Hugging Face cache, a few at a time."""

    def __init__(self) -> None:
        self._room = threading.BoundedSemaphore(MAX_PULLS)

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Room for one download. Raises ApiError (429)."""
        if not self._room.acquire(blocking=False):
            message = f"{MAX_PULLS} models are being pulled already"
            raise ApiError(429, "queue_full", message, retry_after=LOADING_RETRY_SECONDS)
        try:
            yield
        finally:
            self._room.release()

    def pull(self, repo_id: str, gone: Callable[[], bool]) -> Iterator[Progress]:
        """Fetch a model. Whoever stops reading stops the download; what has come is kept for the next one.

        gone: whether to stop. Raises ModelError, ApiError (429).
        """
        if not is_hub_id(repo_id):
            raise ModelNotFound(f"{repo_id!r} is not a model of the Hub: its ids look like gpt2 or organisation/name")
        step_aside()
        with self.slot():
            download = _Download(repo_id)
            try:
                yield from download.progress(gone)
            finally:
                download.stop.set()


class _Download(threading.Thread):
    """One download in a thread of its own. The queue gets its progress, then what it ended in."""

    def __init__(self, repo_id: str) -> None:
        super().__init__(name="llmtui-pull", daemon=True)
        self.stop = threading.Event()
        self._repo_id = repo_id
        self._told: queue.SimpleQueue[Progress | ModelError | None] = queue.SimpleQueue()

    def run(self) -> None:
        try:
            wanted = plan(self._repo_id, cancelled=self.stop)
            fetch(wanted, lambda done, total: self._tell(wanted, done, total), self.stop)
            self._told.put(None)
        except ModelError as error:
            self._told.put(error)
        except Exception as error:
            self._told.put(ModelError(f"{self._repo_id} could not be pulled: {type(error).__name__}"))
            raise

    def progress(self, gone: Callable[[], bool]) -> Iterator[Progress]:
        self.start()
        while not gone():
            try:
                told = self._told.get(timeout=POLL_SECONDS)
            except queue.Empty:
                continue
            if told is None:
                return
            if isinstance(told, ModelError):
                raise told
            yield told
        raise LoadCancelled(f"pulling {self._repo_id} was stopped")

    def _tell(self, wanted: DownloadPlan, done: int, total: int) -> None:
        self._told.put(Progress(wanted.commit, done, total))
