"""Which models are in memory: the chosen one and those beside it, how long idle ones stay, who goes to make room."""

import math
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llmtui.engine.errors import ModelNotReady
from llmtui.models.errors import ModelDoesNotFit

if TYPE_CHECKING:
    from llmtui.engine.loaded import LoadedModel
    from llmtui.engine.loads import ModelInfo
    from llmtui.engine.sequence import Sequence as Generation

# so long a model waits for its first request, however short its keep-alive is: who asked for it must get to use it
FIRST_USE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Resident:
    """A model in memory, as it stands.

    weights_bytes, kv_bytes, prefix_cache_bytes, spare_bytes
                      of the weights, of the keys and values of running requests, of those kept for later ones, of
                      memory kept for those to come
    running, waiting  its requests
    last_used         when its latest request came or ended, in seconds since the epoch; loading counts, too
    keep_alive        seconds it stays after its last use; None: for ever
    expires_in        seconds until it is unloaded, if nobody uses it until then; None: it stays, or is in use
    chosen            whether requests that name no model run on it
    """

    info: "ModelInfo"
    weights_bytes: int
    kv_bytes: int
    prefix_cache_bytes: int
    spare_bytes: int
    running: int
    waiting: int
    last_used: float
    keep_alive: float | None
    expires_in: float | None
    chosen: bool


@dataclass(slots=True, eq=False)
class Place:
    """A model's place in memory. Times are of time.monotonic.

    asked       the device and the dtype that it was loaded for, as they were asked for
    keep_alive  seconds it stays after its last use; None: for ever
    users       requests and jobs that hold it
    leaving     it takes no new ones, and goes when the last has ended
    """

    loaded: "LoadedModel"
    asked: tuple[str, str]
    keep_alive: float | None
    users: int = 0
    last_used: float = field(default_factory=time.monotonic)
    was_used: bool = False
    leaving: bool = False

    @property
    def goes_at(self) -> float | None:
        """When it is to go; None: it stays, or is in use."""
        if self.users:
            return None
        if self.leaving:
            return -math.inf
        if self.keep_alive is None:
            return None
        return self.last_used + (self.keep_alive if self.was_used else max(self.keep_alive, FIRST_USE_SECONDS))

    @property
    def bytes(self) -> int:
        """Of its weights, of what is kept of requests that have ended, and of spare memory."""
        return self.loaded.info.weights_bytes + self.loaded.runner.kept_bytes


