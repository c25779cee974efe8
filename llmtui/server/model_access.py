"""The models that requests name: listed, brought into memory on demand, and kept there while a request needs them."""

import math
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from flask import Response, after_this_request, request

from llmtui.engine import Engine
from llmtui.engine.errors import ModelNotReady
from llmtui.engine.loads import LoadTask, ModelInfo
from llmtui.server.allowed_models import AllowedModels
from llmtui.server.errors import LOADING_RETRY_SECONDS, ApiError, client_closed
from llmtui.server.lifecycle import Lifecycle
from llmtui.server.model_card import ModelCard, card_of_entry, model_card
from llmtui.server.streaming import POLL_SECONDS, client_gone
from llmtui.server.turnstile import step_aside
from llmtui.settings import Settings

LATEST = ":latest"
SHOWN_NAMES = 5


@dataclass(frozen=True, slots=True)
class InUse:
    """A model that stays in memory until the answer to the request at hand has gone out.

    load_seconds: how long the request waited for it to load; 0 where it was there
    """

    info: ModelInfo
    load_seconds: float


class ModelAccess:
    """Finds and loads models for requests. Names may end in `:latest`, as Ollama's do; no name means the chosen model.

    One that is loaded on demand goes KEEP_ALIVE seconds after its last use, if its request does not say otherwise.
    """

    def __init__(self, engine: Engine, settings: Settings, lifecycle: Lifecycle) -> None:
        self._engine = engine
        self._settings = settings
        self._lifecycle = lifecycle
        self._allowed = AllowedModels(settings.allowed_names())
        self._lock = threading.Lock()
        self._waiting: Counter[str] = Counter()

    def cards(self) -> list[ModelCard]:
        """What may be named: the chosen model, then the others of this machine."""
        chosen = self._engine.model
        others = [entry for entry in self._allowed.entries() if chosen is None or entry.name != chosen.name]
        return [*([] if chosen is None else [model_card(chosen)]), *map(card_of_entry, others)]

    def card(self, name: str) -> ModelCard:
        """One that may be named. Raises ApiError (404), ModelNotReady while the chosen one is being fetched."""
        known = self._known(name)
        info = self._engine.info_of(known)
        if info is not None:
            return model_card(info)
        entry = self._allowed.find(known)
        if entry is None:
            raise ModelNotReady(f"{known} is still loading")
        return card_of_entry(entry)

    def use(self, name: str | None, keep_alive: float | None = None) -> InUse:
        """A model for the request at hand, loaded if need be; it stays until the answer has gone out.

        keep_alive: seconds that it stays after that, math.inf for ever; None: the request does not say.
        Raises ApiError (404; 429 where too many wait for loads; 499 if the client leaves meanwhile, 503 if the server
        stops), ModelNotReady where no name is given and nothing is chosen yet, and the ModelError that ended the load.
        """
        load_seconds = 0.0
        known = None if name is None else self._known(name)
        held = ExitStack()
        try:
            info = held.enter_context(self._engine.hold(known))
        except ModelNotReady:
            if known is None:
                raise
            began = time.perf_counter()
            self._load(known, keep_alive)
            load_seconds = time.perf_counter() - began
            info = held.enter_context(self._engine.hold(known))

        @after_this_request
        def let_go_at_the_end(response: Response) -> Response:
            response.call_on_close(held.close)
            return response

        if keep_alive is not None and not self.is_chosen(info.name):
            self._engine.keep_alive(info.name, _for_engine(keep_alive))
        return InUse(info, load_seconds)

    def unload(self, name: str) -> bool:
        """Take a model out of memory once nothing runs on it; False for the chosen one, which stays.

        Raises ApiError (404).
        """
        known = self._known(name)
        if self.is_chosen(known):
            return False
        if self._engine.info_of(known) is not None:
            self._engine.unload(known)
        return True

    def admits(self, name: str) -> bool:
        """Whether a model of that name may be used, if there is one."""
        return self.is_chosen(name) or self._allowed.admits(name)

    def has(self, name: str) -> bool:
        """Whether there is a model of that name that may be used. Raises ModelUnsupported."""
        return self.is_chosen(name) or self._allowed.find(name) is not None

    @contextmanager
    def unused(self, name: str) -> Iterator[None]:
        """Keeps requests from loading a model meanwhile. Raises ApiError (409) if it is in memory or on its way."""
        with self._lock:
            if self.is_chosen(name) or self._waiting[name] or self._engine.info_of(name) is not None:
                raise ApiError(409, "model_in_use", f"{name} is in use: unload it first", "model")
            yield

    def is_chosen(self, name: str) -> bool:
        """Whether it is the model that the server was started with, or that its screen shows."""
        chosen, task = self._engine.model, self._engine.loading
        return name in (chosen and chosen.name, task and task.name)

    def _known(self, name: str) -> str:
        """The name as the engine knows it. Raises ApiError (404), ModelUnsupported."""
        for known in dict.fromkeys((name.removesuffix(LATEST), name)):
            if self.has(known):
                return known
        names = [card.name for card in self.cards()]
        more = ", …" if len(names) > SHOWN_NAMES else ""
        there = f"there are {', '.join(names[:SHOWN_NAMES])}{more}" if names else "none is on this machine"
        raise ApiError(404, "model_not_found", f"there is no model {name!r} here: {there}", "model")

    def _load(self, name: str, keep_alive: float | None) -> None:
        """Have a model brought into memory, and wait; others may wait for the same load."""
        gone = client_gone(request.environ)
        settings = self._settings
        seconds = settings.keep_alive_seconds if keep_alive is None else _for_engine(keep_alive)
        with self._counted(name):
            task = self._engine.load_beside(name, device=settings.device, dtype=settings.dtype, keep_alive=seconds)
            began = time.monotonic()
            step_aside()
            while not _has_ended(task):
                self._lifecycle.refuse_if_draining()  # it has not begun: another instance answers sooner
                if gone():
                    raise client_closed()
                if time.monotonic() - began > (settings.request_deadline_seconds or math.inf):
                    raise ModelNotReady(f"{name} is still loading")

    @contextmanager
    def _counted(self, name: str) -> Iterator[None]:
        """One more waits for a load; when the last one leaves before its end, it is stopped: nobody wants it."""
        with self._lock:
            if self._waiting.total() >= self._settings.max_waiting:
                message = f"{self._settings.max_waiting} requests are waiting for models already"
                raise ApiError(429, "queue_full", message, retry_after=LOADING_RETRY_SECONDS)
            self._waiting[name] += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting[name] -= 1
                if not self._waiting[name] and not self.is_chosen(name) and self._engine.info_of(name) is None:
                    self._stop(name)

    def _stop(self, name: str) -> None:
        try:
            self._engine.unload(name)
        except ModelNotReady:
            return  # its load has ended


def _for_engine(seconds: float) -> float | None:
    return None if math.isinf(seconds) else seconds


def _has_ended(task: LoadTask) -> bool:
    """Wait for a moment. Raises the ModelError that ended the load."""
    try:
        task.wait(POLL_SECONDS)
    except TimeoutError:
        return False
    return True
