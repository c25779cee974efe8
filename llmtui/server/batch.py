"""The generations that one HTTP request asks for: one, or several that share its connection."""

import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from llmtui.engine.errors import EngineBusy
from llmtui.engine.events import Event
from llmtui.server.generation import Generation
from llmtui.server.streaming import POLL_SECONDS

# One request may ask for a hundred answers: only so many of them are in the engine at a time, the others stay here.
WINDOW = 4
SHARED_POLL_SECONDS = 0.02  # how long the other generations of a request may wait unread while one is listened to


def engine_id(request_id: str) -> str:
    """An id for one generation of an HTTP request, whose own may be the client's choice and come twice."""
    return f"{request_id}.{uuid.uuid4().hex[:8]}"


class Batch:
    """Runs generations, a few at a time, and merges what they report. The first ones are submitted at once.

    beginnings: begin each, under the id they are given. What the first one raises is raised; that the others find the
    queue full is waited out.
    """

    def __init__(
        self,
        request_id: str,
        beginnings: Sequence[Callable[[str], Generation]],
    ) -> None:
        self._waiting = deque((index, engine_id(request_id), begin) for index, begin in enumerate(beginnings))
        self._active: dict[int, Generation] = {}
        self._submit_next()
        try:
            self._fill()
        except BaseException:
            self.cancel()
            raise

    def events(self, gone: Callable[[], bool]) -> Iterator[tuple[int, Event]]:
        """Each event with the number of its generation, until all have ended or the client leaves.

        Whoever stops reading cancels what is left. Raises what a later generation's beginning raises.
        """
        try:
            while (self._active or self._waiting) and not gone():
                yield from self._ready_events()
                self._fill()
        finally:
            self.cancel()

    def only_events(self, gone: Callable[[], bool]) -> Iterator[Event]:
        """`events` of a batch of one."""
        return (event for _, event in self.events(gone))

    def cancel(self) -> None:
        """Stop everything that runs and forget the rest: nobody reads on."""
        self._waiting.clear()
        for generation in self._active.values():
            generation.leave()
        self._active.clear()

    def _ready_events(self) -> Iterator[tuple[int, Event]]:
        """What is there, of all; where nothing is, what comes next."""
        if not self._active:  # the queue was full for those that are left
            threading.Event().wait(POLL_SECONDS)
            return
        alone = len(self._active) == 1
        quiet = True
        for index, generation in list(self._active.items()):
            while not alone and (event := generation.poll()) is not None:
                quiet = False
                yield index, event
            self._forget_ended(index)
        if quiet:
            index, generation = next(iter(self._active.items()))
            event = generation.poll(POLL_SECONDS if alone else SHARED_POLL_SECONDS)
            if event is not None:
                yield index, event
            self._forget_ended(index)

    def _forget_ended(self, index: int) -> None:
        if index in self._active and self._active[index].ended:
            del self._active[index]

    def _fill(self) -> None:
        try:
            while self._waiting and len(self._active) < WINDOW:
                self._submit_next()
        except EngineBusy:
            return

    def _submit_next(self) -> None:
        index, name, begin = self._waiting[0]
        self._active[index] = begin(name)
        self._waiting.popleft()
