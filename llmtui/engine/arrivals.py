"""Models on their way into memory: the one that is to be chosen, and those that come beside it."""

import threading
from concurrent.futures import CancelledError
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from llmtui.engine.background import load_in_this_thread
from llmtui.engine.loads import LoadTask
from llmtui.engine.memory import return_free_memory
from llmtui.engine.residents import Residents
from llmtui.models.errors import LoadCancelled

if TYPE_CHECKING:
    from llmtui.engine.loaded import LoadedModel
    from llmtui.engine.loop import EngineLoop

POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Arrival:
    """One load: what it is for. keep_alive: seconds, of a model that comes beside the chosen one."""

    task: LoadTask
    device: str
    dtype: str
    to_be_chosen: bool
    keep_alive: float | None = None


class Arrivals:
    """Starts loads, each in a thread of its own, and hands what they bring to the engine's thread.

    prefix_cache_bytes: of keys and values that each model may keep of requests, for later ones that begin like them
    """

    def __init__(self, loop: "EngineLoop", residents: Residents, prefix_cache_bytes: int) -> None:
        self._loop = loop
        self._residents = residents
        self._prefix_cache_bytes = prefix_cache_bytes
        self._lock = threading.Lock()
        self._choice: LoadTask | None = None
        self._beside: dict[str, LoadTask] = {}

    @property
    def choice(self) -> LoadTask | None:
        """The latest load of a model to be chosen, ended or not."""
        return self._choice

    def choose(self, name: str, device: str, dtype: str) -> LoadTask:
        """Load a model to be chosen; one that is resident beside, as asked for, is chosen at once.

        A load for the choice that is still under way is stopped: the latest wish counts.
        """
        task = LoadTask(name)
        with self._lock:
            previous, self._choice = self._choice, task
            info = self._residents.prefer(name, (device, dtype))
        if previous is not None:
            previous.cancel()
        if info is not None:
            task.succeed(info)
            self._loop.wake()
            return task
        self._start(Arrival(task, device, dtype, to_be_chosen=True))
        return task

    def come_beside(self, name: str, device: str, dtype: str, keep_alive: float | None) -> LoadTask:
        """Load a model beside the chosen one, unless it is there or on its way."""
        with self._lock:
            task = self._under_way(name)
            if task is not None:
                return task
            task = LoadTask(name)
            info = self._residents.renew(name, keep_alive)
            if info is None:
                self._beside[name] = task
        if info is not None:
            task.succeed(info)
            self._loop.wake()
            return task
        self._start(Arrival(task, device, dtype, to_be_chosen=False, keep_alive=keep_alive))
        return task

    def stop(self, name: str | None = None) -> bool:
        """Stop the load of that model, or every one; whether there was one."""
        with self._lock:
            tasks = [task for task in (*self._beside.values(), self._choice) if task is not None and not task.ended]
        stopped = [task for task in tasks if name in (None, task.name)]
        for task in stopped:
            task.cancel()
        return bool(stopped)

    def why_absent(self, name: str | None) -> str:
        """Why a model is not resident, as a sentence; None: the one to be chosen."""
        with self._lock:
            if name is not None:
                return f"{name} is {'still loading' if self._under_way(name) else 'not loaded: load it first'}"
            if self._choice is None:
                return "no model is loaded"
            if not self._choice.ended:
                return "the model is still loading"
            return "no model is loaded" if self._choice.error is None else "the model could not be loaded"

    def _under_way(self, name: str) -> LoadTask | None:
        for task in (self._choice, self._beside.get(name)):
            if task is not None and task.name == name and not task.ended and not task.cancel_requested.is_set():
                return task
        return None

    def _start(self, arrival: Arrival) -> None:
        def work() -> None:
            # no name of this frame may hold the model: exceptions that the import of torch leaves behind refer to the
            # frame, and are never collected
            self._loop.call(partial(self._install, arrival, load()))

        def load() -> "LoadedModel | None":
            def make_room(needed: int) -> None:
                self._wait_for_room(arrival, needed)

            return load_in_this_thread(arrival.task, arrival.device, arrival.dtype, make_room)

        threading.Thread(target=work, name="llmtui-load", daemon=True).start()

    def _wait_for_room(self, arrival: Arrival, needed: int) -> None:
        """Have the engine's thread set so many bytes aside. Raises ModelDoesNotFit, LoadCancelled."""
        room = self._loop.run(lambda: self._make_room(arrival, needed))
        while not arrival.task.cancel_requested.is_set():
            try:
                return room.result(POLL_SECONDS)
            except TimeoutError:
                continue
            except CancelledError:  # the engine is closed
                break
        raise LoadCancelled(f"loading {arrival.task.name} was stopped")

    # the engine's thread

    def _make_room(self, arrival: Arrival, needed: int) -> None:
        task, in_use = arrival.task, self._loop.kv_bytes
        if self._residents.reserve(task, task.name, needed, in_use, replaces_chosen=arrival.to_be_chosen):
            return_free_memory()

    def _install(self, arrival: Arrival, loaded: "LoadedModel | None") -> None:
        """Make a loaded model resident; running requests keep theirs to the end. None: it could not be loaded."""
        task = arrival.task
        self._residents.give_back(task)
        if loaded is not None and not task.cancel_requested.is_set() and not self._loop.closed:
            asked = (arrival.device, arrival.dtype)
            loaded.runner.keep_at_most(self._prefix_cache_bytes)
            if arrival.to_be_chosen:
                self._residents.choose(loaded, asked)
            else:
                self._residents.add(loaded, asked, arrival.keep_alive)
            task.succeed(loaded.info)
        elif not task.ended:
            task.fail_cancelled()
        with self._lock:
            if self._beside.get(task.name) is task:
                del self._beside[task.name]