class Residents:
    """The table of resident models. Any thread may look and hold; the engine's thread alone adds and drops.

    budget: bytes of weights and caches of all of them; kept whenever one is loaded. None: no limit.
    """

    def __init__(self, budget: int | None = None) -> None:
        self._budget = budget
        self._lock = threading.Lock()
        self._places: list[Place] = []
        self._chosen: Place | None = None
        self._reserved: dict[object, int] = {}

    @property
    def chosen(self) -> "ModelInfo | None":
        place = self._chosen
        return None if place is None else place.loaded.info

    def info_of(self, name: str) -> "ModelInfo | None":
        """The facts of a model that requests may name; None for any other."""
        with self._lock:
            place = self._find(name)
            return None if place is None else place.loaded.info

    def hold(self, name: str | None) -> "LoadedModel | None":
        """The model of that name, or the chosen one; it does not go before `release`. None where there is none."""
        with self._lock:
            place = self._chosen if name is None else self._find(name)
            if place is None:
                return None
            place.users += 1
            place.was_used = True
            place.last_used = time.monotonic()
            return place.loaded

    def release(self, loaded: "LoadedModel") -> None:
        """What `hold` gave is not needed any more."""
        with self._lock:
            for place in self._places:
                if place.loaded is loaded:
                    place.users -= 1
                    place.last_used = time.monotonic()

    def renew(self, name: str, keep_alive: float | None) -> "ModelInfo | None":
        """Let a model stay so long after its last use, as if loaded just now; None where it is not resident."""
        with self._lock:
            place = self._find(name)
            if place is None:
                return None
            place.keep_alive, place.was_used, place.last_used = keep_alive, False, time.monotonic()
            return place.loaded.info

    def prefer(self, name: str, asked: tuple[str, str]) -> "ModelInfo | None":
        """Choose one of those beside the chosen one, loaded as asked for; None where there is none such."""
        with self._lock:
            place = self._find(name)
            if place is None or place is self._chosen or place.asked != asked:
                return None
            self._choose(place)
            return place.loaded.info

    def keep_alive(self, name: str, seconds: float | None) -> None:
        """Let a model stay so long after its last use. Raises ModelNotReady."""
        with self._lock:
            self._found(name).keep_alive = seconds

    def let_go(self, name: str) -> None:
        """Take no more requests for a model; it goes when those that it has end. Raises ModelNotReady."""
        with self._lock:
            place = self._found(name)
            place.leaving = True
            if place is self._chosen:
                self._chosen = None

    def views(self, generations: Sequence["Generation"]) -> tuple[Resident, ...]:
        """All that take memory, the chosen one first, then in the order they came. generations: of all models."""
        with self._lock:
            places = sorted(self._places, key=lambda place: place is not self._chosen)
            chosen = self._chosen
        return tuple(_view(p, p is chosen, [g for g in generations if g.model is p.loaded]) for p in places)

    def seconds_left(self) -> float | None:
        """Until the next one is to go; None: nobody's time runs."""
        with self._lock:
            times = [p.goes_at for p in self._places if p is not self._chosen and p.goes_at is not None]
        return max(0.0, min(times) - time.monotonic()) if times else None

    # the engine's thread

    def add(self, loaded: "LoadedModel", asked: tuple[str, str], keep_alive: float | None) -> None:
        """Make a model resident beside the chosen one."""
        with self._lock:
            self._replace(loaded, asked, keep_alive)

    def choose(self, loaded: "LoadedModel", asked: tuple[str, str]) -> None:
        """Make a model resident, and the chosen one."""
        with self._lock:
            same = self._find(loaded.info.name)
            self._choose(self._replace(loaded, asked, 0.0 if same is None else same.keep_alive))

    def drop_expired(self) -> bool:
        """Forget those whose time is up; whether there were any."""
        now = time.monotonic()
        with self._lock:
            before = len(self._places)
            self._places = [p for p in self._places if p is self._chosen or p.goes_at is None or p.goes_at > now]
            return len(self._places) < before

    def reserve(self, owner: object, name: str, needed: int, in_use: int, *, replaces_chosen: bool) -> bool:
        """Set bytes aside for a model until `give_back`; whether others had to go for it.

        Of those that nobody uses, the least recently used goes first; the chosen one last, and only where it is to be
        replaced anyway. Then what is kept of ended requests goes, and spare memory. in_use: bytes of the caches of
        running requests.
        Raises ModelDoesNotFit; then nobody went.
        """
        with self._lock:
            self._reserved.pop(owner, None)
            went = self._budget is not None and self._make_room(name, needed, in_use, self._budget, replaces_chosen)
            self._reserved[owner] = needed
            return went

    def give_back(self, owner: object) -> None:
        """End a reservation: the model has come, or will not."""
        with self._lock:
            self._reserved.pop(owner, None)

    def _make_room(self, name: str, needed: int, in_use: int, budget: int, replaces_chosen: bool) -> bool:
        missing = sum(p.bytes for p in self._places) + sum(self._reserved.values()) + in_use + needed - budget
        if missing <= 0:
            return False
        idle = [p for p in self._places if not p.users and (replaces_chosen or p is not self._chosen)]
        idle.sort(key=lambda place: (place is self._chosen, place.last_used))
        going = _enough(idle, missing)
        missing -= sum(place.bytes for place in going)
        staying = [place for place in self._places if place not in going]
        kept = sum(place.loaded.runner.kept_bytes for place in staying)
        if missing > kept:
            raise ModelDoesNotFit(name, needed, max(0, needed - missing + kept), budget)
        self._places = staying
        if self._chosen in going:
            self._chosen = None
        if missing > 0:
            for place in staying:
                place.loaded.runner.forget()
        return True

    def _replace(self, loaded: "LoadedModel", asked: tuple[str, str], keep_alive: float | None) -> Place:
        """A place for a model; another one of its name, with other weights or of another dtype, leaves."""
        same = self._find(loaded.info.name)
        if same is not None:
            same.leaving = True
        place = Place(loaded, asked, keep_alive)
        self._places.append(place)
        return place

    def _choose(self, place: Place) -> None:
        previous, self._chosen = self._chosen, place
        if previous is not None and previous.keep_alive == 0:
            previous.leaving = True

    def _find(self, name: str) -> Place | None:
        return next((p for p in self._places if p.loaded.info.name == name and not p.leaving), None)

    def _found(self, name: str) -> Place:
        place = self._find(name)
        if place is None:
            raise ModelNotReady(f"{name} is not loaded")
        return place


def _enough(places: Iterable[Place], missing: int) -> list[Place]:
    """As many of the places, from the first on, as hold so many bytes; all where they do not."""
    going: list[Place] = []
    for place in places:
        if missing <= 0:
            break
        going.append(place)
        missing -= place.bytes
    return going


def _view(place: Place, chosen: bool, generations: Sequence["Generation"]) -> Resident:
    now, goes_at = time.monotonic(), place.goes_at
    running = sum(generation.clock.started is not None for generation in generations)
    return Resident(
        info=place.loaded.info,
        weights_bytes=place.loaded.info.weights_bytes,
        kv_bytes=sum(generation.kv_bytes for generation in generations),
        prefix_cache_bytes=place.loaded.runner.prefix_bytes,
        spare_bytes=place.loaded.runner.spare_bytes,
        running=running,
        waiting=len(generations) - running,
        last_used=time.time() - (now - place.last_used),
        keep_alive=None if chosen else place.keep_alive,
        expires_in=None if chosen or goes_at is None else max(0.0, goes_at - now),
        chosen=chosen,
    )
