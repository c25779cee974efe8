"""Models on their way into memory: the one that is to be chosen, and those that come beside it."""

import threading
from concurrent.futures import CancelledError
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from llmtui.engine.background import load_in_this_thread
from llmtui.engine.errors import EngineClosed
from llmtui.engine.loads import LoadTask
from llmtui.engine.memory import return_free_memory
from llmtui.engine.residents import Residents
from llmtui.models.errors import LoadCancelled

if TYPE_CHECKING:
    from llmtui.engine.loaded import LoadedModel
    from llmtui.engine.loads import ModelInfo
    from llmtui.engine.loop import EngineLoop

POLL_SECONDS = 0.1


@dataclass(slots=True, eq=False)
class Arrival:
    """One load, and what it is for. The latest one to be chosen is so while `Arrivals` says so.

    beside      somebody waits for it beside the chosen one
    keep_alive  seconds it then stays after its last use; None: for ever
    """

    task: LoadTask
    device: str
    dtype: str
    beside: bool = False
    keep_alive: float | None = None

    @property
    def under_way(self) -> bool:
        return not self.task.ended and not self.task.cancel_requested.is_set()


class Arrivals:
    """Starts loads, each in a thread of its own, and hands what they bring to the engine's thread.

    prefix_cache_bytes: of keys and values that each model may keep of requests, for later ones that begin like them
    """

    def __init__(self, loop: "EngineLoop", residents: Residents, prefix_cache_bytes: int) -> None:
        self._loop = loop
        self._residents = residents
        self._prefix_cache_bytes = prefix_cache_bytes
        self._lock = threading.Lock()
        self._choice: Arrival | None = None
        self._beside: dict[str, Arrival] = {}
        self._closed = False

    @property
    def choice(self) -> LoadTask | None:
        """The latest load of a model to be chosen, ended or not."""
        choice = self._choice
        return None if choice is None else choice.task

    def choose(self, name: str, device: str, dtype: str) -> LoadTask:
        """Load a model to be chosen; one that is resident beside, as asked for, is chosen at once.

        A load for the choice that is still under way is stopped, as the latest wish counts, unless somebody waits for
        it beside the chosen one. Raises EngineClosed.
        """
        arrival = Arrival(LoadTask(name), device, dtype)
        with self._lock:
            self._refuse_if_closed()
            previous, self._choice = self._choice, arrival
            if previous is not None and not previous.beside:
                previous.task.cancel()
            info = self._residents.prefer(name, (device, dtype))
        return self._ready_or_started(arrival, info)

    def come_beside(self, name: str, device: str, dtype: str, keep_alive: float | None) -> LoadTask:
        """Load a model beside the chosen one, unless it is there or on its way. Raises EngineClosed."""
        with self._lock:
            self._refuse_if_closed()
            coming = self._under_way(name)
            if coming is not None:
                coming.beside, coming.keep_alive = True, keep_alive
                self._beside[name] = coming
                return coming.task
            arrival = Arrival(LoadTask(name), device, dtype, beside=True, keep_alive=keep_alive)
            info = self._residents.renew(name, keep_alive)
            if info is None:
                self._beside[name] = arrival
        return self._ready_or_started(arrival, info)

    def stop(self, name: str) -> bool:
        """Stop the loads of that model; whether there were any."""
        with self._lock:
            tasks = [arrival.task for arrival in self._all() if arrival.task.name == name and not arrival.task.ended]
            for task in tasks:
                task.cancel()
        return bool(tasks)

    def close(self) -> None:
        """Stop every load, and begin none any more."""
        with self._lock:
            self._closed = True
            for arrival in self._all():
                arrival.task.cancel()

    def why_absent(self, name: str | None) -> str:
        """Why a model is not resident, as a sentence; None: the one to be chosen."""
        with self._lock:
            if name is not None:
                return f"{name} is {'still loading' if self._under_way(name) else 'not loaded: load it first'}"
            if self._choice is None:
                return "no model is loaded"
            if not self._choice.task.ended:
                return "the model is still loading"
            return "no model is loaded" if self._choice.task.error is None else "the model could not be loaded"

    def _all(self) -> "list[Arrival]":
        """Those that may be under way."""
        return [*self._beside.values(), *([] if self._choice is None else [self._choice])]

    def _under_way(self, name: str) -> Arrival | None:
        return next((a for a in self._all() if a.task.name == name and a.under_way), None)

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise EngineClosed

    def _ready_or_started(self, arrival: Arrival, info: "ModelInfo | None") -> LoadTask:
        """The task of a load that is begun, or has ended where the model was resident: then its time may be another."""
        if info is None:
            self._start(arrival)
        else:
            arrival.task.succeed(info)
            self._loop.wake()
        return arrival.task

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
        task, in_use, to_be_chosen = arrival.task, self._loop.kv_bytes, arrival is self._choice
        if self._residents.reserve(task, task.name, needed, in_use, replaces_chosen=to_be_chosen):
            return_free_memory()

    # the engine's thread, or after its end any

    def _install(self, arrival: Arrival, loaded: "LoadedModel | None") -> None:
        """Make a loaded model resident; running requests keep theirs to the end. None: it could not be loaded."""
        task = arrival.task
        self._residents.give_back(task)
        with self._lock:
            if loaded is not None and self._is_wanted(arrival):
                self._settle(arrival, loaded)
                task.succeed(loaded.info)
            elif not task.ended:
                task.fail_cancelled()
            if self._beside.get(task.name) is arrival:
                del self._beside[task.name]

    def _is_wanted(self, arrival: Arrival) -> bool:
        still = arrival is self._choice or arrival.beside
        return still and not arrival.task.cancel_requested.is_set() and not self._loop.closed

    def _settle(self, arrival: Arrival, loaded: "LoadedModel") -> None:
        asked = (arrival.device, arrival.dtype)
        loaded.runner.keep_at_most(self._prefix_cache_bytes)
        if arrival is self._choice:
            self._residents.choose(loaded, asked)
        else:
            self._residents.add(loaded, asked, arrival.keep_alive)
